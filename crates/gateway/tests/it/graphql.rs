//! GraphQL APIs: every operation has its own rules, however the query hides it.

use crate::platform::*;
use model::snapshot::*;
use serde_json::{Value, json};

fn operation(verb: &str, field: &str) -> Resource {
    resource(verb, field)
}

fn stack(upstream: &Upstream, change: impl FnOnce(&mut Snapshot)) -> Stack {
    Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                api.kind = ApiKind::Graphql;
                let mut open = operation("QUERY", "open");
                open.authenticated = false;
                let mut secret = operation("QUERY", "secret");
                secret.scopes = vec!["admin".into()];
                let mut limited = operation("QUERY", "limited");
                limited.limit = Some("Two".into());
                let mut admin = operation("MUTATION", "open");
                admin.scopes = vec!["admin".into()];
                api.resources = vec![open, operation("QUERY", "languages"), secret, limited, admin];
            });
            snapshot.limits.push(limit(LimitLevel::Advanced, "Two", 2));
            change(snapshot);
        },
    )
}

fn ask(stack: &Stack, query: &str, scope: Option<&str>) -> Reply {
    let value = scope.map(|scope| format!("Bearer {}", token(json!({"scope": scope}))));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(value.as_ref().map(|value| ("Authorization", value.as_str())));
    stack.call("POST", "/pizza/1.0.0", &headers, json!({"query": query}).to_string().as_bytes())
}

#[test]
fn each_operation_has_its_own_rules() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, |_| ());
    for (query, scope, status, code) in [
        ("{ open }", None, 200, ""),
        ("{ languages { code } }", None, 401, "900902"),
        ("{ open languages }", None, 401, "900902"),
        ("{ languages }", Some("default"), 200, ""),
        ("{ secret }", Some("default"), 403, "900910"),
        ("{ secret }", Some("admin"), 200, ""),
        ("{ languages secret }", Some("default"), 403, "900910"),
        ("{ open: secret }", Some("default"), 403, "900910"),
        ("{ open ...F } fragment F on Query { ... { secret } }", Some("default"), 403, "900910"),
        ("mutation { open }", Some("default"), 403, "900910"),
        ("mutation { open }", None, 401, "900902"),
        ("mutation { secret }", Some("admin"), 404, "404"),
        ("{ unknown }", Some("admin"), 404, "404"),
        ("{ __schema { types { name } } }", None, 401, "900902"),
        ("{ __schema { types { name } } }", Some("default"), 200, ""),
        ("{ open", None, 422, "900422"),
        ("query A { open } query B { secret }", Some("default"), 422, "900422"),
    ] {
        let before = upstream.heard();
        let reply = ask(&stack, query, scope);
        assert_eq!(reply.status, status, "{query} {scope:?}: {}", reply.text());
        if status == 200 {
            assert!(reply.text().contains(&json!(query).to_string()), "the query travels on: {}", reply.text());
        } else {
            assert_eq!(reply.code(), code, "{query}");
            assert_eq!(upstream.heard(), before);
        }
    }
    let raw = |kind: &str, body: &[u8]| stack.call("POST", "/pizza/1.0.0", &[("Content-Type", kind)], body).status;
    assert_eq!(raw("application/graphql; charset=utf-8", b"{ open }"), 200);
    assert_eq!(raw("application/json", b"[{\"query\":\"{ open }\"}]"), 422);
    assert_eq!(raw("application/json", b"\xff"), 422);
    let big = json!({"query": "{ open }", "x": "y".repeat(2 << 20)}).to_string();
    assert_eq!(raw("application/json", big.as_bytes()), 413);
}

#[test]
fn the_upstream_reads_the_query_that_was_judged() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, |_| ());
    let call = |query: &str, headers: &[(&str, &str)], body: &str| {
        stack.call("POST", &format!("/pizza/1.0.0{query}"), headers, body.as_bytes()).status
    };
    let json = [("Content-Type", "application/json; charset=\"UTF-8\"")];
    let body = r#"{"query":"{ open }"}"#;
    assert_eq!(call("?trace=1&queryable=2", &json, body), 200);
    for query in [
        "?query=%7Bsecret%7D",
        "?a=1&QUERY=x",
        "?%71uer%79=x",
        "?a;query=x",
        "?+query=x",
        "?query[]=x",
        "?query",
        "?operationName=B",
        "?variables=x",
        "?extensions=%7B%22persistedQuery%22%3A1%7D",
    ] {
        assert_eq!(call(query, &json, body), 400, "{query}");
    }
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for headers in [
        &[][..],
        &[form],
        &[json[0], form],
        &[json[0], ("Content_Type", "application/x-www-form-urlencoded")],
        &[json[0], json[0]],
        &[("Content-Type", "application/json, application/x-www-form-urlencoded")],
        &[("Content-Type", "application/json; charset=utf-7")],
        &[("Content-Type", "multipart/form-data; boundary=x")],
        &[json[0], ("Content-Encoding", "deflate")],
    ] {
        assert_eq!(call("", headers, body), 415, "{headers:?}");
    }
    for body in [
        r#"{"query":"{ open }","query":"{ secret }"}"#,
        r#"{"query":"{ open }","Query":"{ secret }"}"#,
        r#"{"query":"query A { open } query B { secret }","operationName":"A","operationName":"B"}"#,
    ] {
        assert_eq!(call("", &json, body), 422, "{body}");
    }
    assert_eq!(upstream.heard(), 1);
}

#[test]
fn limits_of_operations_count_apart() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, |_| ());
    let call = |query: &str| ask(&stack, query, Some("default")).status;
    assert_eq!([call("{ limited }"), call("{ languages limited }"), call("{ languages limited }")], [200, 200, 429]);
    assert_eq!(call("{ languages }"), 200);
}

#[test]
fn a_plan_bounds_depth_and_complexity() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, |snapshot| {
        let mut plan = limit(LimitLevel::Subscription, "Small", 100);
        (plan.graphql_depth, plan.graphql_complexity) = (Some(2), Some(4));
        snapshot.limits.push(plan);
        snapshot.subscriptions[0].plan = "Small".into();
    });
    let ask = |query: &str| {
        let reply = ask(&stack, query, Some("default"));
        let found: Value = if reply.status == 200 { Value::Null } else { reply.json() };
        (reply.status, found["code"].clone(), found["message"].clone())
    };
    assert_eq!(ask("{ languages(limit: 4) }").0, 200);
    assert_eq!(ask("{ languages(limit: 5) }"), (400, json!("900821"), json!("QUERY TOO COMPLEX")));
    assert_eq!(ask("{ languages { code } }").0, 200);
    assert_eq!(ask("{ languages { code { x } } }"), (400, json!("900820"), json!("QUERY TOO DEEP")));
}

#[test]
fn nobody_has_a_body_held_who_may_call_nothing() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, |s| edit(s, |api| api.resources = vec![operation("QUERY", "languages")]));
    // The body never comes: whoever waited for it would not answer.
    let head = "POST /pizza/1.0.0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{";
    let reply = send(stack.address(), head.as_bytes()).expect("an answer");
    assert_eq!((reply.status, reply.code().as_str()), (401, "900902"));
    assert_eq!(ask(&stack, "{ languages }", Some("default")).status, 200);
}
