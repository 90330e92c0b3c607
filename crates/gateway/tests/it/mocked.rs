//! APIs without a backend.

use crate::platform::*;
use model::snapshot::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn document() -> serde_json::Value {
    let pizza = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    json!({"openapi": "3.0.1", "paths": {
        "/menu": {"get": {"responses": {
            "200": {"content": {"application/json": {"example": [{"name": "Margherita"}]}, "text/plain": {"example": "Margherita"}}},
            "404": {"content": {"application/json": {"example": {"error": "sold out"}}}}}}},
        "/order": {"post": {"responses": {"201": {"content": {"application/json": {"schema": pizza}}}}}}}})
}

#[test]
fn answers_come_from_the_definition_and_go_through_everything_else() {
    let stack = Stack::with(
        "127.0.0.1:1".parse().unwrap(),
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                (api.production, api.mock) = (None, Some(Arc::new(document())));
                api.resources.truncate(2);
                let parameters = BTreeMap::from([
                    ("headerName".to_owned(), json!("X-Mock")),
                    ("headerValue".to_owned(), json!("yes")),
                ]);
                let policy = PolicyUse { name: "addHeader".into(), version: "v1".into(), parameters };
                api.policies.response.push(policy);
            });
        },
    );
    let (name, value) = bearer();
    let own = (name, value.as_str());
    let reply = stack.get("/pizza/1.0.0/menu", &[own]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "[{\"name\":\"Margherita\"}]"));
    assert_eq!((reply.header("content-type"), reply.header("x-mock")), (Some("application/json"), Some("yes")));
    let plain = stack.get("/pizza/1.0.0/menu", &[own, ("Accept", "text/plain")]);
    assert_eq!((plain.text().as_str(), plain.header("content-type")), ("Margherita", Some("text/plain")));
    let missing = stack.get("/pizza/1.0.0/menu?a=b&responseCode=404", &[own]);
    assert_eq!((missing.status, missing.text().as_str()), (404, "{\"error\":\"sold out\"}"));
    assert_eq!(stack.get("/pizza/1.0.0/menu?responseCode=101", &[own]).status, 200);
    let made = stack.call("POST", "/pizza/1.0.0/order", &[own], b"{}");
    assert_eq!((made.status, made.text().as_str()), (201, "{\"name\":\"string\"}"));
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[]).status, 401, "it is protected like any other");
    assert_eq!(stack.get("/pizza/1.0.0/none", &[own]).status, 404);
}
