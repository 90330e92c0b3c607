use super::{MasterKeyError, MasterKeySource, generate_key_text};
use crate::private_file::write_private;
use crate::random::SystemRng;
use crate::testing::{chmod, error_of, secret};

fn value(text: &str) -> Result<Option<model::Secret<[u8; 32]>>, MasterKeyError> {
    MasterKeySource::Value(secret(text)).key()
}

#[test]
fn keys_are_read_in_every_usual_spelling() {
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1efb";
    let expected = *value(hex).unwrap().unwrap().expose();
    assert_eq!(expected[31], 0xfb);
    for text in [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs",
        "  AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs=\r\n",
        "# comment\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHvs=\n",
        &hex.to_uppercase(),
    ] {
        assert_eq!(*value(text).unwrap().unwrap().expose(), expected, "{text}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for text in ["", "#", "password", "AAECAwQF", &"0".repeat(64), &"A".repeat(43), &"z".repeat(64), "a\nb"] {
        assert!(matches!(error_of(value(text)), MasterKeyError::Malformed { .. }), "{text}");
    }
}

#[test]
fn a_key_file_must_be_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.key");
    write_private(&path, generate_key_text(&SystemRng).expose().as_bytes()).unwrap();
    let source = MasterKeySource::File(path.clone());
    assert!(source.key().unwrap().is_some());
    chmod(&path, 0o644);
    assert!(error_of(source.key()).to_string().contains("chmod 600"));
}

#[test]
fn a_credential_may_have_the_mask_of_an_access_list_and_no_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault-key");
    write_private(&path, generate_key_text(&SystemRng).expose().as_bytes()).unwrap();
    let source =
        |name: &str| MasterKeySource::SystemdCredential { directory: dir.path().to_owned(), name: name.to_owned() };
    chmod(&path, 0o440);
    assert!(source("vault-key").key().unwrap().is_some());
    chmod(&path, 0o444);
    assert!(error_of(source("vault-key").key()).to_string().contains("chmod"));
    for name in ["", "..", "../vault-key", "/etc/passwd"] {
        assert!(matches!(error_of(source(name).key()), MasterKeyError::BadCredentialName { .. }), "{name}");
    }
}
