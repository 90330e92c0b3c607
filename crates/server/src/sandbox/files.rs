//! Landlock: which files can be touched, which ports can be bound.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::Plan;

/// What the C library and the TLS library read of a system: names and addresses, time zones, certificate authorities,
/// shared objects that are loaded late, and what the kernel says of this process. Whole directories where files are
/// replaced by renaming, because a rule holds for the file that is there now.
const SYSTEM: &[&str] = &[
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/run/NetworkManager",
    "/run/nscd",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
    "/dev/random",
    "/dev/urandom",
];

/// Restricts the thread and those it will start; answers what was reached.
pub(super) fn restrict(plan: &Plan) -> String {
    match apply(plan) {
        Ok(RulesetStatus::FullyEnforced) => "full".to_owned(),
        Ok(RulesetStatus::PartiallyEnforced) => "partial".to_owned(),
        Ok(_) => "the kernel has no Landlock".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn apply(plan: &Plan) -> Result<RulesetStatus, RulesetError> {
    // The newest that was tested; the crate leaves out what an older kernel does not know.
    let abi = ABI::V6;
    let every = AccessFs::from_all(abi);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(every)?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::AbstractUnixSocket)?
        .scope(Scope::Signal)?
        .create()?;
    for path in SYSTEM.iter().map(PathBuf::from).chain(plan.read.iter().cloned()) {
        rules = allow(rules, &path, AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    // Devices, symbolic links and programs are never made or run: nothing that can be written can be executed.
    let denied = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::MakeSym;
    for path in &plan.write {
        rules = allow(rules, path, every & !denied & !AccessFs::IoctlDev)?;
    }
    rules = allow(rules, Path::new("/dev/null"), AccessFs::ReadFile | AccessFs::WriteFile)?;
    for port in &plan.ports {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Adds a rule for a path; one that is not there needs none.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(rules) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(ABI::V6) };
    rules.add_rule(PathBeneath::new(opened, access))
}
