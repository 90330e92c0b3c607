//! The other gateways of the comparison, and the upstream behind all of them.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::gateway::{GATEWAY_CORE, LOAD_CORE, Target, Upstream, pinned};
use crate::process::{self, Running};
use crate::rest::base64;
use crate::workspace;

pub(super) struct Peer {
    name: &'static str,
    port: u16,
    server: Running,
    /// Token that the peer verifies, if it verifies one.
    token: Option<String>,
}

impl Peer {
    pub(super) fn target(&self) -> Target {
        Target {
            name: self.name.to_owned(),
            pid: self.server.0.id(),
            url: format!("https://localhost:{}/bench/1.0/item", self.port),
            authorization: self.token.as_ref().map(|token| format!("Authorization: Bearer {token}")),
        }
    }
}

/// nginx answering 1 KiB on the core of the load.
pub(super) fn upstream(folder: &Path) -> Result<Upstream> {
    let port = free_port()?;
    let body = "x".repeat(1024);
    let text = format!(
        "{}http {{ {}access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; \
         location / {{ default_type text/plain; return 200 \"{body}\"; }} }} }}\n",
        nginx_head(folder, "upstream"),
        nginx_folders(folder)
    );
    let server = nginx(folder, "upstream", &text, LOAD_CORE, port)?;
    Ok(Upstream { port, _server: server })
}

/// Every peer that is installed; nginx must be.
pub(super) fn start(folder: &Path, upstream: u16) -> Result<Vec<Peer>> {
    certificate(folder)?;
    let mut peers = vec![nginx_gateway(folder, upstream)?];
    if workspace::find_program("haproxy").is_some() {
        peers.push(haproxy(folder, upstream)?);
    } else {
        println!("haproxy is not measured: apt-get install haproxy");
    }
    Ok(peers)
}

fn nginx_gateway(folder: &Path, upstream: u16) -> Result<Peer> {
    let port = free_port()?;
    let shown = folder.display();
    let text = format!(
        "{}http {{\n {}access_log {shown}/nginx-access.log combined;\n keepalive_requests 100000000;\n\
         limit_req_zone $binary_remote_addr zone=all:10m rate=1000000r/s;\n\
         upstream backend {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{\n listen 127.0.0.1:{port} ssl;\n server_name localhost;\n\
         ssl_certificate {shown}/peer.crt;\n ssl_certificate_key {shown}/peer.key;\n ssl_protocols TLSv1.3;\n\
         location / {{ limit_req zone=all burst=1000000 nodelay; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_pass http://backend; }}\n }}\n}}\n",
        nginx_head(folder, "nginx"),
        nginx_folders(folder)
    );
    let server = nginx(folder, "nginx", &text, GATEWAY_CORE, port)?;
    Ok(Peer { name: "nginx: TLS, limit, log; no token check", port, server, token: None })
}

fn nginx_head(folder: &Path, name: &str) -> String {
    let shown = folder.display();
    format!(
        "daemon off;\nworker_processes 1;\npid {shown}/{name}.pid;\nerror_log {shown}/{name}-error.log;\n\
         events {{ worker_connections 1024; }}\n"
    )
}

/// Its own folders for what it buffers: Debian's are for root only.
fn nginx_folders(folder: &Path) -> String {
    let shown = folder.display();
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {shown}/{kind};\n"))
        .concat()
}

fn nginx(folder: &Path, name: &str, configuration: &str, core: &str, port: u16) -> Result<Running> {
    let path = folder.join(format!("{name}.conf"));
    fs::write(&path, configuration)?;
    let mut command = Command::new(workspace::find_program("nginx").context("nginx is missing")?);
    command.arg("-p").arg(folder).arg("-c").arg(&path).arg("-e").arg(folder.join(format!("{name}-error.log")));
    serve(&command, core, port, Stdio::null())
}

/// HAProxy checks the signature of an RS256 token at every call: it has no cache of verified tokens.
fn haproxy(folder: &Path, upstream: u16) -> Result<Peer> {
    let port = free_port()?;
    let shown = folder.display();
    let text = format!(
        "global\n nbthread 1\n log stdout format raw local0\n\
         defaults\n mode http\n timeout client 60s\n timeout server 60s\n timeout connect 5s\n option httplog\n log global\n\
         frontend front\n bind 127.0.0.1:{port} ssl crt {shown}/peer.pem ssl-min-ver TLSv1.3\n\
         http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify(RS256,\"{shown}/token.pub\") -m int 1 }}\n\
         stick-table type ip size 100k expire 60s store http_req_rate(1s)\n http-request track-sc0 src\n\
         http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000 }}\n default_backend back\n\
         backend back\n http-reuse always\n server upstream 127.0.0.1:{upstream}\n"
    );
    let token = signed_token(folder)?;
    let path = folder.join("haproxy.cfg");
    fs::write(&path, text)?;
    let mut command = Command::new(workspace::find_program("haproxy").context("haproxy is missing")?);
    command.arg("-db").arg("-f").arg(&path);
    let log = fs::File::create(folder.join("haproxy-access.log"))?;
    let server = serve(&command, GATEWAY_CORE, port, log.into())?;
    Ok(Peer { name: "haproxy: TLS, token, limit, log", port, server, token: Some(token) })
}

fn serve(command: &Command, core: &str, port: u16, output: Stdio) -> Result<Running> {
    let mut command = pinned(core, command);
    let child = command.stdin(Stdio::null()).stdout(output).spawn();
    let mut server = Running(child.with_context(|| format!("cannot run {}", process::show(&command)))?);
    process::wait_until(&process::show(&command), Duration::from_secs(10), || {
        if let Some(status) = server.0.try_wait()? {
            anyhow::bail!("{} ended with {status}", process::show(&command));
        }
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    })?;
    Ok(server)
}

/// A P-256 certificate, the kind that Portcullis makes for itself, so that the handshakes cost the same.
fn certificate(folder: &Path) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=localhost", "-keyout", "peer.key", "-out", "peer.crt"]).current_dir(folder);
    process::capture(&mut command)?;
    let both = [fs::read(folder.join("peer.crt"))?, fs::read(folder.join("peer.key"))?].concat();
    fs::write(folder.join("peer.pem"), both).context("cannot write the peers' certificate")
}

/// An RS256 token, and its public key in `token.pub`.
fn signed_token(folder: &Path) -> Result<String> {
    let openssl = |arguments: &[&str]| process::capture(Command::new("openssl").current_dir(folder).args(arguments));
    openssl(&["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "token.key"])?;
    openssl(&["pkey", "-in", "token.key", "-pubout", "-out", "token.pub"])?;
    let signed = [r#"{"alg":"RS256","typ":"JWT"}"#, r#"{"sub":"bench","exp":4102444800}"#]
        .map(|part| url_safe(part.as_bytes()))
        .join(".");
    fs::write(folder.join("token.txt"), &signed)?;
    openssl(&["dgst", "-sha256", "-sign", "token.key", "-out", "token.sig", "token.txt"])?;
    Ok(format!("{signed}.{}", url_safe(&fs::read(folder.join("token.sig"))?)))
}

/// RFC 4648 section 5, without padding.
fn url_safe(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
