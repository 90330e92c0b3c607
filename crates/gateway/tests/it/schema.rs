//! Schema validation of an API: what does not fit its contract reaches neither side.

use crate::platform::*;
use serde_json::json;
use std::sync::Arc;

#[test]
fn requests_and_answers_must_fit_the_contract() {
    let upstream = Upstream::start(|heard| {
        let answer: &[u8] = if heard.head.contains("x-bad") { b"{\"leak\":\"s3cr3t\"}" } else { b"{\"id\":7}" };
        Act::Answer(ok(answer, "Content-Type: application/json\r\n"))
    });
    let document = json!({"openapi": "3.0.0", "paths": {"/order": {"post": {
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "nullable": true}}}}}},
        "responses": {"200": {"content": {"application/json": {"schema": {
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {"id": {"type": "integer"}}}}}}}}}}});
    let stack =
        Stack::with(upstream.address, |_| (), |snapshot| edit(snapshot, |api| api.schema = Some(Arc::new(document))));
    let (name, value) = bearer();
    let json = ("Content-Type", "application/json");
    let call = |extra: &[(&str, &str)], body: &[u8]| {
        let headers = [&[(name, value.as_str()), json], extra].concat();
        stack.call("POST", "/pizza/1.0.0/order", &headers, body)
    };
    let good = call(&[], b"{\"n\":1}");
    assert_eq!((good.status, good.text().as_str()), (200, "{\"id\":7}"));
    for (body, reason) in
        [(&b"{}"[..], "required"), (b"{\"n\":\"x\"}", "body/n"), (b"nonsense", "JSON"), (b"", "missing")]
    {
        let before = upstream.heard();
        let reply = call(&[], body);
        assert_eq!(reply.status, 400, "{}", reply.text());
        let description = reply.json()["description"].as_str().unwrap().to_owned();
        assert!(description.contains(reason), "{description}");
        assert_eq!(upstream.heard(), before);
    }
    let bad = call(&[("x-bad", "1")], b"{\"n\":1}");
    assert_eq!(bad.status, 500);
    assert!(bad.text().contains("Response") && !bad.text().contains("s3cr3t"), "{}", bad.text());
    // What the contract does not speak of is not checked.
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 200);
}

#[test]
fn a_contract_that_cannot_be_compiled_is_not_served() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let mut snapshot = stack.snapshot.clone();
    let body = json!({"content": {"application/json": {"schema": {"$ref": "http://127.0.0.1/x"}}}});
    let document = json!({"openapi": "3.0.0", "paths": {"/order": {"post": {"requestBody": body}}}});
    edit(&mut snapshot, |api| api.schema = Some(Arc::new(document)));
    let faults = stack.handle.check(&snapshot).unwrap_err();
    assert!(faults[0].reason.contains("http://127.0.0.1/x"), "{faults:?}");
}
