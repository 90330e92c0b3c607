//! An integrator on loopback, a client of raw sockets, and time that tests move.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use integrator::{DeployReport, Integrator, SecretSource, Settings, Tree, World};
use model::{EgressRules, Secret, Timestamp};
use testkit::{MockClock, SeededRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A namespace, and what stands for it in test artifacts.
const NS: &str = "xmlns=\"http://ws.apache.org/ns/synapse\"";

pub(crate) struct Running {
    pub(crate) home: tempfile::TempDir,
    pub(crate) integrator: Arc<Integrator>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) address: SocketAddr,
    pub(crate) report: DeployReport,
    stop: watch::Sender<bool>,
}

pub(crate) struct Vault;

impl SecretSource for Vault {
    fn secret(&self, alias: &str) -> Option<Secret<String>> {
        (alias == "backend.password").then(|| Secret::new("s3cret".to_owned()))
    }
}

pub(crate) fn client_tls(authority: Option<&rustls::pki_types::CertificateDer<'static>>) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(authority) = authority {
        roots.add(authority.clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What a test wants to be otherwise.
pub(crate) struct Wanted {
    pub(crate) egress: EgressRules,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) settings: Box<dyn FnOnce(&mut Settings)>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            egress: EgressRules::with_networks(["127.0.0.0/8".parse().unwrap()]),
            tls: client_tls(None),
            settings: Box::new(|_| {}),
        }
    }
}

impl Running {
    /// Starts with artifacts: path below `synapse-configs/default` (or a path from the home with a leading slash), and
    /// text, in which `@NS` stands for the namespace.
    pub(crate) async fn start(artifacts: &[(&str, String)]) -> Self {
        Self::with(artifacts, Wanted::default()).await
    }

    pub(crate) async fn with(artifacts: &[(&str, String)], wanted: Wanted) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in artifacts {
            put(home.path(), path, text);
        }
        let clock = Arc::new(MockClock::at(Timestamp::from_seconds(1_795_000_000)));
        let mut settings = Settings::new(Tree::Home(home.path().to_owned()));
        (wanted.settings)(&mut settings);
        let world = World {
            clock: Arc::clone(&clock) as Arc<dyn model::Clock>,
            rng: Arc::new(SeededRng::new(7)),
            secrets: Arc::new(Vault),
            environment: Arc::new(|name| (name == "GREETING").then(|| "hello".to_owned())),
            egress: wanted.egress,
            tls: wanted.tls,
            server_tls: None,
        };
        let integrator = Integrator::new(settings, world);
        let report = integrator.start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let served = Arc::clone(&integrator);
        tokio::spawn(async move { served.serve(listener, None, stopped).await });
        Self { home, integrator, clock, address, report, stop }
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> PathBuf {
        put(self.home.path(), path, text)
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(place(self.home.path(), path)).unwrap();
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], b"").await
    }

    pub(crate) async fn post(&self, target: &str, content_type: &str, body: &str) -> Answer {
        self.send("POST", target, &[("Content-Type", content_type)], body.as_bytes()).await
    }

    pub(crate) async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        request(self.address, method, target, headers, body).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

fn place(home: &Path, path: &str) -> PathBuf {
    match path.strip_prefix('/') {
        Some(path) => home.join(path),
        None => home.join("repository/deployment/server/synapse-configs/default").join(path),
    }
}

pub(crate) fn put(home: &Path, path: &str, text: &str) -> PathBuf {
    let file = place(home, path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text.replace("@NS", NS)).unwrap();
    file
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    raw(address, &bytes).await
}

/// Sends bytes as they are and reads until the end.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The other side may answer and close before everything is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), exchange).await.expect("no answer within 30 s");
    parse(&answer)
}

pub(crate) fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or_else(|| {
        panic!("no head in {:?}", String::from_utf8_lossy(answer));
    });
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let body = &answer[end + 4..];
    let chunked =
        headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked");
    let body = if chunked { unchunk(body) } else { body.to_vec() };
    Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

pub(crate) fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(at) = rest.windows(2).position(|part| part == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[at + 2..at + 2 + size]);
        rest = &rest[at + 4 + size..];
    }
    out
}

/// An API at `/t` with one resource for every method, whose in sequence is this.
pub(crate) fn api(mediators: &str) -> String {
    format!(
        "<api @NS name=\"t\" context=\"/t\"><resource methods=\"GET POST PUT DELETE PATCH HEAD OPTIONS\" url-mapping=\"/*\">\
         <inSequence>{mediators}</inSequence></resource></api>"
    )
}
