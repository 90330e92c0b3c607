//! The filter of system calls: what a server of HTTP never needs and an intruder wants first is refused with EPERM.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

/// Refused whatever their arguments.
const NEVER: &[i64] = &[
    // Other programs and processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    // Mounts, roots, name spaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fanotify_init,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_personality,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // Users and capabilities: they were given up for good.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_capset,
    // Devices and owners.
    libc::SYS_mknodat,
    libc::SYS_fchownat,
];

/// Refused as well where the architecture has them.
#[cfg(target_arch = "x86_64")]
const OLD: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_nfsservctl,
    libc::SYS_mknod,
    libc::SYS_chown,
    libc::SYS_lchown,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[];

/// Families of sockets that are used: UNIX, IPv4, IPv6, and netlink, by which the C library learns of addresses.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Filters the system calls of the thread and those it will start; answers what was reached.
pub(super) fn filter() -> String {
    let programs = programs().map_err(|e| e.to_string());
    let applied = programs.and_then(|all| all.iter().try_for_each(|p| apply_filter(p).map_err(|e| e.to_string())));
    applied.map_or_else(|reason| reason, |()| "full".to_owned())
}

fn programs() -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in NEVER.iter().chain(OLD) {
        refused.insert(*call, Vec::new());
    }
    // A family of sockets that is none of ours.
    let other = FAMILIES.iter().map(|family| when(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())));
    refused.insert(libc::SYS_socket, vec![SeccompRule::new(other.collect::<Result<_, _>>()?)?]);
    // A new process instead of a new thread.
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    refused.insert(libc::SYS_clone, vec![only(0, SeccompCmpOp::MaskedEq(thread), 0)?]);
    // Memory that can be written and run, or is made to run.
    let (write, run) = (u64::from(libc::PROT_WRITE.unsigned_abs()), u64::from(libc::PROT_EXEC.unsigned_abs()));
    refused.insert(libc::SYS_mmap, vec![only(2, SeccompCmpOp::MaskedEq(write | run), write | run)?]);
    refused.insert(libc::SYS_mprotect, vec![only(2, SeccompCmpOp::MaskedEq(run), run)?]);
    refused.insert(libc::SYS_pkey_mprotect, vec![only(2, SeccompCmpOp::MaskedEq(run), run)?]);
    // The process cannot be made dumpable again.
    let dumpable = u64::from(libc::PR_SET_DUMPABLE.unsigned_abs());
    refused.insert(libc::SYS_prctl, vec![only(0, SeccompCmpOp::Eq, dumpable)?]);
    // Typing into the terminal of whoever started us.
    refused.insert(libc::SYS_ioctl, vec![only(1, SeccompCmpOp::Eq, libc::TIOCSTI)?]);
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let first = SeccompFilter::new(refused, SeccompAction::Allow, denied, architecture)?;
    // Its arguments are in memory, where a filter cannot see them; the C library then takes `clone`, which can be seen.
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let second = SeccompFilter::new(clone3, SeccompAction::Allow, unknown, architecture)?;
    Ok(vec![first.try_into()?, second.try_into()?])
}

fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn only(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![when(argument, operator, value)?])
}

#[cfg(test)]
mod tests {
    use super::{NEVER, OLD, programs};

    #[test]
    fn the_filters_can_be_compiled_and_are_short_enough() {
        let programs = programs().unwrap();
        assert_eq!(programs.len(), 2);
        // The kernel's limit is 4096 instructions.
        assert!(programs.iter().all(|p| p.len() < 4096));
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut all: Vec<_> = NEVER.iter().chain(OLD).collect();
        let listed = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), listed);
    }
}
