//! Load on a gateway that has one core to itself, and what each call cost it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{self, Running};

/// The core of the gateway under test.
pub(super) const GATEWAY_CORE: &str = "0";
/// The core of the load and of the upstream.
pub(super) const LOAD_CORE: &str = "1";
const CONNECTIONS: &str = "64";

/// Something under load.
pub(super) struct Target {
    pub(super) name: String,
    /// Process whose time counts, with its children.
    pub(super) pid: u32,
    pub(super) url: String,
    /// Access tokens, used in turn; none for a gateway that checks none.
    pub(super) tokens: Vec<String>,
}

/// A server that was started for the measurement.
pub(super) struct Upstream {
    pub(super) port: u16,
    pub(super) _server: Running,
}

/// CPU time of one call, in microseconds, and how many calls were answered.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) calls_per_second: f64,
}

impl Cost {
    pub(super) fn total(self) -> f64 {
        self.user + self.system
    }
}

/// Drives a target and divides the CPU time it took by the calls it answered.
pub(super) fn load(target: &Target, seconds: u32, scratch: &Path) -> Result<Cost> {
    load_with(target, seconds, scratch, None)
}

/// As [`load`], with a script that says what is sent.
pub(super) fn load_with(target: &Target, seconds: u32, scratch: &Path, script: Option<&Path>) -> Result<Cost> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", LOAD_CORE, "wrk", "-t1", "-c", CONNECTIONS, &format!("-d{seconds}s"), "--latency"]);
    match target.tokens.as_slice() {
        [] => {}
        [token] => {
            wrk.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        many => {
            wrk.arg("-s").arg(rotation(many, scratch)?);
        }
    }
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let before = cpu_time(target.pid)?;
    let output = wrk.arg(&target.url).output().context("cannot run wrk")?;
    let after = cpu_time(target.pid)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk ended with {}", output.status);
    let calls = answered(&text).with_context(|| format!("{}: wrk printed\n{text}", target.name))?;
    let each = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / calls;
    Ok(Cost {
        user: each(after.0, before.0),
        system: each(after.1, before.1),
        calls_per_second: calls / f64::from(seconds),
    })
}

/// A script that sends each call with the next token. The requests are made beforehand, so that the load stays cheap.
fn rotation(tokens: &[String], scratch: &Path) -> Result<std::path::PathBuf> {
    let list = scratch.join("tokens.txt");
    fs::write(&list, tokens.join("\n"))?;
    let script = scratch.join("tokens.lua");
    let text = format!(
        "local requests, next = {{}}, 0\n\
         function init(args)\n\
         for token in io.lines(\"{}\") do\n\
         requests[#requests + 1] = wrk.format(nil, nil, {{ [\"Authorization\"] = \"Bearer \" .. token, [\"Host\"] = wrk.headers[\"Host\"] }})\n\
         end\nend\n\
         function request()\nnext = next % #requests + 1\nreturn requests[next]\nend\n",
        list.display()
    );
    fs::write(&script, text)?;
    Ok(script)
}

/// Calls that wrk got a good answer to. One bad answer spoils the measurement.
fn answered(text: &str) -> Result<f64> {
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        bail!("not every call was answered well: {}", line.trim());
    }
    let line = text.lines().find(|line| line.contains(" requests in ")).context("no count of requests")?;
    let calls: f64 = line.trim().split(' ').next().unwrap_or_default().parse()?;
    ensure!(calls > 0.0, "no call was answered");
    Ok(calls)
}

/// User and system time of a process and its children so far.
pub(super) fn cpu_time(pid: u32) -> Result<(Duration, Duration)> {
    let ticks_per_second: u32 = process::capture(Command::new("getconf").arg("CLK_TCK"))?.trim().parse()?;
    let mut pids = vec![pid];
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    pids.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    let (mut user, mut system) = (0, 0);
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
        // The name in parentheses may hold blanks; the fields after it are proc(5)'s from number 3 on.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks =
            |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<u32>().ok()).context("no CPU time");
        user += ticks(14)?;
        system += ticks(15)?;
    }
    let time = |ticks: u32| Duration::from_secs_f64(f64::from(ticks) / f64::from(ticks_per_second));
    Ok((time(user), time(system)))
}

/// The same command on one core.
pub(super) fn pinned(core: &str, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", core]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        pinned.current_dir(folder);
    }
    pinned.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    pinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_answer_spoils_the_measurement() {
        let good = "  2 threads\n  120000 requests in 10.00s, 150MB read\nRequests/sec:  12000.00\n";
        assert!((answered(good).unwrap() - 120_000.0).abs() < f64::EPSILON);
        assert!(answered(&format!("{good}  Non-2xx or 3xx responses: 1\n")).is_err());
        assert!(answered("").is_err());
    }

    #[test]
    fn our_own_cpu_time_and_memory_can_be_read() {
        let (user, system) = cpu_time(std::process::id()).unwrap();
        assert!(user + system < Duration::from_secs(3600));
        assert!(process::resident(std::process::id()).unwrap() > 1000);
    }
}
