//! Artifacts as files, and flows through them.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code: a panic is a failed test")]

mod corpus;
mod flows;
