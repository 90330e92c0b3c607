//! What attackers send and what artifacts do to themselves: bounded, reported, and other messages are served meanwhile.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Answer, Running, parse, request};

/// Longest that another message may wait beside an attack. Tests run unoptimised, beside others, on two cores.
const PATIENCE: Duration = Duration::from_secs(20);

struct Attack {
    name: &'static str,
    mediators: &'static str,
    content_type: &'static str,
    body: fn() -> String,
    /// None when the message may also succeed: it only has to end.
    status: Option<u16>,
    absent: &'static str,
}

const fn attack(
    name: &'static str,
    mediators: &'static str,
    content_type: &'static str,
    body: fn() -> String,
) -> Attack {
    Attack { name, mediators, content_type, body, status: Some(500), absent: "root:" }
}

const MORE: &[(&str, &str)] = &[
    ("sequences/ping.xml", "<sequence @NS name=\"ping\"><sequence key=\"pong\"/></sequence>"),
    ("sequences/pong.xml", "<sequence @NS name=\"pong\"><sequence key=\"ping\"/></sequence>"),
    (
        "sequences/twice.xml",
        "<sequence @NS name=\"twice\"><clone><target><sequence><sequence key=\"twice\"/></sequence></target><target><sequence>\
         <sequence key=\"twice\"/></sequence></target></clone></sequence>",
    ),
    (
        "templates/self.xml",
        "<template @NS name=\"self\"><parameter name=\"a\"/><sequence><call-template target=\"self\"><with-param name=\"a\" \
         value=\"{fn:concat($func:a, $func:a)}\"/></call-template></sequence></template>",
    ),
    (
        "sequences/doubling-variable.xml",
        "<sequence @NS name=\"doubling-variable\"><variable name=\"v\" type=\"STRING\" expression=\"${vars.v + vars.v}\"/>\
         <sequence key=\"doubling-variable\"/></sequence>",
    ),
    (
        "local-entries/endless.xml",
        "<localEntry @NS key=\"endless\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\" name=\"t\"><xsl:call-template name=\"t\"/></xsl:template></xsl:stylesheet></localEntry>",
    ),
    (
        "local-entries/doubling.xml",
        "<localEntry @NS key=\"doubling\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\" name=\"t\"><xsl:param name=\"s\" select=\"'xxxxxxxxxxxxxxxx'\"/><xsl:call-template name=\"t\">\
         <xsl:with-param name=\"s\" select=\"concat($s, $s)\"/></xsl:call-template></xsl:template></xsl:stylesheet></localEntry>",
    ),
    (
        "local-entries/rows.xml",
        "<localEntry @NS key=\"rows\"><xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:element name=\"r\"><xs:complexType>\
         <xs:sequence><xs:element name=\"a\" maxOccurs=\"unbounded\"><xs:simpleType><xs:restriction base=\"xs:string\">\
         <xs:pattern value=\"(x+x+)+y\"/></xs:restriction></xs:simpleType></xs:element></xs:sequence></xs:complexType></xs:element>\
         </xs:schema></localEntry>",
    ),
];

