//! CPU time of one call through the gateway, beside other gateways on the same route.
//!
//! Same machine, same run, same upstream, TLS 1.3, 64 kept-alive connections. The gateway under test has one core to itself; the
//! upstream and the load have the other. Portcullis verifies a token, a subscription, a scope and a limit; HAProxy and Envoy the
//! token's signature; nginx and Traefik no token at all.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::load::{Cost, GATEWAY_CORE, Target, load, pinned};
use super::peers::{self, Peer, SIZES};
use super::{latency, mebibytes};
use crate::portcullis::{Home, Server};
use crate::process::resident;
use crate::rest::{Maker, Wanted};
use crate::workspace;

/// A bound of a ratio between two measurements of the same run.
struct Promise {
    what: &'static str,
    ours: &'static str,
    theirs: &'static str,
    at_most: f64,
}

const SECURED: &str = "portcullis: token, subscription, scope, limit, log; 1 KiB";
const PLAIN: &str = "portcullis: plain proxy, log; 1 KiB";
const MANY_TOKENS: &str = "portcullis: 10000 tokens";
const SOME_ROUTES: &str = "portcullis: 609 routes";
const MANY_ROUTES: &str = "portcullis: 10000 routes";

const PROMISES: [Promise; 6] = [
    Promise { what: "a secured call", ours: SECURED, theirs: "nginx", at_most: 0.75 },
    Promise { what: "a secured call", ours: SECURED, theirs: "haproxy", at_most: 0.35 },
    Promise { what: "a secured call", ours: SECURED, theirs: "envoy", at_most: 0.30 },
    Promise { what: "a plain call", ours: PLAIN, theirs: "nginx", at_most: 1.1 },
    Promise { what: "609 routes", ours: SOME_ROUTES, theirs: SECURED, at_most: 1.05 },
    Promise { what: "10000 routes", ours: MANY_ROUTES, theirs: SECURED, at_most: 1.10 },
];

/// Calls a second at which latency is measured.
const RATE: u32 = 2000;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Seconds of load for each measurement, after two seconds of warming up.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Rounds; each measurement's best round counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only the secured call and its peers: no sizes, tokens, routes and latencies.
    #[arg(long)]
    brief: bool,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

/// What is measured, with the best round so far.
struct Row {
    target: Target,
    best: Option<Cost>,
}

impl Row {
    fn new(target: Target) -> Self {
        Self { target, best: None }
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
    let server = home.start(&mut pinned(GATEWAY_CORE, &home.command(&["serve"])))?;
    let idle = resident(server.pid())?;
    let (mut rows, token) = own_rows(&home, &server, &format!("http://127.0.0.1:{}", upstream.port), options)?;
    let peers = peers::start(scratch.path(), upstream.port)?;
    rows.extend(peers.iter().map(|peer| Row::new(peer.target("/bench/1.0/item"))));
    if !options.brief {
        rows.extend(sized(&peers));
    }
    for round in 1..=options.rounds.max(1) {
        for row in &mut rows {
            load(&row.target, 2, scratch.path())?;
            let cost = load(&row.target, options.seconds, scratch.path())?;
            println!(
                "round {round}: {:6.1} us a call, {:7.0} calls/s, {}",
                cost.total(),
                cost.calls_per_second,
                row.target.name
            );
            if row.best.is_none_or(|earlier| cost.total() < earlier.total()) {
                row.best = Some(cost);
            }
        }
    }
    if !options.brief {
        latencies(&home, &token, &peers)?;
    }
    let loaded = resident(server.pid())?;
    println!("\nresident memory: {:.1} MiB before the load, {:.1} MiB after it", mebibytes(idle), mebibytes(loaded));
    server.stop()?;
    report(&rows)
}

/// What of Portcullis is measured, and a token for it.
fn own_rows(home: &Home, server: &Server, upstream: &str, options: &Options) -> Result<(Vec<Row>, String)> {
    let maker = Maker::new(home)?;
    let consumer = maker.application("bench")?;
    let target = |name: &str, path: &str, tokens: Vec<String>| {
        let url = format!("https://localhost:{}{path}", home.gateway());
        Row::new(Target { name: name.to_owned(), pid: server.pid(), url, tokens })
    };
    let paths: Vec<String> = SIZES.iter().map(|(_, path)| (*path).to_owned()).collect();
    let api = maker.publish(&Wanted { name: "bench", upstream, resources: &paths, secured: true })?;
    maker.subscribe(&consumer, &api)?;
    let token = maker.token(&consumer, &["bench"])?;
    let one = || vec![token.clone()];
    let mut rows = vec![target(SECURED, "/bench/1.0/item", one())];
    maker.publish(&Wanted { name: "plain", upstream, resources: &paths, secured: false })?;
    rows.push(target(PLAIN, "/plain/1.0/item", Vec::new()));
    if options.brief {
        return Ok((rows, token));
    }
    for (size, path) in SIZES.iter().filter(|(size, _)| *size != 1024) {
        rows.push(target(&format!("portcullis: secured, {size} bytes"), &format!("/bench/1.0{path}"), one()));
    }
    for (name, routes, row) in [("some", 609, SOME_ROUTES), ("many", 10_000, MANY_ROUTES)] {
        let resources = routes_like_an_api(routes);
        let api = maker.publish(&Wanted { name, upstream, resources: &resources, secured: true })?;
        maker.subscribe(&consumer, &api)?;
        let last = resources.last().context("no route")?.replace("{owner}", "o").replace("{id}", "42");
        rows.push(target(row, &format!("/{name}/1.0{last}"), vec![maker.token(&consumer, &[name])?]));
    }
    println!("getting 10000 tokens");
    let tokens = (0..10_000).map(|_| maker.token(&consumer, &["bench"])).collect::<Result<Vec<_>>>()?;
    rows.push(target(MANY_TOKENS, "/bench/1.0/item", tokens));
    Ok((rows, token))
}

/// Resources in the shape that large public APIs have: families of paths with two parameters and several depths.
fn routes_like_an_api(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| match n % 3 {
            0 => format!("/family{}/things{n}", n / 30),
            1 => format!("/family{}/{{owner}}/things{n}", n / 30),
            _ => format!("/family{}/{{owner}}/things{n}/{{id}}/parts", n / 30),
        })
        .collect()
}

