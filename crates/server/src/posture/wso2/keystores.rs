//! Key stores of a WSO2 home: those that settings name, and those that lie about.

use std::path::{Path, PathBuf};

use guidelines::{KeystoreFacts, KeystorePurpose};
use model::{Secret, Timestamp};
use vault::keystore::inspect_keystore;

use super::super::{certificates, home};
use super::{Layout, Settings};
use crate::config::is_known_password;

/// Passwords of shipped stores.
const SHIPPED: [&str; 4] = ["wso2carbon", "changeit", "password", "admin"];

/// How deep directories are searched for stores.
const MAX_DEPTH: usize = 8;

/// Most stores that are looked into.
const MAX_STORES: usize = 500;

pub(super) fn read(
    layout: &Layout,
    settings: &Settings,
    guesses: &[Secret<String>],
    now: Timestamp,
) -> Vec<KeystoreFacts> {
    let mut stores: Vec<KeystoreFacts> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for (section, purpose, shipped) in [
        ("keystore.tls", KeystorePurpose::Tls, "wso2carbon.jks"),
        ("keystore.primary", KeystorePurpose::Signing, ""),
        ("keystore.internal", KeystorePurpose::Encryption, ""),
        ("truststore", KeystorePurpose::Trust, "client-truststore.jks"),
    ] {
        let key = format!("{section}.file_name");
        // Stores that are left out are the TLS store again.
        let name = settings.text_or(&key, shipped);
        if name.is_empty() || Settings::is_reference(&name) {
            continue;
        }
        let path = find(layout, &name);
        let written = settings.text_or(&format!("{section}.password"), "wso2carbon");
        let mut own: Vec<Secret<String>> = Vec::new();
        if !Settings::is_reference(&written) {
            own.push(Secret::new(written));
        }
        let mut store = inspect(layout, &path, purpose, &own, guesses, now);
        store.section = section.to_owned();
        if purpose == KeystorePurpose::Tls {
            let host = settings.text_or("server.hostname", "localhost");
            store.wanted_names = if Settings::is_reference(&host) { Vec::new() } else { vec![host] };
        }
        if settings.entries.contains_key(&key) || path.exists() || !shipped.is_empty() {
            seen.push(path);
            stores.push(store);
        }
    }
    let mut others = Vec::new();
    search(&layout.root, 0, &mut others);
    for path in others.into_iter().filter(|path| !seen.contains(path)).take(MAX_STORES) {
        let mut store = inspect(layout, &path, KeystorePurpose::Unreferenced, &[], guesses, now);
        let trust = !store.certificates.is_empty() && store.certificates.iter().all(|certificate| !certificate.has_key);
        if trust {
            store = inspect(layout, &path, KeystorePurpose::Trust, &[], guesses, now);
        }
        stores.push(store);
    }
    stores
}

/// A store by the name that a setting gives it.
fn find(layout: &Layout, name: &str) -> PathBuf {
    let name = name.replace("${carbon.home}/", "");
    let name = Path::new(name.trim());
    if name.is_absolute() {
        return name.to_owned();
    }
    let usual = layout.root.join("repository/resources/security").join(name);
    if usual.exists() { usual } else { Some(layout.root.join(name)).filter(|path| path.exists()).unwrap_or(usual) }
}

fn inspect(
    layout: &Layout,
    path: &Path,
    purpose: KeystorePurpose,
    own: &[Secret<String>],
    guesses: &[Secret<String>],
    now: Timestamp,
) -> KeystoreFacts {
    let mut store = KeystoreFacts { place: layout.shown(path), purpose, ..KeystoreFacts::default() };
    let bytes = match home::read(path) {
        Ok(bytes) => bytes,
        Err(why) => {
            store.unreadable = Some(why);
            return store;
        }
    };
    let shipped = SHIPPED.map(|text| Secret::new(text.to_owned()));
    let all: Vec<Secret<String>> = own.iter().chain(&shipped).chain(guesses).cloned().collect();
    let inspection = inspect_keystore(&bytes, &all);
    store.known_password = inspection
        .opened_by
        .and_then(|index| all.get(index))
        .is_some_and(|password| is_known_password(password.expose()));
    certificates::fill(&mut store, &inspection, now);
    store
}

/// Files that look like key stores, by suffix.
fn search(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if depth > MAX_DEPTH || found.len() >= MAX_STORES {
        return;
    }
    let Ok(listed) = std::fs::read_dir(directory) else { return };
    let mut entries: Vec<_> = listed.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() {
            search(&path, depth + 1, found);
        } else if kind.is_file() {
            let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
            if matches!(end.as_str(), "jks" | "jceks" | "p12" | "pfx" | "keystore" | "pem" | "crt" | "cer" | "bcfks") {
                found.push(path);
            }
        }
    }
}
