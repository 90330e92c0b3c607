//! Schemas, data mappers and what scripts and expressions of WSO2's users do, over sockets.

use crate::cases::{Case, get, json, run, xml};

const SCHEMA: &str = "<localEntry @NS key=\"xsd\"><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:o\" \
    xmlns=\"urn:o\" elementFormDefault=\"qualified\"><xs:element name=\"order\"><xs:complexType><xs:sequence><xs:element name=\"who\" \
    type=\"xs:string\"/><xs:element name=\"item\" maxOccurs=\"3\"><xs:complexType><xs:simpleContent><xs:extension base=\"xs:int\">\
    <xs:attribute name=\"unit\" use=\"required\"/></xs:extension></xs:simpleContent></xs:complexType></xs:element></xs:sequence>\
    </xs:complexType></xs:element></xs:schema></localEntry>";
/// The reason of a refusal as the answer.
const REASON: &str = "<property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/><payloadFactory media-type=\"json\"><format>{\"why\":\"$1\"}</format>\
    <args><arg expression=\"get-property('ERROR_MESSAGE')\"/></args></payloadFactory><respond/>";
const VALIDATE: &str =
    "<validate><schema key=\"xsd\"/><on-fail><sequence key=\"reason\"/></on-fail></validate><respond/>";
const GOOD: &str = "<order xmlns=\"urn:o\"><who>A</who><item unit=\"kg\">1</item></order>";

const MORE: &[(&str, &str)] = &[
    ("local-entries/xsd.xml", SCHEMA),
    (
        "local-entries/bad-xsd.xml",
        "<localEntry @NS key=\"bad-xsd\"><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:element name=\"a\" type=\"B\"/></xs:schema></localEntry>",
    ),
    (
        "local-entries/including.xml",
        "<localEntry @NS key=\"including\"><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:o\" xmlns=\"urn:o\">\
         <xs:include schemaLocation=\"types.xsd\"/><xs:element name=\"a\" type=\"Small\"/></xs:schema></localEntry>",
    ),
    (
        "local-entries/types.xml",
        "<localEntry @NS key=\"types\"><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:simpleType name=\"Small\">\
         <xs:restriction base=\"xs:int\"><xs:maxInclusive value=\"9\"/></xs:restriction></xs:simpleType></xs:schema></localEntry>",
    ),
    ("sequences/reason.xml", "<sequence @NS name=\"reason\">$REASON</sequence>"),
    (
        "local-entries/map.xml",
        "<localEntry @NS key=\"map\"><![CDATA[map_S_menu_S_list = function(){ \nvar outputlist={};\nvar count_i_food = 0;\noutputlist =  {};\noutputlist.item =  [];\n\
         for(i_food in inputmenu.food){\noutputlist.item[count_i_food] =  {};\noutputlist.item[count_i_food].name = inputmenu.food[i_food].name.toUpperCase();\n\
         outputlist.item[count_i_food].cents = inputmenu.food[i_food].price * 100;\noutputlist.item[count_i_food].attr_id = inputmenu.food[i_food].attr_id;\n\
         count_i_food++;\n}\nreturn outputlist;\n};]]></localEntry>",
    ),
    (
        "local-entries/map-in.xml",
        "<localEntry @NS key=\"map-in\"><![CDATA[{\"title\":\"menu\",\"type\":\"object\",\"properties\":{\"food\":{\"type\":\"array\",\"items\":[{\"type\":\"object\",\
         \"attributes\":{\"id\":{\"type\":\"string\"}},\"properties\":{\"name\":{\"type\":\"string\"},\"price\":{\"type\":\"number\"}}}]}}}]]></localEntry>",
    ),
    (
        "local-entries/map-out.xml",
        "<localEntry @NS key=\"map-out\"><![CDATA[{\"title\":\"list\",\"type\":\"object\",\"properties\":{\"item\":{\"type\":\"array\",\"items\":[{\"type\":\"object\",\
         \"properties\":{\"name\":{\"type\":\"string\"},\"cents\":{\"type\":\"number\"}}}]}}}]]></localEntry>",
    ),
    (
        "local-entries/map-greedy.xml",
        "<localEntry @NS key=\"map-greedy\"><![CDATA[map_S_menu_S_list = function() { for (;;) {} }]]></localEntry>",
    ),
    (
        "local-entries/map-soap-out.xml",
        "<localEntry @NS key=\"map-soap-out\"><![CDATA[{\"title\":\"soapenv:Envelope\",\"type\":\"object\",\"namespaces\":[{\"prefix\":\"soapenv\",\
         \"url\":\"http://schemas.xmlsoap.org/soap/envelope/\"}],\"properties\":{\"soapenv:Body\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}}}]]></localEntry>",
    ),
    (
        "local-entries/map-soap.xml",
        "<localEntry @NS key=\"map-soap\"><![CDATA[map_S_menu_S_Envelope = function(){ var out = {}; out.soapenv_Body = {}; out.soapenv_Body.name = \
         inputmenu.food[0].name + DM_PROPERTIES.DEFAULT['suffix']; return out; };]]></localEntry>",
    ),
];

