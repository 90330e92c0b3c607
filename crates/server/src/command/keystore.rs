//! `portcullis keystore`

use std::path::{Path, PathBuf};

use model::{Secret, Timestamp};
use serde_json::json;
use vault::keystore::{KeyEntry, Keystore, KeystorePasswords, read_keystore};
use vault::{CertificatePurpose, certificate_fingerprint, check_certificate};

use super::password::read_secret;
use crate::cli::KeystoreCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Report};
use crate::home::Home;
use crate::installation::{certificate_names, key_directory, key_failure, load_config, world};
use crate::terminal::{Terminal, table};

/// Largest keystore that is read, bytes.
const CAP: u64 = 16 << 20;

pub(super) fn run(home: &Home, command: KeystoreCommand, terminal: Terminal) -> Outcome {
    match command {
        KeystoreCommand::List { file, password_file } => {
            let stores = stores(home, file, password_file.as_deref(), terminal)?;
            list(&stores, terminal);
            Ok(())
        }
        KeystoreCommand::Check { file, password_file } => {
            let stores = stores(home, file, password_file.as_deref(), terminal)?;
            check(&stores, world().0.now(), terminal)
        }
        KeystoreCommand::Generate => generate(home, terminal),
        KeystoreCommand::ExportCa => {
            home.require_initialised()?;
            let path = home.ca_file();
            let pem = std::fs::read_to_string(&path).map_err(|e| Failure::io(&path, "read", &e))?;
            terminal.raw(pem.trim_end());
            Ok(())
        }
    }
}

/// The named keystore, or the files of the home's own identity.
fn stores(
    home: &Home,
    file: Option<PathBuf>,
    password_file: Option<&Path>,
    terminal: Terminal,
) -> Outcome<Vec<(PathBuf, Keystore)>> {
    if let Some(file) = file {
        let bytes = read(&file)?;
        let is_pem = vault::keystore::KeystoreFormat::detect(&bytes) == Some(vault::keystore::KeystoreFormat::Pem);
        let password = if is_pem {
            Secret::new(String::new())
        } else {
            read_secret("Password of the keystore (not shown): ", password_file, false, terminal)?
        };
        let store = open(&file, &bytes, password)?;
        return Ok(vec![(file, store)]);
    }
    home.require_initialised()?;
    let directory = vault::KeyDirectory::new(home.security());
    // Chain and key are two files; together they are one identity.
    let mut pair = read(&directory.tls_certificate_path())?;
    pair.extend(read(&directory.tls_key_path())?);
    let tls = open(&directory.tls_certificate_path(), &pair, Secret::new(String::new()))?;
    let ca = open(&home.ca_file(), &read(&home.ca_file())?, Secret::new(String::new()))?;
    Ok(vec![(directory.tls_certificate_path(), tls), (home.ca_file(), ca)])
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(CAP).read_to_end(&mut bytes));
    read.map_err(|e| Failure::io(path, "read", &e))?;
    Ok(bytes)
}

fn open(path: &Path, bytes: &[u8], password: Secret<String>) -> Outcome<Keystore> {
    read_keystore(bytes, &KeystorePasswords::same(password)).map_err(|e| {
        Failure::from_text(Exit::Vault, "KEY001", format!("{} cannot be used", path.display()), &e.to_string())
    })
}

fn list(stores: &[(PathBuf, Keystore)], terminal: Terminal) {
    let mut rows = Vec::new();
    for (path, store) in stores {
        let mut push = |alias: &str, kind: &str, fingerprint: String| {
            rows.push(vec![path.display().to_string(), alias.to_owned(), kind.to_owned(), fingerprint]);
        };
        for entry in &store.keys {
            push(&entry.alias, "key", entry.chain.first().map(certificate_fingerprint).unwrap_or_default());
        }
        for trusted in &store.trusted {
            push(&trusted.alias, "certificate", certificate_fingerprint(&trusted.certificate));
        }
    }
    let data: Vec<_> = rows
        .iter()
        .map(|r| json!({ "file": r.first(), "alias": r.get(1), "kind": r.get(2), "sha256": r.get(3) }))
        .collect();
    terminal.result(&json!(data), || table(&["file", "alias", "kind", "sha-256"], &rows));
}

fn check(stores: &[(PathBuf, Keystore)], now: Timestamp, terminal: Terminal) -> Outcome {
    let mut reports = Vec::new();
    let mut checked = 0_usize;
    for (path, store) in stores {
        let mut judge = |alias: &str, faults: Vec<vault::CertificateFault>| {
            checked = checked.saturating_add(1);
            reports.extend(faults.into_iter().map(|fault| Report {
                code: fault.rule.id(),
                what: format!("{} {alias}: {}", path.display(), fault.observed),
                why: format!("wanted: {}", fault.rule.desired()),
                fix: fault.rule.fix().to_owned(),
            }));
        };
        for KeyEntry { alias, chain, key } in &store.keys {
            judge(alias, check_certificate(chain, Some(key.expose()), now, CertificatePurpose::Identity));
        }
        for trusted in &store.trusted {
            let chain = std::slice::from_ref(&trusted.certificate);
            judge(&trusted.alias, check_certificate(chain, None, now, CertificatePurpose::TrustAnchor));
        }
    }
    if !reports.is_empty() {
        return Err(Failure { exit: Exit::Refused, reports });
    }
    terminal.result(&json!({ "checked": checked, "faults": [] }), || format!("{checked} entries keep every rule."));
    Ok(())
}

/// The certificate goes first: a key without its certificate is completed, a certificate without its key is a loss.
fn generate(home: &Home, terminal: Terminal) -> Outcome {
    let loaded = load_config(home, None)?;
    let (clock, rng) = world();
    let directory = key_directory(home, &loaded.config)?;
    for path in [directory.tls_certificate_path(), directory.tls_key_path()] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::io(&path, "replace", &error));
            }
            _ => {}
        }
    }
    let names = certificate_names(&loaded.config);
    let keys = directory.open_or_create(&names, clock.as_ref(), rng.as_ref()).map_err(|e| key_failure(&e))?;
    let fingerprint = keys.tls.chain.first().map(certificate_fingerprint).unwrap_or_default();
    terminal.result(&json!({ "names": names, "sha256": fingerprint }), || {
        format!("A new certificate for {} is in place; a running server takes it within seconds.", names.join(", "))
    });
    Ok(())
}
