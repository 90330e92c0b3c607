//! The process locks itself in before its first thread starts: what an intruder could do with it ends here.
//!
//! After [`enter`] the process has no capabilities, cannot gain any, cannot start programs or other processes, sees only
//! its own directories, binds only its declared ports, and leaves no core dump (guidelines O01, A03). Nothing of it can be
//! undone, and there is no setting to leave it out. What a kernel does not know is reported, never passed over.

mod files;
mod system_calls;
mod user;

use std::path::PathBuf;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

pub(crate) use user::Account;

/// What the process keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Files and directories to read, with everything below.
    pub(crate) read: Vec<PathBuf>,
    /// Directories to write, with everything below.
    pub(crate) write: Vec<PathBuf>,
    /// TCP ports to listen on.
    pub(crate) ports: Vec<u16>,
}

/// What was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confinement {
    /// Whether Landlock is on: `full`, `partial` (the kernel knows fewer rules), or why not.
    pub(crate) files: String,
    /// Whether system calls are filtered, or why not.
    pub(crate) system_calls: String,
    /// Capabilities that were kept.
    pub(crate) capabilities: Vec<String>,
}

/// Why the process is not locked in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The user cannot be taken.
    #[error("{0}")]
    User(String),
    /// A step that every supported kernel knows failed.
    #[error("{step}: {reason}")]
    Step {
        /// What was tried.
        step: &'static str,
        /// What the system said.
        reason: String,
    },
}

/// Becomes the given user when the process was started as root, and gives up capabilities; answers those that are kept,
/// which is one when a port below 1024 will be bound. Only threads that start afterwards are concerned, so call it before
/// the first one.
pub(crate) fn step_down(user: Option<&Account>, ports: &[u16]) -> Result<Vec<String>, SandboxError> {
    user::step_down(user, ports)
}

/// Locks the process in, after [`step_down`]. Only threads that start afterwards are inside.
pub(crate) fn enter(plan: &Plan, capabilities: Vec<String>) -> Result<Confinement, SandboxError> {
    let step = |step: &'static str| move |e: rustix::io::Errno| SandboxError::Step { step, reason: e.to_string() };
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(step("core limit"))?;
    // After the change of user, which makes a process dumpable again.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(step("non-dumpable"))?;
    rustix::thread::set_no_new_privs(true).map_err(step("no new privileges"))?;
    Ok(Confinement { files: files::restrict(plan), system_calls: system_calls::filter(), capabilities })
}
