//! The identity service through its router, in memory, on a real SQLite file, with a clock that tests move.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

mod access;
mod accounts;
mod audit;
mod browser;
mod brute_force;
mod directories;
mod federation;
mod flow;
mod flows;
mod forged;
mod mails;
mod oauth;
mod paper_directory;
mod provisioning;
mod races;
mod secrets;
mod server;
mod setup;
mod sign_in;
mod signing_keys;
mod statements;
mod tokens;
