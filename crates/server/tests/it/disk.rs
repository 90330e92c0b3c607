//! A disk that fills up: said clearly, nothing half-written, and the next start works.

use std::process::Command;

use crate::installation::{Ended, Installation};

/// Runs a script as root of a user namespace of its own, where small file systems can be mounted; `None` where the
/// system does not allow that.
fn in_own_namespace(there: &Installation, script: &str) -> Option<Ended> {
    let mut probe = Command::new("unshare");
    if !probe.args(["-rm", "true"]).output().is_ok_and(|probe| probe.status.success()) {
        println!("skipped: unshare -rm is not possible here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &there.home).env("NO_COLOR", "1");
    command.env("HOME_DIR", &there.home).env("PORTCULLIS", env!("CARGO_BIN_EXE_portcullis"));
    Some(Ended::of(command.output().unwrap()))
}

/// Every size at which another file is the one that does not fit.
#[test]
fn a_full_disk_while_an_installation_is_made() {
    let mut refused = 0;
    for kilobytes in [8, 16, 24, 32, 40, 48, 64, 128, 256, 512] {
        let there = Installation::new("");
        let script = format!(
            "set -e\nmount -t tmpfs -o size={kilobytes}k tmpfs \"$HOME_DIR\"\n\
             set +e\n\"$PORTCULLIS\" init --home \"$HOME_DIR\"; echo \"code=$?\" >&2\n\
             mount -o remount,size=64m \"$HOME_DIR\"\n\
             \"$PORTCULLIS\" init --home \"$HOME_DIR\" && \"$PORTCULLIS\" user list --home \"$HOME_DIR\"\n"
        );
        let Some(ended) = in_own_namespace(&there, &script) else { return };
        if ended.err.contains("code=4") {
            refused += 1;
            assert!(
                ended.err.contains("error[") && ended.err.contains("free some space"),
                "{kilobytes}k: {}",
                ended.err
            );
        } else {
            assert!(ended.err.contains("code=0"), "{kilobytes}k: {}", ended.err);
        }
        assert_eq!(ended.code, Some(0), "{kilobytes}k: the next start: {}{}", ended.out, ended.err);
    }
    assert!(refused >= 4, "{refused}");
}

/// The file system below a running installation's database is full: the change is refused, what was kept before is
/// there, and it goes on when there is space.
#[test]
fn a_full_disk_under_the_database() {
    let there = Installation::new("");
    let script = "set -e\nmount -t tmpfs -o size=8m tmpfs \"$HOME_DIR\"\n\
         \"$PORTCULLIS\" init --home \"$HOME_DIR\" >/dev/null\n\
         printf 'four plain english words' > \"$HOME_DIR/p\"; chmod 600 \"$HOME_DIR/p\"\n\
         add() { \"$PORTCULLIS\" user add \"$1\" --password-file \"$HOME_DIR/p\" --home \"$HOME_DIR\"; }\n\
         add first\n\
         dd if=/dev/zero of=\"$HOME_DIR/fill\" bs=4096 2>/dev/null || true\n\
         set +e\nfor n in 1 2 3 4 5 6 7 8 9 10 11 12; do add full$n >/dev/null; echo \"code=$?\" >&2; done\nset -e\n\
         rm \"$HOME_DIR/fill\"\nadd second\n\
         \"$PORTCULLIS\" user list --home \"$HOME_DIR\"\n";
    let Some(ended) = in_own_namespace(&there, script) else { return };
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("code=4") && ended.err.contains("full"), "{}", ended.err);
    for name in ["first", "second"] {
        assert!(ended.out.contains(name), "{}", ended.out);
    }
    // What was refused is not there, what was accepted is.
    let codes: Vec<&str> = ended.err.lines().filter_map(|line| line.strip_prefix("code=")).collect();
    for (number, code) in (1..).zip(codes) {
        let listed = ended.out.split_whitespace().any(|word| word == format!("full{number}"));
        assert_eq!(listed, code == "0", "full{number} ended with {code}: {}", ended.out);
    }
}
