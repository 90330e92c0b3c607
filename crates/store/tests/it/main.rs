//! The conformance suite of the store: each test runs on SQLite, and on PostgreSQL when the test command started one
//! (`PORTCULLIS_TEST_POSTGRES_URL`, a superuser's URL).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "test code: a panic is a failed test, and what is skipped is said"
)]

mod api_search;
mod backends;
mod backup;
mod clean_up;
mod consumers;
mod crash;
mod identity;
mod migration;
mod sign_in;
mod usage;
mod work;
