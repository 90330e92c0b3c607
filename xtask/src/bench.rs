//! `cargo xtask bench`: facts about speed and size, measured on this machine and compared with what was promised.
//!
//! Wall-clock facts live here and never in ordinary tests. Gateways are compared by CPU time per call in the same run, which a
//! busy machine disturbs less than throughput.

mod changes;
mod cleanup;
mod control;
mod database;
mod gateway;
mod identity;
mod integrator;
mod latency;
mod load;
mod memory;
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
    /// CPU time of one call, beside nginx, HAProxy, Envoy and Traefik on the same route.
    Gateway(gateway::Options),
    /// Route changes under load: failed calls, latency, memory, and how soon a route is live.
    Changes(changes::Options),
    /// Sign-ins and tokens per second of CPU time, and the cost of a password check.
    Identity(identity::Options),
    /// CPU time of one message through the integrator, beside the figures that WSO2 publishes.
    Integrator(integrator::Options),
    /// Clean-up of millions of expired rows while people sign in, on both databases.
    Cleanup(cleanup::Options),
    /// Memory of a gateway with thousands of APIs and subscriptions.
    Memory(memory::Options),
    /// Lists, searches, publishing and subscribing with 10,000 APIs and 500,000 subscriptions in PostgreSQL.
    Control(control::Options),
    /// Time from starting the program to its first TLS answer, and memory when idle.
    Start(start::Options),
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.what {
        What::Gateway(options) => gateway::run(options),
        What::Changes(options) => changes::run(options),
        What::Identity(options) => identity::run(options),
        What::Integrator(options) => integrator::run(options),
        What::Cleanup(options) => cleanup::run(options),
        What::Memory(options) => memory::run(options),
        What::Control(options) => control::run(options),
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

/// KiB as MiB.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
