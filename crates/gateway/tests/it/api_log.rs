//! What is written down of the calls of single APIs.

use crate::platform::*;
use model::ApiId;
use model::snapshot::{ApiLog, LogLevel};
use std::sync::Arc;

fn level(level: LogLevel, resource: Option<(&str, &str)>) -> ApiLog {
    let resource = resource.map(|(verb, template)| (verb.to_owned(), template.to_owned()));
    ApiLog { api: ApiId::new(id(1)), resource, level }
}

/// The lines about some calls with levels set.
fn lines(logs: Vec<ApiLog>, calls: &[(&str, &[(&str, &str)])]) -> Vec<String> {
    let upstream = Upstream::echo();
    let stack = Stack::with(upstream.address, |_| (), |snapshot| snapshot.logs = logs);
    let token = bearer().1;
    for (path, headers) in calls {
        let mut headers = headers.to_vec();
        headers.push(("Authorization", &token));
        stack.get(path, &headers);
    }
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert_eq!(log.records().len(), calls.len(), "the access log is complete whatever the levels are");
    log.of_apis().lines().map(str::to_owned).collect()
}

#[test]
fn nothing_is_written_unless_asked_for() {
    assert_eq!(lines(vec![level(LogLevel::Off, None)], &[("/pizza/1.0.0/menu", &[])]), Vec::<String>::new());
}

#[test]
fn a_level_says_how_much_is_written() {
    for (wanted, steps) in [
        (LogLevel::Basic, &["REQUEST_IN", "RESPONSE_OUT"][..]),
        (LogLevel::Standard, &["REQUEST_IN", "REQUEST_OUT", "RESPONSE_IN", "RESPONSE_OUT"]),
        (LogLevel::Full, &["REQUEST_IN", "REQUEST_OUT", "RESPONSE_IN", "RESPONSE_OUT"]),
    ] {
        let found = lines(vec![level(wanted, None)], &[("/pizza/1.0.0/order/7?secret=1", &[("activityid", "c-1")])]);
        assert_eq!(found.len(), steps.len(), "{found:?}");
        for (line, step) in found.iter().zip(steps) {
            assert!(line.contains("  INFO {API_LOG} Pizza - correlationId: c-1, "), "{line}");
            assert!(line.contains(&format!("flow: {step}")) && !line.contains("secret"), "{line}");
            assert_eq!(line.contains("headers: {"), wanted == LogLevel::Full, "{line}");
        }
        assert!(found[0].starts_with("[2026-11-21 00:00:00,000] "), "{}", found[0]);
        assert!(found[0].contains("apiMethod: GET, apiTo: /pizza/1.0.0/order/7, sourceIP: 127.0.0.1"), "{}", found[0]);
        assert!(found.last().unwrap().contains("statusCode: 200, micros: "));
    }
}

#[test]
fn credentials_are_never_written_and_lines_cannot_be_forged() {
    let headers: &[(&str, &str)] =
        &[("Cookie", "session=hunter2"), ("X-Plain", "shown\u{85}[2026] INFO {API_LOG} Other"), ("ApiKey", "hunter2")];
    let found = lines(vec![level(LogLevel::Full, None)], &[("/pizza/1.0.0/menu", headers)]);
    let text = found.join("\n");
    assert!(text.contains("cookie: [redacted]") && text.contains("authorization: [redacted]"), "{text}");
    assert!(text.contains("apikey: [redacted]") && text.contains("x-plain: shown?[2026]"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("eyJ"), "{text}");
}

#[test]
fn an_operation_may_have_a_level_of_its_own() {
    let levels = vec![level(LogLevel::Basic, None), level(LogLevel::Standard, Some(("get", "/order/{id}")))];
    let calls: &[(&str, &[(&str, &str)])] = &[("/pizza/1.0.0/menu", &[]), ("/pizza/1.0.0/order/7", &[])];
    assert_eq!(lines(levels, calls).len(), 2 + 4);
    let alone = vec![level(LogLevel::Basic, Some(("GET", "/order/{id}")))];
    let found = lines(alone, calls);
    assert!(found.len() == 2 && found[0].contains("/order/7"), "{found:?}");
    // Calls without an id of their own get one, the same in all of their lines.
    let id = |line: &str| line.split_once("correlationId: ").unwrap().1.split(',').next().unwrap().to_owned();
    assert!(id(&found[0]).len() == 36 && id(&found[0]) == id(&found[1]), "{found:?}");
}

#[test]
fn a_refused_call_is_written_as_well() {
    let upstream = Upstream::echo();
    let stack = Stack::with(upstream.address, |_| (), |snapshot| snapshot.logs = vec![level(LogLevel::Standard, None)]);
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[]).status, 401);
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let text = log.of_apis();
    assert!(text.lines().count() == 2 && text.contains("flow: RESPONSE_OUT, statusCode: 401"), "{text}");
}

#[test]
fn a_query_is_written_down_by_its_operation() {
    let upstream = Upstream::echo();
    let logs = vec![level(LogLevel::Basic, Some(("QUERY", "open")))];
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                api.kind = model::snapshot::ApiKind::Graphql;
                api.resources = vec![resource("QUERY", "open"), resource("QUERY", "quiet")];
            });
            snapshot.logs = logs;
        },
    );
    let token = bearer().1;
    let headers = [("Content-Type", "application/json"), ("Authorization", token.as_str())];
    for query in [r#"{"query":"{ quiet }"}"#, r#"{"query":"{ open }"}"#] {
        assert_eq!(stack.call("POST", "/pizza/1.0.0", &headers, query.as_bytes()).status, 200);
    }
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let steps: Vec<String> = log.of_apis().lines().map(str::to_owned).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps[0].contains("flow: REQUEST_IN") && steps[0].contains("apiTo: /pizza/1.0.0"), "{steps:?}");
    assert!(steps[1].contains("flow: RESPONSE_OUT") && !steps[1].contains("open"), "{steps:?}");
}
