//! Cold start and idle memory.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::mebibytes;

use crate::http::{Client, Request};
use crate::portcullis::Home;
use crate::process::{self, resident};

/// Promised: median time to the first TLS answer of both the console and the gateway.
const START_TARGET: Duration = Duration::from_millis(300);
/// Promised: resident memory of an idle server, in KiB.
const MEMORY_TARGET: u64 = 40 * 1024;
const IDLE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Number of starts.
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let home = Home::new(&super::program(options.bin.as_ref())?)?;
    home.configure("")?;
    process::capture(&mut home.command(&["init"]))?;
    let client = home.client()?;
    let mut times = Vec::new();
    let mut memory = 0;
    for run in 1..=options.runs.max(1) {
        let last = run == options.runs.max(1);
        let (took, resident) = once(&home, &client, last)?;
        times.push(took);
        memory = resident.unwrap_or(memory);
    }
    times.sort();
    let median = times.get(times.len() / 2).copied().context("no run")?;
    let longest = times.last().copied().unwrap_or_default();
    println!(
        "first TLS answer of console and gateway: median {} ms, longest {} ms of {} starts (target {} ms, page cache warm)",
        median.as_millis(),
        longest.as_millis(),
        times.len(),
        START_TARGET.as_millis()
    );
    println!(
        "resident memory after {} s idle: {:.1} MiB (target {} MiB)",
        IDLE.as_secs(),
        mebibytes(memory),
        MEMORY_TARGET / 1024
    );
    if median > START_TARGET || memory > MEMORY_TARGET {
        bail!("a target is missed");
    }
    Ok(())
}

/// One start; the memory too when `idle`.
fn once(home: &Home, client: &Client, idle: bool) -> Result<(Duration, Option<u64>)> {
    let log = fs::OpenOptions::new().create(true).append(true).open(home.log())?;
    let mut command = home.command(&["serve"]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let begun = Instant::now();
    let mut server = process::Running(command.spawn().context("cannot run portcullis serve")?);
    for port in [home.gateway(), home.console()] {
        let request = Request { method: "GET", port, target: "/", headers: &[], body: &[] };
        while client.send(&request).is_err() {
            if let Some(status) = server.0.try_wait()? {
                bail!("portcullis serve ended with {status}\n{}", home.log_end());
            }
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("no TLS answer on port {port} within 60 s\n{}", home.log_end());
            }
            process::pause(POLL);
        }
    }
    let took = begun.elapsed();
    if !idle {
        return Ok((took, None));
    }
    process::pause(IDLE);
    Ok((took, Some(resident(server.0.id())?)))
}
