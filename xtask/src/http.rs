//! A small blocking HTTP/1.1 client with TLS that verifies: one request a connection, and raw bytes where a test wants to see
//! exactly what comes back. Enough to drive a server on loopback, and independent of the server's own HTTP code.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer that is read.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// Talks to servers on 127.0.0.1 that a given authority vouches for.
#[derive(Clone)]
pub(crate) struct Client {
    tls: Arc<ClientConfig>,
}

pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) port: u16,
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Trusts the certificates in `authority` (PEM) and nothing else.
    pub(crate) fn new(authority: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(authority)
            .with_context(|| format!("cannot read the authority {}", authority.display()))?;
        for certificate in certificates {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls) })
    }

    /// How its connections are secured.
    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// Sends one request over TLS and reads the answer to the end.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Response> {
        let Request { method, port, target, headers, body } = request;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
        head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        if !body.is_empty() || *method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let raw = self.raw(*port, &[head.as_bytes(), body].concat())?;
        parse(&raw).with_context(|| format!("answer to {method} {target}"))
    }

    /// Sends bytes over TLS and returns the bytes that come back until the server closes.
    pub(crate) fn raw(&self, port: u16, bytes: &[u8]) -> Result<Vec<u8>> {
        let connection = ClientConnection::new(Arc::clone(&self.tls), ServerName::try_from("localhost")?)?;
        exchange(StreamOwned::new(connection, connect(port)?), bytes)
    }

    /// Sends bytes over plain TCP and returns the bytes that come back until the server closes.
    pub(crate) fn raw_plain(port: u16, bytes: &[u8]) -> Result<Vec<u8>> {
        exchange(connect(port)?, bytes)
    }
}

fn connect(port: u16) -> Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream =
        TcpStream::connect_timeout(&address, TIMEOUT).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> Result<Vec<u8>> {
    stream.write_all(bytes)?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_LIMIT).read_to_end(&mut answer) {
        Ok(_) => Ok(answer),
        // A server may close without TLS's farewell, or reset after it refused a request; what it said still counts.
        Err(_) if !answer.is_empty() => Ok(answer),
        Err(problem) => Err(problem.into()),
    }
}

fn parse(raw: &[u8]) -> Result<Response> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").context("no end of the head")?;
    let head = std::str::from_utf8(raw.get(..end).unwrap_or_default())?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
    let body = raw.get(end + 4..).unwrap_or_default();
    let chunked = head.lines().any(|line| line.to_ascii_lowercase().replace(' ', "") == "transfer-encoding:chunked");
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Ok(Response { status, body })
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n").context("a chunk without its size")?;
        let size = std::str::from_utf8(rest.get(..line).unwrap_or_default())?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let start = line + 2;
        let Some(chunk) = rest.get(start..start + size) else { bail!("a chunk is cut off") };
        body.extend_from_slice(chunk);
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_a_length_and_in_chunks() {
        let plain = parse(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (201, b"ok".as_slice()));
        let chunked =
            parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n").unwrap();
        assert_eq!(chunked.body, b"abcd");
    }

    #[test]
    fn a_cut_off_answer_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Le").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc").is_err());
    }
}
