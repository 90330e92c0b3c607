//! The gateway over real sockets, with scripted upstreams and hostile clients.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

mod answers;
mod attacks;
mod calls;
mod changes;
mod kept_alive;
mod limits;
mod platform;
mod tenants;
mod tls;
mod upstreams;
