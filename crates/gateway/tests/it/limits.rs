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
