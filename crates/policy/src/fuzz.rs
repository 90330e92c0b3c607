//! Fuzz targets: definitions that publishers upload, and bodies that policies read. See `testkit::fuzz`.

use http::{HeaderMap, Method};
use model::snapshot::PolicyUse;
use serde_json::{Value, json};
use testkit::fuzz::{Shape, Target, kind, long, smoke};

use crate::{Decision, FaultFormat, Flow, GraphqlQuery, Message, Target as Address, Validation};

const TARGETS: &[Target] = &[OPENAPI, GRAPHQL, TO_JSON, TO_XML, XML_THREAT, JSON_THREAT, SEQUENCE];

#[test]
fn a_few_inputs_of_every_target() {
    smoke(TARGETS);
}

#[test]
fn for_a_while() {
    long(TARGETS);
}

/// Gives a body to a step and says what came of it.
fn apply(step: &dyn crate::Step, body: &[u8], kind_of_body: &str) -> (Decision, Vec<u8>) {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, kind_of_body.parse().unwrap());
    let mut body = body.to_vec();
    let decision = step.apply(&mut Message {
        flow: Flow::Request,
        method: &mut Method::from_bytes(b"POST").unwrap(),
        target: &mut Address { path: "/a/b".into(), query: Some("q=1&q=x".into()) },
        headers: &mut headers,
        status: None,
        claims: None,
        body: Some(&mut body),
        fault_format: &mut FaultFormat::Negotiated,
    });
    (decision, body)
}

fn outcome(decision: &Decision, size: usize) -> u64 {
    match decision {
        Decision::Continue => kind("continue", size),
        Decision::Respond { status, code, description, .. } => {
            kind(&format!("{status} {code} {}", description.len()), 0)
        }
    }
}

/// A policy of the catalogue with these parameters.
fn policy(name: &str, parameters: Value) -> Box<dyn crate::Step> {
    let parameters = parameters.as_object().unwrap().clone().into_iter().collect();
    let r#use = PolicyUse { name: name.into(), version: String::new(), parameters };
    crate::compile(&r#use, Flow::Request).unwrap()
}

const OPENAPI: Target = Target {
    name: "openapi",
    shape: Shape::Json,
    seeds: || {
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string", "pattern": "^a+$", "maxLength": 5},
            "b": {"$ref": "#/components/schemas/B"},
            "c": {"oneOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}}});
        let three = json!({"openapi": "3.0.1", "components": {"schemas": {"B": {"type": "array", "items": schema}}},
            "paths": {"/a/{b}": {"parameters": [{"in": "path", "name": "b", "required": true, "schema": {"type": "string"}}],
                "post": {"parameters": [{"in": "query", "name": "q", "schema": {"type": "array", "items": {"type": "integer"}}}],
                    "requestBody": {"content": {"application/json": {"schema": schema}}},
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}}}}}}});
        let two = json!({"swagger": "2.0", "consumes": ["application/json"], "definitions": {"A": schema},
            "paths": {"/a/{b}": {"post": {"parameters": [{"in": "body", "name": "x", "schema": {"$ref": "#/definitions/A"}}],
                "responses": {"200": {"schema": {"type": "string"}}}}}}});
        let newest = three.to_string().replace("3.0.1", "3.1.0");
        vec![three.to_string().into_bytes(), two.to_string().into_bytes(), newest.into_bytes()]
    },
    words: &[
        "$ref",
        "#/components/schemas/B",
        "#/definitions/A",
        "#",
        "#/paths",
        "type",
        "object",
        "pattern",
        "(a+)+$",
        "allOf",
        "anyOf",
        "not",
        "items",
        "properties",
        "additionalProperties",
        "$dynamicRef",
        "$id",
        "http://x/y",
        "nullable",
        "format",
        "uuid",
        "enum",
        "const",
        "minimum",
        "maxItems",
        "dependentSchemas",
        "unevaluatedProperties",
        "if",
        "then",
    ],
    run: |input| {
        let Ok(document) = serde_json::from_slice::<Value>(input) else { return 0 };
        match Validation::compile(&document, "/a/{b}", &Method::POST) {
            Ok(Some(checks)) => {
                let (decision, body) =
                    apply(&*checks.request, br#"{"a":"aaa","b":[{"a":"a"}],"c":4}"#, "application/json");
                assert!(!body.is_empty(), "validation changes nothing");
                outcome(&decision, 1)
            }
            Ok(None) => 1,
            Err(error) => kind(error.to_string().get(..12).unwrap_or("short"), 0),
        }
    },
};

