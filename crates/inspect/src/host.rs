//! The machine, as far as an ordinary user may see it. What cannot be seen is unknown, with the privilege that is missing.
//!
//! Everything comes through [`Machine`], so that a test gives files and answers of programs. Files can be missing, huge or
//! hostile: readers have caps, parsers take any bytes.

mod firewall;
mod kernel;
mod machine;
mod monitoring;
mod process;
mod secure_shell;
mod sockets;
mod software;
mod updates;

pub use firewall::firewall;
pub use kernel::kernel;
pub use machine::{Machine, Missing};
pub use monitoring::monitoring;
pub use process::confinement;
pub use secure_shell::secure_shell;
pub use sockets::{Own, listening};
pub use software::software;
pub use updates::updates;

#[cfg(test)]
mod tests;
