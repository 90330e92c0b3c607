//! Software that a server does not need: programs that run with their owner's rights, and compilers.

use guidelines::{Observed, Software};

use super::Machine;

const FOLDERS: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/usr/lib/openssh",
    "/usr/lib/dbus-1.0",
    "/usr/lib/polkit-1",
];

/// Programs with the bit in the base systems of Debian, Ubuntu, Fedora and their like.
const USUAL: &[&str] = &[
    "at",
    "chage",
    "chfn",
    "chsh",
    "crontab",
    "dbus-daemon-launch-helper",
    "expiry",
    "fusermount",
    "fusermount3",
    "gpasswd",
    "mount",
    "newgidmap",
    "newgrp",
    "newuidmap",
    "pam_timestamp_check",
    "passwd",
    "pkexec",
    "polkit-agent-helper-1",
    "ssh-agent",
    "ssh-keysign",
    "su",
    "sudo",
    "sudoedit",
    "umount",
    "unix_chkpwd",
    "userhelper",
    "wall",
    "write",
    "write.ul",
    "bsd-write",
    "utempter",
];

const COMPILERS: &[&str] =
    &["cc", "gcc", "g++", "c++", "clang", "clang++", "tcc", "rustc", "go", "javac", "ghc", "as", "ld"];

/// Set-user-id and set-group-id.
const BITS: u32 = 0o6000;

/// Looks through the places where programs are.
pub fn software(machine: &Machine) -> Observed<Software> {
    let mut found = Software::default();
    let mut seen = 0;
    for folder in FOLDERS {
        let Ok(names) = machine.names(folder) else { continue };
        seen += 1;
        for name in names {
            let path = format!("{folder}/{name}");
            // Links lead to files that are looked at where they are.
            let Some((mode, owner)) = machine.mode(&path) else { continue };
            found.looked_at += 1;
            if mode & BITS != 0 && owner == 0 && !USUAL.contains(&name.as_str()) {
                found.set_uid.push(path.clone());
            }
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
            let base = base.rsplit_once("-gnu-").map_or(base, |(_, tool)| tool);
            if mode & 0o111 != 0 && COMPILERS.contains(&base) {
                found.compilers.push(path);
            }
        }
    }
    if seen == 0 {
        return Observed::unknown("no directory of programs can be listed", "read access to /usr/bin");
    }
    // On systems where /bin is /usr/bin everything is seen twice.
    for list in [&mut found.set_uid, &mut found.compilers] {
        list.sort_by(|a, b| a.rsplit('/').next().cmp(&b.rsplit('/').next()).then(b.len().cmp(&a.len())));
        list.dedup_by(|a, b| a.rsplit('/').next() == b.rsplit('/').next());
    }
    Observed::Known(found)
}
