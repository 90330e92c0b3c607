//! Fuzz targets: what reads bytes of strangers before anything is known about them. See `testkit::fuzz`.

use http::{HeaderMap, Method, Request};
use testkit::fuzz::{Shape, Target, kind, long, smoke};

use crate::connection::framing_of;
use crate::head;
use crate::path::canonical;
use crate::proxy::{Client, ForwardedField, Proxies};
use crate::settings::Caps;
use crate::upstream::digest::DigestAuth;

const TARGETS: &[Target] = &[HEAD, PATH, FRAMING, FORWARDED, CHALLENGE];

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

/// A request line and fields, one a line.
fn request(input: &[u8]) -> Option<http::request::Parts> {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.split(|byte| *byte == b' ');
    let mut builder = Request::builder().method(Method::from_bytes(first.next()?).ok()?).uri(first.next()?);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        builder = builder.header(line.get(..colon)?, line.get(colon + 1..)?);
    }
    builder.body(()).ok().map(|request| request.into_parts().0)
}

const HEAD: Target = Target {
    name: "head",
    shape: Shape::Bytes,
    seeds: || {
        seeds(&[
            "GET /pizza/1.0.0/menu?a=b\nhost:localhost:8243\nauthorization:Bearer x",
            "POST http://localhost/a\nhost:localhost\ntransfer-encoding:chunked\nexpect:100-continue",
            "GET /\nhost:[::1]\nconnection:close, x-a\nx-a:1\nx_forwarded_for:1\ncontent-type:application/grpc",
        ])
    },
    words: &[
        "host",
        "Connection:",
        "x-jwt-assertion:1",
        "x_jwt_assertion:1",
        "transfer-encoding:",
        "chunked",
        "\n",
        "localhost",
    ],
    run: |input| {
        let Some(mut parts) = request(input) else { return 0 };
        let caps = Caps::default();
        let host = head::host(&parts, head::Present::of(&parts.headers), &caps).map(|host| host.into_owned());
        if let Ok(host) = &host {
            assert!(host.bytes().all(|b| !b.is_ascii_uppercase() && b.is_ascii_graphic() && b != b'/'), "{host}");
        }
        let path = head::path(&parts, &caps).map(|path| path.into_owned());
        let _refused = head::expectation(&mut parts.headers);
        head::strip_request(&mut parts.headers, [None, None], &[], false);
        for name in parts.headers.keys() {
            let name = name.as_str().replace('_', "-");
            let owned =
                ["x-jwt-assertion", "forwarded", "authorization", "internal-key", "transfer-encoding", "connection"];
            assert!(!owned.contains(&name.as_str()) && !name.starts_with("x-forwarded-"), "{name}");
        }
        kind(&format!("{} {}", host.is_ok(), path.is_ok()), parts.headers.len())
    },
};

const PATH: Target = Target {
    name: "path",
    shape: Shape::Text,
    seeds: || seeds(&["/", "/pizza/1.0.0/order/%7Bid%7D", "/a%20b/c.d/~e", "/a/../b", "/%2e%2E/x", "/a;b", "//a"]),
    words: &["/", "%2f", "%5C", "%2e", "..", ".", ";", "%25", "~", "%7e", "%C3%B6", "//"],
    run: |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(path) = canonical(&text) else { return 1 };
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains('\\'), "{path:?}");
        assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{path:?}");
        assert_eq!(canonical(&path).as_deref(), Ok(&*path), "the one form has one form");
        kind("path", path.len())
    },
};

const FRAMING: Target = Target {
    name: "framing",
    shape: Shape::Bytes,
    seeds: || {
        seeds(&[
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ])
    },
    words: &[
        "\r\n",
        "\n",
        "\r",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
        "GET / HTTP/1.1\r\n",
    ],
    run: |input| {
        let whole = framing_of(input, usize::MAX);
        assert_eq!(whole.len(), input.len());
        for size in [1, 7] {
            let pieces = framing_of(input, size);
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
        let spoiled = whole.iter().zip(input).position(|(after, before)| after != before);
        if let Some(at) = spoiled {
            assert!(whole.iter().skip(at).all(|byte| *byte == 0), "nothing comes through behind what is spoiled");
        }
        kind(if spoiled.is_some() { "spoiled" } else { "passed" }, input.len())
    },
};

const FORWARDED: Target = Target {
    name: "forwarded",
    shape: Shape::Text,
    seeds: || seeds(&["for=192.0.2.7;proto=https", "for=\"[2001:db8::1]:80\", for=10.1.1.1", "6.6.6.6, 10.0.0.2"]),
    words: &["for=", "10.0.0.1", ",", ";", "\"", "\\\"", "proto=https", "[::1]", "host=\"", "unknown"],
    run: |input| {
        let Ok(value) = http::HeaderValue::from_bytes(input) else { return 0 };
        let peer = Client { address: std::net::Ipv4Addr::new(10, 0, 0, 1).into(), secure: false };
        let mut found = Vec::new();
        for (field, name) in
            [(ForwardedField::Forwarded, "forwarded"), (ForwardedField::XForwardedFor, "x-forwarded-for")]
        {
            let forwarded = "10.0.0.0/8".parse().into_iter().collect();
            let proxies = Proxies { protocol: Vec::new(), forwarded, field };
            let mut headers = HeaderMap::new();
            headers.insert(name, value.clone());
            found.push(proxies.client(&headers, peer).address);
            // Whatever came before, the element that a listed peer adds decides.
            let last = if name == "forwarded" { "for=192.0.2.7" } else { "192.0.2.7" };
            headers.append(name, http::HeaderValue::from_static(last));
            assert_eq!(proxies.client(&headers, peer).address.to_string(), "192.0.2.7");
            let joined = [input, b", ", last.as_bytes()].concat();
            if let Ok(joined) = http::HeaderValue::from_bytes(&joined) {
                headers.insert(name, joined);
                assert_eq!(proxies.client(&headers, peer).address.to_string(), "192.0.2.7");
            }
        }
        kind(&format!("{}", found.iter().filter(|address| **address != peer.address).count()), input.len())
    },
};

const CHALLENGE: Target = Target {
    name: "challenge",
    shape: Shape::Text,
    seeds: || {
        seeds(&[
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth\", algorithm=SHA-256",
            "Basic realm=\"x\", Digest realm=\"a\\\"b\", nonce=n, opaque=\"o\", algorithm=MD5-sess",
        ])
    },
    words: &["Digest ", "Basic ", "realm=", "nonce=", "qop=auth", "algorithm=MD5", ",", "\"", "\\"],
    run: |input| {
        let Ok(value) = http::HeaderValue::from_bytes(input) else { return 0 };
        let mut headers = HeaderMap::new();
        headers.insert(http::header::WWW_AUTHENTICATE, value);
        let Some(proof) = DigestAuth::new("me", "pw") else { return 0 };
        let learned = proof.learn(&headers);
        let answer = proof.value(&Method::GET, b"/a");
        assert!(learned || answer.is_none());
        kind(if learned { "learned" } else { "not" }, answer.map_or(0, |value| value.len()))
    },
};
