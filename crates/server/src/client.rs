//! The command line's HTTP client: over the socket of the home, or over TLS to a server signed in to.

mod session;

pub(crate) use session::{Session, remembered, store, trust};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use model::Secret;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::printable;

/// Largest answer that is read, bytes.
const ANSWER_CAP: usize = 64 * 1024 * 1024;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longest time for a download.
const DOWNLOAD_PATIENCE: Duration = Duration::from_secs(3600);

/// A server to talk to.
#[derive(Clone)]
pub(crate) struct Client {
    target: Target,
    /// Sent as `Authorization`; none on the socket, where the kernel vouches for us.
    authorization: Option<Arc<Secret<String>>>,
}

#[derive(Clone)]
enum Target {
    Socket(PathBuf),
    Tls { host: String, port: u16, address: Option<SocketAddr>, config: Arc<rustls::ClientConfig> },
}

/// A request body with its media type.
pub(crate) struct Payload {
    media_type: String,
    bytes: Bytes,
}

impl Payload {
    /// JSON.
    pub(crate) fn json(value: &Value) -> Self {
        Self { media_type: "application/json".into(), bytes: value.to_string().into() }
    }

    /// A form.
    pub(crate) fn form(pairs: &[(&str, &str)]) -> Self {
        let mut form = String::new();
        for (name, value) in pairs {
            if !form.is_empty() {
                form.push('&');
            }
            form.push_str(&escape(name));
            form.push('=');
            form.push_str(&escape(value));
        }
        Self { media_type: "application/x-www-form-urlencoded".into(), bytes: form.into() }
    }

