use super::{CA_KEY, KEYRING, KeyDirectory, KeyDirectoryError, MASTER_KEY, SIGNING_KEY, TLS_CERTIFICATE, TLS_KEY};
use crate::certificate::{CertificatePurpose, check_certificate};
use crate::generate::{certify_server, generate_ca, generate_p256};
use crate::keyring::KeyringError;
use crate::keystore::encode_pem;
use crate::master::MasterKeySource;
use crate::random::SystemRng;
use crate::testing::{NOW, TestClock, chmod, error_of, mode, secret};
use rustls::pki_types::pem::SectionKind;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn localhost() -> Vec<String> {
    hosts(&["localhost", "127.0.0.1"])
}

fn snapshot(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |e: std::io::Result<std::fs::DirEntry>| {
        let e = e.unwrap();
        (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())
    };
    std::fs::read_dir(dir).unwrap().map(entry).collect()
}

#[test]
fn the_first_start_makes_everything_and_the_second_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let keys = KeyDirectory::new(&dir);
    let first = keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    assert_eq!(first.created.len(), 7);
    assert_eq!(mode(&dir), 0o700);
    let before = snapshot(&dir);
    for name in before.keys() {
        let public = name == "ca.pem" || name == TLS_CERTIFICATE;
        assert_eq!(mode(&dir.join(name)), if public { 0o644 } else { 0o600 }, "{name}");
    }
    let second = keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    assert!(second.created.is_empty());
    assert_eq!(snapshot(&dir), before);
    assert_eq!(second.signing_key.kid(), first.signing_key.kid());
    assert_eq!(second.keyring.current(), first.keyring.current());
    assert_eq!(second.tls.chain, first.tls.chain);
    let faults = check_certificate(&second.tls.chain, Some(second.tls.key.expose()), NOW, CertificatePurpose::Identity);
    assert_eq!(faults, []);
    assert_eq!(keys.certificate_authority().unwrap().certificate(), &second.ca_certificate);
}

/// A power cut leaves a prefix of the files, perhaps with a half-written temporary one.
#[test]
fn a_power_cut_between_any_two_files_is_completed() {
    const ORDER: [&str; 7] = [MASTER_KEY, KEYRING, CA_KEY, "ca.pem", TLS_KEY, TLS_CERTIFICATE, SIGNING_KEY];
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole");
    let made = KeyDirectory::new(&whole).open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    assert_eq!(made.created, ORDER);
    for kept in 0..=ORDER.len() {
        let dir = home.path().join(format!("cut-{kept}"));
        crate::private_file::ensure_private_directory(&dir).unwrap();
        for name in &ORDER[..kept] {
            std::fs::copy(whole.join(name), dir.join(name)).unwrap();
        }
        std::fs::write(dir.join(".tls.pem.staged-99-0"), "half").unwrap();
        let keys = KeyDirectory::new(&dir);
        let completed = keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
        assert_eq!(completed.created, ORDER[kept..]);
        for name in &ORDER[..kept] {
            assert_eq!(std::fs::read(dir.join(name)).unwrap(), std::fs::read(whole.join(name)).unwrap(), "{name}");
        }
        assert!(!dir.join(".tls.pem.staged-99-0").exists());
        let faults = check_certificate(
            &completed.tls.chain,
            Some(completed.tls.key.expose()),
            NOW,
            CertificatePurpose::Identity,
        );
        assert_eq!(faults, []);
    }
}

#[test]
fn a_lost_file_is_not_replaced_by_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let keys = KeyDirectory::new(&dir);
    keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    for name in [MASTER_KEY, KEYRING, TLS_KEY] {
        let aside = home.path().join("aside");
        std::fs::rename(dir.join(name), &aside).unwrap();
        let before = snapshot(&dir);
        let error = error_of(keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng));
        assert!(matches!(&error, KeyDirectoryError::Lost { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name) && error.to_string().contains("backup"));
        assert_eq!(snapshot(&dir), before);
        std::fs::rename(&aside, dir.join(name)).unwrap();
    }
}

#[test]
fn loose_permissions_refuse_the_start() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let keys = KeyDirectory::new(&dir);
    keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    for name in [MASTER_KEY, KEYRING, CA_KEY, TLS_KEY, SIGNING_KEY] {
        for bad in [0o644, 0o640] {
            chmod(&dir.join(name), bad);
            let text = error_of(keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng)).to_string();
            assert!(text.contains(&format!("chmod 600 {}", dir.join(name).display())), "{text}");
        }
        chmod(&dir.join(name), 0o400);
        assert!(keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).is_ok());
    }
    chmod(&dir, 0o750);
    assert!(
        error_of(keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng)).to_string().contains("chmod 700")
    );
}

