//! `cargo xtask conformance`: WSO2's published behaviour specifications, run by the runner beside the repository against a
//! Portcullis in a scratch home.

mod control;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};

use crate::judges;
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};

use crate::workspace;

pub(crate) use control::{Options as ControlOptions, run as control};

/// WSO2's plain listener: its WebSocket scenarios call without TLS. A scratch home on loopback is the place for that. The
/// lives of tokens are those of the specifications' `basic` configuration.
const PLAIN: &str = "[transport.passthru_http.listener]\nenable = true\n\n[oauth.token_validation]\n\
    app_access_token_validity = 86400\nuser_access_token_validity = 86400\nrefresh_token_validity = 604800\n";

/// The specifications fix what APIs advertise, whatever the ports are on which the server listens.
const ADVERTISED: &str = "[[apim.gateway.environment]]\nname = \"Default\"\ndisplay_name = \"Default\"\ntype = \"hybrid\"\n\
    http_endpoint = \"http://localhost:8280\"\nhttps_endpoint = \"https://localhost:8243\"\n";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Test this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
    /// Folder of feature files instead of the runner's own.
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
    /// Only scenarios with this tag, for example @cap:publisher; may be repeated.
    #[arg(long)]
    tag: Vec<String>,
    /// Only scenarios whose `feature file :: scenario name` matches this expression.
    #[arg(long, value_name = "REGEX")]
    name: Option<String>,
    /// Write the result of every scenario to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Say that the server already has the configuration of this name instead of applying it; may be repeated.
    #[arg(long, value_name = "NAME")]
    configured: Vec<String>,
    /// Longest wait for something to take effect, in seconds.
    #[arg(long, default_value = "3")]
    wait: String,
    /// Longest wait for a quota to trip or reset, in seconds.
    #[arg(long, default_value = "150")]
    throttle_wait: String,
    /// Groups of scenarios that run at the same time.
    #[arg(long, default_value = "4")]
    workers: String,
    /// No line per scenario, only the tables.
    #[arg(long)]
    quiet: bool,
    /// Keep the server's output in this file.
    #[arg(long, value_name = "FILE")]
    server_log: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(runner) =
        workspace::shared().map(|shared| shared.join("conformance/apim")).filter(|r| r.join("run.py").is_file())
    else {
        bail!("the runner is not here: it is expected in ../shared/conformance/apim beside the repository");
    };
    let portcullis = match &options.bin {
        Some(path) => path.canonicalize().with_context(|| format!("no program {}", path.display()))?,
        None => workspace::build_portcullis("dev")?,
    };
    let python = python(&runner)?;
    let mut home = Home::on_default_ports(&portcullis)?;
    let environment = if home.offset() == 0 { "" } else { ADVERTISED };
    home.configure_with_admin(&format!("{environment}{PLAIN}"))?;
    let server = home.serve(None)?;
    let controlled = control::Controlled { home: &home, server: Mutex::new(Some(server)), overlay: Mutex::new(None) };
    let status = std::thread::scope(|scope| {
        let socket = controlled.listen(scope)?;
        let status = command(&python, &runner, &home, &socket, options).status().context("cannot run the runner");
        control::end(&socket);
        status
    });
    if let Some(path) = &options.server_log {
        std::fs::copy(home.log(), path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let status = status?;
    if status.success() {
        return Ok(());
    }
    match status.code() {
        Some(2) => {
            bail!("the users of the scenarios could not be provisioned; the server printed:\n{}", home.log_end())
        }
        _ => bail!("not every scenario passed"),
    }
}

fn command(python: &Path, runner: &Path, home: &Home, socket: &Path, options: &Options) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(runner.join("run.py")).env("PYTHONUNBUFFERED", "1");
    command.args(["--console", &format!("https://localhost:{}", home.console())]);
    command.args(["--gateway", &format!("https://localhost:{}", home.gateway())]);
    command.args(["--gateway-ws", &format!("wss://localhost:{}", home.gateway())]);
    command.args(["--gateway-ws-plain", &format!("ws://localhost:{}", home.gateway_plain())]);
    command.args(["--admin-user", ADMIN, "--admin-password", ADMIN_PASSWORD]);
    command.arg("--cacert").arg(home.authority());
    command.arg("--log-dir").arg(home.path().join("logs"));
    command.args(["--wait", &options.wait, "--throttle-wait", &options.throttle_wait, "--workers", &options.workers]);
    if let Ok(own) = std::env::current_exe() {
        // The runner splits this like a shell; neither path holds a blank or a quote unless the machine's folders do.
        command.arg("--control-cmd").arg(format!(
            "'{}' conformance-control --socket '{}'",
            own.display(),
            socket.display()
        ));
    }
    for tag in &options.tag {
        command.args(["--tag", tag]);
    }
    for name in &options.configured {
        command.args(["--configured", name]);
    }
    for (flag, value) in [
        ("--name", options.name.as_ref().map(Into::into)),
        ("--features", options.features.clone()),
        ("--json", options.json.clone()),
    ] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    if options.quiet {
        command.arg("--quiet");
    }
    command
}

/// A Python environment below the target directory with what the runner asks for.
fn python(runner: &Path) -> Result<PathBuf> {
    let folder = judges::folder("conformance")?;
    let wanted = runner.join("requirements.txt");
    let installed = folder.join("installed.txt");
    let python = judges::bare_python(&folder)?;
    if std::fs::read(&installed).ok() != Some(std::fs::read(&wanted)?) {
        judges::pip(&python, &["--requirement".as_ref(), wanted.as_os_str()])?;
        std::fs::copy(&wanted, &installed)?;
    }
    Ok(python)
}
