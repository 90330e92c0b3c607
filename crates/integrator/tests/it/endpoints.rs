//! Each kind of endpoint, with the ways in which a backend fails, and what endpoints remember between messages.

use std::time::Duration;

use crate::cases::{Case, get, json, run};

const MORE: &[(&str, &str)] = &[
    ("endpoints/plain.xml", "<endpoint @NS name=\"plain\"><address uri=\"$BACKEND/named/plain\"/></endpoint>"),
    ("endpoints/one.xml", "<endpoint @NS name=\"one\"><address uri=\"$BACKEND/named/one\"/></endpoint>"),
    ("endpoints/two.xml", "<endpoint @NS name=\"two\"><address uri=\"$BACKEND/named/two\"/></endpoint>"),
    (
        "endpoints/gone.xml",
        "<endpoint @NS name=\"gone\"><address uri=\"$DEAD/x\"><suspendOnFailure><initialDuration>30000</initialDuration>\
         <progressionFactor>2.0</progressionFactor><maximumDuration>100000</maximumDuration></suspendOnFailure></address></endpoint>",
    ),
    (
        "endpoints/slow.xml",
        "<endpoint @NS name=\"slow\"><address uri=\"$BACKEND/slow/5000\"><timeout><duration>100</duration>\
         <responseAction>fault</responseAction></timeout></address></endpoint>",
    ),
    (
        "endpoints/discard.xml",
        "<endpoint @NS name=\"discard\"><address uri=\"$BACKEND/slow/5000\"><timeout><duration>100</duration>\
         <responseAction>discard</responseAction></timeout></address></endpoint>",
    ),
    (
        "endpoints/balance.xml",
        "<endpoint @NS name=\"balance\"><loadbalance algorithm=\"org.apache.synapse.endpoints.algorithms.RoundRobin\">\
         <endpoint key=\"one\"/><endpoint key=\"two\"/></loadbalance></endpoint>",
    ),
    (
        "endpoints/over.xml",
        "<endpoint @NS name=\"over\"><failover><endpoint><address uri=\"$DEAD/x\"/></endpoint><endpoint key=\"two\"/></failover></endpoint>",
    ),
    (
        "endpoints/over-none.xml",
        "<endpoint @NS name=\"over-none\"><failover><endpoint><address uri=\"$DEAD/x\"/></endpoint>\
         <endpoint><address uri=\"$DEAD/y\"/></endpoint></failover></endpoint>",
    ),
    (
        "endpoints/retry.xml",
        "<endpoint @NS name=\"retry\"><address uri=\"$BACKEND/flaky\"><markForSuspension><errorCodes>101505,101500,101503</errorCodes>\
         <retriesBeforeSuspension>2</retriesBeforeSuspension><retryDelay>10</retryDelay></markForSuspension></address></endpoint>",
    ),
    (
        "endpoints/never.xml",
        "<endpoint @NS name=\"never\"><address uri=\"$DEAD/x\"><suspendOnFailure><initialDuration>-1</initialDuration>\
         </suspendOnFailure></address></endpoint>",
    ),
    ("endpoints/default.xml", "<endpoint @NS name=\"default\"><default/></endpoint>"),
    (
        "endpoints/list.xml",
        "<endpoint @NS name=\"list\"><recipientlist><endpoint key=\"one\"/><endpoint key=\"two\"/></recipientlist></endpoint>",
    ),
    (
        "templates/address.xml",
        "<template @NS name=\"address\"><parameter name=\"path\"/><endpoint name=\"$name\"><address uri=\"$BACKEND/named/$path\"/></endpoint></template>",
    ),
    (
        "endpoints/filled.xml",
        "<endpoint @NS name=\"filled\" template=\"address\"><parameter name=\"path\" value=\"filled\"/></endpoint>",
    ),
    (
        "endpoints/wsdl.xml",
        "<endpoint @NS name=\"wsdl\"><wsdl service=\"S\" port=\"P\"><wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\"><wsdl:service name=\"S\"><wsdl:port name=\"P\"><soap:address \
         location=\"$BACKEND/named/wsdl\"/></wsdl:port></wsdl:service></wsdl:definitions></wsdl></endpoint>",
    ),
    (
        "endpoints/secured.xml",
        "<endpoint @NS name=\"secured\"><address uri=\"$BACKEND/named/x\"><enableSec/></address></endpoint>",
    ),
    (
        "proxy-services/echo.xml",
        "<proxy @NS name=\"echo\" transports=\"http https\"><target><inSequence><respond/></inSequence></target></proxy>",
    ),
    (
        "proxy-services/direct.xml",
        "<proxy @NS name=\"direct\"><target><endpoint><address uri=\"$BACKEND/mirror\"/></endpoint><outSequence><send/></outSequence>\
         </target></proxy>",
    ),
    (
        "proxy-services/self.xml",
        "<proxy @NS name=\"self\"><target><inSequence><call><endpoint><address uri=\"local:///services/self\"/></endpoint></call>\
         <respond/></inSequence><faultSequence>$SHOW</faultSequence></target></proxy>",
    ),
    (
        "proxy-services/secure.xml",
        "<proxy @NS name=\"secure\" transports=\"https\"><target><inSequence><respond/></inSequence></target></proxy>",
    ),
    (
        "proxy-services/stopped.xml",
        "<proxy @NS name=\"stopped\" startOnLoad=\"false\"><target><inSequence><respond/></inSequence></target></proxy>",
    ),
    (
        "proxy-services/policed.xml",
        "<proxy @NS name=\"policed\"><target><inSequence><respond/></inSequence></target><enableSec/></proxy>",
    ),
    ("registry-endpoint.txt", ""),
    (
        "/registry/governance/endpoints/stored.xml",
        "<endpoint @NS name=\"stored\"><address uri=\"$BACKEND/named/stored\"/></endpoint>",
    ),
];

