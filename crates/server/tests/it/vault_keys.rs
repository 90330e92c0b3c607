//! Changing the key that locks the vault.

use crate::installation::{Ended, Installation};

fn read(there: &Installation, name: &str) -> String {
    std::fs::read_to_string(there.home.join(name)).unwrap()
}

fn sealed() -> Installation {
    let there = Installation::new("[secrets]\ndb = \"[hunter2hunter2]\"\n");
    there.run(&["vault", "encrypt"]).succeeded();
    there
}

#[test]
fn the_master_key_is_changed_and_the_secrets_stay() {
    let there = sealed();
    let (config, key, ring) =
        (read(&there, "deployment.toml"), read(&there, "security/master.key"), read(&there, "security/keyring.toml"));
    let told = there.run(&["vault", "rotate", "--master"]).succeeded();
    assert!(told.out.contains("Back up"), "{}", told.out);
    assert_eq!(read(&there, "deployment.toml"), config);
    assert_ne!(read(&there, "security/master.key"), key);
    assert_ne!(read(&there, "security/keyring.toml"), ring);
    assert!(!there.home.join("security/master.key.next").exists());
    let new = read(&there, "security/master.key");
    // The former key is worth nothing any more.
    vault::write_private(&there.home.join("security/master.key"), key.as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).refused(7, &["keyring"]);
    vault::write_private(&there.home.join("security/master.key"), new.as_bytes()).unwrap();
    let _server = there.serve();
}

/// Power is lost after the keyring was locked with the new key, before that key took its place.
#[test]
fn an_interrupted_change_is_finished() {
    let there = sealed();
    let key = read(&there, "security/master.key");
    there.run(&["vault", "rotate", "--master"]).succeeded();
    let security = there.home.join("security");
    std::fs::rename(security.join("master.key"), security.join("master.key.next")).unwrap();
    vault::write_private(&security.join("master.key"), key.as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).succeeded();
    assert!(!security.join("master.key.next").exists());
    // One that the keyring does not need is not touched: it may be another process's.
    let unused = vault::generate_key_text(&vault::SystemRng);
    vault::write_private(&security.join("master.key.next"), unused.expose().as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).succeeded();
    there.run(&["vault", "rotate", "--master"]).refused(7, &["master.key.next", "delete that file"]);
    assert_eq!(read(&there, "security/master.key.next"), *unused.expose());
}

#[test]
fn a_passphrase_is_changed() {
    let there = Installation::new("[vault]\nkey_source = \"passphrase\"\npassphrase = \"$env{PASS}\"\n");
    let run = |pass: &str, arguments: &[&str]| Ended::of(there.command(arguments).env("PASS", pass).output().unwrap());
    run("the first passphrase", &["init"]).succeeded();
    let new = there.home.join("new");
    vault::write_private(&new, b"short").unwrap();
    let change = ["vault", "rotate", "--master", "--value-file", new.to_str().unwrap()];
    run("the first passphrase", &change).refused(7, &["characters"]);
    vault::write_private(&new, b"another passphrase").unwrap();
    let told = run("the first passphrase", &change).succeeded();
    assert!(told.out.contains("before the next start") && !told.out.contains("another passphrase"), "{}", told.out);
    run("the first passphrase", &["vault", "rotate"]).refused(7, &["keyring"]);
    run("another passphrase", &["vault", "rotate"]).succeeded();
}