    /// A multipart form of (name, file name, bytes); texts have no file name.
    pub(crate) fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Self {
        // No part may hold the boundary; it grows until none does.
        let mut boundary = "portcullis-part".to_owned();
        while parts.iter().any(|(.., bytes)| contains(bytes, boundary.as_bytes())) {
            boundary.push('x');
        }
        let mut body = Vec::new();
        for (name, file, bytes) in parts {
            let file =
                file.map(|f| format!("; filename=\"{}\"", f.replace(['"', '\r', '\n'], "_"))).unwrap_or_default();
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { media_type: format!("multipart/form-data; boundary={boundary}"), bytes: body.into() }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// An answer, read whole.
pub(crate) struct Reply {
    /// Status.
    pub(crate) status: StatusCode,
    /// Body.
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON; `Null` when it is none.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The answer, unless its status says that the server refused or failed.
    pub(crate) fn accepted(self, doing: &str) -> Outcome<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let value = self.value();
        let text = |name: &str| printable(value.get(name).and_then(Value::as_str).unwrap_or_default());
        let mut why = match (text("message"), text("description")) {
            (message, description) if description.is_empty() => message,
            (message, description) => format!("{message}: {description}"),
        };
        for name in ["error_description", "error", "detail"] {
            if why.is_empty() {
                why = text(name);
            }
        }
        let details = value.get("error").and_then(Value::as_array).into_iter().flatten();
        for item in details {
            let part = |name: &str| printable(item.get(name).and_then(Value::as_str).unwrap_or_default());
            for said in [part("message"), part("description")] {
                if !is_said(&why, &said) {
                    why = format!("{why}\n       {said}");
                }
            }
        }
        let (exit, fix) = match self.status {
            StatusCode::NOT_FOUND => (Exit::NotFound, "list what there is: portcullis api list"),
            StatusCode::UNAUTHORIZED => (Exit::Refused, "sign in again: portcullis login"),
            _ => (Exit::Refused, ""),
        };
        Err(Failure::new(exit, "SRV001", format!("the server refused to {doing} ({})", self.status), why, fix))
    }
}

/// Whether a text says this already: items of an error often repeat the whole. Short words stand in many texts by chance.
fn is_said(text: &str, part: &str) -> bool {
    let part = part.trim_end_matches('.');
    part.is_empty() || part.len() > 10 && text.contains(part)
}

impl Client {
    /// The server of a home, over its socket: as the operator of the machine.
    pub(crate) fn local(home: &Home) -> Self {
        Self { target: Target::Socket(home.socket()), authorization: None }
    }

    /// A server over TLS; the certificate is verified against `config`.
    pub(crate) fn tls(host: &str, port: u16, config: Arc<rustls::ClientConfig>) -> Self {
        Self { target: Target::Tls { host: host.to_owned(), port, address: None, config }, authorization: None }
    }

    /// Connects to this address instead of resolving the host name; the certificate must still be the host's.
    pub(crate) fn at(mut self, known: SocketAddr) -> Self {
        if let Target::Tls { address, .. } = &mut self.target {
            *address = Some(known);
        }
        self
    }

    /// The server of the home if one runs there, else the one signed in to.
    pub(crate) fn choose(home: &Home) -> Outcome<Self> {
        if home.is_served() {
            return Ok(Self::local(home));
        }
        match remembered()? {
            Some(session) => session.client(),
            None => Err(Failure::new(
                Exit::Unreachable,
                "SRV002",
                format!(
                    "no server is running in {}, and you are not signed in to one elsewhere",
                    home.root().display()
                ),
                "",
                format!("{}, or portcullis login URL", home.command("serve")),
            )),
        }
    }

    /// The same server, with a bearer token.
    pub(crate) fn with_bearer(&self, token: &Secret<String>) -> Self {
        let value = format!("Bearer {}", token.expose());
        Self { target: self.target.clone(), authorization: Some(Arc::new(Secret::new(value))) }
    }

    /// The same server, with a name and password (or a client's id and secret).
    pub(crate) fn with_basic(&self, name: &str, password: &Secret<String>) -> Self {
        use base64::Engine as _;
        let pair = format!("{name}:{}", password.expose());
        let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        Self { target: self.target.clone(), authorization: Some(Arc::new(Secret::new(value))) }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Reply> {
        self.send(Method::GET, path, None).await
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, payload: Payload) -> Outcome<Reply> {
        self.send(Method::POST, path, Some(payload)).await
    }

    /// Sends a request on a connection of its own and reads the whole answer.
    pub(crate) async fn send(&self, method: Method, path: &str, payload: Option<Payload>) -> Outcome<Reply> {
        self.connect().await?.send(method, path, payload).await
    }

    /// Opens a connection for several requests.
    pub(crate) async fn connect(&self) -> Outcome<Connection> {
        let open = async {
            match &self.target {
                Target::Socket(socket) => {
                    let stream = UnixStream::connect(socket).await.map_err(|e| self.unreachable(&e.to_string()))?;
                    self.handshake(stream).await
                }
                Target::Tls { host, port, address, config } => {
                    let stream = match address {
                        Some(address) => TcpStream::connect(address).await,
                        None => TcpStream::connect((host.as_str(), *port)).await,
                    };
                    let stream = stream.map_err(|e| self.unreachable(&e.to_string()))?;
                    let _ = stream.set_nodelay(true);
                    let name = ServerName::try_from(host.clone()).map_err(|e| self.unreachable(&e.to_string()))?;
                    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                    let stream = connector.connect(name, stream).await.map_err(|e| self.unreachable(&e.to_string()))?;
                    self.handshake(stream).await
                }
            }
        };
        let opened = tokio::time::timeout(PATIENCE, open).await;
        opened.unwrap_or_else(|_| Err(self.unreachable("it does not answer")))
    }

    async fn handshake<T>(&self, stream: T) -> Outcome<Connection>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|e| self.unreachable(&e.to_string()))?;
        let driver = tokio::spawn(async move {
            // How the connection ended is seen by the request on it.
            let _ = connection.await;
        });
        Ok(Connection { client: self.clone(), sender, driver })
    }

    /// GET, with the body of the answer written to a file.
    pub(crate) async fn download(&self, path: &str, to: &mut std::fs::File, cap: u64) -> Outcome<StatusCode> {
        let mut connection = self.connect().await?;
        let fetched = tokio::time::timeout(DOWNLOAD_PATIENCE, connection.download(path, to, cap)).await;
        fetched.unwrap_or_else(|_| Err(self.unreachable("the download takes too long")))
    }

    fn authority(&self) -> String {
        match &self.target {
            Target::Socket(_) => "localhost".to_owned(),
            Target::Tls { host, port, .. } => format!("{host}:{port}"),
        }
    }

    fn unreachable(&self, why: &str) -> Failure {
        let (what, fix) = match &self.target {
            Target::Socket(path) => (path.display().to_string(), "start it: portcullis serve"),
            Target::Tls { .. } => {
                (self.authority(), "check address, port and certificate authority (`login --ca FILE`)")
            }
        };
        Failure::new(Exit::Unreachable, "SRV003", format!("{what} cannot be reached"), printable(why), fix)
    }
}

/// An open connection.
pub(crate) struct Connection {
    client: Client,
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// GET.
    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Reply> {
        self.send(Method::GET, path, None).await
    }

    /// Sends a request and reads the whole answer.
    async fn send(&mut self, method: Method, path: &str, payload: Option<Payload>) -> Outcome<Reply> {
        let answered = tokio::time::timeout(PATIENCE, self.exchange(method, path, payload)).await;
        answered.unwrap_or_else(|_| Err(self.client.unreachable("it does not answer")))
    }

