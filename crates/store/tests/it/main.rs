//! The conformance suite of the store: each test runs on SQLite, and on PostgreSQL when the test command started one
//! (`PORTCULLIS_TEST_POSTGRES_URL`, a superuser's URL).
#![expect(clippy::unwrap_used, reason = "test code: a panic is a failed test")]

mod backends;
mod crash;
mod identity;
mod migration;
mod work;
