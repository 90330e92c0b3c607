//! Attacks on the threat protections.

use serde_json::json;

use super::{Call, r#use};
use crate::{Decision, Flow, compile};

fn refused(decision: &Decision) -> Option<&str> {
    match decision {
        Decision::Continue => None,
        Decision::Respond { status: 400, description, .. } => Some(description),
        Decision::Respond { status, description, .. } => panic!("{status}: {description}"),
    }
}

#[test]
fn patterns_find_threats_where_they_are_told_to_look() {
    let sql = r"(?i)\bdrop\s+table\b|<script";
    let run = |place: &str, change: &dyn Fn(&mut Call)| {
        let mut call = Call::new();
        change(&mut call);
        let parameters = json!({"threatType": "SQL-Injection", "regex": sql, place: true});
        refused(&call.run("regexThreatProtection", parameters, Flow::Request)).map(str::to_owned)
    };
    let (body, headers, path) = ("enabledCheckBody", "enabledCheckHeaders", "enabledCheckPathParams");
    let in_query = |c: &mut Call| c.target.query = Some("q=1;DROP%20TABLE+x".into());
    let twice = |c: &mut Call| c.target.query = Some("q=%253Cscript%253E".into());
    let in_path = |c: &mut Call| c.target.path = "/a/%3Cscript%3E".into();
    let in_header = |c: &mut Call| drop(c.headers.insert("x-a", "<SCRIPT>".parse().unwrap()));
    let in_body = |c: &mut Call| c.body = b"q=drop+table".to_vec();
    type Change<'a> = &'a dyn Fn(&mut Call);
    let cases: [(&str, Change<'_>, bool); 8] = [
        (path, &in_query, true),
        (path, &twice, true),
        (path, &in_path, true),
        (headers, &in_header, true),
        (body, &in_body, true),
        (body, &in_query, false),
        (path, &in_body, false),
        (path, &|_| (), false),
    ];
    for (place, change, found) in cases {
        let answer = run(place, change);
        assert_eq!(answer.is_some(), found, "{place} {answer:?}");
        assert!(answer.is_none_or(|text| text.contains("SQL-Injection") && !text.contains("DROP")));
    }
    for bad in [
        json!({"threatType": "x", "regex": "(", "enabledCheckBody": true}),
        json!({"threatType": "x", "regex": "x"}),
        json!({"threatType": "x<y>", "regex": "x", "enabledCheckBody": true}),
        json!({"threatType": "x", "regex": "(a{500}){500}", "enabledCheckBody": true}),
    ] {
        assert!(compile(&r#use("regexThreatProtection", bad.clone()), Flow::Request).is_err(), "{bad}");
    }
}

#[test]
fn json_is_bounded_in_every_dimension() {
    let parameters = json!({"maxPropertyCount": "2", "maxStringLength": 4, "maxArrayElementCount": "3",
                            "maxKeyLength": "3", "maxJsonDepth": "3"});
    let run = |body: &str| {
        let mut call = Call::new();
        call.body = body.as_bytes().to_vec();
        refused(&call.run("jsonThreatProtection", parameters.clone(), Flow::Request)).map(str::to_owned)
    };
    for good in [r#"{"a":1,"b":[1,2,{}]}"#, "\"\u{e4}\u{e4}\u{e4}\u{e4}\"", "", "null", "[[[]]]"] {
        assert_eq!(run(good), None, "{good}");
    }
    for (bad, reason) in [
        (r#"{"a":1,"b":2,"c":3}"#, "more than 2 members"),
        (r#"["abcde"]"#, "longer than 4"),
        (r#"["\u0061bcde"]"#, "longer than 4"),
        ("[1,2,3,4]", "more than 3 items"),
        (r#"{"abcd":1}"#, "name is longer than 3"),
        (r#"{"\u0061bcd":1}"#, "name is longer than 3"),
        ("[[[[]]]]", "more than 3 deep"),
        (r#"{"a":"#, "well-formed"),
        ("{} {}", "well-formed"),
        ("NaN", "well-formed"),
    ] {
        assert!(run(bad).is_some_and(|text| text.contains(reason)), "{bad}: {:?}", run(bad));
    }
    let mut deep = Call::new();
    deep.body = "[".repeat(100_000).into_bytes();
    assert!(refused(&deep.run("jsonThreatProtection", json!({}), Flow::Request)).is_some());
    assert!(compile(&r#use("jsonThreatProtection", json!({"maxJsonDepth": "129"})), Flow::Request).is_err());
    let mut other = Call::new();
    other.headers.insert("content-type", "text/plain".parse().unwrap());
    other.body = b"{".to_vec();
    assert_eq!(other.run("jsonThreatProtection", json!({}), Flow::Request), Decision::Continue);
}

#[test]
fn xml_is_bounded_in_every_dimension() {
    let parameters = json!({"maxXMLDepth": "3", "maxElementCount": "5", "maxAttributeCount": "2",
                            "maxAttributeLength": "4", "maxChildrenPerElement": "3"});
    let run = |body: &str| {
        let mut call = Call::new();
        call.headers.insert("content-type", "text/xml".parse().unwrap());
        call.body = body.as_bytes().to_vec();
        refused(&call.run("xmlThreatProtection", parameters.clone(), Flow::Request)).map(str::to_owned)
    };
    for good in ["<a><b><c/></b></a>", "<a x='1' y='abcd'>&lt;&#65;</a>", "<?xml version='1.0'?><a/>", ""] {
        assert_eq!(run(good), None, "{good}");
    }
    for (bad, reason) in [
        ("<a><b><c><d/></c></b></a>", "nested more than 3"),
        ("<a><b/><b/><b><c/><c/></b></a>", "more than 5 elements"),
        ("<a x='1' y='2' z='3'/>", "more than 2 attributes"),
        ("<a x='12345'/>", "longer than 4"),
        ("<a><b/><b/><b/><b/></a>", "more than 3 children"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "Document types"),
        ("<a>&x;</a>", "Entities"),
        ("<a>", "well-formed"),
        ("</a>", "well-formed"),
        ("text", "well-formed"),
        ("<a x='1' x='2'/>", "well-formed"),
    ] {
        assert!(run(bad).is_some_and(|text| text.contains(reason)), "{bad}: {:?}", run(bad));
    }
}
