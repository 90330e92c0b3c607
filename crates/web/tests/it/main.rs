//! The edge kit from outside: routes, permits, tenant paths, bodies, local socket.
#![expect(clippy::unwrap_used, reason = "test code: a panic is a failed test")]

mod routes;
mod socket;
