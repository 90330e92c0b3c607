//! Contracts against requests that honest, hurried and hostile clients send.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::{SchemaError, Validation};
use crate::{Decision, FaultFormat, Flow, Message, Step, Target};

struct Call<'a> {
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a [(&'static str, &'a str)],
    body: &'a [u8],
    status: Option<u16>,
}

const CALL: Call<'static> = Call { path: "/order/7", query: None, headers: &[], body: b"", status: None };

fn run(step: &dyn Step, call: &Call<'_>) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    for (name, value) in call.headers {
        headers.append(*name, value.parse().unwrap());
    }
    let mut body = call.body.to_vec();
    let decision = step.apply(&mut Message {
        flow: Flow::Request,
        method: &mut Method::POST.clone(),
        target: &mut Target { path: call.path.into(), query: call.query.map(str::to_owned) },
        headers: &mut headers,
        status: call.status.map(|s| StatusCode::from_u16(s).unwrap()),
        claims: None,
        body: Some(&mut body),
        fault_format: &mut FaultFormat::Negotiated,
    });
    match decision {
        Decision::Continue => Ok(()),
        Decision::Respond { description, .. } => Err(description.into_owned()),
    }
}

fn order(nullable: &Value) -> Value {
    json!({"type": "object", "required": ["item"], "additionalProperties": false, "properties": {
        "item": {"type": "string", "maxLength": 5, "pattern": "^[a-z]+$"},
        "note": nullable,
        "next": {"$ref": "#/components/schemas/Order"}}})
}

fn openapi(version: &str, nullable: &Value) -> Value {
    json!({"openapi": version, "paths": {"/order/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}}],
        "post": {
            "parameters": [
                {"name": "size", "in": "query", "required": true, "schema": {"type": "string", "enum": ["s", "l"]}},
                {"name": "tags", "in": "query", "schema": {"type": "array", "maxItems": 2, "items": {"type": "integer"}}},
                {"name": "X-Dry", "in": "header", "schema": {"type": "boolean"}},
                {"name": "csv", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "number"}}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                          "4XX": {"description": "x"}, "204": {"description": "none"}}}}},
        "components": {"schemas": {"Order": order(nullable)}}})
}

fn compiled(document: &Value) -> Validation {
    Validation::compile(document, "/order/{id}", &Method::POST).unwrap().unwrap()
}

