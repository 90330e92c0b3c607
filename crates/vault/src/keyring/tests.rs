use super::{Keyring, KeyringError};
use crate::envelope::OpenError;
use crate::master::{MasterKeyError, MasterKeySource};
use crate::private_file::write_private;
use crate::random::SystemRng;
use crate::testing::{NOW, chmod, error_of, mode, secret};

const MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn value(text: &str) -> MasterKeySource {
    MasterKeySource::Value(secret(text))
}

/// Permanent: this keyring and what it sealed open for ever.
const VECTOR: &str = include_str!("../../tests/vectors/keyring-v1.toml");
const VECTOR_SEALED: [&str; 2] = [
    "{v1:1-ba89d8cb:ICEiIyQlJicoKSorwr-IE71Kwx5M9X8ucxJiq7d9hoDwP4nu9OkMgNZ6SGDEk6od2FsJdb6jAB0}",
    "{v1:2-a74e2ab7:TE1OT1BRUlNUVVZXwr-IE3aZScS6liIN-Ga9qC3hc1lvirATFUpthjlIZKT7iNXhvBs2Rw9VgyY}",
];

#[test]
fn the_permanent_keyring_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    write_private(&path, VECTOR.as_bytes()).unwrap();
    let keyring = Keyring::load(&path, &value(MASTER)).unwrap();
    assert_eq!(keyring.current().version(), 2);
    for sealed in VECTOR_SEALED {
        assert_eq!(keyring.open(sealed, "secrets/vector").unwrap().expose(), b"open me in every version");
    }
}

#[test]
fn a_saved_keyring_opens_what_it_sealed_before_and_after_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    let first = Keyring::generate(NOW, &SystemRng);
    let old = first.seal(b"old", "a", &SystemRng).unwrap();
    let second = first.rotated(NOW, &SystemRng);
    second.save(&path, &value(MASTER), &SystemRng).unwrap();
    assert_eq!(mode(&path), 0o600);
    let read = Keyring::load(&path, &value(MASTER)).unwrap();
    assert_eq!(read.key_ids().map(|(id, _)| id.version()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read.open(&old, "a").unwrap().expose(), b"old");
    assert!(read.is_stale(&old));
    let new = read.reseal(&old, "a", &SystemRng).unwrap().unwrap();
    assert_eq!(read.reseal(&new, "a", &SystemRng).unwrap(), None);
    let pruned = read.without(1).unwrap();
    assert_eq!(pruned.open(&new, "a").unwrap().expose(), b"old");
    assert!(matches!(error_of(pruned.open(&old, "a")), OpenError::UnknownKey { .. }));
    assert!(matches!(error_of(pruned.without(2)), KeyringError::CannotRetire { version: 2 }));
    assert!(matches!(error_of(pruned.without(9)), KeyringError::CannotRetire { version: 9 }));
}

#[test]
fn two_installations_share_nothing() {
    let (a, b) = (Keyring::generate(NOW, &SystemRng), Keyring::generate(NOW, &SystemRng));
    assert_ne!(a.current(), b.current());
    let sealed = a.seal(b"x", "c", &SystemRng).unwrap();
    let text = error_of(b.open(&sealed, "c")).to_string();
    assert!(text.contains(&a.current().to_string()) && text.contains(&b.current().to_string()), "{text}");
}

#[test]
fn a_wrong_master_key_is_not_called_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    Keyring::generate(NOW, &SystemRng).save(&path, &value(MASTER), &SystemRng).unwrap();
    assert!(matches!(error_of(Keyring::load(&path, &value(OTHER))), KeyringError::WrongMasterKey { .. }));
    let kind = error_of(Keyring::load(&path, &MasterKeySource::Passphrase(secret("correct horse battery"))));
    assert!(matches!(kind, KeyringError::Master(MasterKeyError::OtherKind { .. })));
}

