//! Raw requests over TLS, and servers that prove nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use guidelines::{Attempt, Observed};
use model::Clock as _;
use rustls::pki_types::ServerName;

use super::PATIENCE;
use crate::clock::SystemClock;

/// Most bytes of an answer that are read.
const CAP: usize = 256 * 1024;

/// A listener with what it takes to reach it.
pub(super) struct Door {
    /// As in `management`.
    pub(super) name: &'static str,
    /// Where it is reached.
    pub(super) address: SocketAddr,
    /// The configured host name.
    pub(super) host: String,
    /// Whom to trust.
    pub(super) trust: Arc<rustls::ClientConfig>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The status; `None` = closed without one.
    pub(super) status: Option<u16>,
    /// Header fields in order, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub(super) body: String,
}

impl Door {
    /// As in `management 127.0.0.1:9443`.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.name, self.address)
    }

    /// Sends bytes, in which `{host}` stands for the authority, and reads the answer up to the end of the connection or
    /// of the body. Headers are what counts.
    ///
    /// # Errors
    /// Why there was no TLS connection.
    pub(super) fn request(&self, request: &str) -> Result<Answer, String> {
        let failed = |e: std::io::Error| e.to_string();
        let socket = TcpStream::connect_timeout(&self.address, PATIENCE).map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let name = ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        let session = rustls::ClientConnection::new(Arc::clone(&self.trust), name).map_err(|e| e.to_string())?;
        let mut stream = rustls::StreamOwned::new(session, socket);
        let text = request.replace("{host}", &format!("{}:{}", self.host, self.address.port()));
        stream.write_all(text.as_bytes()).map_err(failed)?;
        let mut bytes = Vec::new();
        let mut chunk = [0; 8192];
        while bytes.len() < CAP {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                _ => break,
            }
            if is_whole(&bytes) {
                break;
            }
        }
        Ok(Answer::read(&bytes))
    }

    /// A request without a body.
    pub(super) fn get(&self, path: &str, more: &str) -> Result<Answer, String> {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\n{more}Connection: close\r\n\r\n"))
    }

    /// A form.
    pub(super) fn form(&self, path: &str, more: &str, body: &str) -> Result<Answer, String> {
        self.request(&format!(
            "POST {path} HTTP/1.1\r\nHost: {{host}}\r\n{more}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }
}

/// Whether head and body are there, as far as a content length tells.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= at + 4 + length)
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        });
        Self { status, headers: headers.collect(), body: body.chars().take(8192).collect() }
    }
}

/// Peers that a client of ours must refuse: each is a server on loopback, met by a client made as all of ours are made.
pub(super) fn wrong_peers() -> Observed<Vec<Attempt>> {
    match try_wrong_peers() {
        Ok(attempts) => Observed::Known(attempts),
        Err(why) => Observed::unknown(why, "a free port on 127.0.0.1"),
    }
}

fn try_wrong_peers() -> Result<Vec<Attempt>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let (now, rng) = (SystemClock.now(), vault::SystemRng);
    let then = model::Timestamp::from_millis(now.millis().saturating_sub(400 * 24 * 3_600_000));
    let trusted = vault::generate_ca("audit", then, &rng).map_err(|e| text(&e))?;
    let foreign = vault::generate_ca("audit", then, &rng).map_err(|e| text(&e))?;
    let names = |name: &str| vec![name.to_owned()];
    let mut attempts = Vec::new();
    // The first one must be accepted, or the others would be refused for the wrong reason.
    for (what, ca, name, from, good) in [
        ("a sound certificate", &trusted, "localhost", now, true),
        ("a certificate for another name", &trusted, "other.example", now, false),
        ("a certificate of an unknown authority", &foreign, "localhost", now, false),
        ("an expired certificate", &trusted, "localhost", then, false),
    ] {
        let issued = vault::issue_server_certificate(ca, &names(name), from, &rng).map_err(|e| text(&e))?;
        let accepted = meets(&trusted, &issued)?;
        if good && !accepted {
            return Err("a client refused even a sound peer, so refusals prove nothing".to_owned());
        }
        if !good {
            let observed = if accepted { "the handshake was completed" } else { "the handshake was refused" };
            attempts.push(Attempt {
                what: what.to_owned(),
                place: "TLS clients".to_owned(),
                refused: !accepted,
                observed: observed.to_owned(),
            });
        }
    }
    Ok(attempts)
}

/// Whether a client that trusts `ca` completes a handshake with a server that has this certificate.
fn meets(ca: &vault::CertificateAuthority, issued: &vault::IssuedCertificate) -> Result<bool, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let mut anchors = vault::tls::TrustAnchors::default();
    anchors.add_pem(ca.certificate_pem().as_bytes()).map_err(|e| text(&e))?;
    let client = vault::tls::client_config(anchors, None, vault::tls::Alpn::Http1).map_err(|e| text(&e))?;
    let server = rustls::ServerConfig::builder_with_provider(vault::tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| text(&e))?
        .with_no_client_auth()
        .with_single_cert(issued.chain.clone(), issued.key.expose().clone_key())
        .map_err(|e| text(&e))?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| text(&e))?;
    let address = listener.local_addr().map_err(|e| text(&e))?;
    let serving = std::thread::spawn(move || {
        let Ok((mut socket, _)) = listener.accept() else { return };
        let _ = socket.set_read_timeout(Some(PATIENCE));
        if let Ok(mut session) = rustls::ServerConnection::new(Arc::new(server)) {
            while session.is_handshaking() && session.complete_io(&mut socket).is_ok() {}
        }
    });
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE).map_err(|e| text(&e))?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(|e| text(&e))?;
    let name = ServerName::try_from("localhost").map_err(|e| text(&e))?;
    let mut session = rustls::ClientConnection::new(client, name).map_err(|e| text(&e))?;
    let accepted = loop {
        if !session.is_handshaking() {
            break true;
        }
        if session.complete_io(&mut socket).is_err() {
            break false;
        }
    };
    drop(socket);
    let _ = serving.join();
    Ok(accepted)
}
