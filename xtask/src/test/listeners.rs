//! What a stranger sees of the listeners: TLS versions and ciphers by sslscan, and headers by raw requests.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;

use crate::portcullis::Home;
use crate::process;
use crate::workspace;

/// Requests whose answers are made in different places: pages, APIs, refusals, and the HTTP library itself.
const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /nothing/here HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /api/am/publisher/v4/apis HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\nConnection: close\r\n\r\n",
    "nonsense\r\n\r\n",
];
/// Names of what we are made of, or are compatible with: none may stand in a header.
const NAMES: &[&str] = &["portcullis", "wso2", "carbon", "hyper", "axum", "tokio", "rust", "synapse"];

pub(super) fn check(home: &Home) -> Result<()> {
    let client = home.client()?;
    for (name, port) in [("console", home.console()), ("gateway", home.gateway()), ("status", home.status())] {
        scan(port).with_context(|| format!("sslscan of the {name} listener, port {port}"))?;
        for request in REQUESTS {
            // A refused connection shows no header, which is as good.
            let answer = client.raw(port, request.as_bytes()).unwrap_or_default();
            headers(&answer).with_context(|| format!("{name} listener, port {port}, answering {request:?}"))?;
        }
        println!(
            "{name} listener: TLS 1.2 and 1.3 with forward secrecy and AEAD, no product name in {} answers",
            REQUESTS.len()
        );
    }
    Ok(())
}

fn headers(answer: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    for line in head.lines().skip(1) {
        if let Some(name) = NAMES.iter().find(|name| line.contains(*name)) {
            bail!("the header `{line}` names {name}");
        }
        ensure!(
            !line.starts_with("server:") && !line.starts_with("x-powered-by:"),
            "the header `{line}` tells what we run"
        );
    }
    Ok(())
}

fn scan(port: u16) -> Result<()> {
    let sslscan = workspace::find_program("sslscan").context("sslscan is missing: apt-get install sslscan")?;
    let mut command = Command::new(sslscan);
    command.args(["--no-colour", "--xml=-", "--sni-name=localhost", &format!("127.0.0.1:{port}")]);
    judge(&process::capture(&mut command)?)
}

/// Judges sslscan's XML: at least one accepted cipher, and nothing but what we promise.
fn judge(xml: &str) -> Result<()> {
    let protocol = Regex::new(r#"<protocol type="(\w+)" version="([\d.]+)" enabled="1""#)?;
    for hit in protocol.captures_iter(xml) {
        let version = format!("{} {}", hit.get(1).map_or("", |m| m.as_str()), hit.get(2).map_or("", |m| m.as_str()));
        ensure!(["tls 1.2", "tls 1.3"].contains(&version.as_str()), "{version} is enabled");
    }
    let cipher = Regex::new(r#"<cipher status="\w+" sslversion="(TLSv[\d.]+|SSLv\d)" bits="\d+" cipher="([^"]+)""#)?;
    let mut accepted = 0;
    for hit in cipher.captures_iter(xml) {
        let (version, name) = (hit.get(1).map_or("", |m| m.as_str()), hit.get(2).map_or("", |m| m.as_str()));
        let aead = name.contains("GCM") || name.contains("POLY1305");
        let good = match version {
            "TLSv1.3" => name.starts_with("TLS_") && aead,
            "TLSv1.2" => name.starts_with("ECDHE-") && aead,
            _ => false,
        };
        ensure!(good, "{version} accepts {name}");
        accepted += 1;
    }
    ensure!(accepted > 0, "sslscan found no cipher at all:\n{xml}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<protocol type="tls" version="1.1" enabled="0" /><protocol type="tls" version="1.3" enabled="1" />
        <cipher status="preferred" sslversion="TLSv1.3" bits="256" cipher="TLS_AES_256_GCM_SHA384" id="0x1302" />
        <cipher status="accepted" sslversion="TLSv1.2" bits="256" cipher="ECDHE-RSA-CHACHA20-POLY1305" id="0xCCA8" />"#;

    #[test]
    fn modern_tls_passes() {
        judge(GOOD).unwrap();
    }

    #[test]
    fn old_versions_weak_ciphers_and_silence_fail() {
        for bad in [
            GOOD.replace(r#""1.1" enabled="0""#, r#""1.1" enabled="1""#),
            GOOD.replace("ECDHE-RSA-CHACHA20-POLY1305", "AES256-GCM-SHA384"),
            GOOD.replace("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-SHA"),
            GOOD.replace("cipher=", "none="),
        ] {
            assert!(judge(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn product_names_in_headers_fail_and_in_bodies_do_not() {
        assert!(headers(b"HTTP/1.1 200 OK\r\nVia: 1.1 Portcullis\r\n\r\n").is_err());
        assert!(headers(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n").is_err());
        headers(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nportcullis").unwrap();
        headers(b"").unwrap();
    }
}
