//! A Portcullis server in a scratch home on free loopback ports, for the tasks that need one running.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::http::{Client, Request};
use crate::process;

/// Name of the administrator that a scratch home is given.
pub(crate) const ADMIN: &str = "admin";
/// The variable by which the scratch home's configuration refers to the administrator's password.
pub(crate) const ADMIN_PASSWORD_VARIABLE: &str = "PORTCULLIS_ADMIN_PASSWORD";
/// Password of that administrator: random enough for the password policy, and of no use elsewhere.
pub(crate) const ADMIN_PASSWORD: &str = "Scratch-home-7431-ferry";

const CONSOLE: u16 = 9443;
const GATEWAY: u16 = 8243;
const GATEWAY_PLAIN: u16 = 8280;
const STATUS: u16 = 9201;
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A home directory with its configuration.
pub(crate) struct Home {
    portcullis: PathBuf,
    directory: tempfile::TempDir,
    offset: u16,
    environment: Vec<(String, String)>,
}

impl Home {
    /// An empty home for the given program. Nothing is written yet.
    pub(crate) fn new(portcullis: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("portcullis-home-").tempdir()?;
        // Commands run inside the home, where a relative path would mean something else.
        let portcullis = std::path::absolute(portcullis)?;
        Ok(Self { portcullis, directory, offset: free_offset()?, environment: Vec::new() })
    }

    /// The same on the default ports where they are free: what some tests expect the server to advertise.
    pub(crate) fn on_default_ports(portcullis: &Path) -> Result<Self> {
        let offset = if is_free(0) { 0 } else { free_offset()? };
        Ok(Self { offset, ..Self::new(portcullis)? })
    }

    /// What is added to the default ports.
    pub(crate) fn offset(&self) -> u16 {
        self.offset
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.path().join("security/ca.pem")
    }

    pub(crate) fn console(&self) -> u16 {
        CONSOLE + self.offset
    }

    pub(crate) fn gateway(&self) -> u16 {
        GATEWAY + self.offset
    }

    /// The gateway's listener without TLS, where the configuration switches it on.
    pub(crate) fn gateway_plain(&self) -> u16 {
        GATEWAY_PLAIN + self.offset
    }

    pub(crate) fn status(&self) -> u16 {
        STATUS + self.offset
    }

    /// A variable that every command in this home sees.
    pub(crate) fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes `deployment.toml`: the ports of this home, then `more`.
    pub(crate) fn configure(&self, more: &str) -> Result<()> {
        let text = format!("[server]\nhostname = \"localhost\"\noffset = {}\n\n{more}", self.offset);
        let path = self.path().join("deployment.toml");
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Configuration that creates [`ADMIN`] at the first boot, and allows the password grant by which the management
    /// APIs' tokens are had and upstreams on loopback.
    pub(crate) fn configure_with_admin(&mut self, more: &str) -> Result<()> {
        self.environment(ADMIN_PASSWORD_VARIABLE, ADMIN_PASSWORD);
        self.configure(&format!(
            "[super_admin]\nusername = \"{ADMIN}\"\npassword = \"$env{{{ADMIN_PASSWORD_VARIABLE}}}\"\n\
             create_admin_account = true\n\n\
             [oauth.grant_type.password]\nenable = true\n\n\
             [egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\n\n{more}"
        ))
    }

    /// A command of the program in this home: `portcullis <arguments> --home DIR`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.portcullis);
        command.args(arguments).arg("--home").arg(self.path()).current_dir(self.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `portcullis serve` and waits until it is ready for calls.
    pub(crate) fn serve(&self, overlay: Option<&Path>) -> Result<Server> {
        let mut command = self.command(&["serve"]);
        if let Some(overlay) = overlay {
            command.arg("--overlay").arg(overlay);
        }
        self.start(&mut command)
    }

    /// Starts a prepared command of this home that serves, its output in `serve.log`, and waits until it is ready.
    pub(crate) fn start(&self, command: &mut Command) -> Result<Server> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut server =
            Server { child: command.spawn().with_context(|| format!("cannot run {}", process::show(command)))? };
        let ready = process::wait_until("the start of portcullis", START_TIMEOUT, || {
            if let Some(status) = server.child.try_wait()? {
                bail!("portcullis ended with {status} instead of serving");
            }
            Ok(self.is_ready())
        });
        ready.with_context(|| format!("what it printed:\n{}", self.log_end()))?;
        Ok(server)
    }

    fn is_ready(&self) -> bool {
        let Ok(client) = self.client() else { return false };
        // Whether the status listener has to speak TLS is for the listeners' own test to say.
        let plain = || {
            Client::raw_plain(self.status(), b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        };
        let ready = client.send(&get(self.status(), "/readyz")).is_ok_and(|answer| answer.status == 200)
            || plain().is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"));
        ready && client.send(&get(self.console(), "/")).is_ok() && client.send(&get(self.gateway(), "/")).is_ok()
    }

    /// A client that trusts the authority of this home.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&self.authority())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("serve.log")
    }

    /// Everything that the servers of this home printed.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The last lines of the server's output.
    pub(crate) fn log_end(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

fn get(port: u16, target: &str) -> Request<'_> {
    Request { method: "GET", port, target, headers: &[], body: &[] }
}

/// A running server; it is asked to end when the value is dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server as a crash would: with SIGKILL.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends the server with SIGTERM, which it must answer by ending well.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = process::stop(&mut self.child)?;
        if status.success() { Ok(()) } else { bail!("portcullis ended with {status} after SIGTERM") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(problem) = process::stop(&mut self.child) {
            eprintln!("warning: {problem:#}");
        }
    }
}

/// True when all ports of a server at this offset are free now.
fn is_free(offset: u16) -> bool {
    [CONSOLE, GATEWAY, STATUS, 8280, 9099, 8099, 9021]
        .iter()
        .all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)).is_ok())
}

fn free_offset() -> Result<u16> {
    // Different processes begin at different places, so that two runs at once rarely look at the same ports.
    let first = u16::try_from(std::process::id() % 200).unwrap_or_default() * 100;
    (0..200_u16)
        .map(|step| 1_000 + (first + step * 100) % 20_000)
        .find(|offset| is_free(*offset))
        .context("no free ports on loopback")
}