/// nginx with the other sizes, to compare with.
fn sized(peers: &[Peer]) -> Vec<Row> {
    let nginx = peers.iter().filter(|peer| peer.name().starts_with("nginx"));
    let sized = nginx.flat_map(|peer| {
        SIZES.iter().filter(|(size, _)| *size != 1024).map(|(size, path)| {
            let target = peer.target(&format!("/bench/1.0{path}"));
            Row::new(Target { name: format!("nginx, {size} bytes"), ..target })
        })
    });
    sized.collect()
}

fn latencies(home: &Home, token: &str, peers: &[Peer]) -> Result<()> {
    println!("\nlatency at {RATE} calls a second, from the time a call was due");
    let time = Duration::from_secs(5);
    let own = latency::measure(&home.client()?, home.gateway(), ("/bench/1.0/item", Some(token)), RATE, time)?;
    show(SECURED, &own);
    for peer in peers.iter().filter(|peer| peer.name().starts_with("nginx")) {
        show(peer.name(), &latency::measure(&peer.client()?, peer.port(), ("/bench/1.0/item", None), RATE, time)?);
    }
    Ok(())
}

fn show(name: &str, latencies: &latency::Latencies) {
    let [half, most, nearly] = [0.5, 0.99, 0.999].map(|share| latencies.at(share).as_micros());
    println!("p50 {half:6} us, p99 {most:6} us, p99.9 {nearly:6} us of {} calls, {name}", latencies.calls());
}

fn report(rows: &[Row]) -> Result<()> {
    let find = |name: &str| rows.iter().find(|row| row.target.name.starts_with(name)).and_then(|row| row.best);
    let nginx = find("nginx").context("nginx was not measured")?;
    println!("\n{:>9} {:>9} {:>9} {:>10} {:>8}  gateway", "us/call", "user", "system", "calls/s", "of nginx");
    for (row, cost) in rows.iter().filter_map(|row| Some((row, row.best?))) {
        println!(
            "{:9.1} {:9.1} {:9.1} {:10.0} {:8.2}  {}",
            cost.total(),
            cost.user,
            cost.system,
            cost.calls_per_second,
            cost.total() / nginx.total(),
            row.target.name
        );
    }
    println!();
    let mut missed = 0;
    for promise in PROMISES {
        let (Some(ours), Some(theirs)) = (find(promise.ours), find(promise.theirs)) else { continue };
        let ratio = ours.total() / theirs.total();
        let held = ratio <= promise.at_most;
        missed += usize::from(!held);
        println!(
            "{} {:12} {ratio:.2} of {} (at most {:.2})",
            if held { "holds " } else { "MISSED" },
            promise.what,
            promise.theirs,
            promise.at_most
        );
    }
    if missed > 0 {
        bail!("{missed} promises do not hold");
    }
    Ok(())
}
