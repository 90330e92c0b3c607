//! The one integration test of this crate.

#[cfg(test)]
mod config;