const ATTACKS: &[Attack] = &[
    // Regular expressions
    Attack {
        status: None,
        ..attack(
            "regex-filter",
            "<filter source=\"//a\" regex=\"(a+)+(b\\1)?$\"><then><respond/></then><else><respond/></else></filter>",
            "application/xml",
            || format!("<r><a>{}!</a></r>", "a".repeat(50_000)),
        )
    },
    attack(
        "regex-backtracking",
        "<filter source=\"//a\" regex=\"(?:(?=a)a|aa)+(?=b)c\"><then><respond/></then><else><respond/></else></filter>",
        "application/xml",
        || format!("<r><a>{}!</a></r>", "a".repeat(5_000)),
    ),
    Attack {
        status: None,
        ..attack(
            "regex-xpath",
            "<property name=\"p\" expression=\"fn:replace(//a, '(a|aa)+(?!b)$', 'x')\"/><respond/>",
            "application/xml",
            || format!("<r><a>{}!</a></r>", "a".repeat(20_000)),
        )
    },
    Attack {
        status: None,
        ..attack(
            "regex-jsonpath",
            "<property name=\"p\" expression=\"json-eval($..[?(@.a =~ /(a+)+(?=b)$/)])\"/><respond/>",
            "application/json",
            || format!("[{}]", vec![format!("{{\"a\":\"{}\"}}", "a".repeat(200)); 200].join(",")),
        )
    },
    attack(
        "regex-script",
        "<script language=\"js\">/(a+)+$/.test(mc.getPayloadJSON().a); mc.setProperty('x', 1);</script><respond/>",
        "application/json",
        || format!("{{\"a\":\"{}!\"}}", "a".repeat(60)),
    ),
    Attack {
        status: None,
        ..attack(
            "regex-schema",
            "<validate><schema key=\"rows\"/><on-fail><property name=\"HTTP_SC\" value=\"400\" scope=\"axis2\"/><respond/></on-fail></validate><respond/>",
            "application/xml",
            || format!("<r><a>{}</a></r>", "x".repeat(30_000)),
        )
    },
    // XPath
    attack(
        "xpath-nested",
        "<property name=\"p\" expression=\"count(//*[count(//*[count(//*) &gt; 1]) &gt; 1])\"/><respond/>",
        "application/xml",
        || format!("<r>{}</r>", "<a/>".repeat(10_000)),
    ),
    attack(
        "xpath-axes",
        "<property name=\"p\" expression=\"count(//*/following::*/preceding::*)\"/><respond/>",
        "application/xml",
        || format!("<r>{}</r>", "<a/>".repeat(10_000)),
    ),
    Attack {
        status: None,
        ..attack(
            "jsonpath-deep",
            "<property name=\"p\" expression=\"json-eval($..*..*..*..a)\"/><respond/>",
            "application/json",
            || format!("{}1{}", "[".repeat(100), "]".repeat(100)),
        )
    },
    // Scripts
    attack("script-loop", "<script language=\"js\">for (;;) {}</script><respond/>", "application/json", || "{}".into()),
    attack(
        "script-memory",
        "<script language=\"js\">var a = ['x']; for (;;) a = a.concat(a);</script><respond/>",
        "application/json",
        || "{}".into(),
    ),
    attack(
        "script-text",
        "<script language=\"js\">var a = 'xxxxxxxx'; for (;;) a += a;</script><respond/>",
        "application/json",
        || "{}".into(),
    ),
    attack(
        "script-stack",
        "<script language=\"js\">(function f() { return f() + 1; })()</script><respond/>",
        "application/json",
        || "{}".into(),
    ),
    attack(
        "script-caught",
        "<script language=\"js\">for (;;) { try { for (;;) {} } catch (e) {} }</script><respond/>",
        "application/json",
        || "{}".into(),
    ),
    // Sequences, templates, stylesheets that call themselves
    attack("sequence-ring", "<sequence key=\"ping\"/><respond/>", "application/json", || "{}".into()),
    attack("sequence-fork", "<sequence key=\"twice\"/><respond/>", "application/json", || "{}".into()),
    attack(
        "template-self",
        "<call-template target=\"self\"><with-param name=\"a\" value=\"xxxxxxxxxxxxxxxx\"/></call-template><respond/>",
        "application/json",
        || "{}".into(),
    ),
    attack(
        "variable-doubling",
        "<variable name=\"v\" type=\"STRING\" value=\"xxxxxxxxxxxxxxxx\"/><sequence key=\"doubling-variable\"/><respond/>",
        "application/json",
        || "{}".into(),
    ),
    attack("xslt-endless", "<xslt key=\"endless\"/><respond/>", "application/xml", || "<a/>".into()),
    attack("xslt-doubling", "<xslt key=\"doubling\"/><respond/>", "application/xml", || "<a/>".into()),
    Attack {
        status: None,
        ..attack(
            "iterate-in-iterate",
            "<foreach expression=\"//a\"><sequence><foreach expression=\"//a\"><sequence><property name=\"p\" \
             expression=\"count(//a)\"/></sequence></foreach></sequence></foreach><respond/>",
            "application/xml",
            || format!("<r>{}</r>", "<a><a/><a/></a>".repeat(300)),
        )
    },
    // Documents
    attack("laughs", LOOK, "application/xml", || {
        let mut text = String::from("<!DOCTYPE a [<!ENTITY e0 \"ha\">");
        for level in 1..30 {
            text.push_str(&format!("<!ENTITY e{level} \"&e{0};&e{0};&e{0};\">", level - 1));
        }
        text + "]><a>&e29;</a>"
    }),
    attack("xxe", LOOK, "application/xml", || {
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>".into()
    }),
    attack("xxe-parameter", LOOK, "application/xml", || {
        "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x\"> %p;]><a/>".into()
    }),
    attack("xxe-soap", LOOK, "text/xml", || {
        "<!DOCTYPE s:Envelope SYSTEM \"file:///etc/passwd\"><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <s:Body><a/></s:Body></s:Envelope>"
            .into()
    }),
    attack("many-attributes", LOOK, "application/xml", || {
        let attributes: String = (0..100_000).map(|number| format!(" a{number}=\"1\"")).collect();
        format!("<a{attributes}/>")
    }),
    attack("many-namespaces", LOOK, "application/xml", || {
        let declared: String = (0..50_000).map(|number| format!(" xmlns:n{number}=\"u\"")).collect();
        format!("<a{declared}/>")
    }),
    // Copying the text anew for each reference would take hours.
    Attack {
        status: Some(200),
        ..attack("many-references", LOOK, "application/xml", || format!("<a>{}</a>", "&lt;".repeat(500_000)))
    },
    attack("deep-xml", LOOK, "application/xml", || "<a>".repeat(200_000)),
    attack("deep-json", "<property name=\"p\" expression=\"json-eval($.a)\"/><respond/>", "application/json", || {
        "[".repeat(200_000)
    }),
];

