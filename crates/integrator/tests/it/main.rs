//! Behaviour over real sockets: a client and a backend that know nothing of the product, and an integrator between them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

mod attacks;
mod backend;
mod beside;
mod cases;
mod deployment;
mod endpoints;
mod harness;
mod inbound;
mod management;
mod mediators;
mod shapes;
mod transports;
