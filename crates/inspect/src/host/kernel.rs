//! Switches of the kernel.

use guidelines::{Kernel, Observed};

use super::Machine;

/// Name, wanted value, and whether a larger one is as good.
const SWITCHES: &[(&str, i64, bool)] = &[
    ("fs.protected_hardlinks", 1, false),
    ("fs.protected_symlinks", 1, false),
    ("fs.suid_dumpable", 0, false),
    ("kernel.dmesg_restrict", 1, false),
    ("kernel.kptr_restrict", 1, true),
    ("kernel.randomize_va_space", 2, false),
    ("kernel.unprivileged_bpf_disabled", 1, true),
    ("kernel.yama.ptrace_scope", 1, true),
    ("net.ipv4.conf.all.accept_redirects", 0, false),
    ("net.ipv4.conf.all.accept_source_route", 0, false),
    ("net.ipv4.conf.all.send_redirects", 0, false),
    ("net.ipv4.icmp_echo_ignore_broadcasts", 1, false),
    ("net.ipv4.tcp_syncookies", 1, true),
    ("net.ipv6.conf.all.accept_redirects", 0, false),
];

/// Reads them. A switch that this kernel does not have is no fault.
pub fn kernel(machine: &Machine) -> Observed<Kernel> {
    let release = match machine.text("/proc/sys/kernel/osrelease") {
        Ok(release) => release.trim().to_owned(),
        Err(missing) => return missing.unknown("/proc/sys/kernel/osrelease"),
    };
    let mut found = Kernel { release, ..Kernel::default() };
    for (name, wanted, larger) in SWITCHES {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let Ok(text) = machine.text(&path) else { continue };
        found.looked_at += 1;
        let sound = text.trim().parse::<i64>().is_ok_and(|value| value == *wanted || (*larger && value > *wanted));
        if !sound {
            let seen: String = text.trim().chars().take(40).collect();
            found.weak_switches.push(((*name).to_owned(), seen, wanted.to_string()));
        }
    }
    Observed::Known(found)
}
