//! Running programs and ending them by their process id.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a program may take to end after SIGTERM.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs a command with its output visible; a bad status is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    if status.success() { Ok(()) } else { bail!("{shown} ended with {status}") }
}

/// Runs a command and returns what it prints; a bad status is an error with what it complained.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command.output().with_context(|| format!("cannot run {shown}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(stdout)
    } else {
        bail!("{shown} ended with {}\n{stdout}{}", output.status, String::from_utf8_lossy(&output.stderr))
    }
}

/// The command as one would type it. Arguments only: the environment may hold secrets.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    command.get_args().fold(name, |text, argument| text + " " + &argument.to_string_lossy())
}

/// Waits, without an async runtime, between two looks at something outside.
#[expect(clippy::disallowed_methods, reason = "xtask has no async runtime to block and nothing else to do")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Polls `look` until it says yes.
pub(crate) fn wait_until(what: &str, timeout: Duration, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !look()? {
        if begun.elapsed() > timeout {
            bail!("{what} took longer than {} s", timeout.as_secs());
        }
        pause(Duration::from_millis(20));
    }
    Ok(())
}

/// A port of loopback that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Resident memory of a process (`VmRSS`), in KiB.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid} is gone"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().next().and_then(|number| number.parse().ok()).context("VmRSS is not a number")
}

/// Sends a signal, named without its prefix (`TERM`), to one process.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    capture(Command::new("kill").args(["-s", name, &pid.to_string()])).map(drop)
}

/// Asks a child to end with SIGTERM and waits; after [`STOP_TIMEOUT`] it is killed and that is an error.
pub(crate) fn stop(child: &mut Child) -> Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    signal(child.id(), "TERM")?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() > STOP_TIMEOUT {
            child.kill()?;
            child.wait()?;
            bail!("process {} did not end within {} s of SIGTERM", child.id(), STOP_TIMEOUT.as_secs());
        }
        pause(Duration::from_millis(20));
    }
}

/// A program that ends when this value is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(problem) = stop(&mut self.0) {
            eprintln!("warning: {problem:#}");
        }
    }
}