#[test]
fn requests_are_held_to_the_contract() {
    let json = [("content-type", "application/json; charset=utf-8")];
    for (version, nullable) in
        [("3.0.3", json!({"type": "string", "nullable": true})), ("3.1.0", json!({"type": ["string", "null"]}))]
    {
        let validation = compiled(&openapi(version, &nullable));
        let good = Call { query: Some("size=s"), headers: &json, body: br#"{"item":"a"}"#, ..CALL };
        let check = |call: &Call<'_>| run(&*validation.request, call);
        assert_eq!(check(&good), Ok(()), "{version}");
        for body in [r#"{"item":"a","note":null}"#, r#"{"item":"a","next":{"item":"b","next":{"item":"c"}}}"#] {
            assert_eq!(check(&Call { body: body.as_bytes(), ..good }), Ok(()), "{version} {body}");
        }
        for query in ["size=l&tags=1&tags=2", "siz%65=s&unknown=1", "size=s&csv=1,2.5,3"] {
            assert_eq!(check(&Call { query: Some(query), ..good }), Ok(()), "{version} {query}");
        }
        for (body, reason) in [
            (&br#"{}"#[..], "body breaks the rule required"),
            (br#"{"item":"toolong"}"#, "body/item breaks the rule maxLength"),
            (br#"{"item":"A"}"#, "pattern"),
            (br#"{"item":1}"#, "type"),
            (br#"{"item":"a","x":1}"#, "additionalProperties"),
            (br#"{"item":"a","next":{"item":9}}"#, "body/next/item"),
            (b"{", "not well-formed"),
            (b"", "the body is missing"),
            (b"\xff", "not well-formed"),
        ] {
            let answer = check(&Call { body, ..good }).unwrap_err();
            assert!(
                answer.contains(reason) && answer.starts_with("Schema validation failed in the Request"),
                "{answer}"
            );
            assert!(!answer.contains("toolong"), "no value is repeated: {answer}");
        }
        for (query, reason) in [
            (None, "query parameter size is missing"),
            (Some("size=x"), "enum"),
            (Some("size=s&size=l"), "more than once"),
            (Some("size=s&tags=1&tags=2&tags=3"), "maxItems"),
            (Some("size=s&tags=one"), "type"),
            (Some("size=s&csv=1,x"), "type"),
        ] {
            let answer = check(&Call { query, ..good }).unwrap_err();
            assert!(answer.contains(reason), "{query:?}: {answer}");
        }
        for path in ["/order/0", "/order/abc", "/order/1.5", "/order/%30"] {
            assert!(check(&Call { path, ..good }).is_err(), "{path}");
        }
        let dry = [("content-type", "application/json"), ("x-dry", "maybe")];
        assert!(check(&Call { headers: &dry, ..good }).unwrap_err().contains("X-Dry"));
        let xml = [("content-type", "application/xml")];
        assert!(check(&Call { headers: &xml, ..good }).unwrap_err().contains("content type"));
        assert!(check(&Call { headers: &[], ..good }).is_err(), "no content type is no way around");
    }
}

#[test]
fn answers_are_held_to_the_contract() {
    let validation = compiled(&openapi("3.0.0", &json!({"type": "string", "nullable": true})));
    let response = validation.response.unwrap();
    let json = [("content-type", "application/json")];
    let check = |status, body: &[u8]| run(&*response, &Call { status: Some(status), headers: &json, body, ..CALL });
    assert_eq!(check(200, br#"{"item":"a"}"#), Ok(()));
    assert_eq!(check(404, b"anything"), Ok(()));
    assert_eq!(check(204, b""), Ok(()));
    assert!(check(200, br#"{"secret":"s3cr3t"}"#).is_err_and(|text| !text.contains("s3cr3t")));
    assert!(check(500, b"{}").is_err_and(|text| text.contains("status")));
}

#[test]
fn swagger_2_is_read_too() {
    let document = json!({"swagger": "2.0", "consumes": ["application/json"], "produces": ["application/json"],
        "paths": {"/order/{id}": {"post": {"parameters": [
            {"name": "id", "in": "path", "required": true, "type": "integer"},
            {"name": "tags", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "pipes"},
            {"name": "b", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Order"}}],
            "responses": {"200": {"schema": {"type": "array", "items": {"type": "integer", "minimum": 3, "exclusiveMinimum": true}}}}}}},
        "definitions": {"Order": {"type": "object", "required": ["item"], "properties": {"item": {"type": "string", "x-nullable": true}}}}});
    let validation = compiled(&document);
    let json = [("content-type", "application/json")];
    let call = |query, body| run(&*validation.request, &Call { query, headers: &json, body, ..CALL });
    assert_eq!(call(Some("tags=1|2"), br#"{"item":null}"#), Ok(()));
    assert!(call(Some("tags=1,2"), br#"{"item":"a"}"#).is_err());
    assert!(call(None, br#"{"item":1}"#).is_err());
    let response = validation.response.unwrap();
    let answer = |body| run(&*response, &Call { status: Some(200), headers: &json, body, ..CALL });
    assert!(answer(b"[4]").is_ok() && answer(b"[3]").is_err());
}

#[test]
fn contracts_that_cannot_be_used_are_refused_when_compiled() {
    let with = |schema: Value, components: Value| {
        let document = json!({"openapi": "3.1.0", "paths": {"/order/{id}": {"post": {"requestBody": {
            "content": {"application/json": {"schema": schema}}}}}}, "components": {"schemas": components}});
        Validation::compile(&document, "/order/{id}", &Method::POST).err()
    };
    let a = || json!({"$ref": "#/components/schemas/A"});
    let reference = |text: &str| Some(SchemaError::Reference(text.to_owned()));
    assert_eq!(with(a(), json!({})), reference("#/components/schemas/A"));
    for outside in ["http://127.0.0.1/x.json", "file:///etc/passwd", "other.yaml#/A"] {
        assert_eq!(with(json!({"$ref": outside}), json!({})), reference(outside));
    }
    let b = json!({"anyOf": [{"not": a()}]});
    for endless in
        [json!({"A": a()}), json!({"A": {"allOf": [a()]}}), json!({"A": {"$ref": "#/components/schemas/B"}, "B": b})]
    {
        assert!(matches!(with(a(), endless.clone()), Some(SchemaError::Endless(_))), "{endless}");
    }
    assert_eq!(with(a(), json!({"A": {"type": "array", "items": a()}})), None, "a tree ends where the value does");
    for broken in
        [json!({"type": "strange"}), json!({"pattern": "("}), json!({"pattern": "(?=x)"}), json!({"minLength": -1})]
    {
        assert!(matches!(with(broken.clone(), json!({})), Some(SchemaError::Schema(..))), "{broken}");
    }
    let unknown = json!({"openapi": "4.0.0"});
    assert_eq!(Validation::compile(&unknown, "/", &Method::GET).err(), Some(SchemaError::Version));
    let other = json!({"openapi": "3.0.0", "paths": {}});
    assert!(Validation::compile(&other, "/x", &Method::GET).unwrap().is_none());
}

#[test]
fn a_pattern_cannot_be_made_slow() {
    let document = json!({"openapi": "3.0.0", "paths": {"/order/{id}": {"post": {"requestBody": {"content": {
        "application/json": {"schema": {"type": "string", "pattern": "^(a+)+$"}}}}}}}});
    let validation = compiled(&document);
    let body = format!("\"{}!\"", "a".repeat(100_000)).into_bytes();
    let json = [("content-type", "application/json")];
    // Exponential backtracking would never come back.
    assert!(run(&*validation.request, &Call { headers: &json, body: &body, ..CALL }).is_err());
}
