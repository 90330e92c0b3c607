use super::state::{InFlight, States, code};
use super::{Asker, Balance, Owner, round, takes};
use http::HeaderMap;
use model::snapshot::{Affinity, Algorithm, Canary, HashKey, Mirror, Retries, TargetRules, Traffic};
use model::{ApiId, Timestamp};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp::from_seconds(1_795_219_200);

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("http://target-{n}")).collect()
}

fn compile(count: usize, traffic: &Traffic) -> Balance {
    let states = States::default();
    let owner = Owner { api: ApiId::new(uuid::Uuid::from_u128(1)), production: true, states: &states };
    Balance::compile(&urls(count), traffic, owner).unwrap()
}

fn first(balance: &Balance, headers: &HeaderMap) -> Option<usize> {
    let asker = Asker { headers, client: "192.0.2.1".parse().unwrap(), path: "/x" };
    balance.choose(&asker, NOW).first().copied()
}

fn weighted(weights: &[u32]) -> Traffic {
    let rules = weights.iter().map(|w| TargetRules { weight: *w, suspend_ms: 1000, ..TargetRules::default() });
    Traffic { algorithm: Algorithm::RoundRobin, rules: rules.collect(), ..Traffic::default() }
}

fn shares(balance: &Balance, calls: usize) -> BTreeMap<usize, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..calls {
        *shares.entry(first(balance, &HeaderMap::new()).unwrap()).or_default() += 1;
    }
    shares
}

fn keyed(n: usize) -> HeaderMap {
    HeaderMap::from_iter([("x-user".parse().unwrap(), format!("user-{n}").parse().unwrap())])
}

#[test]
fn a_round_is_smooth() {
    assert_eq!(round([5, 1, 1].into_iter()), [0, 0, 1, 0, 2, 0, 0]);
    assert_eq!(round([10, 10].into_iter()), [0, 1]);
    assert_eq!(round([0].into_iter()), [0], "a weight of nothing counts as one");
    assert!(round([1000, 999, 998].into_iter()).len() <= super::MAX_ROUND);
}

#[test]
fn weights_are_kept_to_and_the_suspended_are_passed_over() {
    let balance = compile(3, &weighted(&[3, 2, 1]));
    assert_eq!(shares(&balance, 600), BTreeMap::from([(0, 300), (1, 200), (2, 100)]));
    let member = &balance.members[0];
    member.state.failed(code::CLOSED, &member.rules, None, NOW);
    let shares = shares(&balance, 600);
    assert_eq!(shares.get(&0), None);
    assert_eq!(shares.values().sum::<usize>(), 600);
}

#[test]
fn all_suspended_is_no_target() {
    let balance = compile(2, &weighted(&[1, 1]));
    for member in &balance.members {
        member.state.failed(code::CLOSED, &member.rules, None, NOW);
    }
    assert_eq!(first(&balance, &HeaderMap::new()), None);
}

#[test]
fn least_request_looks_at_what_is_under_way() {
    let mut traffic = weighted(&[1, 1, 4]);
    traffic.algorithm = Algorithm::LeastRequest;
    let balance = compile(3, &traffic);
    let mut under_way = Vec::new();
    for _ in 0..60 {
        let chosen = first(&balance, &HeaderMap::new()).unwrap();
        under_way.push(InFlight::begin(&balance.members[chosen].state, 0).unwrap());
    }
    let loads: Vec<u32> = balance.members.iter().map(|m| m.state.in_flight()).collect();
    assert_eq!(loads, [10, 10, 40]);
    drop(under_way);
    assert_eq!(shares(&balance, 30).len(), 1, "the heaviest is the least loaded when all are idle");
}

