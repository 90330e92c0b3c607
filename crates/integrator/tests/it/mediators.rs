//! Each mediator in a message that comes and goes over sockets, with the ways in which it fails.

use crate::cases::{Case, get, json, run, xml};

const ENTRIES: &[(&str, &str)] = &[
    (
        "local-entries/sheet.xml",
        "<localEntry @NS key=\"sheet\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\"><out><xsl:value-of select=\"//a\"/></out></xsl:template></xsl:stylesheet></localEntry>",
    ),
    (
        "local-entries/fetching.xml",
        "<localEntry @NS key=\"fetching\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\"><out><xsl:copy-of select=\"document('file:///etc/passwd')\"/></out></xsl:template>\
         </xsl:stylesheet></localEntry>",
    ),
    (
        "local-entries/schema.xml",
        "<localEntry @NS key=\"schema\"><![CDATA[{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"number\"}}}]]></localEntry>",
    ),
    ("local-entries/words.xml", "<localEntry @NS key=\"words\">some words</localEntry>"),
    ("sequences/named.xml", "<sequence @NS name=\"named\"><property name=\"seen\" value=\"named\"/></sequence>"),
    ("sequences/loop.xml", "<sequence @NS name=\"loop\"><sequence key=\"loop\"/></sequence>"),
    (
        "sequences/handler.xml",
        "<sequence @NS name=\"handler\"><payloadFactory media-type=\"json\"><format>{\"handled\":\"$1\"}</format><args>\
         <arg expression=\"get-property('ERROR_MESSAGE')\"/></args></payloadFactory><respond/></sequence>",
    ),
    (
        "sequences/fails.xml",
        "<sequence @NS name=\"fails\" onError=\"handler\"><throwError type=\"T\" errorMessage=\"on purpose\"/></sequence>",
    ),
    (
        "templates/greet.xml",
        "<template @NS name=\"greet\"><parameter name=\"who\"/><sequence><property name=\"greeting\" \
         expression=\"fn:concat('hello ', $func:who)\"/></sequence></template>",
    ),
    ("sequences/joined.xml", "<sequence @NS name=\"joined\"><respond/></sequence>"),
];

