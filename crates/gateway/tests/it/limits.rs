//! Limits over real calls: which one refuses, until when, and for whom.

use crate::platform::*;
use model::snapshot::*;
use model::{ApplicationId, TenantId};
use serde_json::json;

fn call(stack: &Stack, user: &str) -> Reply {
    let value = format!("Bearer {}", token(json!({"sub": user})));
    stack.get("/pizza/1.0.0/menu", &[("Authorization", &value)])
}

/// Calls until refused and returns how many were admitted and the refusal.
fn exhaust(stack: &Stack) -> (usize, Reply) {
    for admitted in 0..100 {
        let reply = call(stack, "alice");
        if reply.status != 200 {
            return (admitted, reply);
        }
    }
    panic!("never refused");
}

#[test]
fn each_level_has_its_code() {
    let upstream = Upstream::echo();
    let burst = |mut policy: LimitPolicy| {
        policy.burst = policy.quota.replace(Quota { amount: 1000, unit: QuotaUnit::Requests, window_seconds: 3600 });
        policy
    };
    type Change = Box<dyn Fn(&mut Snapshot)>;
    let cases: Vec<(&str, LimitPolicy, Change)> = vec![
        (
            "900803",
            limit(LimitLevel::Application, "three", 3),
            Box::new(|s: &mut Snapshot| {
                s.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "three".into();
            }),
        ),
        (
            "900804",
            limit(LimitLevel::Subscription, "three", 3),
            Box::new(|s: &mut Snapshot| {
                s.subscriptions[0].plan = "three".into();
            }),
        ),
        (
            "900807",
            burst(limit(LimitLevel::Subscription, "three", 3)),
            Box::new(|s: &mut Snapshot| {
                s.subscriptions[0].plan = "three".into();
            }),
        ),
        (
            "900800",
            limit(LimitLevel::Advanced, "three", 3),
            Box::new(|s: &mut Snapshot| {
                edit(s, |api| api.limit = Some("three".into()));
            }),
        ),
        (
            "900802",
            limit(LimitLevel::Advanced, "three", 3),
            Box::new(|s: &mut Snapshot| {
                edit(s, |api| api.resources[0].limit = Some("three".into()));
            }),
        ),
    ];
    for (code, policy, change) in cases {
        let mut stack = Stack::with(
            upstream.address,
            |_| (),
            |s| {
                s.limits.push(policy);
                change(s);
            },
        );
        stack.clock.advance(7);
        let (admitted, refusal) = exhaust(&stack);
        assert_eq!((admitted, refusal.status, refusal.code().as_str()), (3, 429, code));
        assert_eq!(refusal.json()["message"], "Message throttled out");
        assert_eq!(refusal.json()["nextAccessTime"], "2026-Nov-21 00:01:00+0000 UTC");
        assert_eq!(refusal.header("retry-after"), Some("53"));
        stack.publish(|_| ());
        assert_eq!(call(&stack, "alice").status, 429, "a new snapshot does not reset counters");
        stack.clock.advance(53);
        assert_eq!(exhaust(&stack).0, 3, "{code}");
    }
}

#[test]
fn users_of_one_application_do_not_share_a_bucket() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            s.limits.push(limit(LimitLevel::Application, "three", 3));
            s.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "three".into();
        },
    );
    assert_eq!(exhaust(&stack).0, 3);
    assert_eq!(call(&stack, "bob").status, 200);
    assert_eq!(call(&stack, "alice@carbon.super").status, 200);
    assert_eq!(call(&stack, "alice").status, 429);
}

#[test]
fn bandwidth_is_used_up_by_one_large_body() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            let mut policy = limit(LimitLevel::Application, "kilobyte", 1024);
            policy.quota.as_mut().unwrap().unit = QuotaUnit::Bytes;
            s.limits.push(policy);
            s.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "kilobyte".into();
        },
    );
    let order = || stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], &[b'x'; 4096]);
    assert_eq!(order().status, 200);
    assert_eq!(order().code(), "900803");
    stack.clock.advance(60);
    assert_eq!(order().status, 200);
}