#[test]
fn a_passphrase_locks_and_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    let passphrase = |text| MasterKeySource::Passphrase(secret(text));
    let keyring = Keyring::generate(NOW, &SystemRng);
    let short = keyring.save(&path, &passphrase("short"), &SystemRng);
    assert!(matches!(short, Err(KeyringError::Master(MasterKeyError::ShortPassphrase { length: 5 }))));
    keyring.save(&path, &passphrase("correct horse battery"), &SystemRng).unwrap();
    assert!(Keyring::load(&path, &passphrase("correct horse battery")).is_ok());
    assert!(matches!(
        error_of(Keyring::load(&path, &passphrase("correct horse batterz"))),
        KeyringError::WrongMasterKey { .. }
    ));
    // A forged file must not make the start allocate a terabyte.
    let text = std::fs::read_to_string(&path).unwrap();
    write_private(&path, text.replace("65536", "1073741824").as_bytes()).unwrap();
    assert!(matches!(
        error_of(Keyring::load(&path, &passphrase("correct horse battery"))),
        KeyringError::Master(MasterKeyError::BadDerivation)
    ));
}

#[test]
fn the_master_key_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    let keyring = Keyring::generate(NOW, &SystemRng);
    let sealed = keyring.seal(b"x", "c", &SystemRng).unwrap();
    keyring.save(&path, &value(MASTER), &SystemRng).unwrap();
    Keyring::load(&path, &value(MASTER)).unwrap().save(&path, &value(OTHER), &SystemRng).unwrap();
    assert_eq!(Keyring::load(&path, &value(OTHER)).unwrap().open(&sealed, "c").unwrap().expose(), b"x");
}

#[test]
fn damage_names_the_file_and_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    let keyring = Keyring::generate(NOW, &SystemRng);
    keyring.save(&path, &value(MASTER), &SystemRng).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() - 3 {
        write_private(&path, &whole[..length]).unwrap();
        let text = error_of(Keyring::load(&path, &value(MASTER))).to_string();
        assert!(text.contains("keyring.toml") || text.contains("parameters"), "{text}");
    }
    let swapped = String::from_utf8(whole.clone()).unwrap().replace("version = 1", "version = 2");
    write_private(&path, swapped.as_bytes()).unwrap();
    assert!(matches!(error_of(Keyring::load(&path, &value(MASTER))), KeyringError::Damaged { .. }));
    write_private(&path, &whole).unwrap();
    chmod(&path, 0o640);
    assert!(error_of(Keyring::load(&path, &value(MASTER))).to_string().contains("chmod 600"));
}

#[test]
fn a_rotation_by_another_process_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring.toml");
    let first = Keyring::generate(NOW, &SystemRng);
    first.save(&path, &value(MASTER), &SystemRng).unwrap();
    let deaf = Keyring::load(&path, &value(MASTER)).unwrap();
    let serving = deaf.clone().following(&path, value(MASTER));
    let old = serving.seal(b"old", "c", &SystemRng).unwrap();
    let second = first.rotated(NOW, &SystemRng);
    second.save(&path, &value(MASTER), &SystemRng).unwrap();
    let new = second.reseal(&old, "c", &SystemRng).unwrap().unwrap();
    assert!(deaf.open(&new, "c").is_err(), "without following it cannot be opened");
    assert_eq!(serving.open(&new, "c").unwrap().expose(), b"old");
    assert_eq!(serving.open(&old, "c").unwrap().expose(), b"old");
    assert!(serving.is_stale(&old) && serving.seal(b"x", "c", &SystemRng).unwrap().starts_with("{v1:2-"));
    assert_eq!(second.stale_beginnings().len(), 1);
    assert!(old.starts_with(&second.stale_beginnings()[0]) && !new.starts_with(&second.stale_beginnings()[0]));
    // A damaged file, or one under a foreign master key, takes nothing away.
    write_private(&path, b"damaged").unwrap();
    assert_eq!(serving.open(&new, "c").unwrap().expose(), b"old");
    second.rotated(NOW, &SystemRng).save(&path, &value(OTHER), &SystemRng).unwrap();
    assert_eq!(serving.open(&new, "c").unwrap().expose(), b"old");
}