    async fn exchange(&mut self, method: Method, path: &str, payload: Option<Payload>) -> Outcome<Reply> {
        let response = self.answer(method, path, payload).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_CAP).collect().await;
        let body = body.map_err(|e| self.client.unreachable(&e.to_string()))?.to_bytes();
        Ok(Reply { status: parts.status, body })
    }

    /// Writes the body of an answer to a file. One that sends nothing for [`PATIENCE`], or more than `cap`, is given up.
    async fn download(&mut self, path: &str, to: &mut std::fs::File, cap: u64) -> Outcome<StatusCode> {
        use std::io::Write as _;
        let answered = tokio::time::timeout(PATIENCE, self.answer(Method::GET, path, None)).await;
        let response = answered.unwrap_or_else(|_| Err(self.client.unreachable("it does not answer")))?;
        let (status, mut body, mut room) = (response.status(), response.into_body(), cap);
        loop {
            let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
            let frame = frame.map_err(|_| self.client.unreachable("it stopped sending"))?;
            let Some(frame) = frame else { return Ok(status) };
            let frame = frame.map_err(|e| self.client.unreachable(&e.to_string()))?;
            let Some(bytes) = frame.data_ref() else { continue };
            room = room.checked_sub(bytes.len() as u64).ok_or_else(|| self.client.unreachable("it sends too much"))?;
            to.write_all(bytes).map_err(|e| Failure::io(std::path::Path::new(path), "write", &e))?;
        }
    }

    async fn answer(
        &mut self,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Outcome<http::Response<hyper::body::Incoming>> {
        let uri: Uri = path.parse().map_err(|_| Failure::internal(format!("{path:?} is not a path")))?;
        let mut request = Request::builder().method(method).uri(uri).header(header::HOST, self.client.authority());
        if let Some(value) = &self.client.authorization {
            request = request.header(header::AUTHORIZATION, value.expose());
        }
        let mut bytes = Bytes::new();
        if let Some(payload) = payload {
            request = request.header(header::CONTENT_TYPE, payload.media_type);
            bytes = payload.bytes;
        }
        let request = request.body(Full::new(bytes)).map_err(|e| Failure::internal(e.to_string()))?;
        // The connection takes the next request only when it has noticed that the last answer is complete.
        self.sender.ready().await.map_err(|e| self.client.unreachable(&e.to_string()))?;
        self.sender.send_request(request).await.map_err(|e| self.client.unreachable(&e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Payload, Reply, escape};
    use http::StatusCode;

    #[test]
    fn forms_are_escaped() {
        assert_eq!(escape("a b&c=d/ü"), "a%20b%26c%3Dd%2F%C3%BC");
        let form = Payload::form(&[("a", "1 2"), ("b", "&")]);
        assert_eq!(&form.bytes[..], b"a=1%202&b=%26");
    }

    #[test]
    fn a_part_cannot_end_the_form() {
        let form = Payload::multipart(&[("file", Some("x\".yaml"), b"\r\n--portcullis-part--\r\n")]);
        assert!(form.media_type.ends_with("boundary=portcullis-partx"));
        assert!(String::from_utf8_lossy(&form.bytes).contains("filename=\"x_.yaml\""));
    }

    #[test]
    fn a_refusal_says_why_without_control_characters() {
        let body = br#"{"code":400,"message":"Bad","description":"line 3\u001b[2J","error":[{"message":"m","description":"d"}]}"#;
        let reply = Reply { status: StatusCode::BAD_REQUEST, body: body[..].into() };
        let text = reply.accepted("import").err().unwrap().to_string();
        assert!(
            text.contains("Bad: line 3") && text.contains("\n       m\n       d") && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn a_refusal_says_a_thing_once() {
        let body = br#"{"code":900754,"message":"Error while parsing OpenAPI definition",
            "description":"The definition cannot be used: line 2: no colon.",
            "error":[{"message":"Error while parsing OpenAPI definition","description":"line 2: no colon"},
                     {"message":"Error while parsing OpenAPI definition","description":"line 9: no value"}]}"#;
        let reply = Reply { status: StatusCode::BAD_REQUEST, body: body[..].into() };
        let text = reply.accepted("import").err().unwrap().with_fix("correct it").to_string();
        assert_eq!(text.matches("line 2: no colon").count(), 1, "{text}");
        assert_eq!(text.matches("Error while parsing").count(), 1, "{text}");
        assert!(text.contains("\n       line 9: no value") && text.ends_with("fix: correct it"), "{text}");
    }
}
