//! Route changes under load: whether a call fails, what they do to latency and memory, and how soon a route is live.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::latency::{self, Latencies};
use super::peers;
use crate::portcullis::Home;
use crate::process::{self, resident};
use crate::rest::{Maker, Wanted};

/// Promised: a route is live this long after the request to deploy it was sent, as a rule.
const LIVE: Duration = Duration::from_millis(50);
/// Promised: growth of the 99th percentile under changes.
const SLOWER: f64 = 1.2;
/// Promised: growth of memory over the changes.
const GROWTH: f64 = 1.05;
/// Calls a second.
const RATE: u32 = 1000;
/// APIs that change.
const CHANGING: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// APIs that are deployed before the changes begin.
    #[arg(long, default_value_t = 500)]
    apis: usize,
    /// Route changes a second.
    #[arg(long, default_value_t = 50)]
    changes: u32,
    /// Seconds of changes.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix("portcullis-bench-").tempdir()?;
    let upstream = peers::upstream(scratch.path())?;
    let mut home = Home::new(&super::program(options.bin.as_ref())?)?;
    home.configure_with_admin("[gateway]\nworkers = 1\n")?;
    let server = home.start(&mut home.command(&["serve"]))?;
    let maker = Maker::new(&home)?;
    let address = format!("http://127.0.0.1:{}", upstream.port);
    let resources = ["/item".to_owned()];
    let consumer = maker.application("bench")?;
    let steady = maker.publish(&wanted("bench", &address, &resources))?;
    maker.subscribe(&consumer, &steady)?;
    let token = maker.token(&consumer, &["bench"])?;
    let begun = Instant::now();
    let mut changing = Vec::new();
    for n in 0..options.apis.max(CHANGING) {
        let id = maker.publish(&wanted(&format!("api{n}"), &address, &resources))?;
        if n < CHANGING {
            changing.push((maker.revision(&id)?, id));
        }
    }
    println!("{} APIs were created and deployed in {:.1} s", options.apis, begun.elapsed().as_secs_f64());
    println!("resident memory with them: {} MiB", resident(server.pid())? / 1024);

    let time = Duration::from_secs(u64::from(options.seconds));
    let calls = |time| latency::measure(&home.client()?, home.gateway(), ("/bench/1.0/item", Some(&token)), RATE, time);
    // The first calls warm caches on both sides.
    calls(Duration::from_secs(2))?;
    let quiet = calls(time.min(Duration::from_secs(20)))?;
    show("quiet", &quiet);
    let before = resident(server.pid())?;
    let stop = AtomicBool::new(false);
    let every = Duration::from_secs(1) / options.changes.max(1);
    let (busy, changes) = std::thread::scope(|scope| {
        let changer = scope.spawn(|| change(&maker, &changing, every, &stop));
        let busy = calls(time);
        stop.store(true, Ordering::Relaxed);
        let changes = changer.join().map_err(|_| anyhow::anyhow!("the changer panicked"))?;
        Ok::<_, anyhow::Error>((busy?, changes?))
    })?;
    let after = resident(server.pid())?;
    show("under changes", &busy);
    server.stop()?;
    judge((&quiet, &busy), changes, time, (before, after))
}

fn wanted<'a>(name: &'a str, upstream: &'a str, resources: &'a [String]) -> Wanted<'a> {
    Wanted { name, upstream, resources, secured: true }
}

/// Deploys another revision or takes it off, in turn, until told to stop. Returns how long each took until it was live.
fn change(maker: &Maker, apis: &[(String, String)], every: Duration, stop: &AtomicBool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let begin = Instant::now();
    for (index, (revision, id)) in (0_u32..).zip(apis.iter().cycle()) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        process::pause((every * index).saturating_sub(begin.elapsed()));
        let asked = Instant::now();
        // Every API is deployed in one pass over the list and undeployed in the next.
        if (index as usize / apis.len()).is_multiple_of(2) {
            maker.deploy_revision(id, revision)?;
        } else {
            maker.undeploy_revision(id, revision)?;
        }
        times.push(asked.elapsed());
    }
    times.sort();
    Ok(times)
}

fn show(name: &str, latencies: &Latencies) {
    let [half, most, nearly] = [0.5, 0.99, 0.999].map(|share| latencies.at(share).as_micros());
    println!("{name}: {} calls, 0 failed; p50 {half} us, p99 {most} us, p99.9 {nearly} us", latencies.calls());
}

#[expect(clippy::cast_precision_loss, reason = "ratios for people")]
fn judge(
    (quiet, busy): (&Latencies, &Latencies),
    changes: Vec<Duration>,
    time: Duration,
    (before, after): (u64, u64),
) -> Result<()> {
    ensure!(!changes.is_empty(), "no change was made");
    let at = |share: usize| changes.get((changes.len() * share / 100).min(changes.len() - 1)).copied();
    let (half, most) = (at(50).context("no change")?, at(99).context("no change")?);
    println!(
        "{} changes, {:.1} a second; live after p50 {:.1} ms, p99 {:.1} ms (sent, checked, committed, served, answered)",
        changes.len(),
        changes.len() as f64 / time.as_secs_f64(),
        half.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3
    );
    let slower = busy.at(0.99).as_secs_f64() / quiet.at(0.99).as_secs_f64().max(1e-9);
    let growth = after as f64 / before.max(1) as f64;
    println!(
        "p99 under changes is {slower:.2} of quiet (at most {SLOWER}); memory is {growth:.3} of before (at most {GROWTH})"
    );
    if half > LIVE || slower > SLOWER || growth > GROWTH {
        bail!("a promise does not hold");
    }
    Ok(())
}
