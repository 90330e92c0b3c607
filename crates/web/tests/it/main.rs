//! The edge kit from outside: routes, permits, tenant paths, bodies, local socket.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code: a panic is a failed test")]

mod routes;
mod slow;
mod socket;
