//! The gateway over real sockets, with scripted upstreams and hostile clients.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

mod answer_cache;
mod answers;
mod api_log;
mod assertion;
mod attacks;
mod bound;
mod calls;
mod changes;
mod counted;
mod events;
mod forged;
mod graphql;
mod judged;
mod kept_alive;
mod limits;
mod memory;
mod mocked;
mod outbound_token;
mod platform;
mod proxies;
mod raw;
mod schema;
mod streams;
mod subscriptions;
mod tenants;
mod tls;
mod tokens;
mod trace;
mod traffic;
mod upstreams;
mod websocket;
