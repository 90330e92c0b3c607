//! Fuzz targets: artifacts that operators deploy, and messages of strangers. See `testkit::fuzz`.

use testkit::fuzz::{Shape, Target, kind, long, smoke};

use crate::expression::{Expression, Namespaces, Template};
use crate::json;
use crate::jsonpath::JsonPath;
use crate::xml::{Document, Limits, NodeId};

const TARGETS: &[Target] = &[XML, JSON, XPATH, JSONPATH, EXPRESSION, TEMPLATE, ARTIFACT];

#[test]
fn a_few_inputs_of_every_target() {
    smoke(TARGETS);
}

#[test]
fn for_a_while() {
    long(TARGETS);
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn namespaces() -> Namespaces {
    [("p", "urn:p"), ("soap", "http://schemas.xmlsoap.org/soap/envelope/")]
        .map(|(prefix, name)| (prefix.into(), name.into()))
        .to_vec()
}

const XML: Target = Target {
    name: "xml",
    shape: Shape::Markup,
    seeds: || {
        seeds(&[
            "<a xmlns=\"u\" xmlns:p=\"v\" p:b=\"c\"><d>1</d><!-- x --><?y z?><![CDATA[<y>]]>&amp;&#65;</a>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"s\"><soap:Body/></soap:Envelope>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        ])
    },
    words: &[
        "<a>",
        "</a>",
        "<a/>",
        "<p:b>",
        "xmlns:p=\"v\"",
        "xmlns=\"\"",
        "&lt;",
        "&#0;",
        "&#x1F980;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
    ],
    run: |input| match Document::parse_bytes(input, Limits::MESSAGE) {
        Ok(document) => {
            let text = document.write(NodeId::DOCUMENT);
            let again = Document::parse(&text, Limits::MESSAGE).map(|document| document.write(NodeId::DOCUMENT));
            assert_eq!(again.as_deref(), Ok(&*text), "what is written is read as the same");
            kind("read", text.len())
        }
        Err(error) => kind(error.reason.get(..16).unwrap_or("short"), 0),
    },
};

const JSON: Target = Target {
    name: "json",
    shape: Shape::Json,
    seeds: || seeds(&["{\"a\": [1, {\"b\": null}, \"x\"], \"c d\": -1.5, \"\": {}}", "[[],[[1]]]", "\"x\""]),
    words: &["a b", "1", ":", "<", "]]>", "_JsonReader_"],
    run: |input| {
        let Ok(value) = json::parse(&String::from_utf8_lossy(input)) else { return 0 };
        let text = json::to_xml(&value).write(NodeId::DOCUMENT);
        assert!(Document::parse(&text, Limits::MESSAGE).is_ok(), "{text}");
        kind("json", text.len())
    },
};

const XPATH: Target = Target {
    name: "xpath",
    shape: Shape::Text,
    seeds: || {
        seeds(&[
            "//p:a[@b='c' and position() < 3]/../text()",
            "concat(substring-before($ctx:x, ':'), count(//a | //b) * 2 div -1)",
            "get-property('axis2', 'HTTP_SC') = '200'",
            "/soap:Envelope/soap:Body/*[local-name()='x'][last()]",
            "ancestor-or-self::node()/preceding-sibling::comment()",
        ])
    },
    words: &[
        "//", "/", "[", "]", "(", ")", "@", "::", "|", "$body", "not(", "string(", "1 div 0", "'", "\"", "..", "*",
        " and ",
    ],
    run: |input| match Expression::compile(&String::from_utf8_lossy(input), &namespaces()) {
        Ok(expression) => kind("compiled", expression.source().len()),
        Err(error) => kind(error.reason.get(..12).unwrap_or("short"), 0),
    },
};

const JSONPATH: Target = Target {
    name: "jsonpath",
    shape: Shape::Text,
    seeds: || {
        seeds(&[
            "$.a[0].b..c[*]",
            "$['a b'][?(@.c > 3 && @.d == 'e' || !@.f)]",
            "$..[?(@.price =~ /a.*b/i)]",
            "$.a[1:5:2].length()",
            "$.a[-1,0,'x']",
        ])
    },
    words: &[
        "$",
        ".",
        "..",
        "[",
        "]",
        "*",
        "?(",
        ")",
        "@",
        "==",
        "&&",
        "=~ /(a+)+/",
        "'",
        ":",
        "-1",
        "in [1]",
        "min()",
    ],
    run: |input| match JsonPath::compile(&String::from_utf8_lossy(input)) {
        Ok(path) => kind(if path.is_definite() { "definite" } else { "indefinite" }, input.len()),
        Err(error) => kind(error.reason.get(..12).unwrap_or("short"), 0),
    },
};

const EXPRESSION: Target = Target {
    name: "expression",
    shape: Shape::Text,
    seeds: || {
        seeds(&[
            "${payload.a[0].b + 1 > 2 ? 'x' : vars.y}",
            "${length(split(toString(payload.name), ',')) % 2 == 0 and not(exists(headers['a']))}",
            "${xpath('//p:a', 'v')}",
            "json-eval($.a.b)",
            "${properties.axis2.x ?? configs.y}",
        ])
    },
    words: &[
        "${", "}", "payload", ".", "vars.", "(", ")", "+", "-", "==", "?", ":", "and", "or", "'", "\"", "[", "]",
        "now()", "null",
    ],
    run: |input| match Expression::compile(&format!("${{{}}}", String::from_utf8_lossy(input)), &namespaces()) {
        Ok(expression) => kind("compiled", expression.source().len()),
        Err(error) => kind(error.reason.get(..12).unwrap_or("short"), 0),
    },
};

const TEMPLATE: Target = Target {
    name: "template",
    shape: Shape::Text,
    seeds: || {
        seeds(&["a {//x} b ${payload.y} {json-eval($.z)}", "{\"a\": \"${vars.b}\", \"c\": {}}", "{{x}} ${'}'} $"])
    },
    words: &["{", "}", "${", "'", "\"", "\\", "json-eval(", ")", "$"],
    run: |input| {
        let text = String::from_utf8_lossy(input);
        let (full, inline) = (Template::compile(&text, &namespaces()), Template::inline(&text, &namespaces()));
        kind(&format!("{} {}", full.is_ok(), inline.is_ok()), input.len())
    },
};

const ARTIFACT: Target = Target {
    name: "artifact",
    shape: Shape::Markup,
    seeds: || {
        seeds(&[
            "<sequence xmlns=\"http://ws.apache.org/ns/synapse\" name=\"s\"><log level=\"custom\"><property name=\"a\" \
             expression=\"//x\"/></log><filter xpath=\"$ctx:a = 'b'\"><then><drop/></then><else><respond/></else></filter>\
             <switch source=\"json-eval($.a)\"><case regex=\"b.*\"><send/></case><default/></switch></sequence>",
            "<api xmlns=\"http://ws.apache.org/ns/synapse\" name=\"a\" context=\"/a\"><resource methods=\"GET POST\" \
             uri-template=\"/{b}\"><inSequence><payloadFactory media-type=\"json\"><format>{\"x\": \"$1\"}</format><args>\
             <arg evaluator=\"json\" expression=\"$.y\"/></args></payloadFactory><call><endpoint><http method=\"get\" \
             uri-template=\"http://h/{uri.var.b}\"/></endpoint></call><respond/></inSequence></resource></api>",
            "<proxy xmlns=\"http://ws.apache.org/ns/synapse\" name=\"p\" transports=\"http\"><target><inSequence><foreach \
             expression=\"//a\"><sequence><enrich><source xpath=\"//b\"/><target type=\"body\"/></enrich></sequence></foreach>\
             </inSequence></target></proxy>",
            "<endpoint xmlns=\"http://ws.apache.org/ns/synapse\" name=\"e\"><loadbalance><endpoint><address uri=\"http://a\"/>\
             </endpoint></loadbalance></endpoint>",
            "<template xmlns=\"http://ws.apache.org/ns/synapse\" name=\"t\"><parameter name=\"p\"/><sequence><script \
             language=\"js\">mc.setProperty('a', 1)</script></sequence></template>",
            "<localEntry xmlns=\"http://ws.apache.org/ns/synapse\" key=\"k\"><a/></localEntry>",
            "<task xmlns=\"http://ws.apache.org/ns/synapse\" name=\"t\" class=\"c\"><trigger cron=\"0 0 * * * ?\"/></task>",
        ])
    },
    words: &[
        "<sequence key=\"x\"/>",
        "<property name=\"a\" value=\"b\"/>",
        "<log/>",
        "<call-template target=\"t\"/>",
        "<iterate expression=\"//a\">",
        "</iterate>",
        "<cache>",
        "<xslt key=\"k\"/>",
        "expression=\"${payload.a}\"",
        "<throttle>",
        "<datamapper/>",
        "<enrich>",
        "<validate>",
        "<clone>",
        "<aggregate>",
        "<variable name=\"v\" type=\"STRING\" value=\"1\"/>",
    ],
    run: |input| {
        let compiled = crate::artifact::compile(&String::from_utf8_lossy(input));
        match compiled.result {
            Ok(_) => kind(&compiled.kind, compiled.notes.len()),
            Err(faults) => {
                let first = faults.first().expect("an artifact that is refused says why");
                kind(&format!("{} {}", first.mediator, first.reason.get(..16).unwrap_or_default()), faults.len())
            }
        }
    },
};
