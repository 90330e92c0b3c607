//! What holds the serving process in, as the kernel tells it.

use guidelines::{Confinement, Observed};

use super::Machine;

/// Capabilities by number (capabilities(7)).
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Looks at a process. `files_restricted` is what it noted of Landlock at its start, which the kernel does not tell.
pub fn confinement(machine: &Machine, pid: u32, files_restricted: Option<bool>) -> Observed<Confinement> {
    let path = format!("/proc/{pid}/status");
    let status = match machine.text(&path) {
        Ok(status) => status,
        Err(missing) => return missing.unknown(&path),
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let first = |name: &str| field(name).and_then(|value| value.split_whitespace().nth(1));
    let (Some(uid), Some(new), Some(filter)) =
        (first("Uid").and_then(|uid| uid.parse().ok()), field("NoNewPrivs"), field("Seccomp"))
    else {
        return Observed::unknown(format!("{path} lacks a line that every kernel since 4.10 writes"), String::new());
    };
    let sets =
        ["CapInh", "CapPrm", "CapEff", "CapAmb"].map(|set| field(set).and_then(|v| u64::from_str_radix(v, 16).ok()));
    let Some(mask) = sets.into_iter().try_fold(0, |all, set| Some(all | set?)) else {
        return Observed::unknown(format!("{path} does not tell capabilities"), String::new());
    };
    let capabilities = (0..64).filter(|bit| mask >> bit & 1 == 1).map(|bit: u32| {
        let name = CAPABILITIES.get(bit as usize);
        name.map_or_else(|| format!("capability {bit}"), |name| format!("CAP_{name}"))
    });
    let limits = machine.text(&format!("/proc/{pid}/limits")).unwrap_or_default();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    // The files of a process that may not be dumped belong to root. For one of root that tells nothing.
    let dumpable = match machine.owner(&format!("/proc/{pid}/limits")) {
        Some(owner) if uid != 0 => Some(owner == uid),
        _ => None,
    };
    Observed::Known(Confinement {
        pid,
        uid,
        capabilities: capabilities.collect(),
        no_new_privileges: new == "1",
        system_calls_filtered: filter == "2",
        files_restricted,
        core_limit: core.and_then(|line| line.split_whitespace().next()?.parse().ok()),
        dumpable,
    })
}
