//! Flows through whole artifacts, with mock services in place of backends.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use model::{Clock, Rng, Timestamp};
use synapse::artifact::compile;
use synapse::engine::{Arrival, Unserved, dispatch};
use synapse::host::{Host, Reply};
use synapse::unit_test::{MockHost, MockService, World};
use synapse::{Configuration, Headers, Message};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_795_288_511)
    }
}

impl Rng for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// Nothing waits in these tests, so polling until the end is all that a runtime would do.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("the flow does not end");
}

struct Done {
    served: Result<(), Unserved>,
    reply: Option<Reply>,
    log: Vec<String>,
    sent: Vec<String>,
}

impl Done {
    fn body(&self) -> String {
        self.reply.as_ref().map(|reply| String::from_utf8_lossy(&reply.body).into_owned()).unwrap_or_default()
    }

    fn status(&self) -> u16 {
        self.reply.as_ref().map_or(0, |reply| reply.status)
    }
}

fn world() -> World {
    World { clock: Arc::new(Still), rng: Arc::new(Still), settings: Arc::new(BTreeMap::new()), mocks: Arc::default() }
}

/// A backend that answers JSON and XML; `/echo` endpoints are matched by their name.
fn mocks() -> Vec<MockService> {
    let service = |name: &str, status: u16, content_type: &str, body: &str| {
        let text = format!(
            "<mock-service><service-name>{name}</service-name><context>/</context><resources><resource>\
             <sub-context>/</sub-context><method></method><response><status-code>{status}</status-code>\
             <payload><![CDATA[{body}]]></payload><headers><header name=\"Content-Type\" value=\"{content_type}\"/></headers>\
             </response></resource></resources></mock-service>"
        );
        MockService::parse(&text).unwrap()
    };
    vec![
        service("json", 200, "application/json", r#"{"answer":42}"#),
        service("xml", 200, "application/xml", "<answer>42</answer>"),
        service("broken", 503, "text/plain", "down"),
        service(
            "fault",
            500,
            "text/xml",
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault><faultcode>e:Server</faultcode>\
             <faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>",
        ),
    ]
}

const ENDPOINTS: &str = "<endpoint name='json'><address uri='http://backend/json'/></endpoint>\
    <endpoint name='xml'><address uri='http://backend/xml'/></endpoint>\
    <endpoint name='broken'><address uri='http://backend/broken'/></endpoint>\
    <endpoint name='fault'><address uri='http://backend/fault' format='soap11'/></endpoint>\
    <endpoint name='gone'><address uri='http://nowhere/'/></endpoint>";

/// Runs mediators as the in sequence of an API, beside other artifacts.
fn run_with(mediators: &str, others: &str, content_type: &str, body: &str) -> Done {
    let text = format!(
        "<definitions xmlns='http://ws.apache.org/ns/synapse'>{ENDPOINTS}{others}<api name='t' context='/t'>\
         <resource methods='GET POST' uri-template='/{{id}}'>{mediators}</resource></api></definitions>"
    );
    let compiled = compile(&text);
    let artifact = compiled.result.unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut configuration = Configuration::new();
    configuration.add(artifact);
    request(Arc::new(configuration), "POST", "/t/7?q=a%20b", content_type, body)
}

fn request(configuration: Arc<Configuration>, method: &str, target: &str, content_type: &str, body: &str) -> Done {
    let host = Arc::new(MockHost::new(mocks(), Arc::clone(&configuration), world()));
    let mut headers = Headers::new();
    headers.set("Content-Type", content_type);
    headers.set("Authorization", "Bearer secret");
    let message = Message::raw(headers, Bytes::from(body.to_owned()));
    let arrival = Arrival {
        method: method.to_owned(),
        target: target.to_owned(),
        scheme: "http".to_owned(),
        peer: "10.0.0.1".to_owned(),
        message,
    };
    let as_host: Arc<dyn Host> = Arc::clone(&host) as Arc<dyn Host>;
    let served = block_on(dispatch(&configuration, &as_host, arrival));
    let sent = host.exchanged().into_iter().map(|one| format!("{} {} {}", one.method, one.url, one.body)).collect();
    Done { served, reply: host.reply_given(), log: host.lines(), sent }
}

fn run(mediators: &str, body: &str) -> Done {
    let content_type = if body.starts_with('<') { "application/xml" } else { "application/json" };
    run_with(&format!("<inSequence>{mediators}</inSequence>"), "", content_type, body)
}

fn payload(format: &str) -> String {
    format!("<payloadFactory media-type='json'><format>{format}</format></payloadFactory><respond/>")
}

#[test]
fn expressions_see_the_request() {
    let format =
        r#"{"id":"${params.pathParams.id}","q":"${params.queryParams.q}","a":${payload.a},"n":${payload.a.n + 1}}"#;
    assert_eq!(run(&payload(format), r#"{"a":{"n":1}}"#).body(), r#"{"id":"7","q":"a b","a":{"n":1},"n":2}"#);
    let old = "<payloadFactory media-type='json'><format>{\"x\":\"$1\",\"y\":$2}</format><args>\
        <arg expression=\"get-property('uri.var.id')\"/><arg evaluator='json' expression='$.a'/></args></payloadFactory><respond/>";
    assert_eq!(run(old, r#"{"a":[1,"z"]}"#).body(), r#"{"x":"7","y":[1,"z"]}"#);
}

#[test]
fn values_cannot_break_out_of_a_format() {
    let format = payload(r#"{"x":"${payload.a}"}"#);
    let body = run(&format, r#"{"a":"\",\"admin\":true,\"b\":\""}"#).body();
    assert_eq!(body, r#"{"x":"\",\"admin\":true,\"b\":\""}"#);
    let xml = "<payloadFactory media-type='xml'><format><r xmlns=''><x>$1</x></r></format><args>\
        <arg evaluator='json' expression='$.a'/></args></payloadFactory><property name='messageType' value='application/xml' \
        scope='axis2'/><respond/>";
    assert_eq!(run(xml, r#"{"a":"1 < 2 & <b>"}"#).body(), "<r><x>1 &lt; 2 &amp; &lt;b&gt;</x></r>");
}

#[test]
fn calls_go_on_with_the_response() {
    let done = run("<call><endpoint key='json'/></call><respond/>", r#"{"a":1}"#);
    assert_eq!(done.body(), r#"{"answer":42}"#);
    assert_eq!(done.sent, [r#"POST http://backend/json/7?q=a%20b {"a":1}"#]);
    let done = run("<send><endpoint key='xml'/></send>", "<a/>");
    assert_eq!(done.body(), "<answer>42</answer>");
    let done = run("<call><endpoint key='broken'/></call><respond/>", "{}");
    assert_eq!((done.status(), done.body().as_str()), (503, "down"));
}

#[test]
fn out_sequences_get_the_response_of_send() {
    let out = "<inSequence><send><endpoint key='json'/></send></inSequence><outSequence>\
        <property name='messageType' value='application/xml' scope='axis2'/><send/></outSequence>";
    let done = run_with(out, "", "application/json", "{}");
    assert_eq!(done.body(), "<jsonObject><answer>42</answer></jsonObject>");
}

#[test]
fn fault_sequences_know_what_happened() {
    let mediators = "<inSequence><call><endpoint key='gone'/></call><respond/></inSequence><faultSequence>\
        <payloadFactory media-type='json'><format>{\"code\":\"$1\",\"text\":\"$2\"}</format><args>\
        <arg expression=\"get-property('ERROR_CODE')\"/><arg expression='$ctx:ERROR_MESSAGE'/></args></payloadFactory>\
        <property name='HTTP_SC' value='502' scope='axis2'/><respond/></faultSequence>";
    let done = run_with(mediators, "", "application/json", "{}");
    assert_eq!(done.status(), 502);
    assert_eq!(done.body(), r#"{"code":"101503","text":"Error connecting to the back end"}"#);
    let unhandled = run("<call><endpoint key='gone'/></call><respond/>", "{}");
    assert_eq!(unhandled.status(), 500);
    assert!(!unhandled.body().contains("nowhere"), "addresses of backends are not for clients");
}

#[test]
fn the_innermost_error_sequence_handles_a_failure_once() {
    let others = "<sequence name='inner' onError='handler'><throwError type='T' errorMessage='boom'/></sequence>\
        <sequence name='handler'><log level='custom'><property name='seen' expression=\"get-property('ERROR_MESSAGE')\"/></log></sequence>";
    let mediators = "<inSequence><sequence key='inner'/><log level='custom'><property name='after' value='x'/></log></inSequence>\
        <faultSequence><log level='custom'><property name='outer' value='x'/></log></faultSequence>";
    let done = run_with(mediators, others, "application/json", "{}");
    assert_eq!(done.log, ["INFO seen = boom"]);
}

#[test]
fn decisions() {
    let filter = "<filter source='json-eval($.a)' regex='1|2'><then><property name='r' value='yes'/></then><else>\
        <property name='r' value='no'/></else></filter>";
    let show = r#"{"r":"${properties.synapse.r}"}"#;
    for (body, expected) in [(r#"{"a":1}"#, "yes"), (r#"{"a":12}"#, "no"), (r#"{"b":1}"#, "no")] {
        assert_eq!(run(&format!("{filter}{}", payload(show)), body).body(), format!("{{\"r\":\"{expected}\"}}"));
    }
    let switch = "<switch source='//kind'><case regex='a.*'><property name='r' value='a'/></case><case regex='b'>\
        <property name='r' value='b'/></case><default><property name='r' value='?'/></default></switch>";
    for (body, expected) in [("<k><kind>abc</kind></k>", "a"), ("<k><kind>b</kind></k>", "b"), ("<k/>", "?")] {
        assert_eq!(run(&format!("{switch}{}", payload(show)), body).body(), format!("{{\"r\":\"{expected}\"}}"));
    }
    let xpath = "<filter xpath='count(//i) &gt; 1'><then><property name='r' value='many'/></then></filter>";
    assert_eq!(run(&format!("{xpath}{}", payload(show)), "<l><i/><i/></l>").body(), r#"{"r":"many"}"#);
}

#[test]
fn parts_are_split_called_and_joined() {
    let mediators = "<iterate expression='//i' id='x'><target><sequence><call><endpoint key='xml'/></call></sequence></target>\
        </iterate><property name='all' scope='default'><all xmlns=''/></property>\
        <aggregate id='x'><completeCondition><messageCount min='-1' max='-1'/></completeCondition>\
        <onComplete expression='//answer' enclosingElementProperty='all'>\
        <property name='messageType' value='application/xml' scope='axis2'/><respond/></onComplete></aggregate>";
    let done = run(mediators, "<l><i>1</i><i>2</i><i>3</i></l>");
    assert_eq!(done.sent.len(), 3, "{:?}", done.log);
    assert_eq!(done.body(), "<all><answer>42</answer><answer>42</answer><answer>42</answer></all>");
}

#[test]
fn foreach_puts_results_back() {
    let mediators = "<foreach collection='${payload.list}'><sequence><payloadFactory media-type='json'>\
        <format>{\"v\": ${payload.v * 10}}</format></payloadFactory></sequence></foreach><respond/>";
    assert_eq!(run(mediators, r#"{"list":[{"v":1},{"v":2}]}"#).body(), r#"{"list":[{"v":10},{"v":20}]}"#);
}

#[test]
fn scatter_gather_joins_branches() {
    let mediators = "<scatter-gather parallel-execution='true' target='Body' result-content-type='JSON'>\
        <aggregation expression='${payload}'/><sequence><call><endpoint key='json'/></call></sequence>\
        <sequence><payloadFactory media-type='json'><format>{\"b\":2}</format></payloadFactory></sequence></scatter-gather><respond/>";
    assert_eq!(run(mediators, "{}").body(), r#"[{"answer":42},{"b":2}]"#);
}

#[test]
fn enrich_changes_json_and_xml() {
    let json = "<enrich><source type='inline' clone='true'>{\"x\":1}</source><target xpath='json-eval($.a)' action='child'/></enrich>\
        <enrich><source type='inline'>{}</source><target action='remove' xpath='json-eval($.secret)'/></enrich><respond/>";
    assert_eq!(run(json, r#"{"a":{"y":2},"secret":1}"#).body(), r#"{"a":{"y":2,"x":1}}"#);
    let xml = "<enrich><source clone='true' xpath='//b'/><target type='body'/></enrich>\
        <enrich><source type='inline'><c xmlns=''/></source><target xpath='//b' action='child'/></enrich><respond/>";
    assert_eq!(run(xml, "<a><b>1</b></a>").body(), "<b>1<c/></b>");
}

#[test]
fn templates_take_parameters() {
    let others = "<template name='t'><parameter name='who'/><parameter name='greeting' defaultValue='hello'/><sequence>\
        <property name='r' expression=\"concat($func:greeting, ' ', $func:who)\"/></sequence></template>";
    let mediators = format!(
        "<inSequence><call-template target='t'><with-param name='who' value='{{json-eval($.name)}}'/></call-template>{}</inSequence>",
        payload(r#"{"r":"${properties.synapse.r}"}"#)
    );
    let done = run_with(&mediators, others, "application/json", r#"{"name":"world"}"#);
    assert_eq!(done.body(), r#"{"r":"hello world"}"#);
}

#[test]
fn transformations() {
    let others = "<localEntry key='sheet'><xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>\
        <xsl:template match='a'><b xmlns=''><xsl:value-of select='.'/></b></xsl:template></xsl:stylesheet></localEntry>\
        <localEntry key='query'><x xmlns=''>declare variable $payload external; &lt;q&gt;{$payload//a/text()}&lt;/q&gt;</x></localEntry>";
    let respond = "<property name='messageType' value='application/xml' scope='axis2'/><respond/>";
    let xslt = format!("<inSequence><xslt key='sheet'/>{respond}</inSequence>");
    assert_eq!(run_with(&xslt, others, "application/xml", "<a>1</a>").body(), "<b>1</b>");
    let query = format!("<inSequence><xquery key='query'/>{respond}</inSequence>");
    assert_eq!(run_with(&query, others, "application/xml", "<a>1</a>").body(), "<q>1</q>");
}

#[test]
fn scripts_see_the_message_and_nothing_else() {
    let script = "<script language='js'><![CDATA[var p = mc.getPayloadJSON(); p.n = p.n + 1; mc.setPayloadJSON(p); \
        mc.setProperty('done', 'yes');]]></script><respond/>";
    assert_eq!(run(script, r#"{"n":1}"#).body(), r#"{"n":2}"#);
    let e4x = "<script language='js'>var s = mc.getPayloadXML()..*::a.toString(); \
        mc.setPayloadXML(&lt;r&gt;{s}&lt;/r&gt;);</script><respond/>";
    assert_eq!(run(e4x, "<x><a>1 &lt; 2</a></x>").body(), "<r>1 &lt; 2</r>");
    for hostile in [
        "while (true) {}",
        "var a = []; while (true) { a.push(new Array(100000).join('x')); }",
        "f(); function f() { f(); }",
    ] {
        let done = run(&format!("<script language='js'><![CDATA[{hostile}]]></script><respond/>"), "{}");
        assert_eq!(done.status(), 500, "{hostile}");
    }
    for reach in ["std.exit(1)", "os.remove('x')", "require('fs')", "process.exit()", "import('fs').then(x => x)"] {
        let text = format!("<script language='js'><![CDATA[mc.setProperty('r', String(typeof ({reach})));]]></script>");
        let done = run(&format!("{text}{}", payload(r#"{"r":"${properties.synapse.r}"}"#)), "{}");
        assert!(done.status() == 500 || done.body().contains("object"), "{reach}: {}", done.body());
    }
}

#[test]
fn endless_sequences_end() {
    let others = "<sequence name='loop'><sequence key='loop'/></sequence>";
    let done = run_with("<inSequence><sequence key='loop'/></inSequence>", others, "application/json", "{}");
    assert_eq!(done.status(), 500);
    assert!(done.log.iter().any(|line| line.contains("call themselves")), "{:?}", done.log);
}

#[test]
fn bodies_that_lie_are_faults_of_one_message() {
    for (content_type, body) in [
        ("application/json", "{"),
        ("application/xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("text/xml", "not xml"),
    ] {
        let done = run_with("<inSequence><log level='full'/><respond/></inSequence>", "", content_type, body);
        assert_eq!(done.status(), 500, "{body}");
    }
}

#[test]
fn what_nobody_looks_at_is_passed_as_it_is() {
    let text = "{ \"a\" :1.10, \"b\": \"\\u00e9\" }";
    let done = run("<call><endpoint key='json'/></call><respond/>", text);
    assert!(done.sent[0].ends_with(text), "{:?}", done.sent);
}

#[test]
fn requests_that_are_sent_back_do_not_carry_credentials() {
    let done = run("<respond/>", "{}");
    assert!(done.reply.unwrap().headers.get("Authorization").is_none());
}

#[test]
fn log_lines_cannot_be_forged() {
    let done =
        run("<log level='custom'><property name='a' expression='json-eval($.a)'/></log>", "{\"a\":\"x\\nERROR y\"}");
    assert_eq!(done.log, ["INFO a = x\\nERROR y"]);
}

#[test]
fn paths_and_methods_that_are_not_there() {
    let text = "<api xmlns='http://ws.apache.org/ns/synapse' name='a' context='/a'><resource methods='GET' url-mapping='/x'>\
        <inSequence><respond/></inSequence></resource></api>";
    let mut configuration = Configuration::new();
    configuration.add(compile(text).result.unwrap());
    let configuration = Arc::new(configuration);
    let ask = |method: &str, path: &str| request(Arc::clone(&configuration), method, path, "text/plain", "").served;
    assert_eq!(ask("GET", "/a/x"), Ok(()));
    assert_eq!(ask("POST", "/a/x"), Err(Unserved::Method(vec!["GET".to_owned()])));
    assert_eq!(ask("GET", "/a/y"), Err(Unserved::NotFound));
    assert_eq!(ask("GET", "/ab/x"), Err(Unserved::NotFound));
}

#[test]
fn services_that_ask_for_missing_protection_are_closed() {
    let text = "<definitions xmlns='http://ws.apache.org/ns/synapse'><proxy name='p'><target><inSequence><respond/></inSequence>\
        </target><enableSec/></proxy></definitions>";
    let compiled = compile(text);
    assert!(compiled.notes.iter().any(|note| note.reason.contains("not offered")));
    let mut configuration = Configuration::new();
    configuration.add(compiled.result.unwrap());
    assert_eq!(
        request(Arc::new(configuration), "POST", "/services/p", "text/xml", "<a/>").served,
        Err(Unserved::NotFound)
    );
}

#[test]
fn every_fault_of_an_artifact_is_reported_with_its_line() {
    let text = "<sequence xmlns='http://ws.apache.org/ns/synapse' name='s'>\n<class name='x.Y'/>\n<filter/>\n\
        <property name='a' expression='//['/>\n<email.send/>\n<lgo/>\n</sequence>";
    let faults = compile(text).result.unwrap_err();
    let lines: Vec<(u32, &str)> = faults.iter().map(|fault| (fault.line, fault.mediator.as_str())).collect();
    assert_eq!(lines, [(2, "class"), (3, "filter"), (4, "property"), (5, "email.send"), (6, "lgo")]);
}
