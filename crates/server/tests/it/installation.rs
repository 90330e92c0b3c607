//! A throw-away installation driven through the real binary, on ports of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use vault::tls::{Alpn, TrustAnchors, client_config};

/// Ports that an installation uses before its offset.
const PORTS: [u16; 4] = [9443, 8243, 9201, 9290];

/// Longest wait for another process.
const PATIENCE: Duration = Duration::from_secs(60);

/// An offset whose ports are free; each caller gets another.
pub(crate) fn free_offset() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 40_000).unwrap();
    loop {
        let offset = 1000 + (start + NEXT.fetch_add(7, Ordering::Relaxed)) % 45_000;
        if PORTS.iter().all(|port| TcpListener::bind(("127.0.0.1", port + offset)).is_ok()) {
            return offset;
        }
    }
}

/// Waits a moment for another process.
#[expect(clippy::disallowed_methods, reason = "another process gives no event to wait for")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// A home directory with a configuration; removed at the end.
pub(crate) struct Installation {
    _directory: TempDir,
    pub(crate) home: PathBuf,
    pub(crate) offset: u16,
}

impl Installation {
    /// Only a configuration with an offset and further lines; nothing initialised.
    pub(crate) fn new(further: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("pc").tempdir().unwrap();
        let home = directory.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let offset = free_offset();
        std::fs::write(home.join("deployment.toml"), format!("[server]\noffset = {offset}\n{further}")).unwrap();
        Self { _directory: directory, home, offset }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(arguments).arg("--home").arg(&self.home).stdin(Stdio::null());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.home).env("NO_COLOR", "1");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Starts `serve` and waits until it is ready.
    pub(crate) fn serve(&self) -> Server<'_> {
        let log = std::fs::File::create(self.home.join("serve.out")).unwrap();
        let child = self.command(&["serve"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Server { installation: self, child };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("serve ended with {status}: {}", self.said());
            }
            // The sockets are bound before the keys are made.
            let has_keys = self.home.join("security/tls.pem").exists();
            if has_keys
                && TcpStream::connect(self.address(9201)).is_ok()
                && self.get(9201, "/readyz").starts_with("HTTP/1.1 200")
            {
                return server;
            }
            pause();
        }
        panic!("not ready in time: {}", self.said());
    }

    /// What `serve` wrote to standard error.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.home.join("serve.out")).unwrap_or_default()
    }

    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port + self.offset).into()
    }

    /// A TLS connection that trusts the installation's own authority.
    pub(crate) fn connect(&self, port: u16) -> Tls {
        let mut anchors = TrustAnchors::default();
        anchors.add_pem(&std::fs::read(self.home.join("security/ca.pem")).unwrap()).unwrap();
        let config = client_config(anchors, None, Alpn::Http1).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        let socket = TcpStream::connect(self.address(port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Tls(rustls::StreamOwned::new(connection, socket))
    }

    /// The whole answer to a GET over TLS.
    pub(crate) fn get(&self, port: u16, path: &str) -> String {
        let host = format!("localhost:{}", port + self.offset);
        self.connect(port).exchange(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// The whole answer to a request over the control socket; empty when the server is gone.
    pub(crate) fn local(&self, method: &str, path: &str, json: &str) -> String {
        let Ok(mut socket) = UnixStream::connect(self.home.join("run/portcullis.sock")) else { return String::new() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{json}",
            json.len()
        );
        let mut answer = Vec::new();
        if socket.write_all(request.as_bytes()).is_ok() {
            let _ = socket.read_to_end(&mut answer);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A TLS connection for several requests.
pub(crate) struct Tls(rustls::StreamOwned<rustls::ClientConnection, TcpStream>);

impl Tls {
    /// Sends a request and reads one answer with a content length.
    pub(crate) fn exchange(&mut self, request: &str) -> String {
        self.try_exchange(request, false).expect("the connection ended")
    }

    /// The same; `None` when the server had closed the connection before it answered. An answer without a length is read
    /// to its head only, if that is enough, and the connection is spent then.
    pub(crate) fn try_exchange(&mut self, request: &str, head_is_enough: bool) -> Option<String> {
        self.0.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.0.read(&mut buffer).unwrap_or(0);
            answer.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                if count == 0 {
                    assert!(text.is_empty(), "the connection ended within an answer: {text}");
                    return None;
                }
                continue;
            };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            // The length in an answer to HEAD is that of a body which does not come.
            let length = if request.starts_with("HEAD ") { Some(0) } else { length };
            let wanted = length.unwrap_or(if head_is_enough { 0 } else { usize::MAX });
            if count == 0 || body.len() >= wanted {
                return Some(text);
            }
        }
    }

    /// The certificate the server showed.
    pub(crate) fn certificate(&mut self) -> CertificateDer<'static> {
        while self.0.conn.is_handshaking() {
            self.0.conn.complete_io(&mut self.0.sock).unwrap();
        }
        self.0.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

/// A running `serve`; killed when the test is over.
pub(crate) struct Server<'a> {
    installation: &'a Installation,
    child: Child,
}

impl Server<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop; answers the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            pause();
        }
        panic!("it does not stop: {}", self.installation.said());
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Checks the exit code and that standard error says all of it.
    pub(crate) fn refused(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for part in said {
            assert!(self.err.contains(part), "{part:?} is not in: {}", self.err);
        }
        assert!(self.err.contains("error["), "{}", self.err);
    }

    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }
}
