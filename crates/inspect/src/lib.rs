//! Looks from outside: TLS handshakes by the byte, and what a host says of itself.
//!
//! Knows addresses, bytes and files, and nothing of the product. What it finds is judged by crate `guidelines`; `server`
//! brings the two together.

pub mod host;
pub mod tls;
