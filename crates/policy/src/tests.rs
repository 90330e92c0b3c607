//! Every policy by table, and the catalogue against itself.

mod threats;

use http::{HeaderMap, Method};
use model::snapshot::PolicyUse;
use serde_json::{Value, json};

use crate::{CATALOG, Decision, FaultFormat, Flow, Message, PolicyError, Target, compile};

fn r#use(name: &str, parameters: Value) -> PolicyUse {
    PolicyUse { name: name.into(), version: "v1".into(), parameters: serde_json::from_value(parameters).unwrap() }
}

struct Call {
    method: Method,
    target: Target,
    headers: HeaderMap,
    claims: Value,
    body: Vec<u8>,
    fault_format: FaultFormat,
}

impl Call {
    fn new() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("x-old", "1".parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        Self {
            method: Method::GET,
            target: Target { path: "/menu".into(), query: Some("a=1".into()) },
            headers,
            claims: json!({"aut": "APPLICATION", "n": 7}),
            body: Vec::new(),
            fault_format: FaultFormat::Negotiated,
        }
    }

    fn run(&mut self, name: &str, parameters: Value, flow: Flow) -> Decision {
        let step = compile(&r#use(name, parameters), flow).unwrap();
        step.apply(&mut Message {
            flow,
            method: &mut self.method,
            target: &mut self.target,
            headers: &mut self.headers,
            status: None,
            claims: self.claims.as_object(),
            body: Some(&mut self.body),
            fault_format: &mut self.fault_format,
        })
    }
}

#[test]
fn names_are_unique_and_patterns_compile() {
    let mut names: Vec<_> = CATALOG.iter().map(|p| p.metadata().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CATALOG.len());
    for policy in CATALOG {
        let metadata = policy.metadata();
        assert!(!metadata.versions.is_empty() && !metadata.applicable_flows.is_empty(), "{}", metadata.name);
        for attribute in metadata.attributes {
            regex::Regex::new(attribute.validation_regex).unwrap();
        }
    }
}

#[test]
fn headers_are_added_set_and_removed() {
    let mut call = Call::new();
    call.run("addHeader", json!({"headerName": "X-Old", "headerValue": "2"}), Flow::Request);
    assert_eq!(call.headers.get_all("x-old").iter().count(), 2);
    call.run("setHeader", json!({"headerName": "X-Old", "headerValue": "3"}), Flow::Response);
    assert_eq!(call.headers.get_all("x-old").iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>(), ["3"]);
    call.run("removeHeader", json!({"headerName": "x-OLD"}), Flow::Fault);
    assert!(!call.headers.contains_key("x-old"));
}

#[test]
fn bad_uses_are_refused_when_compiled() {
    let add = |name: &str, value: &str| r#use("addHeader", json!({"headerName": name, "headerValue": value}));
    for (bad, flow) in [
        (r#use("noSuchPolicy", json!({})), Flow::Request),
        (add("", "x"), Flow::Request),
        (add("x", ""), Flow::Request),
        (add("x y", "v"), Flow::Request),
        (add("x", "a\r\nInjected: 1"), Flow::Request),
        (add("Content-Length", "1"), Flow::Request),
        (add("transfer-encoding", "chunked"), Flow::Request),
        (r#use("addHeader", json!({"headerName": "x", "headerValue": {"a": 1}})), Flow::Request),
        (r#use("addHeader", json!({"headerName": "x", "headerValue": "1", "other": "y"})), Flow::Request),
        (r#use("rewriteResourcePath", json!({"newResourcePath": "/a/../b"})), Flow::Request),
        (r#use("rewriteResourcePath", json!({"newResourcePath": "/a//b"})), Flow::Request),
        (r#use("rewriteResourcePath", json!({"newResourcePath": "/a?b=c"})), Flow::Request),
        (r#use("rewriteResourcePath", json!({"newResourcePath": "/a"})), Flow::Response),
        (r#use("rewriteHTTPMethod", json!({"currentMethod": "GET", "updatedMethod": "BREW"})), Flow::Request),
        (r#use("jsonFault", json!({})), Flow::Request),
        (r#use("jwtClaimBasedAccessValidator", json!({"accessVerificationClaim": "aut"})), Flow::Request),
        (
            r#use(
                "jwtClaimBasedAccessValidator",
                json!({"accessVerificationClaim": "aut", "accessVerificationClaimValueRegex": "("}),
            ),
            Flow::Request,
        ),
    ] {
        assert!(compile(&bad, flow).is_err(), "{bad:?}");
    }
    let mut future = add("x", "1");
    future.version = "v99".into();
    assert!(matches!(compile(&future, Flow::Request), Err(PolicyError::UnknownVersion { .. })));
}

#[test]
fn target_and_method_are_rewritten() {
    let mut call = Call::new();
    call.run("addQueryParam", json!({"paramKey": "q", "paramValue": "a b&c=d"}), Flow::Request);
    assert_eq!(call.target.query.as_deref(), Some("a=1&q=a%20b%26c%3Dd"));
    call.run("rewriteResourcePath", json!({"newResourcePath": "new", "includeQueryParams": true}), Flow::Request);
    assert_eq!((call.target.path.as_str(), call.target.query.is_some()), ("/new", true));
    call.run("rewriteResourcePath", json!({"newResourcePath": "/x"}), Flow::Request);
    assert_eq!((call.target.path.as_str(), call.target.query.is_some()), ("/x", false));
    call.run("addQueryParam", json!({"paramKey": "q", "paramValue": "1"}), Flow::Request);
    assert_eq!(call.target.query.as_deref(), Some("q=1"));
    call.run("rewriteHTTPMethod", json!({"currentMethod": "PUT", "updatedMethod": "POST"}), Flow::Request);
    assert_eq!(call.method, Method::GET);
    call.run("rewriteHTTPMethod", json!({"currentMethod": "GET", "updatedMethod": "POST"}), Flow::Request);
    assert_eq!(call.method, Method::POST);
}

#[test]
fn json_becomes_xml() {
    for (json, xml) in [
        (r#"{"name":"probe"}"#, "<jsonObject><name>probe</name></jsonObject>"),
        (r#"{"http://purl.org/dc":"url"}"#, "<jsonObject><http___purl.org_dc>url</http___purl.org_dc></jsonObject>"),
        (
            r#"{"a":[1,{"b":null}],"1<2":"<&>"}"#,
            "<jsonObject><a>1</a><a><b></b></a><_1_2>&lt;&amp;&gt;</_1_2></jsonObject>",
        ),
        (r"[1,2]", "<jsonArray><jsonElement>1</jsonElement><jsonElement>2</jsonElement></jsonArray>"),
        ("{\"c\":\"\\u0000\"}", "<jsonObject><c>\u{fffd}</c></jsonObject>"),
    ] {
        let mut call = Call::new();
        call.body = json.into();
        assert_eq!(call.run("jsonToXML", json!({}), Flow::Request), Decision::Continue);
        assert_eq!(String::from_utf8(call.body).unwrap(), xml);
        assert_eq!(call.headers["content-type"], "application/xml");
    }
    let mut broken = Call::new();
    broken.body = b"{".to_vec();
    assert!(matches!(broken.run("jsonToXML", json!({}), Flow::Request), Decision::Respond { status: 400, .. }));
    let mut empty = Call::new();
    assert_eq!(empty.run("jsonToXML", json!({}), Flow::Request), Decision::Continue);
}

#[test]
fn xml_becomes_json() {
    let convert = |policy: &str, kind: &str, body: &str| {
        let mut call = Call::new();
        call.headers.insert("content-type", kind.parse().unwrap());
        call.body = body.into();
        let decision = call.run(policy, json!({}), Flow::Response);
        (decision, String::from_utf8(call.body).unwrap(), call.headers["content-type"].to_str().unwrap().to_owned())
    };
    for (xml, json) in [
        ("<foo>bar</foo>", r#"{"foo":"bar"}"#),
        ("<?xml version='1.0'?>\n<jsonObject><foo>bar</foo></jsonObject>\n", r#"{"foo":"bar"}"#),
        ("<jsonArray><jsonElement>1</jsonElement><jsonElement>b</jsonElement></jsonArray>", r#"[1,"b"]"#),
        (
            "<z:a xmlns:z='urn:z' z:k='1'><y>1</y> <x/> <y>2</y><w>01</w>t</z:a>",
            r#"{"a":{"@k":"1","y":[1,2],"x":"","w":"01","$":"t"}}"#,
        ),
        ("<a>1e400</a>", r#"{"a":"1e400"}"#),
        ("<a>true</a>", r#"{"a":true}"#),
        ("<a><![CDATA[<b>\"]]>&lt;&#65;</a>", r#"{"a":"<b>\"<A"}"#),
        ("<a>x<!-- c -->y</a>", r#"{"a":"xy"}"#),
    ] {
        assert_eq!(
            convert("xmlToJson", "application/xml", xml),
            (Decision::Continue, json.to_owned(), "application/json".to_owned())
        );
        assert!(serde_json::from_str::<Value>(json).is_ok());
        let (decision, body, _) = convert("jsonToXML", "text/xml", xml);
        assert_eq!((decision, body.as_str()), (Decision::Continue, xml), "well-formed XML passes as it is");
    }
    assert_eq!(convert("xmlToJson", "text/plain", "<a/>").1, "<a/>", "other kinds pass as they are");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    for broken in [
        "<request>Request<request>",
        "<a></b>",
        "<a/><b/>",
        "x",
        "",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<a>&x;</a>",
        "<a b='1' b='2'/>",
        "</a>",
        &deep,
    ] {
        for policy in ["xmlToJson", "jsonToXML"] {
            let (decision, ..) = convert(policy, "application/xml", broken);
            if broken.is_empty() {
                assert_eq!(decision, Decision::Continue);
                continue;
            }
            let Decision::Respond { status: 500, code: 601_000, description, .. } = decision else {
                panic!("{policy} {broken:.60}: {decision:?}")
            };
            let unclosed = description.contains("Unexpected EOF; was expecting a close tag for element <request>");
            assert_eq!(unclosed, broken.starts_with("<request>"), "{description}");
        }
    }
}

#[test]
fn claims_decide() {
    let run = |parameters: Value| Call::new().run("jwtClaimBasedAccessValidator", parameters, Flow::Request);
    let allowed = |parameters: Value| run(parameters) == Decision::Continue;
    let check = |claim: &str, value: &str, pattern: &str, inverted: bool| {
        allowed(json!({"accessVerificationClaim": claim, "accessVerificationClaimValue": value,
            "accessVerificationClaimValueRegex": pattern, "shouldAllowValidation": inverted.to_string()}))
    };
    assert!(check("aut", "APPLICATION", "", false));
    assert!(!check("aut", "APPLICATIO", "", false));
    assert!(!check("nope", "APPLICATION", "", false));
    assert!(check("aut", "NON_MATCHING", "", true));
    assert!(!check("aut", "APPLICATION", "", true));
    assert!(!check("nope", "x", "", true));
    assert!(check("aut", "APPLICATION", "^[A-Z]+$", false));
    assert!(!check("aut", "APPLICATION", "^[0-9]+$", false));
    assert!(!check("aut", "", "APPL", false), "the pattern is anchored");
    assert!(check("n", "7", "", false));
}
