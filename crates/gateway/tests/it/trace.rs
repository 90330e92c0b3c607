//! Traces and correlation ids.

use crate::platform::*;

#[test]
fn a_trace_travels_on_and_stands_in_the_record() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (name, value) = bearer();
    let own = (name, value.as_str());
    let text = |headers: &[(&str, &str)]| stack.get("/pizza/1.0.0/menu", headers).text().to_lowercase();
    let passed = text(&[own, ("traceparent", parent), ("tracestate", "a=b"), ("activityID", "abc-1")]);
    assert!(passed.contains(&format!("traceparent: {parent}")) && passed.contains("tracestate: a=b"), "{passed}");
    assert!(passed.contains("activityid: abc-1"), "{passed}");
    for bad in [
        &[("traceparent", "00-nonsense"), ("tracestate", "a=b"), ("activityid", "a b\"}")][..],
        &[("traceparent", parent), ("traceparent", parent), ("activityid", "a"), ("activityid", "b")],
        &[("tracestate", "a=b")],
    ] {
        let headers: Vec<(&str, &str)> = std::iter::once(own).chain(bad.iter().copied()).collect();
        let passed = text(&headers);
        assert!(!passed.contains("trace") && !passed.contains("activityid"), "{bad:?}: {passed}");
    }
    let log = std::sync::Arc::clone(&stack.log);
    stack.handle.stop();
    let records = log.records();
    let with = |name: &str| records.iter().filter_map(|r| r[name].as_str().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(with("trace"), ["4bf92f3577b34da6a3ce929d0e0e4736"]);
    assert_eq!((with("correlation"), records.len()), (vec!["abc-1".to_owned()], 4));
}
