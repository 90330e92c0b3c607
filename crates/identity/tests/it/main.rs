//! The identity service through its router, in memory, on a real SQLite file, with a clock that tests move.

mod access;
mod oauth;
mod provisioning;
mod server;
mod setup;
mod sign_in;
mod tokens;
