//! Endpoints with several targets: who gets a call, and what happens when a target fails.

use crate::platform::*;
use model::snapshot::*;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

fn dead() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn named(name: &'static str) -> Upstream {
    Upstream::start(move |_| Act::Answer(ok(name.as_bytes(), "")))
}

fn failing(status: &'static str) -> Upstream {
    Upstream::start(move |_| Act::Answer(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes()))
}

fn stack(targets: &[SocketAddr], traffic: Traffic) -> Stack {
    let targets: Vec<String> = targets.iter().map(|t| format!("http://{t}/base")).collect();
    let change = |snapshot: &mut Snapshot| {
        edit(snapshot, |api| {
            let endpoint = api.production.as_mut().unwrap();
            (endpoint.targets, endpoint.traffic) = (targets, Some(Box::new(traffic)));
        });
    };
    Stack::with("127.0.0.1:1".parse().unwrap(), |s| s.workers = 1, change)
}

fn menu(stack: &Stack) -> Reply {
    stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)])
}

fn order(stack: &Stack, method: &str) -> Reply {
    stack.call(method, "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], b"one")
}

fn suspending(millis: u32) -> Vec<TargetRules> {
    vec![TargetRules { suspend_ms: millis, ..TargetRules::default() }; 2]
}

fn round_robin() -> Traffic {
    Traffic { algorithm: Algorithm::RoundRobin, try_others: true, rules: suspending(60_000), ..Traffic::default() }
}

#[test]
fn a_dead_target_is_left_alone_and_comes_back() {
    let (gone, alive) = (dead(), named("b"));
    let stack = stack(&[gone, alive.address], round_robin());
    for _ in 0..10 {
        let reply = menu(&stack);
        assert_eq!((reply.status, reply.text().as_str()), (200, "b"));
    }
    // The first call found out; the others did not try.
    assert_eq!(stack.handle.metrics().upstream_retries, 1);
    stack.clock.advance(61);
    let listener = TcpListener::bind(gone).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let _request = stream.read(&mut [0; 4096]);
            let _sent = stream.write_all(&ok(b"a", "Connection: close\r\n"));
        }
    });
    let answers: Vec<String> = (0..10).map(|_| menu(&stack).text()).collect();
    assert!(answers.iter().filter(|a| *a == "a").count() >= 4, "{answers:?}");
}

#[test]
fn a_body_goes_to_the_other_target_when_none_of_it_was_sent() {
    let alive = Upstream::echo();
    let stack = stack(&[dead(), alive.address], round_robin());
    for _ in 0..4 {
        let reply = order(&stack, "POST");
        assert_eq!(reply.status, 200);
        assert!(reply.text().ends_with("\n\none"), "{}", reply.text());
    }
}

#[test]
fn nothing_left_is_503_and_costs_no_connection() {
    let stack = stack(&[dead(), dead()], round_robin());
    assert_eq!((menu(&stack).status, menu(&stack).status), (502, 503));
    let reply = menu(&stack);
    assert_eq!((reply.status, reply.code().as_str()), (503, "303001"));
}

#[test]
fn only_what_may_be_repeated_is_repeated() {
    let (bad, good) = (failing("503 No"), named("good"));
    let retries = Some(Retries { attempts: 1, statuses: vec![503], budget_percent: 100 });
    let traffic = Traffic { algorithm: Algorithm::InOrder, retries, ..Traffic::default() };
    let stack = stack(&[bad.address, good.address], traffic);
    assert_eq!(menu(&stack).text(), "good");
    assert_eq!(order(&stack, "POST").status, 503, "a POST may have had its effect");
    assert_eq!(good.heard(), 1);
}

#[test]
fn retries_have_a_budget() {
    let bad = failing("503 No");
    let retries = Some(Retries { attempts: 5, statuses: vec![503], budget_percent: 20 });
    let stack = stack(&[bad.address], Traffic { retries, ..Traffic::default() });
    for _ in 0..50 {
        assert_eq!(menu(&stack).status, 503);
    }
    assert_eq!(bad.heard(), 60, "one call in five was sent again");
}

#[test]
fn a_target_that_answers_with_errors_is_left_alone() {
    let (bad, good) = (failing("500 No"), named("good"));
    let breaker =
        Breaker { max_in_flight: 0, error_percent: 50, minimum_calls: 5, window_seconds: 60, open_ms: 30_000 };
    let traffic = Traffic { breaker: Some(breaker), ..round_robin() };
    let stack = stack(&[bad.address, good.address], traffic);
    for _ in 0..100 {
        menu(&stack);
    }
    assert_eq!(bad.heard(), 5);
    stack.clock.advance(31);
    for _ in 0..20 {
        menu(&stack);
    }
    assert_eq!(bad.heard(), 6, "one call tries it again");
}