#[test]
fn limits_that_do_not_stop_only_count() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            let mut policy = limit(LimitLevel::Subscription, "paid", 1);
            policy.stop_on_quota = false;
            s.limits.push(policy);
            s.subscriptions[0].plan = "paid".into();
        },
    );
    assert!((0..5).all(|_| call(&stack, "alice").status == 200));
}

#[test]
fn the_backends_bound_is_503() {
    let upstream = Upstream::echo();
    let stack = Stack::with(upstream.address, |_| (), |s| edit(s, |api| api.max_tps = Some(2)));
    let (admitted, refusal) = exhaust(&stack);
    assert_eq!((admitted, refusal.status, refusal.code().as_str()), (2, 503, "900801"));
}

#[test]
fn a_missing_limit_policy_closes_instead_of_opening() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    stack.snapshot.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "gone".into();
    assert_eq!(stack.handle.publish(&stack.snapshot).unwrap_err().len(), 1);
    assert_eq!(call(&stack, "alice").status, 403);
    stack.publish(|s| {
        s.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "Unlimited".into();
    });
    stack.snapshot.subscriptions[0].plan = "gone".into();
    assert!(stack.handle.publish(&stack.snapshot).is_err());
    assert_eq!(call(&stack, "alice").status, 403);
}

#[test]
fn deny_policies_block() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    for (condition, status) in [
        (DenyCondition::ApiContext("/pizza/1.0.0".into()), 403),
        (DenyCondition::ApiContext("/pizza/2.0.0".into()), 200),
        (DenyCondition::Application("alice:App".into()), 403),
        (DenyCondition::Application("bob:App".into()), 200),
        (DenyCondition::User("alice".into()), 403),
        (DenyCondition::Ip { network: "127.0.0.0/8".into(), invert: false }, 403),
        (DenyCondition::Ip { network: "127.0.0.1".into(), invert: true }, 200),
        (DenyCondition::IpRange { from: "127.0.0.1".into(), to: "127.0.0.2".into(), invert: false }, 403),
    ] {
        stack.publish(|s| s.denials = vec![Denial { tenant: TenantId::SUPER, condition: condition.clone() }]);
        let reply = call(&stack, "alice");
        assert_eq!(reply.status, status, "{condition:?}");
        if status == 403 {
            assert_eq!(reply.code(), "900805");
        }
        stack.publish(|s| s.denials = vec![Denial { tenant: TenantId::new(4), condition }]);
        assert_eq!(call(&stack, "alice").status, 200, "another tenant's policy");
    }
}

