//! Backups of a server that is being written to, and what comes back of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::installation::{Ended, Installation};

/// A command over another home than the installation's.
fn elsewhere(there: &Installation, home: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).arg("--home").arg(home).stdin(Stdio::null());
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &there.home).env("NO_COLOR", "1");
    Ended::of(command.output().unwrap())
}

fn newest(there: &Installation) -> PathBuf {
    let entries = std::fs::read_dir(there.home.join("backups")).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "backup")).max().unwrap()
}

fn application(name: &str) -> String {
    format!("{{\"name\":\"{name}\",\"throttlingPolicy\":\"Unlimited\"}}")
}

#[test]
fn what_was_acknowledged_before_a_backup_is_there_after_a_restore() {
    let there = Installation::new("");
    let server = there.serve();
    for number in 0..20 {
        let body = application(&format!("before-{number}"));
        assert!(there.local("POST", "/api/am/devportal/v3/applications", &body).starts_with("HTTP/1.1 201"));
    }
    // Writers go on while the copy is made.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            (0..50)
                .filter(|n| {
                    let body = application(&format!("during-{n}"));
                    there.local("POST", "/api/am/devportal/v3/applications", &body).starts_with("HTTP/1.1 201")
                })
                .count()
        });
        there.run(&["backup", "create"]).succeeded();
        assert_eq!(writer.join().unwrap(), 50);
    });
    let backup = newest(&there);
    let key = there.home.join("security/master.key");
    let (backup, key) = (backup.to_str().unwrap(), key.to_str().unwrap());
    assert_eq!(server.stop(), Some(0));

    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().join("restored");
    elsewhere(&there, &home, &["restore", backup, "--verify", "--master-key-file", key]).succeeded();
    assert!(!home.exists(), "looking changes nothing");
    elsewhere(&there, &home, &["restore", backup, "--master-key-file", key]).succeeded();
    // Put into the place of the first, so that it uses the same ports.
    std::fs::rename(&there.home, there.home.with_extension("old")).unwrap();
    std::fs::rename(&home, &there.home).unwrap();
    let server = there.serve();
    let listed = there.local("GET", "/api/am/devportal/v3/applications?limit=1000", "");
    for number in 0..20 {
        assert!(listed.contains(&format!("\"before-{number}\"")), "before-{number} is lost");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_wrong_key_a_changed_file_and_a_living_home_are_refused() {
    let there = Installation::new("");
    there.run(&["init"]).succeeded();
    there.run(&["backup", "create"]).succeeded();
    let backup = newest(&there);
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().join("restored");
    let path = backup.to_str().unwrap();
    // Of another installation.
    let other = Installation::new("");
    other.run(&["init"]).succeeded();
    let foreign = other.home.join("security/master.key");
    let refused = elsewhere(&there, &home, &["restore", path, "--master-key-file", foreign.to_str().unwrap()]);
    assert!(refused.err.contains("VLT003"), "{}", refused.err);
    assert!(!home.exists());
    // Never over an installation.
    let refused = there.run(&["restore", path]);
    assert!(refused.err.contains("BAK005"), "{}", refused.err);
    // One letter in the middle.
    let mut bytes = std::fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(&backup, bytes).unwrap();
    let refused = there.run(&["restore", path, "--verify"]);
    assert!(refused.err.contains("BAK003"), "{}", refused.err);
    // Nothing was left in the scratch places.
    let left = std::fs::read_dir(there.home.join("data"))
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("restore-"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_drill_is_remembered_and_the_file_tells_nothing() {
    let there = Installation::new("");
    let server = there.serve();
    there.run(&["backup", "drill"]).succeeded();
    let noted = std::fs::read_to_string(there.home.join("data/backup-drill.json")).unwrap();
    assert!(noted.contains("\"passed\":true"), "{noted}");
    let backup = std::fs::read(newest(&there)).unwrap();
    let master = std::fs::read_to_string(there.home.join("security/master.key")).unwrap();
    let master = master.lines().last().unwrap().as_bytes().to_vec();
    for secret in [&b"PRIVATE KEY"[..], b"[server]", b"SQLite format", &master] {
        assert!(!backup.windows(secret.len()).any(|w| w == secret), "{:?}", String::from_utf8_lossy(secret));
    }
    assert_eq!(server.stop(), Some(0));
}