const GRAPHQL: Target = Target {
    name: "graphql",
    shape: Shape::Text,
    seeds: || {
        ["query A($x: Int = 3) { a(b: $x, c: [1, {d: \"e\"}]) @include(if: true) { ...F ... on T { g } } } fragment F on T { h { i } }",
         "{ __schema { types { name } } }", "mutation { a } subscription B { c }", "{\"query\": \"{ a }\", \"operationName\": null}"]
            .map(|text| text.as_bytes().to_vec()).to_vec()
    },
    words: &[
        "{",
        "}",
        "(",
        ")",
        "...",
        "fragment F on T",
        "query",
        "mutation",
        "$x",
        ":",
        "\"\"\"",
        "\"",
        "#",
        "@a",
        "[",
        "]",
        "!",
        "{a{a{a",
    ],
    run: |input| {
        let bare = GraphqlQuery::read(input, true, None);
        let wrapped = GraphqlQuery::read(input, false, None);
        kind(&format!("{} {}", bare.is_ok(), wrapped.is_ok()), input.len() / 64)
    },
};

const XML_SEEDS: [&str; 4] = [
    "<a xmlns=\"u\" b=\"c\"><d>1</d><d>2</d><!-- x --><![CDATA[<y>]]>&amp;&#65;</a>",
    "<?xml version=\"1.0\"?><soap:Envelope xmlns:soap=\"s\"><soap:Body/></soap:Envelope>",
    "<jsonObject><a><?xml-multiple b?><b>1</b></a></jsonObject>",
    "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
];
const XML_WORDS: &[&str] = &[
    "<a>",
    "</a>",
    "<a/>",
    "<a:b xmlns:a=\"c\">",
    "&lt;",
    "&#0;",
    "&x;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "<!DOCTYPE",
    " a=\"b\"",
    "xmlns=\"\"",
];

fn xml_seeds() -> Vec<Vec<u8>> {
    XML_SEEDS.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn json_seeds() -> Vec<Vec<u8>> {
    [
        "{\"a\": [1, -2.5e3, true, null, \"\\u00f6\"], \"b c\": {\"@d\": {}}, \"\": []}",
        "[[[[1]]]]",
        "\"x\"",
        "{\"1\": {\"$\": 1}}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

const TO_JSON: Target = Target {
    name: "xml_to_json",
    shape: Shape::Markup,
    seeds: xml_seeds,
    words: XML_WORDS,
    run: |input| {
        let (decision, body) = apply(&*policy("xmlToJson", json!({})), input, "application/xml");
        // An empty body is none, and stays.
        if decision == Decision::Continue && !body.is_empty() {
            assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{}", String::from_utf8_lossy(&body));
        }
        outcome(&decision, body.len())
    },
};

const TO_XML: Target = Target {
    name: "json_to_xml",
    shape: Shape::Json,
    seeds: json_seeds,
    words: &["a b", "<", "]]>", "@x", "$", "1", "xmlns", ":", "a:b", "\u{1}"],
    run: |input| {
        let (decision, body) = apply(&*policy("jsonToXML", json!({})), input, "application/json");
        if decision == Decision::Continue {
            let text = String::from_utf8(body.clone()).unwrap();
            let mut reader = quick_xml::Reader::from_str(&text);
            loop {
                match reader.read_event() {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => panic!("what was written cannot be read: {error}: {text}"),
                }
            }
        }
        outcome(&decision, body.len())
    },
};

const XML_THREAT: Target = Target {
    name: "xml_threat",
    shape: Shape::Markup,
    seeds: xml_seeds,
    words: XML_WORDS,
    run: |input| {
        let step = policy("xmlThreatProtection", json!({}));
        let (decision, body) = apply(&*step, input, "application/xml");
        assert_eq!(body, input, "a check changes nothing");
        outcome(&decision, body.len())
    },
};

const JSON_THREAT: Target = Target {
    name: "json_threat",
    shape: Shape::Json,
    seeds: json_seeds,
    words: &["a", "{", "}", "[", "]"],
    run: |input| {
        let step = policy(
            "jsonThreatProtection",
            json!({"maxPropertyCount": "4", "maxStringLength": "30",
            "maxArrayElementCount": "6", "maxKeyLength": "20", "maxJsonDepth": "5"}),
        );
        let (decision, body) = apply(&*step, input, "application/json");
        assert_eq!(body, input, "a check changes nothing");
        outcome(&decision, body.len())
    },
};

const SEQUENCE: Target = Target {
    name: "sequence",
    shape: Shape::Markup,
    seeds: || {
        vec![b"<sequence xmlns=\"http://ws.apache.org/ns/synapse\"><header name=\"{{a}}\" scope=\"transport\" value=\"b\"/>\
            <property name=\"c\" scope=\"transport\" action=\"remove\"/></sequence>".to_vec()]
    },
    words: &[
        "<sequence>",
        "</sequence>",
        "<header ",
        "<property ",
        "scope=\"transport\"",
        "{{a}}",
        "{%",
        "value=\"\"",
        "/>",
    ],
    run: |input| {
        let parameters = [("a".to_owned(), json!("X-A"))].into_iter().collect();
        match crate::translate(&String::from_utf8_lossy(input), &parameters) {
            Ok(uses) => kind("uses", uses.len()),
            Err(error) => kind(error.to_string().get(..40).unwrap_or("short"), 0),
        }
    },
};
