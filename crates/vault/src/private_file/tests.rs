use super::{
    PrivateFileError, create_private, ensure_private_directory, is_staging_name, read_private, replace_keeping_mode,
    write_private,
};
use crate::testing::{chmod, error_of, mode};
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn written_files_are_private_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.key");
    write_private(&path, b"one").unwrap();
    write_private(&path, b"two").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(read_private(&path, 100).unwrap().expose(), b"two");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn creating_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.key");
    create_private(&path, b"first").unwrap();
    assert!(create_private(&path, b"second").unwrap_err().already_exists());
    assert_eq!(std::fs::read(&path).unwrap(), b"first");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn one_of_many_creators_wins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.key");
    let winners: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|i| {
                scope.spawn({
                    let path = &path;
                    move || create_private(path, &[i]).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
    });
    assert_eq!(winners, 1);
    assert_eq!(std::fs::read(&path).unwrap().len(), 1);
}

#[test]
fn group_and_world_readable_files_are_refused_with_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.key");
    write_private(&path, b"secret").unwrap();
    for bad in [0o640, 0o604, 0o660, 0o644, 0o610] {
        chmod(&path, bad);
        let text = error_of(read_private(&path, 100)).to_string();
        assert!(text.contains(&format!("chmod 600 {}", path.display())), "{text}");
    }
    for good in [0o600, 0o400] {
        chmod(&path, good);
        assert!(read_private(&path, 100).is_ok());
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.key");
    write_private(&path, b"secret").unwrap();
    // Only root can give a file away; everybody else has /etc/shadow and the like to look at.
    if std::os::unix::fs::chown(&path, Some(12345), None).is_err() {
        println!("skipped: not root");
        return;
    }
    assert!(matches!(error_of(read_private(&path, 100)), PrivateFileError::NotOurs { owner: 12345, .. }));
    write_private(&path, b"changed").unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&metadata), 12345, "an overwritten file keeps its owner");
}

#[test]
fn odd_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(matches!(error_of(read_private(&fifo, 100)), PrivateFileError::WrongKind { .. }));
    assert!(matches!(error_of(read_private(dir.path(), 100)), PrivateFileError::WrongKind { .. }));
    assert!(error_of(read_private(&dir.path().join("none"), 100)).is_missing());
    let long = dir.path().join("long");
    write_private(&long, &[7; 101]).unwrap();
    assert!(matches!(error_of(read_private(&long, 100)), PrivateFileError::TooLong { cap: 100, .. }));
}

#[test]
fn a_configuration_keeps_its_mode_and_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real.toml"), dir.path().join("deployment.toml"));
    std::fs::write(&real, "old").unwrap();
    chmod(&real, 0o640);
    symlink(&real, &link).unwrap();
    replace_keeping_mode(&link, b"new").unwrap();
    assert_eq!(std::fs::read(&real).unwrap(), b"new");
    assert_eq!(mode(&real), 0o640);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn directories_are_closed_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home/security");
    ensure_private_directory(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    chmod(&path, 0o755);
    let text = ensure_private_directory(&path).unwrap_err().to_string();
    assert!(text.contains("chmod 700"), "{text}");
    let file = dir.path().join("file");
    write_private(&file, b"").unwrap();
    assert!(matches!(ensure_private_directory(&file), Err(PrivateFileError::WrongKind { .. })));
}

#[test]
fn staging_names_are_recognised() {
    assert!(is_staging_name(".tls.pem.staged-12-0"));
    assert!(!is_staging_name("tls.pem"));
    assert!(!is_staging_name(".lock"));
}
