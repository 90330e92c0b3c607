//! Memory of a gateway with many APIs and subscriptions: the compiled snapshot alone, without the control plane and its database.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::mebibytes;
use crate::process;
use crate::workspace;

/// Promised: a gateway with this many APIs (in thousands) needs no more MiB.
const PROMISE: (u32, f64) = (5, 100.0);
/// Thousands of APIs, thousands of subscriptions.
const SIZES: [(u32, u32); 3] = [(5, 0), (10, 0), (10, 100)];

#[derive(Debug, clap::Args)]
pub(super) struct Options {}

pub(super) fn run(_options: &Options) -> Result<()> {
    let binaries = workspace::release_tests("gateway")?;
    let binary = binaries.get("it").context("no test binary it")?;
    let mut kept = true;
    println!("{:>8} {:>14} {:>12} {:>12}", "APIs", "subscriptions", "before, MiB", "after, MiB");
    for (apis, subscriptions) in SIZES {
        let mut test = Command::new(binary);
        test.args(["--exact", "memory::many_apis_fit", "--nocapture"])
            .current_dir(workspace::root().join("crates/gateway"));
        test.env(testkit::counted::TIMES, (apis * 1_000).to_string());
        test.env(testkit::counted::MORE, (subscriptions * 1_000).to_string());
        let output = process::capture(&mut test)?;
        let line = output.lines().find_map(|line| line.split_once("resident KiB: ")).context("nothing was measured")?.1;
        let figures = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [before, after] = figures[..] else { bail!("\"{line}\" is not two figures") };
        let (before, after) = (mebibytes(before), mebibytes(after));
        println!("{:>8} {:>14} {before:>12.1} {after:>12.1}", apis * 1_000, subscriptions * 1_000);
        kept &= apis != PROMISE.0 || after <= PROMISE.1;
    }
    if !kept {
        bail!("{} APIs need more than {} MiB", PROMISE.0 * 1_000, PROMISE.1);
    }
    Ok(())
}
