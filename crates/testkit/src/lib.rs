//! Test platform: what tests of several crates need and no product code may see.
//!
//! Depends on little on purpose: `xtask` is built from it before anything else is. A new piece is a module here; what is
//! needed by one crate alone belongs to that crate's tests.

mod clock;
pub mod counted;
pub mod forged;
pub mod fuzz;
pub mod postgres;
mod rng;
pub mod slapd;

pub use clock::MockClock;
pub use rng::SeededRng;