const fn to(name: &'static str, mediators: &'static str, status: u16, expects: &'static [&'static str]) -> Case {
    get(name, mediators, status, expects)
}

const CASES: &[Case] = &[
    to("address", "<call><endpoint key=\"plain\"/></call><respond/>", 200, &[r#"={"by":"plain"}"#]),
    to("key-missing", "<call><endpoint key=\"missing\"/></call><respond/>", 500, &["missing", "305100"]),
    to(
        "key-dynamic",
        "<property name=\"k\" value=\"two\"/><call><endpoint key=\"{get-property('k')}\"/></call><respond/>",
        200,
        &[r#"={"by":"two"}"#],
    ),
    to(
        "http-template",
        "<property name=\"uri.var.n\" value=\"a b\"/><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/e/{uri.var.n}\"/></endpoint></call><respond/>",
        200,
        &["/e/a%20b"],
    ),
    to(
        "http-postfix",
        "<call><endpoint><address uri=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &["/e/x/y?q=1"],
    ),
    to(
        "http-post",
        "<payloadFactory media-type=\"json\"><format>{\"a\":1}</format></payloadFactory><call><endpoint><http method=\"post\" uri-template=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &[r#""method":"POST""#, r#"{\"a\":1}"#],
    ),
    to(
        "http-delete",
        "<call><endpoint><http method=\"delete\" uri-template=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &[r#""method":"DELETE""#],
    ),
    json(
        "soap11",
        "<call><endpoint><address uri=\"$BACKEND/e\" format=\"soap11\"/></endpoint></call><respond/>",
        r#"{"a":1}"#,
        200,
        &["soapaction", "text/xml", "Envelope"],
    ),
    json(
        "soap12",
        "<call><endpoint><address uri=\"$BACKEND/e\" format=\"soap12\"/></endpoint></call><respond/>",
        r#"{"a":1}"#,
        200,
        &["application/soap+xml", "2003/05/soap-envelope"],
    ),
    json(
        "pox",
        "<call><endpoint><address uri=\"$BACKEND/e\" format=\"pox\"/></endpoint></call><respond/>",
        r#"{"a":{"b":1}}"#,
        200,
        &["application/xml", "<a><b>1</b></a>"],
    ),
    to(
        "user-agent",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &["user-agent"],
    ),
    to(
        "http10",
        "<property name=\"FORCE_HTTP_1.0\" value=\"true\" scope=\"axis2\"/><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/named/x\"/></endpoint></call><respond/>",
        200,
        &[r#"={"by":"x"}"#],
    ),
    // failures and their codes
    to(
        "refused",
        "<call><endpoint><address uri=\"$DEAD/x\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101503""#, "Error connecting to the back end"],
    ),
    to(
        "closed",
        "<call><endpoint><address uri=\"$BACKEND/close\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101505""#],
    ),
    to(
        "garbage",
        "<call><endpoint><address uri=\"$BACKEND/garbage\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101506""#],
    ),
    to(
        "half",
        "<call><endpoint><address uri=\"$BACKEND/half\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101501""#, "broke off"],
    ),
    to("timeout", "<call><endpoint key=\"slow\"/></call><respond/>", 500, &[r#""code":"101504""#]),
    to("timeout-discard", "<send><endpoint key=\"discard\"/></send>", 202, &["="]),
    to(
        "huge",
        "<call><endpoint><address uri=\"$BACKEND/big/40000000\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101501""#, "too large"],
    ),
    to(
        "gzip-bomb",
        "<call><endpoint><address uri=\"$BACKEND/gzip/60000000\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101501""#, "too large"],
    ),
    to(
        "no-name",
        "<call><endpoint><address uri=\"http://does-not-exist.invalid/\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101503""#],
    ),
    to(
        "metadata",
        "<call><endpoint><address uri=\"http://169.254.169.254/latest/meta-data\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101503""#, "A23"],
    ),
    to("neighbour", "<call><endpoint><address uri=\"http://10.0.0.1/\"/></endpoint></call><respond/>", 500, &["A23"]),
    to(
        "scheme",
        "<property name=\"u\" value=\"file:///etc/passwd\"/><call><endpoint><address uri=\"{get-property('u')}\"/></endpoint></call><respond/>",
        500,
        &["!root:", "http or https"],
    ),
    to(
        "userinfo",
        "<property name=\"u\" value=\"http://a@127.0.0.1/\"/><call><endpoint><http method=\"get\" uri-template=\"{uri.var.none}http://u:p@127.0.0.1/\"/></endpoint></call><respond/>",
        500,
        &["\"code\":"],
    ),
    to("enable-sec", "<call><endpoint key=\"secured\"/></call><respond/>", 500, &["WS-Security"]),
    // groups
    to("failover", "<call><endpoint key=\"over\"/></call><respond/>", 200, &[r#"={"by":"two"}"#]),
    to("failover-none", "<call><endpoint key=\"over-none\"/></call><respond/>", 500, &["101503"]),
    to("recipients", "<send><endpoint key=\"list\"/></send>", 200, &["by"]),
    to("retry", "<call><endpoint key=\"retry\"/></call><respond/>", 200, &["flaky"]),
    to(
        "default",
        "<header name=\"To\" value=\"$BACKEND/named/default\"/><call><endpoint key=\"default\"/></call><respond/>",
        200,
        &[r#"={"by":"default"}"#],
    ),
    to("template", "<call><endpoint key=\"filled\"/></call><respond/>", 200, &[r#"={"by":"filled"}"#]),
    to("wsdl", "<call><endpoint key=\"wsdl\"/></call><respond/>", 200, &[r#"={"by":"wsdl"}"#]),
    // inside
    json(
        "local",
        "<call><endpoint><address uri=\"local:///services/echo\"/></endpoint></call><respond/>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1}"#],
    ),
    to(
        "local-missing",
        "<call><endpoint><address uri=\"local:///services/none\"/></endpoint></call><respond/>",
        500,
        &[r#""code":"101503""#, "no such service"],
    ),
    to(
        "local-loop",
        "<call><endpoint><address uri=\"local:///services/self\"/></endpoint></call><respond/>",
        500,
        &["too deeply"],
    ),
    to("balanced", "<call><endpoint key=\"balance\"/></call><respond/>", 200, &[r#"={"by":"one"}"#]),
    to("suspends", "<call><endpoint key=\"gone\"/></call><respond/>", 500, &[r#""code":"101503""#]),
    to("stays", "<call><endpoint key=\"never\"/></call><respond/>", 500, &[r#""code":"101503""#]),
    to(
        "stale",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/once\"/></endpoint></call><respond/>",
        200,
        &["once"],
    ),
    to(
        "cookies",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/cookies\"/></endpoint></call><respond/>",
        200,
        &[],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints() {
    let (running, backend) = run(CASES, MORE).await;
    let again = async |name: &str| running.get(&format!("/{name}/x/y?q=1&amp=2")).await;
    // Round robin goes on where it was.
    assert_eq!(again("balanced").await.body, r#"{"by":"two"}"#);
    assert_eq!(again("balanced").await.body, r#"{"by":"one"}"#);
    // A suspended endpoint is not tried, is tried after its time, and is then suspended for longer.
    for (seconds, code) in
        [(1, "303001"), (30, "101503"), (31, "303001"), (30, "101503"), (99, "303001"), (2, "101503")]
    {
        running.clock.advance(Duration::from_secs(seconds));
        let answer = again("suspends").await;
        assert!(answer.body.contains(&format!("\"code\":\"{code}\"")), "after {seconds} s: {}", answer.body);
    }
    assert!(again("stays").await.body.contains("101503"));
    // Both fields of one name arrive.
    let cookies = again("cookies").await;
    let set: Vec<&str> = cookies
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .map(|(_, v)| v.as_str())
        .collect();
    assert_eq!(set, ["a=1", "b=2"]);
    assert_eq!(cookies.header("x-own"), Some("y"));
    // A connection that the backend closed after its answer is replaced without the message failing.
    for _ in 0..20 {
        assert_eq!(again("stale").await.status, 200);
    }
    // Connections are kept.
    let before = backend.calls("connections");
    for _ in 0..20 {
        assert_eq!(again("address").await.status, 200);
    }
    assert!(backend.calls("connections") <= before + 1, "{} connections", backend.calls("connections") - before);
    // Proxies over the listener.
    let post = async |target: &str| running.post(target, "application/json", r#"{"a":1}"#).await;
    assert_eq!(post("/services/echo").await.body, r#"{"a":1}"#);
    assert_eq!(post("/services/direct").await.body, r#"{"a":1}"#);
    for closed in ["secure", "stopped", "policed", "none"] {
        assert_eq!(post(&format!("/services/{closed}")).await.status, 404, "{closed}");
    }
}
