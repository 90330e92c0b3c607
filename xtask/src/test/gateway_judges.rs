//! The gateway under clients and attackers of other make: frames of python `h2`, calls of `grpcio`, messages of `websockets`
//! the Autobahn cases that `kosoku` drives, requests that `schemathesis` makes up, streams of `h2load`. The scripts are in `xtask/judges`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::judges;
use crate::portcullis::{Home, Server};
use crate::process::{self, Running, free_port};
use crate::rest::Maker;

use super::Steps;

/// The judges, as the versions of the lines below were calibrated.
const PACKAGES: [&str; 5] =
    ["h2==4.3.0", "grpcio==1.85.1", "websockets>=15,<18", "kosoku==0.1.0", "schemathesis==4.32.5"];
/// Below this a slower answer to the honest client is the doing of the machine, which runs the attackers as well, and of a
/// program that is not optimised. What was measured is printed.
const FLOOR_MS: u32 = 500;

/// Judges the gateway of the given program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    let mut python = None;
    steps.run("judges of the gateway", || provide().map(|path| python = Some(path)));
    let Some(python) = python else { return };
    let mut stage = None;
    if !steps.run("a gateway for its judges", || Stage::new(portcullis).map(|made| stage = Some(made))) {
        return;
    }
    let Some(stage) = stage else { return };
    for (name, script) in [
        ("gateway: gRPC", "grpc_calls.py"),
        ("gateway: WebSocket", "websocket_calls.py"),
        ("gateway: HTTP/2 attacks", "http2_attacks.py"),
    ] {
        steps.run(name, || process::run(Command::new(&python).arg(judges::script(script)).arg(&stage.settings)));
    }
    steps.run("gateway: schemathesis", || stage.schemathesis(&python));
    steps.run("gateway: h2load", || stage.h2load());
    steps.run("gateway: end", || stage.server.stop());
}

/// The Python that has the judges.
fn provide() -> Result<PathBuf> {
    judges::python(&judges::folder("gateway")?, "h2, grpc, websockets, kosoku, schemathesis", &PACKAGES)
}

/// A server with the APIs that the judges call, and what they have to know about it.
struct Stage {
    home: Home,
    server: Server,
    settings: PathBuf,
    token: String,
    /// Answers the plain calls.
    _upstream: Running,
}

impl Stage {
    fn new(portcullis: &Path) -> Result<Self> {
        let mut home = Home::new(portcullis)?;
        home.configure_with_admin("[gateway]\nworkers = 2\n")?;
        let (http, grpc, ws) = (free_port()?, free_port()?, free_port()?);
        let upstream = upstream(http)?;
        let server = home.serve(None)?;
        let maker = Maker::new(&home)?;
        let apis = [
            api("judge", "/judge", "HTTP", &format!("http://127.0.0.1:{http}"), &PLAIN),
            api("judgegrpc", "/judge.Echo", "HTTP", &format!("http://127.0.0.1:{grpc}/judge.Echo"), &METHODS),
            api("judgews", "/judgews", "WS", &format!("ws://127.0.0.1:{ws}"), &TOPICS),
        ];
        let consumer = maker.application("judges")?;
        for api in &apis {
            let id = maker.publish_api(api)?;
            let plan = if api.get("type") == Some(&json!("WS")) { "AsyncUnlimited" } else { "Unlimited" };
            maker.subscribe_with(&consumer, &id, plan)?;
        }
        let token = maker.token(&consumer, &[])?;
        let settings = home.path().join("judges.json");
        let text = json!({
            "port": home.gateway(), "ca": home.authority(), "pid": server.pid(), "token": token,
            "path": "/judge/1.0/item", "grpc_port": grpc, "ws_port": ws, "ws_path": "/judgews/1.0", "floor_ms": FLOOR_MS,
        });
        fs::write(&settings, text.to_string())?;
        Ok(Self { home, server, settings, token, _upstream: upstream })
    }

    /// Calls made from the API's own document: nothing is answered with 5xx or in another form than the document says, and
    /// nothing without a token.
    fn schemathesis(&self, python: &Path) -> Result<()> {
        let program = python.with_file_name("schemathesis");
        let mut command = Command::new(program);
        command.arg("run").arg(judges::script("echo.openapi.json")).current_dir(self.home.path());
        command.args(["--url", &format!("https://localhost:{}/judge/1.0", self.home.gateway())]);
        command.args(["--header", &format!("Authorization: Bearer {}", self.token)]);
        command.arg("--tls-verify").arg(self.home.authority());
        command
            .args(["--checks", "not_a_server_error,content_type_conformance,response_schema_conformance,ignored_auth"]);
        command.args(["--max-examples", "100", "--max-time", "30", "--generation-deterministic"]);
        process::run(&mut command)
    }

    /// Many streams on few connections: all are answered.
    fn h2load(&self) -> Result<()> {
        let header = format!("authorization: Bearer {}", self.token);
        let url = format!("https://localhost:{}/judge/1.0/item", self.home.gateway());
        let mut command = Command::new("h2load");
        command.args(["-n", "4000", "-c", "8", "-m", "32", "-H", &header, &url]);
        let report = process::capture(&mut command).context("apt-get install nghttp2-client")?;
        let line = report.lines().find(|line| line.starts_with("status codes:")).unwrap_or_default();
        println!("{line}");
        ensure!(line.starts_with("status codes: 4000 2xx"), "not every stream was answered:\n{report}");
        Ok(())
    }
}

const PLAIN: [(&str, &str); 4] = [("GET", "/item"), ("POST", "/item"), ("GET", "/echo/{id}"), ("POST", "/echo")];
const METHODS: [(&str, &str); 5] =
    [("POST", "/Say"), ("POST", "/Count"), ("POST", "/Sum"), ("POST", "/Chat"), ("POST", "/Wait")];
const TOPICS: [(&str, &str); 4] =
    [("PUBLISH", "/echo"), ("SUBSCRIBE", "/echo"), ("PUBLISH", "/leave"), ("SUBSCRIBE", "/leave")];

fn api(name: &str, context: &str, kind: &str, upstream: &str, operations: &[(&str, &str)]) -> Value {
    let endpoint = json!({ "url": upstream });
    let (kind_of_endpoint, plan) = if kind == "WS" { ("ws", "AsyncUnlimited") } else { ("http", "Unlimited") };
    let operation = |(verb, target): &(&str, &str)| {
        json!({ "target": target, "verb": verb, "authType": "Application & Application User",
            "throttlingPolicy": "Unlimited", "scopes": [] })
    };
    json!({
        "name": name, "version": "1.0", "context": context, "type": kind, "policies": [plan], "transport": ["https"],
        // A gRPC client has no place for a version in its paths.
        "isDefaultVersion": name == "judgegrpc",
        "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "endpointConfig": { "endpoint_type": kind_of_endpoint, "production_endpoints": endpoint, "sandbox_endpoints": endpoint },
        "operations": operations.iter().map(operation).collect::<Vec<_>>(),
    })
}

/// The backend of the plain calls.
fn upstream(port: u16) -> Result<Running> {
    let script = judges::script("upstream.py");
    let child = Command::new("python3").arg(script).arg(port.to_string()).stderr(Stdio::null()).spawn();
    Ok(Running(child.context("cannot run python3")?))
}
