//! `cargo xtask bench`: facts about speed and size, measured on this machine and compared with what was promised.
//!
//! Wall-clock facts live here and never in ordinary tests. Gateways are compared by CPU time per call in the same run, which a
//! busy machine disturbs less than throughput.

mod gateway;
mod peers;
mod start;

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// CPU time of one secured call, beside nginx, HAProxy and Envoy on the same route.
    Gateway(gateway::Options),
    /// Time from starting the program to its first TLS answer, and memory when idle.
    Start(start::Options),
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.what {
        What::Gateway(options) => gateway::run(options),
        What::Start(options) => start::run(options),
    }
}

/// The program to measure: the given one, else built now as it is shipped.
fn program(given: Option<&PathBuf>) -> Result<PathBuf> {
    match given {
        Some(path) => Ok(path.canonicalize()?),
        None => {
            println!("building portcullis with profile dist");
            workspace::build_portcullis("dist")
        }
    }
}