#[test]
fn our_certificate_is_renewed_before_its_end_and_for_a_new_name() {
    let home = tempfile::tempdir().unwrap();
    let keys = KeyDirectory::new(home.path().join("security"));
    let clock = TestClock::new();
    let first = keys.open_or_create(&localhost(), &clock, &SystemRng).unwrap();
    clock.advance(Duration::from_hours(24 * 360));
    assert!(keys.open_or_create(&localhost(), &clock, &SystemRng).unwrap().created.is_empty());
    clock.advance(Duration::from_hours(24 * 8));
    let renewed = keys.open_or_create(&localhost(), &clock, &SystemRng).unwrap();
    assert_eq!(renewed.created, [TLS_CERTIFICATE]);
    assert_ne!(renewed.tls.chain, first.tls.chain);
    assert_eq!(renewed.tls.key.expose(), first.tls.key.expose());
    let named = keys.open_or_create(&hosts(&["localhost", "API.example.com"]), &clock, &SystemRng).unwrap();
    assert_eq!(named.created, [TLS_CERTIFICATE]);
    assert!(keys.open_or_create(&hosts(&["api.EXAMPLE.com"]), &clock, &SystemRng).unwrap().created.is_empty());
}

#[test]
fn a_certificate_that_an_operator_put_there_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let keys = KeyDirectory::new(home.path().join("security"));
    let clock = TestClock::new();
    keys.open_or_create(&localhost(), &clock, &SystemRng).unwrap();
    let ca = generate_ca("Company CA", NOW, &SystemRng).unwrap();
    let own = certify_server(&ca, &hosts(&["other.test"]), generate_p256().unwrap(), NOW, &SystemRng).unwrap();
    std::fs::write(keys.tls_certificate_path(), own.chain_pem()).unwrap();
    assert!(matches!(
        error_of(keys.open_or_create(&localhost(), &clock, &SystemRng)),
        KeyDirectoryError::Mismatch { .. }
    ));
    let pem = encode_pem(SectionKind::PrivateKey, own.key.expose().secret_der());
    crate::write_private(&keys.tls_key_path(), pem.expose().as_bytes()).unwrap();
    clock.advance(Duration::from_hours(24 * 390));
    let kept = keys.open_or_create(&localhost(), &clock, &SystemRng).unwrap();
    assert!(kept.created.is_empty());
    assert_eq!(kept.tls.chain, own.chain);
}

#[test]
fn a_master_key_from_elsewhere_is_never_generated() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let missing = KeyDirectory::new(&dir).with_master_key(MasterKeySource::File(home.path().join("none")));
    assert!(matches!(
        error_of(missing.open_or_create(&localhost(), &TestClock::new(), &SystemRng)),
        KeyDirectoryError::Keyring(KeyringError::Master(_))
    ));
    let value = || MasterKeySource::Value(secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
    let keys = KeyDirectory::new(&dir).with_master_key(value());
    let made = keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    assert!(!dir.join(MASTER_KEY).exists() && !made.created.contains(&MASTER_KEY));
    let rotated = keys.rotate_keyring(&TestClock::new(), &SystemRng).unwrap();
    assert_eq!(keys.open_keyring().unwrap().current(), rotated.current());
    let passphrase = || MasterKeySource::Passphrase(secret("correct horse battery"));
    keys.change_master_key(&passphrase(), &SystemRng).unwrap();
    assert!(keys.open_keyring().is_err());
    let keys = KeyDirectory::new(&dir).with_master_key(passphrase());
    assert_eq!(keys.open_keyring().unwrap().current(), rotated.current());
    assert!(keys.retire_key(2, &SystemRng).is_err());
    keys.retire_key(1, &SystemRng).unwrap();
    assert_eq!(keys.open_keyring().unwrap().key_ids().count(), 1);
}

#[test]
fn two_first_starts_at_once_agree() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let kids: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            let made = KeyDirectory::new(&dir).open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
            (made.signing_key.kid().to_owned(), made.keyring.current().clone(), made.tls.chain)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(kids.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn garbage_in_a_file_is_named() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let keys = KeyDirectory::new(&dir);
    keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    for name in [MASTER_KEY, KEYRING, CA_KEY, "ca.pem", TLS_KEY, TLS_CERTIFICATE, SIGNING_KEY] {
        let whole = std::fs::read(dir.join(name)).unwrap();
        for bad in [&b""[..], b"garbage", &whole[..whole.len() / 2]] {
            crate::write_private(&dir.join(name), bad).unwrap();
            let text = error_of(keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng)).to_string();
            assert!(text.contains(name), "{name}: {text}");
            assert_eq!(std::fs::read(dir.join(name)).unwrap(), bad);
        }
        crate::write_private(&dir.join(name), &whole).unwrap();
    }
}

#[test]
fn rotations_at_once_lose_no_key() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("security");
    let keys = KeyDirectory::new(&dir);
    keys.open_or_create(&localhost(), &TestClock::new(), &SystemRng).unwrap();
    let sealed: Vec<_> = std::thread::scope(|scope| {
        let rotate = || {
            let rotated = KeyDirectory::new(&dir).rotate_keyring(&TestClock::new(), &SystemRng).unwrap();
            rotated.seal(b"x", "c", &SystemRng).unwrap()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let keyring = keys.open_keyring().unwrap();
    assert_eq!(keyring.current().version(), 5);
    assert!(sealed.iter().all(|s| keyring.open(s, "c").is_ok()));
}