/// `[gateway] max_body_size`: with a length it is refused before the upstream hears of it, without one on its way.
#[test]
fn a_body_beyond_the_cap_is_refused() {
    let upstream = Upstream::echo();
    let change = |s: &mut Snapshot| {
        edit(s, |api| api.resources.push(resource("POST", "/orders")));
    };
    let stack = Stack::with(upstream.address, |own| own.caps.body_bytes = 10, change);
    let (name, token) = bearer();
    let post = |framing: &str, body: &[u8]| {
        let mut raw =
            format!("POST /pizza/1.0.0/orders HTTP/1.1\r\nHost: localhost\r\n{name}: {token}\r\n{framing}\r\n\r\n");
        raw.push_str(std::str::from_utf8(body).unwrap());
        send(stack.address(), raw.as_bytes()).expect("an answer")
    };
    assert_eq!(post("Content-Length: 10", b"0123456789").status, 200);
    assert_eq!(upstream.heard(), 1);
    assert_eq!(post("Content-Length: 11", b"0123456789a").status, 413);
    assert_eq!(upstream.heard(), 1);
    assert_eq!(post("Transfer-Encoding: chunked", b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n").status, 200);
    let refused = post("Transfer-Encoding: chunked", b"5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n");
    assert_eq!((refused.status, refused.code().as_str()), (413, "413"), "{}", refused.text());
    assert_eq!(upstream.heard(), 2, "the upstream never got the whole of it");
}

/// `[gateway] response_timeout`: bounds endpoints that would wait longer.
#[test]
fn an_upstream_must_begin_its_answer_within_the_cap() {
    let upstream = Upstream::start(|_| Act::Late(std::time::Duration::from_secs(5), ok(b"late", "")));
    let cap = std::time::Duration::from_millis(200);
    let stack = Stack::with(upstream.address, |own| own.caps.response_timeout = cap, |_| ());
    assert_eq!(call(&stack, "alice").status, 504);
}

#[test]
fn an_application_s_counters_are_reset_for_one_user() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            s.limits.push(limit(LimitLevel::Application, "One", 1));
            s.applications.get_mut(&ApplicationId::new(id(APPLICATION))).unwrap().limit = "One".into();
        },
    );
    let users = ["alice@carbon.super", "bob@carbon.super", "client-1"];
    let statuses = || users.map(|user| call(&stack, user).status);
    assert_eq!(statuses(), [200; 3]);
    assert_eq!(statuses(), [429; 3]);
    let reset = |user: &str| stack.handle.reset_application(ApplicationId::new(id(APPLICATION)), user);
    reset("carol");
    stack.handle.reset_application(ApplicationId::new(id(99)), "bob");
    assert_eq!(statuses(), [429; 3]);
    reset("bob");
    assert_eq!(statuses(), [429, 200, 429]);
    reset("alice@carbon.super");
    assert_eq!(statuses(), [200, 429, 200], "the owner, and the application itself");
    assert_eq!(statuses(), [429; 3], "the limit still holds");
}

fn conditional(conditions: Vec<LimitCondition>, amount: u64) -> ConditionalLimit {
    ConditionalLimit { conditions, quota: Some(Quota { amount, unit: QuotaUnit::Requests, window_seconds: 60 }) }
}

#[test]
fn calls_of_a_kind_have_a_quota_of_their_own() {
    let upstream = Upstream::echo();
    let header = ConditionSubject::Header { name: "X-Tier".into(), pattern: "^gold$".into() };
    let query = ConditionSubject::Query { name: "name".into(), pattern: "admin".into() };
    let both = [header, query].map(|subject| LimitCondition { subject, invert: false });
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            let mut policy = limit(LimitLevel::Advanced, "Kinds", 4);
            policy.conditional = both.into_iter().map(|condition| conditional(vec![condition], 2)).collect();
            snapshot.limits.push(policy);
            edit(snapshot, |api| api.limit = Some("Kinds".into()));
        },
    );
    let (name, value) = bearer();
    let call = |path: &str, tier: &str| stack.get(path, &[(name, &value), ("X-Tier", tier)]);
    let (menu, admin) = ("/pizza/1.0.0/menu", "/pizza/1.0.0/menu?name=adm%69n");
    assert_eq!([menu; 3].map(|path| call(path, "gold").status), [200, 200, 429]);
    assert_eq!([admin; 3].map(|path| call(path, "none").status), [200, 200, 429]);
    // The default has not been touched, and is the only one for other calls.
    let replies = [menu; 5].map(|path| call(path, "none"));
    assert_eq!(replies.each_ref().map(|reply| reply.status), [200, 200, 200, 200, 429]);
    let refused = &replies[4];
    assert_eq!(refused.code(), "900800");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"quota\";q=4;w=60;qu=\"requests\""));
    assert_eq!(refused.header("ratelimit"), Some("\"quota\";r=0;t=60"));
    assert_eq!(refused.header("retry-after"), Some("60"));
    stack.clock.advance(60);
    assert_eq!(call(menu, "gold").status, 200);
}

