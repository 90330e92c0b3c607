//! A gateway with many APIs and subscriptions. `cargo xtask bench memory` asks for thousands and reads the figures; an ordinary run
//! has a few and sees that all of them are served.

use crate::platform::*;
use model::snapshot::Subscription;
use model::{ApiId, ApplicationId, SubscriptionId};
use std::sync::Arc;

/// Applications that the subscriptions belong to, at most.
const APPLICATIONS: u128 = 1_000;

/// Memory of this process, KiB.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn many_apis_fit() {
    let (apis, subscriptions) = (testkit::counted::times() as u128, testkit::counted::more() as u128);
    let upstream = Upstream::echo();
    let target = format!("http://{}/base", upstream.address);
    let mut stack = Stack::start(upstream.address);
    let before = resident();
    stack.publish(|snapshot| {
        for n in 0..APPLICATIONS {
            let application = ApplicationId::new(id(5_000_000 + n));
            let mut one = snapshot.applications.values().next().unwrap().clone();
            (one.id, one.name, one.owner) = (application, format!("Application {n}"), format!("owner{n}"));
            snapshot.applications.insert(application, one);
        }
        for n in 0..apis {
            let mut one = api(10_000 + n, &format!("/family{}/api{n}", n / 30), &target);
            one.revision = model::RevisionId::new(id(9_000_000 + n));
            snapshot.apis.push(Arc::new(one));
        }
        for n in 0..subscriptions {
            snapshot.subscriptions.push(Subscription {
                id: SubscriptionId::new(id(20_000_000 + n)),
                application: ApplicationId::new(id(5_000_000 + n % APPLICATIONS)),
                api: ApiId::new(id(10_000 + n / APPLICATIONS % apis.max(1))),
                plan: "Unlimited".into(),
                state: model::snapshot::SubscriptionState::Active,
            });
        }
    });
    // The snapshot belongs to whoever made it: the control plane keeps what it wants of it, not the gateway.
    stack.snapshot.subscriptions = Vec::new();
    stack.snapshot.applications.clear();
    println!("resident KiB: {before} {}", resident());
    for n in [0, apis / 2, apis - 1] {
        assert_eq!(stack.get(&format!("/family{}/api{n}/1.0.0/open", n / 30), &[]).status, 200, "API {n}");
    }
}
