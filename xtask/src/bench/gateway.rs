//! CPU time of one secured call through the gateway, beside other gateways on the same route.
//!
//! Same machine, same run, same upstream, TLS 1.3, 64 kept-alive connections, answers of 1 KiB. The gateway under test has one
//! core to itself; the upstream and the load have the other. Portcullis verifies a token, a subscription, a scope and a limit;
//! HAProxy and Envoy the token's signature; nginx no token at all.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::peers::{self, Peer};
use crate::portcullis::Home;
use crate::process::{self, Running};
use crate::rest;
use crate::workspace;

/// Promised: Portcullis with everything costs at most this much of nginx without a token check.
const TARGET: f64 = 1.0;
const CONNECTIONS: &str = "64";
pub(super) const GATEWAY_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Seconds of load for each gateway, after two seconds of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Rounds; each gateway's best round counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

/// Something under load.
pub(super) struct Target {
    pub(super) name: String,
    /// Process whose time counts, with its children.
    pub(super) pid: u32,
    pub(super) url: String,
    pub(super) authorization: Option<String>,
}

/// One measurement.
#[derive(Clone, Copy)]
struct Cost {
    user: f64,
    system: f64,
    calls_per_second: f64,
}

impl Cost {
    fn total(self) -> f64 {
        self.user + self.system
    }
}

pub(super) fn run(options: &Options) -> Result<()> {
    for (program, package) in
        [("wrk", "wrk"), ("nginx", "nginx-core"), ("taskset", "util-linux"), ("openssl", "openssl")]
    {
        ensure!(workspace::find_program(program).is_some(), "{program} is missing: apt-get install {package}");
    }
    let program = super::program(options.bin.as_ref())?;
    let scratch = tempfile::Builder::new().prefix("portcullis-bench-").tempdir()?;
    let upstream = peers::upstream(scratch.path())?;

    let mut home = Home::new(&program)?;
    home.configure_with_admin("[gateway]\nworkers = 1\n")?;
    let mut command = pinned(GATEWAY_CORE, &home.command(&["serve"]));
    let server = home.start(&mut command)?;
    let api = rest::make_secured_api(&home, &format!("http://127.0.0.1:{}", upstream.port))?;
    let mut targets = vec![Target {
        name: "portcullis: TLS, token, subscription, scope, limit, log".to_owned(),
        pid: server.pid(),
        url: format!("https://localhost:{}{}", home.gateway(), api.target),
        authorization: Some(format!("Authorization: Bearer {}", api.token)),
    }];
    let peers: Vec<Peer> = peers::start(scratch.path(), upstream.port)?;
    targets.extend(peers.iter().map(Peer::target));

    let mut best: Vec<Option<Cost>> = vec![None; targets.len()];
    for round in 1..=options.rounds.max(1) {
        for (target, best) in targets.iter().zip(&mut best) {
            load(target, 2)?;
            let cost = load(target, options.seconds)?;
            println!(
                "round {round}: {:6.1} us a call, {:7.0} calls/s, {}",
                cost.total(),
                cost.calls_per_second,
                target.name
            );
            if best.is_none_or(|earlier| cost.total() < earlier.total()) {
                *best = Some(cost);
            }
        }
    }
    server.stop()?;
    report(&targets, &best)
}

fn report(targets: &[Target], best: &[Option<Cost>]) -> Result<()> {
    let cost = |name: &str| {
        targets.iter().zip(best).find(|(target, _)| target.name.starts_with(name)).and_then(|(_, cost)| *cost)
    };
    let nginx = cost("nginx").context("nginx was not measured")?;
    let ours = cost("portcullis").context("portcullis was not measured")?;
    println!("\n{:>9} {:>9} {:>9} {:>10} {:>8}  gateway", "us/call", "user", "system", "calls/s", "of nginx");
    for (target, cost) in targets.iter().zip(best).filter_map(|(target, cost)| Some((target, (*cost)?))) {
        println!(
            "{:9.1} {:9.1} {:9.1} {:10.0} {:8.2}  {}",
            cost.total(),
            cost.user,
            cost.system,
            cost.calls_per_second,
            cost.total() / nginx.total(),
            target.name
        );
    }
    let ratio = ours.total() / nginx.total();
    if ratio > TARGET {
        bail!("a secured call costs {ratio:.2} of nginx, more than the promised {TARGET:.1}");
    }
    Ok(())
}

/// Drives a target and divides the CPU time it took by the calls it answered.
fn load(target: &Target, seconds: u32) -> Result<Cost> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", LOAD_CORE, "wrk", "-t1", "-c", CONNECTIONS, &format!("-d{seconds}s"), "--latency"]);
    if let Some(header) = &target.authorization {
        wrk.args(["-H", header]);
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
fn cpu_time(pid: u32) -> Result<(Duration, Duration)> {
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

/// A server that was started for the measurement.
pub(super) struct Upstream {
    pub(super) port: u16,
    pub(super) _server: Running,
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
    fn our_own_cpu_time_can_be_read() {
        let (user, system) = cpu_time(std::process::id()).unwrap();
        assert!(user + system < Duration::from_secs(3600));
    }
}
