//! Java's keytool as the judge of the readers. Tests that need it say so and pass where it is missing.

use model::Secret;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use vault::certificate_fingerprint;
use vault::keystore::{KeystoreError, KeystorePasswords, read_keystore, read_pem_certificates};

/// The fingerprints of all certificates that `keytool -list -rfc` prints; `None` without keytool.
pub(crate) fn listed_fingerprints(store: &Path, password: &str) -> Option<BTreeSet<String>> {
    let output = Command::new("keytool")
        .args(["-list", "-rfc", "-storepass", password, "-keystore"])
        .arg(store)
        .output()
        .ok()?;
    assert!(output.status.success(), "keytool refuses {}", store.display());
    let certificates = read_pem_certificates(&output.stdout).unwrap();
    Some(certificates.iter().map(certificate_fingerprint).collect())
}

fn keytool(arguments: &[&str]) -> bool {
    Command::new("keytool").args(arguments).output().is_ok_and(|o| o.status.success())
}

#[test]
fn stores_made_by_keytool_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let passwords = KeystorePasswords::same(Secret::new("changeit".to_owned()));
    for (kind, key, size) in [
        ("PKCS12", "RSA", "2048"),
        ("PKCS12", "EC", "256"),
        ("JKS", "RSA", "2048"),
        ("JKS", "EC", "384"),
        ("JCEKS", "EC", "256"),
    ] {
        let path = dir.path().join(format!("{kind}-{key}-{size}"));
        let file = path.to_str().unwrap();
        let common = ["-keystore", file, "-storepass", "changeit", "-storetype", kind, "-alias"];
        let make = ["-genkeypair", "-dname", "CN=Tëst, O=x", "-keyalg", key, "-keysize", size, "-keypass", "changeit"];
        if !keytool(&[&make[..], &common, &["server"]].concat()) {
            println!("skipped: keytool is missing or refuses {kind}");
            continue;
        }
        let read = read_keystore(&std::fs::read(&path).unwrap(), &passwords);
        if kind == "JCEKS" {
            assert!(matches!(read, Err(KeystoreError::Unsupported { .. })));
            continue;
        }
        let entry = read.unwrap().into_key(Some("SERVER")).unwrap();
        let ours: BTreeSet<_> = entry.chain.iter().map(certificate_fingerprint).collect();
        assert_eq!(Some(ours), listed_fingerprints(&path, "changeit"));
        assert!(rustls::crypto::aws_lc_rs::sign::any_supported_type(entry.key.expose()).is_ok());
        let wrong = KeystorePasswords::same(Secret::new("changeme".to_owned()));
        assert!(matches!(read_keystore(&std::fs::read(&path).unwrap(), &wrong), Err(KeystoreError::WrongPassword)));
    }
}
