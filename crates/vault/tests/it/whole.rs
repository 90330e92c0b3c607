//! The life of an installation's secrets: first start, sealing, rotation, and a copy taken elsewhere.

use model::{Clock, Timestamp};
use std::sync::Arc;
use vault::secrets::{encrypt_file_text, rotate_file_text};
use vault::{KeyDirectory, SecretSource, SecretTable, SystemRng, replace_keeping_mode, write_private};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_795_219_200)
    }
}

#[test]
fn from_first_start_to_rotation() {
    let home = tempfile::tempdir().unwrap();
    let hosts = ["localhost".to_owned()];
    let directory = KeyDirectory::new(home.path().join("security"));
    let keys = directory.open_or_create(&hosts, &Fixed, &SystemRng).unwrap();

    let file = home.path().join("deployment.toml");
    write_private(&file, b"# mine\n[secrets]\ndb = \"[hunter2]\" # the database\n").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let sealed = encrypt_file_text(&text, &keys.keyring, &SystemRng).unwrap();
    replace_keeping_mode(&file, sealed.text.as_bytes()).unwrap();
    let row = keys.keyring.seal(b"upstream password", "endpoint/7/password", &SystemRng).unwrap();

    // The new key is on disk before anything is sealed under it, so a crash in between loses nothing.
    directory.rotate_keyring(&Fixed, &SystemRng).unwrap();
    let reread = directory.open_keyring().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let table = SecretTable::from_file_text(&text, Arc::new(reread.clone())).unwrap();
    assert_eq!(table.resolve("db").unwrap().expose(), "hunter2");
    let resealed = rotate_file_text(&text, &reread, &SystemRng).unwrap();
    let row = reread.reseal(&row, "endpoint/7/password", &SystemRng).unwrap().unwrap();
    directory.retire_key(1, &SystemRng).unwrap();

    let last = Arc::new(directory.open_keyring().unwrap());
    assert_eq!(last.current().version(), 2);
    assert_eq!(last.open(&row, "endpoint/7/password").unwrap().expose(), b"upstream password");
    let table = SecretTable::from_file_text(&resealed.text, Arc::clone(&last)).unwrap();
    assert_eq!(table.resolve("db").unwrap().expose(), "hunter2");
    assert!(!resealed.text.contains("hunter2") && resealed.text.contains("# the database"));

    // The file alone, taken to another installation, is worth nothing there and says why.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = KeyDirectory::new(elsewhere.path().join("security"));
    let other = other.open_or_create(&hosts, &Fixed, &SystemRng).unwrap();
    let table = SecretTable::from_file_text(&resealed.text, Arc::clone(&other.keyring)).unwrap();
    let Err(error) = table.resolve("db") else { panic!("opened elsewhere") };
    assert!(error.to_string().contains("not in this keyring"), "{error}");
    assert_ne!(other.signing_key.kid(), keys.signing_key.kid());
}