#[test]
fn too_many_calls_to_one_target_are_refused() {
    let slow = Upstream::start(|_| Act::Late(Duration::from_millis(600), ok(b"late", "")));
    let breaker = Breaker { max_in_flight: 2, error_percent: 0, minimum_calls: 0, window_seconds: 1, open_ms: 1 };
    let stack = stack(&[slow.address], Traffic { breaker: Some(breaker), ..Traffic::default() });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| menu(&stack).status)).collect();
        calls.into_iter().map(|c| c.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|s| **s == 503).count(), 2, "{statuses:?}");
    assert_eq!(menu(&stack).status, 200, "there is room again");
}

#[test]
fn a_slow_target_has_its_own_time() {
    let (slow, good) = (Upstream::start(|_| Act::Late(Duration::from_secs(3), ok(b"late", ""))), named("good"));
    let rules = vec![
        TargetRules {
            timeout_ms: 200,
            suspend_ms: 60_000,
            retry_codes: vec![101_504],
            retries_before_suspension: 1,
            ..TargetRules::default()
        },
        TargetRules::default(),
    ];
    let retries = Some(Retries { attempts: 1, statuses: Vec::new(), budget_percent: 100 });
    let stack = stack(&[slow.address, good.address], Traffic { rules, retries, ..Traffic::default() });
    for _ in 0..4 {
        let begun = Instant::now();
        assert_eq!(menu(&stack).text(), "good");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(slow.heard(), 2, "the second time suspends it");
}

#[test]
fn a_client_stays_with_its_target() {
    let (a, b) = (named("a"), named("b"));
    let traffic = Traffic { affinity: Some(Affinity { seconds: 0 }), ..round_robin() };
    let stack = stack(&[a.address, b.address], traffic);
    let first = menu(&stack);
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for _ in 0..6 {
        let fields = [("Authorization", bearer().1), ("Cookie", cookie.clone())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = stack.get("/pizza/1.0.0/menu", &fields);
        assert_eq!((reply.text(), reply.header("set-cookie")), (first.text(), None));
    }
}

#[test]
fn the_mirror_hears_and_nobody_waits_for_it() {
    let (own, shadow) = (named("own"), Upstream::start(|_| Act::Late(Duration::from_secs(2), ok(b"shadow", ""))));
    let mirror = Some(Mirror { target: format!("http://{}/copy", shadow.address), percent: 100 });
    let stack = stack(&[own.address], Traffic { mirror, ..Traffic::default() });
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(menu(&stack).text(), "own");
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
    let until = Instant::now() + Duration::from_secs(10);
    while shadow.heard() < 5 && Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(shadow.heard(), 5);
}

#[test]
fn health_checks_take_a_target_out_and_bring_it_back() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let well = Arc::new(AtomicBool::new(false));
    let (asked, good) = (Arc::clone(&well), named("good"));
    let sick = Upstream::start(move |heard| {
        if !heard.head.starts_with("GET /health ") || asked.load(Ordering::SeqCst) {
            return Act::Answer(ok(b"sick", ""));
        }
        Act::Answer(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".to_vec())
    });
    let health = Some(HealthCheck {
        path: "/health".into(),
        interval_seconds: 1,
        timeout_ms: 500,
        unhealthy_after: 1,
        healthy_after: 1,
        statuses: Vec::new(),
    });
    let stack = stack(&[sick.address, good.address], Traffic { health, ..Traffic::default() });
    let until = |wanted: &str| {
        let end = Instant::now() + Duration::from_secs(15);
        while menu(&stack).text() != wanted {
            assert!(Instant::now() < end, "never answered by {wanted}");
        }
    };
    until("good");
    for _ in 0..5 {
        assert_eq!(menu(&stack).text(), "good");
    }
    well.store(true, Ordering::SeqCst);
    until("sick");
}

#[test]
fn states_outlive_a_publication() {
    let alive = named("b");
    let mut stack = stack(&[dead(), alive.address], round_robin());
    menu(&stack);
    let retries = stack.handle.metrics().upstream_retries;
    for n in 0..5 {
        stack.publish(|s| edit(s, |api| api.provider = format!("somebody-{n}")));
        assert_eq!(menu(&stack).text(), "b");
    }
    assert_eq!(stack.handle.metrics().upstream_retries, retries, "nobody tried the dead one again");
}

#[test]
fn a_client_that_sends_half_does_not_suspend_a_target() {
    use std::io::Write;
    let good = Upstream::echo();
    let rules = vec![TargetRules { timeout_ms: 300, suspend_ms: 60_000, ..TargetRules::default() }];
    let stack = stack(&[good.address], Traffic { rules, ..Traffic::default() });
    let half = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: 10\r\n\r\nhalf",
        bearer().1
    );
    // One waits until the time is over, one leaves.
    let slow = send(stack.address(), half.as_bytes());
    assert!(slow.is_some_and(|reply| reply.status == 504 || reply.status == 400));
    let mut gone = std::net::TcpStream::connect(stack.address()).unwrap();
    gone.write_all(half.as_bytes()).unwrap();
    drop(gone);
    let broken = half.replace("Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX");
    let _answer = send(stack.address(), broken.as_bytes());
    assert_eq!(menu(&stack).status, 200);
}