#[test]
fn custom_rules_count_by_their_key() {
    let upstream = Upstream::echo();
    let quota = Quota { amount: 2, unit: QuotaUnit::Requests, window_seconds: 60 };
    let rule = CustomLimit {
        name: "r".into(),
        key: vec![KeyPart::Field(CallField::ResourceKey), KeyPart::Field(CallField::UserId)],
        eligible: Eligibility::Equals(CallField::ApiContext, "/pizza/1.0.0".into()),
        quota,
    };
    let stack = Stack::with(upstream.address, |_| (), |snapshot| snapshot.custom_limits = vec![rule]);
    let user = |name: &str| format!("Bearer {}", token(json!({"sub": name, "aut": "APPLICATION_USER"})));
    let call = |path: &str, user: &str| stack.get(path, &[("Authorization", user)]);
    let (alice, bob) = (user("alice@carbon.super"), user("bob@carbon.super"));
    let menu = "/pizza/1.0.0/menu";
    assert_eq!([menu; 2].map(|path| call(path, &alice).status), [200, 200]);
    let refused = call(menu, &alice);
    assert_eq!((refused.status, refused.code().as_str()), (429, "900806"));
    assert_eq!(call(menu, &bob).status, 200);
    assert_eq!(call("/pizza/1.0.0/order/1", &alice).status, 200);
}

#[test]
fn a_condition_that_cannot_be_compiled_closes_the_api() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let subject = ConditionSubject::Claim { name: "a".into(), pattern: "(".into() };
    let mut policy = limit(LimitLevel::Advanced, "Broken", 4);
    policy.conditional = vec![conditional(vec![LimitCondition { subject, invert: false }], 1)];
    stack.snapshot.limits.push(policy);
    edit(&mut stack.snapshot, |api| api.limit = Some("Broken".into()));
    let faults = stack.handle.publish(&stack.snapshot).unwrap_err();
    assert!(faults[0].reason.contains("\"Broken\"") && faults[0].reason.contains("regular expression"), "{faults:?}");
    let (name, value) = bearer();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 404);
}

#[test]
fn calls_are_counted_by_api_up_to_a_number() {
    let upstream = Upstream::echo();
    let target = format!("http://{}", upstream.address);
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            for (n, context) in [(2, "/two"), (3, "/three")] {
                let mut more = api(n, context, &target);
                more.name = context.into();
                snapshot.apis.push(std::sync::Arc::new(more));
            }
        },
    );
    for path in ["/pizza/1.0.0/open", "/pizza/1.0.0/menu", "/two/1.0.0/open", "/three/1.0.0/open", "/none"] {
        stack.get(path, &[]);
    }
    // A call is counted when its answer has left, a moment after the client has it.
    let sum =
        |series: &gateway::Series| series.apis.values().chain([&series.others]).flat_map(|s| s.answers).sum::<u64>();
    let series = (0..1000)
        .map(|_| {
            std::thread::yield_now();
            stack.handle.series()
        })
        .find(|series| sum(series) == 4)
        .unwrap_or_else(|| stack.handle.series());
    assert_eq!(sum(&series), 4, "{series:?}");
    assert!(series.apis.len() <= 2, "{series:?}");
    assert!(series.apis.keys().all(|(tenant, _, version)| tenant == "carbon.super" && version == "1.0.0"));
}

#[test]
fn usage_is_counted_by_caller_until_the_gateway_has_ended() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    stack.get("/pizza/1.0.0/menu", &[("Authorization", &format!("Bearer {}", token(json!({}))))]);
    stack.get("/pizza/1.0.0/menu", &[]);
    stack.get("/none", &[]);
    let (counted, lost) = stack.handle.stop();
    let mut found: Vec<(bool, bool, [u64; 4])> =
        counted.iter().map(|(key, totals)| (key.application.is_some(), key.plan.is_some(), totals.answers)).collect();
    found.sort_unstable();
    assert_eq!(found, [(false, false, [0, 0, 1, 0]), (true, true, [1, 0, 0, 0])], "an unknown path is no API's usage");
    assert_eq!(lost, 0);
    assert!(counted.values().all(|totals| totals.micros > 0 && totals.bytes_out > 0));
}