const FOOD: &str = "<menu><food id=\"a\"><name>soup</name><price>1.5</price></food><food id=\"b\"><name>ba&lt;d</name><price>2</price></food></menu>";

const fn map(name: &'static str, mediators: &'static str, status: u16, expects: &'static [&'static str]) -> Case {
    xml(name, mediators, FOOD, status, expects)
}

const CASES: &[Case] = &[
    // XML Schema
    xml("xsd", VALIDATE, GOOD, 200, &["<who>A</who>"]),
    xml(
        "xsd-missing",
        VALIDATE,
        "<order xmlns=\"urn:o\"><item unit=\"kg\">1</item></order>",
        400,
        &["expected is {urn:o}who"],
    ),
    xml(
        "xsd-type",
        VALIDATE,
        "<order xmlns=\"urn:o\"><who/><item unit=\"kg\">x</item></order>",
        400,
        &["not of the type int"],
    ),
    xml(
        "xsd-attribute",
        VALIDATE,
        "<order xmlns=\"urn:o\"><who/><item>1</item></order>",
        400,
        &["the attribute unit is missing"],
    ),
    xml(
        "xsd-namespace",
        VALIDATE,
        "<order><who/><item unit=\"kg\">1</item></order>",
        400,
        &["declares no element order"],
    ),
    xml(
        "xsd-too-many",
        VALIDATE,
        "<order xmlns=\"urn:o\"><who/><item unit=\"k\">1</item><item unit=\"k\">1</item><item unit=\"k\">1</item><item unit=\"k\">1</item></order>",
        400,
        &["not expected here"],
    ),
    json("xsd-json", VALIDATE, r#"{"order":1}"#, 400, &["declares no element"]),
    xml(
        "xsd-source",
        "<validate source=\"//*[local-name()='order']\"><schema key=\"xsd\"/><on-fail><sequence key=\"reason\"/></on-fail></validate><respond/>",
        "<w><order xmlns=\"urn:o\"><who/><item unit=\"kg\">1</item></order></w>",
        200,
        &[],
    ),
    xml(
        "xsd-source-empty",
        "<validate source=\"//nothing\"><schema key=\"xsd\"/><on-fail><sequence key=\"reason\"/></on-fail></validate><respond/>",
        "<w/>",
        400,
        &["no XML to validate"],
    ),
    xml(
        "xsd-without-handler",
        "<validate><schema key=\"xsd\"/></validate><respond/>",
        "<order/>",
        500,
        &["the message is not valid"],
    ),
    xml(
        "xsd-broken",
        "<validate><schema key=\"bad-xsd\"/><on-fail><respond/></on-fail></validate><respond/>",
        "<a/>",
        500,
        &["B and does not declare it"],
    ),
    xml(
        "xsd-not-deployed",
        "<validate><schema key=\"none\"/><on-fail><respond/></on-fail></validate><respond/>",
        "<a/>",
        500,
        &["the schema none is not deployed"],
    ),
    xml(
        "xsd-include",
        "<validate><schema key=\"including\"/><resource location=\"types.xsd\" key=\"types\"/><on-fail><sequence key=\"reason\"/></on-fail></validate><respond/>",
        "<a xmlns=\"urn:o\">9</a>",
        200,
        &[],
    ),
    xml(
        "xsd-include-fails",
        "<validate><schema key=\"including\"/><resource location=\"types.xsd\" key=\"types\"/><on-fail><sequence key=\"reason\"/></on-fail></validate><respond/>",
        "<a xmlns=\"urn:o\">10</a>",
        400,
        &["beyond 9"],
    ),
    xml(
        "xsd-include-missing",
        "<validate><schema key=\"including\"/><on-fail><respond/></on-fail></validate><respond/>",
        "<a xmlns=\"urn:o\">9</a>",
        500,
        &["the type {urn:o}Small"],
    ),
    // The data mapper
    map(
        "map-to-json",
        "<datamapper config=\"map\" inputSchema=\"map-in\" inputType=\"XML\" outputSchema=\"map-out\" outputType=\"JSON\"/><respond/>",
        200,
        &[r#"{"name":"SOUP","cents":150,"attr_id":"a"}"#, "BA<D"],
    ),
    map(
        "map-to-xml",
        "<datamapper config=\"map\" inputSchema=\"map-in\" inputType=\"XML\" outputSchema=\"map-out\" outputType=\"XML\"/><respond/>",
        200,
        &[
            "=<list><item id=\"a\"><name>SOUP</name><cents>150</cents></item><item id=\"b\"><name>BA&lt;D</name><cents>200</cents></item></list>",
        ],
    ),
    map(
        "map-to-csv",
        "<datamapper config=\"map\" inputSchema=\"map-in\" inputType=\"XML\" outputSchema=\"map-out\" outputType=\"CSV\"/><respond/>",
        200,
        &["{"],
    ),
    map(
        "map-to-soap",
        "<property name=\"suffix\" value=\"!\"/><datamapper config=\"map-soap\" inputSchema=\"map-in\" inputType=\"XML\" outputSchema=\"map-soap-out\" outputType=\"XML\"/>\
         <property name=\"messageType\" value=\"text/xml\" scope=\"axis2\"/><respond/>",
        200,
        &["Body><name>soup!</name></"],
    ),
    json(
        "map-from-json",
        "<datamapper config=\"map\" inputSchema=\"map-in\" inputType=\"JSON\" outputSchema=\"map-out\" outputType=\"JSON\"/><respond/>",
        r#"{"food":[{"name":"x","price":2}]}"#,
        200,
        &[r#"={"item":[{"name":"X","cents":200}]}"#],
    ),
    json(
        "map-fails",
        "<datamapper config=\"map\" inputSchema=\"map-in\" inputType=\"JSON\" outputSchema=\"map-out\" outputType=\"JSON\"/><respond/>",
        r#"{"food":[{}]}"#,
        500,
        &["the script failed"],
    ),
    map(
        "map-not-deployed",
        "<datamapper config=\"gov:/none.dmc\" inputSchema=\"map-in\" outputSchema=\"map-out\"/><respond/>",
        500,
        &["gov:/none.dmc of the data mapper is not deployed"],
    ),
    map(
        "map-endless",
        "<datamapper config=\"map-greedy\" inputSchema=\"map-in\" outputSchema=\"map-out\"/><respond/>",
        500,
        &["the script failed"],
    ),
    // Scripts with the calls of Java that need no Java
    get(
        "script-sleep",
        "<script language=\"js\">java.lang.Thread.sleep(50); mc.setPayloadJSON({slept: true});</script><respond/>",
        200,
        &[r#"={"slept":true}"#],
    ),
    get(
        "script-uuid",
        "<script language=\"js\">var a = java.util.UUID.randomUUID() + '', b = java.util.UUID.randomUUID().toString(); \
         mc.setPayloadJSON({long: a.length + b.length, same: a == b, now: java.lang.System.currentTimeMillis()});</script><respond/>",
        200,
        &[r#"={"long":72,"same":false,"now":1795000000000}"#],
    ),
    get(
        "script-not-strict",
        "<script language=\"js\">x = 5; for (i in [1, 2]) { last = i; } mc.setPayloadJSON({x: x, last: last});</script><respond/>",
        200,
        &[r#"={"x":5,"last":"1"}"#],
    ),
    // Expressions that WSO2 deploys and that fail on each message
    json(
        "no-function",
        "<property name=\"a\" expression=\"fn:concatXXX()\"/><respond/>",
        "{}",
        500,
        &["there is no function concatXXX"],
    ),
    json(
        "no-prefix",
        "<property name=\"a\" expression=\"//zz:a\"/><respond/>",
        "{}",
        500,
        &["the namespace prefix zz is not declared"],
    ),
    json("log-unknown-level", "<log level=\"none\"/><respond/>", "{}", 200, &["={}"]),
    json(
        "log-base",
        "<payloadFactory media-type=\"json\"><format>{\"v\":${log(8, 2)}}</format></payloadFactory><respond/>",
        "{}",
        200,
        &[r#"={"v":3}"#],
    ),
    get(
        "pool-without-database",
        "<dbreport><connection><pool><driver/><url/><user/><password/></pool></connection><statement><sql>delete from a</sql></statement></dbreport><respond/>",
        500,
        &["the pool names no database"],
    ),
    // Enrich that takes away
    json(
        "enrich-remove",
        "<enrich><source clone=\"true\" xpath=\"json-eval($.b[*].c,$.b[0].d)\"/><target type=\"body\" action=\"remove\"/></enrich><respond/>",
        r#"{"a":1,"b":[{"c":1,"d":2},{"c":3,"d":4}]}"#,
        200,
        &[r#"={"a":1,"b":[{},{"d":4}]}"#],
    ),
    json(
        "enrich-remove-nothing",
        "<enrich><source clone=\"true\" xpath=\"json-eval($.z)\"/><target type=\"body\" action=\"remove\"/></enrich><respond/>",
        r#"{"a":1}"#,
        200,
        &[r#"={"a":1}"#],
    ),
    xml(
        "enrich-remove-xml",
        "<enrich><source clone=\"true\" xpath=\"//b\"/><target type=\"body\" action=\"remove\"/></enrich><respond/>",
        "<a><b>1</b><c>2</c><b>3</b></a>",
        200,
        &["=<a><c>2</c></a>"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shapes() {
    let more: Vec<(&str, String)> = MORE.iter().map(|(path, text)| (*path, text.replace("$REASON", REASON))).collect();
    let more: Vec<(&str, &str)> = more.iter().map(|(path, text)| (*path, text.as_str())).collect();
    run(CASES, &more).await;
}