const CASES: &[Case] = &[
    // The fault sequence speaks of a body that nobody can read.
    xml(
        "body-unreadable",
        "<property name=\"x\" expression=\"//a\"/><respond/>",
        "<a><b></a>",
        500,
        &["\"code\"", "\"message\""],
    ),
    json("respond", "<respond/>", r#"{"a":1}"#, 200, &[r#"={"a":1}"#]),
    get("nothing", "<log/>", 202, &["="]),
    get("drop", "<drop/>", 202, &["="]),
    json("loopback", "<property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/><loopback/>", "{}", 201, &["={}"]),
    // property
    get("property-status", "<property name=\"HTTP_SC\" value=\"418\" scope=\"axis2\"/><respond/>", 418, &[]),
    get("property-bad-status", "<property name=\"HTTP_SC\" value=\"99\" scope=\"axis2\"/><respond/>", 200, &[]),
    json(
        "property-type",
        "<property name=\"messageType\" value=\"application/xml\" scope=\"axis2\"/><respond/>",
        r#"{"a":{"b":1}}"#,
        200,
        &["<a><b>1</b></a>"],
    ),
    xml(
        "property-json",
        "<property name=\"messageType\" value=\"application/json\" scope=\"axis2\"/><respond/>",
        "<a><b>1</b><b>2</b></a>",
        200,
        &[r#"={"a":{"b":[1,2]}}"#],
    ),
    get(
        "property-uri",
        "<payloadFactory media-type=\"json\"><format>{\"q\":\"$1\",\"p\":\"$2\"}</format><args>\
         <arg expression=\"get-property('query.param.q')\"/><arg expression=\"get-property('axis2','REST_URL_POSTFIX')\"/></args>\
         </payloadFactory><respond/>",
        200,
        &[r#""q":"1""#, "/x/y?q=1"],
    ),
    get(
        "property-environment",
        "<payloadFactory media-type=\"json\"><format>{\"a\":\"$1\",\"b\":\"$2\"}</format><args>\
         <arg expression=\"get-property('env','GREETING')\"/><arg expression=\"get-property('env','PATH')\"/></args>\
         </payloadFactory><respond/>",
        200,
        &[r#"={"a":"hello","b":""}"#],
    ),
    get(
        "property-vault",
        "<payloadFactory media-type=\"json\"><format>{\"a\":\"$1\"}</format><args>\
         <arg expression=\"wso2:vault-lookup('backend.password')\" xmlns:wso2=\"http://ws.apache.org/ns/synapse\"/></args>\
         </payloadFactory><respond/>",
        200,
        &[r#"={"a":"s3cret"}"#],
    ),
    get(
        "property-remove",
        "<property name=\"a\" value=\"1\"/><property name=\"a\" action=\"remove\"/><filter xpath=\"get-property('a')\">\
         <then><property name=\"HTTP_SC\" value=\"500\" scope=\"axis2\"/></then></filter><respond/>",
        200,
        &[],
    ),
    get(
        "property-no-body",
        "<payloadFactory media-type=\"json\"><format>{}</format></payloadFactory>\
         <property name=\"NO_ENTITY_BODY\" value=\"true\" scope=\"axis2\" type=\"BOOLEAN\"/><respond/>",
        200,
        &["="],
    ),
    get(
        "variable",
        "<variable name=\"v\" type=\"INTEGER\" value=\"41\"/><payloadFactory media-type=\"json\">\
         <format>{\"v\":${vars.v + 1}}</format></payloadFactory><respond/>",
        200,
        &[r#"={"v":42}"#],
    ),
    // payloadFactory
    json(
        "payload-escapes",
        "<payloadFactory media-type=\"json\"><format>{\"a\":\"$1\"}</format><args><arg evaluator=\"json\" expression=\"$.a\"/></args>\
         </payloadFactory><respond/>",
        r#"{"a":"x\",\"admin\":true,\"y\":\""}"#,
        200,
        &[r#"={"a":"x\",\"admin\":true,\"y\":\""}"#],
    ),
    json(
        "payload-xml-escapes",
        "<payloadFactory media-type=\"xml\"><format><r><a>$1</a></r></format><args><arg evaluator=\"json\" expression=\"$.a\"/></args>\
         </payloadFactory><property name=\"messageType\" value=\"application/xml\" scope=\"axis2\"/><respond/>",
        r#"{"a":"1 < 2 & 3"}"#,
        200,
        &["1 &lt; 2 &amp; 3"],
    ),
    json(
        "payload-text",
        "<payloadFactory media-type=\"text\"><format>got $1</format><args><arg evaluator=\"json\" expression=\"$.a\"/></args>\
         </payloadFactory><property name=\"messageType\" value=\"text/plain\" scope=\"axis2\"/><respond/>",
        r#"{"a":"b"}"#,
        200,
        &["=got b"],
    ),
    json(
        "payload-freemarker",
        "<payloadFactory media-type=\"json\" template-type=\"freemarker\"><format><![CDATA[{\"x\":\"${payload.a}\"}]]></format>\
         </payloadFactory><respond/>",
        r#"{"a":"b"}"#,
        200,
        &[r#"={"x":"b"}"#],
    ),
    // header
    get(
        "header-set",
        "<header name=\"X-Own\" value=\"mine\" scope=\"transport\"/><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/e\"/>\
         </endpoint></call><respond/>",
        200,
        &[r#""x-own":"mine""#],
    ),
    get(
        "header-injection",
        "<script language=\"js\">mc.setProperty('evil', 'a\\r\\nX-Evil: 1');</script>\
         <header name=\"X-Own\" expression=\"get-property('evil')\" scope=\"transport\"/>\
         <call><endpoint><http method=\"get\" uri-template=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &["!\"x-evil\""],
    ),
    get(
        "header-remove",
        "<header name=\"X-A\" value=\"1\" scope=\"transport\"/><header name=\"X-A\" action=\"remove\" scope=\"transport\"/>\
         <call><endpoint><http method=\"get\" uri-template=\"$BACKEND/e\"/></endpoint></call><respond/>",
        200,
        &["!x-a\""],
    ),
    // filter, switch, routers
    json(
        "filter-regex",
        "<filter source=\"json-eval($.a)\" regex=\"b.*\"><then><property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/></then>\
         <else><property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/></else></filter><respond/>",
        r#"{"a":"bcd"}"#,
        201,
        &[],
    ),
    json(
        "filter-else",
        "<filter source=\"json-eval($.a)\" regex=\"b\"><then><drop/></then><else>\
         <property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/></else></filter><respond/>",
        r#"{"a":"bcd"}"#,
        400,
        &[],
    ),
    xml(
        "filter-xpath",
        "<filter xpath=\"//b = 2\"><then><property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/></then></filter><respond/>",
        "<a><b>2</b></a>",
        201,
        &[],
    ),
    json(
        "filter-expression",
        "<filter xpath=\"${payload.n &gt; 3 and payload.n &lt; 9}\"><then>\
         <property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/></then></filter><respond/>",
        r#"{"n":5}"#,
        201,
        &[],
    ),
    json(
        "switch",
        "<switch source=\"json-eval($.k)\"><case regex=\"a\"><property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/></case>\
         <case regex=\"b\"><property name=\"HTTP_SC\" value=\"203\" scope=\"axis2\"/></case><default>\
         <property name=\"HTTP_SC\" value=\"404\" scope=\"axis2\"/></default></switch><respond/>",
        r#"{"k":"b"}"#,
        203,
        &[],
    ),
    json(
        "switch-default",
        "<switch source=\"json-eval($.k)\"><case regex=\"a\"><drop/></case><default>\
         <property name=\"HTTP_SC\" value=\"404\" scope=\"axis2\"/></default></switch><respond/>",
        r#"{"k":"z"}"#,
        404,
        &[],
    ),
    json(
        "regex-bomb",
        "<filter source=\"json-eval($.a)\" regex=\"(a+)+\\1b\"><then><respond/></then></filter><respond/>",
        r#"{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}"#,
        200,
        &["aaaa"],
    ),
    // sequence, call-template, errors
    get(
        "sequence",
        "<sequence key=\"named\"/><filter source=\"get-property('seen')\" regex=\"named\"><then>\
         <property name=\"HTTP_SC\" value=\"201\" scope=\"axis2\"/></then></filter><respond/>",
        201,
        &[],
    ),
    get("sequence-missing", "<sequence key=\"missing\"/><respond/>", 500, &["missing"]),
    get("sequence-loop", "<sequence key=\"loop\"/><respond/>", 500, &["\"code\":"]),
    get("sequence-error", "<sequence key=\"fails\"/>", 200, &[r#"={"handled":"on purpose"}"#]),
    get(
        "template",
        "<call-template target=\"greet\"><with-param name=\"who\" value=\"you\"/></call-template><payloadFactory media-type=\"json\">\
         <format>{\"g\":\"$1\"}</format><args><arg expression=\"get-property('greeting')\"/></args></payloadFactory><respond/>",
        200,
        &[r#"={"g":"hello you"}"#],
    ),
    get("template-missing", "<call-template target=\"missing\"/><respond/>", 500, &["missing"]),
    get("throw", "<throwError type=\"MINE\" errorMessage=\"said so\"/>", 500, &["said so"]),
    get(
        "makefault",
        "<makefault version=\"soap11\"><code xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" value=\"s:Server\"/>\
         <reason value=\"broken\"/></makefault><respond/>",
        500,
        &["faultstring>broken<"],
    ),
    // enrich
    xml(
        "enrich-child",
        "<enrich><source type=\"inline\" clone=\"true\"><c xmlns=\"\">3</c></source><target type=\"custom\" xpath=\"//a\" action=\"child\"/>\
         </enrich><respond/>",
        "<a><b>1</b></a>",
        200,
        &["<b>1</b><c>3</c>"],
    ),
    json(
        "enrich-property",
        "<enrich><source type=\"body\" clone=\"true\"/><target type=\"property\" property=\"keep\"/></enrich>\
         <payloadFactory media-type=\"json\"><format>{}</format></payloadFactory>\
         <enrich><source type=\"property\" property=\"keep\" clone=\"true\"/><target type=\"body\"/></enrich><respond/>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1}"#],
    ),
    json(
        "enrich-json",
        "<enrich><source type=\"inline\" clone=\"true\">{\"n\":2}</source><target type=\"custom\" xpath=\"json-eval($.a)\"/></enrich><respond/>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":{"n":2}}"#],
    ),
    // iterate, clone, foreach, aggregate, scatter-gather
    xml(
        "iterate-aggregate",
        "<iterate expression=\"//i\" sequential=\"true\"><target><sequence><payloadFactory media-type=\"xml\">\
         <format><o xmlns=\"\">$1</o></format><args><arg expression=\"//i\"/></args></payloadFactory>\
         <call><endpoint><address uri=\"$BACKEND/mirror\"/></endpoint></call></sequence></target></iterate>\
         <property name=\"all\" scope=\"default\"><all xmlns=\"\"/></property>\
         <aggregate><completeCondition><messageCount min=\"3\" max=\"3\"/></completeCondition>\
         <onComplete expression=\"//o\" enclosingElementProperty=\"all\"><property name=\"messageType\" value=\"application/xml\" \
         scope=\"axis2\"/><respond/></onComplete></aggregate>",
        "<l><i>1</i><i>2</i><i>3</i></l>",
        200,
        &["<o>1</o>", "<o>2</o>", "<o>3</o>"],
    ),
    json(
        "foreach",
        "<foreach collection=\"${payload.l}\" parallel-execution=\"false\" update-original=\"true\"><sequence>\
         <payloadFactory media-type=\"json\"><format>{\"d\":${payload.n * 2}}</format></payloadFactory></sequence></foreach><respond/>",
        r#"{"l":[{"n":1},{"n":2}]}"#,
        200,
        &[r#"={"l":[{"d":2},{"d":4}]}"#],
    ),
    get(
        "scatter-gather",
        "<scatter-gather parallel-execution=\"true\" target=\"Body\" result-content-type=\"JSON\">\
         <aggregation expression=\"${payload}\"/><sequence><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/named/one\"/></endpoint></call></sequence>\
         <sequence><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/named/two\"/></endpoint></call></sequence></scatter-gather><respond/>",
        200,
        &[r#"{"by":"one"}"#, r#"{"by":"two"}"#],
    ),
    get(
        "clone",
        "<clone><target><sequence><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/count/clone\"/></endpoint></call>\
         <drop/></sequence></target><target><sequence><call><endpoint><http method=\"get\" uri-template=\"$BACKEND/count/clone\"/></endpoint></call>\
         <respond/></sequence></target></clone>",
        200,
        &["\"n\":"],
    ),
    // transformations
    xml("xslt", "<xslt key=\"sheet\"/><respond/>", "<r><a>7</a></r>", 200, &["7</out>"]),
    xml("xslt-missing", "<xslt key=\"missing\"/><respond/>", "<r/>", 500, &["missing"]),
    xml("xslt-fetches-nothing", "<xslt key=\"fetching\"/><respond/>", "<r/>", 500, &["!root:"]),
    xml("xquery", "<xquery key=\"missing\"/><respond/>", "<r/>", 500, &["missing"]),
    json(
        "script",
        "<script language=\"js\">var p = mc.getPayloadJSON(); p.b = p.a + 1; mc.setPayloadJSON(p);</script><respond/>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1,"b":2}"#],
    ),
    get("script-loop", "<script language=\"js\">while (true) {}</script><respond/>", 500, &["\"code\":"]),
    get("script-throws", "<script language=\"js\">throw 'up';</script><respond/>", 500, &["up"]),
    get(
        "script-memory",
        "<script language=\"js\">var a = []; while (true) { a.push('xxxxxxxxxxxxxxxx' + a.length); }</script><respond/>",
        500,
        &["\"code\":"],
    ),
    get(
        "script-sandbox",
        "<script language=\"js\">mc.setPayloadJSON({t: typeof require + typeof process + typeof fetch + typeof java + typeof Packages});</script><respond/>",
        200,
        &["!function", "!object"],
    ),
    json(
        "validate",
        "<validate><schema key=\"schema\"/><on-fail><property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/><respond/></on-fail></validate><respond/>",
        r#"{"a":1}"#,
        200,
        &[],
    ),
    json(
        "validate-fails",
        "<validate><schema key=\"schema\"/><on-fail><property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/><respond/></on-fail></validate><respond/>",
        r#"{"a":"x"}"#,
        400,
        &[],
    ),
    json(
        "jsontransform",
        "<jsontransform><property name=\"synapse.commons.json.output.autoPrimitive\" value=\"false\"/></jsontransform><respond/>",
        r#"{"a":"1"}"#,
        200,
        &["\"a\""],
    ),
    get(
        "rewrite",
        "<header name=\"To\" value=\"$BACKEND/old/path\"/><rewrite><rewriterule>\
         <action type=\"replace\" regex=\"old\" value=\"new\" fragment=\"path\"/></rewriterule></rewrite><call/><respond/>",
        200,
        &["/new/path"],
    ),
    // limits and caches
    get(
        "throttle",
        "<throttle id=\"a\"><policy><wsp:Policy xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\" \
         xmlns:throttle=\"http://www.wso2.org/products/wso2commons/throttle\"><throttle:MediatorThrottleAssertion><wsp:Policy>\
         <throttle:ID throttle:type=\"IP\">other</throttle:ID><wsp:Policy><throttle:Control><wsp:Policy>\
         <throttle:MaximumCount>1</throttle:MaximumCount><throttle:UnitTime>60000</throttle:UnitTime></wsp:Policy></throttle:Control>\
         </wsp:Policy></wsp:Policy></throttle:MediatorThrottleAssertion></wsp:Policy></policy><onAccept><respond/></onAccept><onReject>\
         <property name=\"HTTP_SC\" value=\"429\" scope=\"axis2\"/><respond/></onReject></throttle>",
        200,
        &[],
    ),
    get(
        "cache",
        "<cache timeout=\"60\"><protocol type=\"HTTP\"><methods>GET</methods></protocol></cache>\
         <call><endpoint><http method=\"get\" uri-template=\"$BACKEND/count/cache\"/></endpoint></call><cache collector=\"true\"/><respond/>",
        200,
        &[r#"={"n":1}"#],
    ),
    // stores and databases that are not there
    json("store-missing", "<store messageStore=\"missing\"/><respond/>", "{}", 500, &["missing"]),
    get(
        "dblookup-missing",
        "<dblookup><connection><pool><driver>org.h2.Driver</driver><url>jdbc:h2:mem:x</url><user>a</user><password>b</password></pool></connection>\
         <statement><sql><![CDATA[select 1]]></sql></statement></dblookup><respond/>",
        500,
        &["\"code\":"],
    ),
    // call, send, callout
    get(
        "call",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/named/a\"/></endpoint></call><respond/>",
        200,
        &[r#"={"by":"a"}"#],
    ),
    get(
        "call-blocking",
        "<call blocking=\"true\"><endpoint><http method=\"get\" uri-template=\"$BACKEND/named/a\"/></endpoint></call><respond/>",
        200,
        &[r#"={"by":"a"}"#],
    ),
    json(
        "send",
        "<send><endpoint><address uri=\"$BACKEND/mirror\"/></endpoint></send>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1}"#],
    ),
    json(
        "send-out-only",
        "<property name=\"OUT_ONLY\" value=\"true\"/><property name=\"FORCE_SC_ACCEPTED\" value=\"true\" scope=\"axis2\"/>\
         <send><endpoint><address uri=\"$BACKEND/mirror\"/></endpoint></send>",
        r#"{"a":1}"#,
        202,
        &["="],
    ),
    json(
        "send-receive",
        "<send receive=\"joined\"><endpoint><address uri=\"$BACKEND/mirror\"/></endpoint></send>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1}"#],
    ),
    xml(
        "callout",
        "<callout serviceURL=\"$BACKEND/mirror\"><source type=\"envelope\"/><target xpath=\"//zzz\" key=\"result\"/></callout><respond/>",
        "<a><b>1</b></a>",
        200,
        &["<b>1</b>"],
    ),
    get(
        "call-text",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/text\"/></endpoint></call><respond/>",
        200,
        &["=plain words"],
    ),
    get(
        "call-xml",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/xml\"/></endpoint></call><respond/>",
        200,
        &["<a>1</a><a>2</a>"],
    ),
    get(
        "call-chunked",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/chunked\"/></endpoint></call><respond/>",
        200,
        &[r#"={"a":1}"#],
    ),
    get(
        "call-gzip",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/gzip/10\"/></endpoint></call><respond/>",
        200,
        &["aaaaaaaaaa"],
    ),
    get(
        "call-empty",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/nothing\"/></endpoint></call><respond/>",
        204,
        &["="],
    ),
    get(
        "call-status",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/status/404\"/></endpoint></call><respond/>",
        404,
        &[r#"={"s":404}"#],
    ),
    get(
        "call-fault",
        "<call><endpoint><http method=\"get\" uri-template=\"$BACKEND/fault\"/></endpoint></call><respond/>",
        500,
        &["broken"],
    ),
    get("log-full", "<log level=\"full\"><property name=\"a\" value=\"b\"/></log><respond/>", 200, &[]),
    Case {
        name: "text",
        mediators: "<property name=\"a\" expression=\"//x\"/><respond/>",
        content_type: "text/plain",
        body: "words",
        status: 200,
        expects: &["=words"],
    },
    Case {
        name: "form",
        mediators: "<property name=\"messageType\" value=\"application/json\" scope=\"axis2\"/><respond/>",
        content_type: "application/x-www-form-urlencoded",
        body: "a=1&b=x+y",
        status: 200,
        expects: &["\"a\"", "x y"],
    },
    Case {
        name: "soap",
        mediators: "<property name=\"v\" expression=\"$body//a\"/><payloadFactory media-type=\"json\"><format>{\"v\":\"$1\"}</format><args><arg expression=\"get-property('v')\"/></args></payloadFactory><property name=\"messageType\" value=\"application/json\" scope=\"axis2\"/><respond/>",
        content_type: "text/xml",
        body: "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><a>9</a></s:Body></s:Envelope>",
        status: 200,
        expects: &[r#"={"v":"9"}"#],
    },
    json(
        "not-json",
        "<property name=\"a\" expression=\"json-eval($.a)\"/><respond/>",
        "{not json",
        500,
        &["\"code\":"],
    ),
    xml("not-xml", "<property name=\"a\" expression=\"//a\"/><respond/>", "<a><b></a>", 500, &["\"code\":"]),
    xml(
        "xxe",
        "<property name=\"a\" expression=\"//a\"/><respond/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        500,
        &["!root:"],
    ),
    xml(
        "laughs",
        "<property name=\"a\" expression=\"//a\"/><respond/>",
        "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;\">]><a>&d;</a>",
        500,
        &["!bbbb"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mediators() {
    let (running, backend) = run(CASES, ENTRIES).await;
    // A second call of the same address comes out of the cache, and over the limit is rejected.
    assert_eq!(running.get("/cache/x/y?q=1&amp=2").await.body, r#"{"n":1}"#);
    assert_eq!(backend.calls("/count/cache"), 1, "{:?}", backend.seen());
    assert_eq!(running.get("/throttle/x/y?q=1&amp=2").await.status, 429);
    running.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(running.get("/throttle/x/y?q=1&amp=2").await.status, 200);
    assert_eq!(running.get("/cache/x/y?q=1&amp=2").await.body, r#"{"n":2}"#);
    assert_eq!(backend.calls("/count/clone"), 2);
}