const LOOK: &str = "<property name=\"p\" expression=\"//a\"/><respond/>";

async fn start(attacks: &[Attack]) -> Running {
    let api = |name: &str, mediators: &str| {
        (
            format!("api/{name}.xml"),
            format!(
                "<api @NS name=\"{name}\" context=\"/{name}\"><resource methods=\"GET POST\" url-mapping=\"/*\"><inSequence>{mediators}\
                 </inSequence></resource></api>"
            ),
        )
    };
    let mut artifacts: Vec<(String, String)> =
        MORE.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    artifacts.extend(attacks.iter().map(|attack| api(attack.name, attack.mediators)));
    artifacts.push(api("other", "<property name=\"p\" expression=\"//a\"/><respond/>"));
    let list: Vec<(&str, String)> = artifacts.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let running = Running::start(&list).await;
    assert!(running.report.refused.is_empty(), "{:#?}", running.report.refused);
    running
}

async fn other(running: &Running) -> Duration {
    let started = Instant::now();
    let answer = running.post("/other", "application/xml", "<a>1</a>").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "<a>1</a>"));
    started.elapsed()
}

fn differs(attack: &Attack, answer: &Answer) -> Option<String> {
    let status = attack.status.is_none_or(|status| status == answer.status);
    let right = status && !answer.body.contains(attack.absent) && !answer.body.contains("hahaha");
    (!right)
        .then(|| format!("{}: {} {}", attack.name, answer.status, answer.body.chars().take(300).collect::<String>()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_bomb_is_bounded_and_other_messages_are_served() {
    let running = start(ATTACKS).await;
    let (mut wrong, mut slowest, mut longest) = (Vec::new(), Duration::ZERO, ("", Duration::ZERO));
    for attack in ATTACKS {
        let (address, target, body) = (running.address, format!("/{}", attack.name), (attack.body)());
        let kind = attack.content_type;
        let started = Instant::now();
        let asked =
            tokio::spawn(
                async move { request(address, "POST", &target, &[("Content-Type", kind)], body.as_bytes()).await },
            );
        while !asked.is_finished() {
            slowest = slowest.max(other(&running).await);
        }
        let Ok(answer) = asked.await else {
            wrong.push(format!("{}: no answer", attack.name));
            continue;
        };
        if started.elapsed() > longest.1 {
            longest = (attack.name, started.elapsed());
        }
        wrong.extend(differs(attack, &answer));
        other(&running).await;
    }
    println!("{} attacks, longest {longest:?}, longest wait of another message {slowest:?}", ATTACKS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(slowest < PATIENCE, "{slowest:?}");
}

/// A body that does not end is cut off at the cap, whatever was announced, and takes no more memory than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gigabyte_is_refused_before_it_is_read() {
    const GIGABYTE: usize = 1 << 30;
    let running = start(&[]).await;
    for chunked in [false, true] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let framing =
            if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {GIGABYTE}") };
        let head = format!(
            "POST /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/xml\r\n{framing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reads, mut writes) = stream.into_split();
        let sending = tokio::spawn(async move {
            let block = vec![b'x'; 1 << 20];
            let framed = [b"100000\r\n".as_slice(), &block, b"\r\n"].concat();
            let mut sent = 0;
            while sent < GIGABYTE {
                if writes.write_all(if chunked { &framed } else { &block }).await.is_err() {
                    break;
                }
                sent += block.len();
            }
            sent
        });
        let mut answer = Vec::new();
        let reading = tokio::time::timeout(Duration::from_secs(60), reads.read_to_end(&mut answer));
        let wait = other(&running).await;
        // The connection may be reset while the rest is still being sent: then there is no answer to read.
        let _ = reading.await.expect("the server lets go");
        if !answer.is_empty() {
            assert_eq!(parse(&answer).status, 413);
        }
        let sent = sending.await.unwrap();
        assert!(sent < 128 << 20, "{sent} bytes were taken");
        assert!(wait < PATIENCE, "{wait:?}");
    }
    other(&running).await;
}