#[test]
fn a_key_keeps_its_target_and_few_move() {
    let mut traffic = weighted(&[1, 1, 1, 1]);
    traffic.algorithm = Algorithm::ConsistentHash(HashKey::Header("X-User".into()));
    let four = compile(4, &traffic);
    let chosen: Vec<_> = (0..1000).map(|n| first(&four, &keyed(n)).unwrap()).collect();
    assert_eq!(chosen, (0..1000).map(|n| first(&four, &keyed(n)).unwrap()).collect::<Vec<_>>());
    for target in 0..4 {
        let share = chosen.iter().filter(|c| **c == target).count();
        assert!((180..320).contains(&share), "target {target} has {share}");
    }
    let three = compile(3, &traffic);
    let moved = (0..1000).filter(|n| chosen[*n] != 3 && first(&three, &keyed(*n)) != Some(chosen[*n])).count();
    assert_eq!(moved, 0, "only the keys of the target that left move");
}

#[test]
fn a_cookie_binds_a_client_as_long_as_its_target_may_be_called() {
    let mut traffic = weighted(&[1, 1, 1]);
    traffic.affinity = Some(Affinity { seconds: 60 });
    let balance = compile(3, &traffic);
    let nothing = HeaderMap::new();
    let cookie = balance.affinity_cookie(2, &nothing, "/pizza/1.0.0").unwrap();
    let text = cookie.to_str().unwrap();
    assert!(text.contains("Path=/pizza/1.0.0; Max-Age=60; HttpOnly; Secure; SameSite=Lax"), "{text}");
    assert!(!text.contains("target"), "it does not say where the target is");
    let pair = text.split(';').next().unwrap();
    let bound = HeaderMap::from_iter([("cookie".parse().unwrap(), format!("a=1; {pair}; b=2").parse().unwrap())]);
    for _ in 0..10 {
        assert_eq!(first(&balance, &bound), Some(2));
    }
    assert!(balance.affinity_cookie(2, &bound, "/pizza/1.0.0").is_none(), "the client has it");
    let member = &balance.members[2];
    member.state.failed(code::CLOSED, &member.rules, None, NOW);
    assert_ne!(first(&balance, &bound), Some(2));
    let forged = HeaderMap::from_iter([("cookie".parse().unwrap(), "portcullis-affinity=2".parse().unwrap())]);
    assert!(first(&balance, &forged).is_some());
}

#[test]
fn the_canary_gets_its_part_and_those_who_ask_for_it() {
    let mut traffic = weighted(&[1, 1]);
    let header = Some(("X-Canary".to_owned(), "yes".to_owned()));
    traffic.canary = Some(Canary { targets: vec!["http://new".into()], percent: 10, header });
    let balance = compile(2, &traffic);
    assert_eq!(shares(&balance, 1000).get(&2), Some(&100));
    let asking = HeaderMap::from_iter([("x-canary".parse().unwrap(), "yes".parse().unwrap())]);
    for _ in 0..20 {
        assert_eq!(first(&balance, &asking), Some(2));
    }
    let asker = Asker { headers: &asking, client: "192.0.2.1".parse().unwrap(), path: "" };
    assert_eq!(balance.choose(&asker, NOW).len(), 3, "the others follow when the canary fails");
}

#[test]
fn parts_are_exact_over_a_hundred_calls() {
    for percent in [0, 1, 5, 33, 50, 99, 100] {
        assert_eq!((1000..1100).filter(|n| takes(*n, percent)).count(), percent as usize);
    }
}

#[test]
fn the_mirror_is_never_chosen() {
    let mut traffic = weighted(&[1, 1]);
    traffic.mirror = Some(Mirror { target: "http://shadow".into(), percent: 100 });
    let balance = compile(2, &traffic);
    assert_eq!(shares(&balance, 100).get(&2), None);
    assert_eq!(balance.mirror(), Some(2));
}

#[test]
fn retries_are_paid_for_by_calls() {
    let mut traffic = weighted(&[1]);
    traffic.retries = Some(Retries { attempts: 3, statuses: vec![503], budget_percent: 20 });
    let balance = compile(1, &traffic);
    assert!(!balance.spend(), "nothing was earned");
    (0..100).for_each(|_| balance.earn());
    assert_eq!((0..100).filter(|_| balance.spend()).count(), 10, "no more than ten are saved up");
    (0..10).for_each(|_| balance.earn());
    assert_eq!((0..100).filter(|_| balance.spend()).count(), 2);
}
