//! Facts that the files of a home say.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guidelines::{
    FileFacts, FileKind, KeystoreFacts, KeystorePurpose, Observed, PlainSecret, ProcessFacts, SecretFacts,
    VaultKeySource,
};
use model::{Secret, Timestamp};
use rustix::process::{Resource, getrlimit};
use rustls::pki_types::CertificateDer;
use vault::keystore::inspect_keystore;

use super::certificates;
use super::configuration::Settings;
use crate::config::{self, Config, KeystoreFile, SecretRef, VaultKey};
use crate::home::Home;
use crate::installation::{Secrets, key_directory, master_key_file, next_master_key};

/// Most bytes of a file that is looked into.
const CAP: u64 = 16 << 20;

/// Most files of a directory that are looked at.
const MAX_FILES: usize = 10_000;

/// Resolves secrets without changing anything: it opens the vault, and never makes or finishes one.
pub(crate) fn resolver(home: &Home, config: &Config) -> Option<Secrets> {
    let changing = master_key_file(home, config).is_some_and(|file| next_master_key(&file).exists());
    if changing {
        return None;
    }
    let keyring = key_directory(home, config).ok()?.open_keyring().ok()?;
    Some(Secrets::over(home, config, Arc::new(keyring)))
}

pub(super) fn keystores(settings: &Settings<'_>, now: Timestamp) -> Observed<Vec<KeystoreFacts>> {
    let Settings { home, config, .. } = settings;
    let secrets = resolver(home, config);
    let mut stores = Vec::new();
    let tls = config.tls_keystore.as_ref();
    let directory = vault::KeyDirectory::new(home.security());
    let mut add = |purpose, section: &str, files: Vec<PathBuf>, password: Option<&SecretRef>| {
        let guess = password.map(|place| secrets.as_ref().and_then(|secrets| secrets.resolve(place).ok()));
        let mut store = KeystoreFacts {
            place: files.first().map(|file| file.display().to_string()).unwrap_or_default(),
            purpose,
            section: section.to_owned(),
            wanted_names: if purpose == KeystorePurpose::Tls {
                vec![config.server.hostname.as_str().to_owned()]
            } else {
                Vec::new()
            },
            ..KeystoreFacts::default()
        };
        match (read_all(&files), guess) {
            (Err(error), _) => store.unreadable = Some(error),
            (Ok(_), Some(None)) => store.unreadable = Some("its password cannot be opened".to_owned()),
            (Ok(bytes), guess) => {
                let guess = guess.flatten().unwrap_or_else(|| Secret::new(String::new()));
                store.known_password = config::is_known_password(guess.expose());
                certificates::fill(&mut store, &inspect_keystore(&bytes, &[guess]), now);
            }
        }
        stores.push(store);
    };
    match tls.map(|keystore| &keystore.file) {
        None => {
            let files = vec![directory.tls_certificate_path(), directory.tls_key_path()];
            add(KeystorePurpose::Tls, "keystore.tls", files, None);
        }
        Some(file) => {
            let (files, password) = files_of(home, file);
            add(KeystorePurpose::Tls, "keystore.tls", files, password);
        }
    }
    if let Some(keystore) = &config.signing_keystore {
        let (files, password) = files_of(home, &keystore.file);
        add(KeystorePurpose::Signing, "keystore.primary", files, password);
    }
    if let Some(truststore) = &config.truststore {
        let files = vec![home.root().join(&truststore.path)];
        add(KeystorePurpose::Trust, "truststore", files, truststore.password.as_ref());
    }
    Observed::Known(stores)
}

fn files_of<'a>(home: &Home, file: &'a KeystoreFile) -> (Vec<PathBuf>, Option<&'a SecretRef>) {
    let at = |path: &Path| home.root().join(path);
    match file {
        KeystoreFile::Pem { chain, key, .. } => (vec![at(chain), at(key)], None),
        KeystoreFile::Pkcs12 { path, password } | KeystoreFile::Jks { path, password, .. } => {
            (vec![at(path)], Some(password))
        }
    }
}

fn read_all(files: &[PathBuf]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend(read(file)?);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// A regular file of bounded size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let metadata = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    if metadata.len() > CAP {
        return Err(format!("is larger than {CAP} bytes"));
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(CAP).read_to_end(&mut bytes));
    opened.map_err(|e| e.to_string())?;
    Ok(bytes)
}

pub(super) fn secrets(settings: &Settings<'_>) -> Observed<SecretFacts> {
    let Settings { home, config, .. } = settings;
    let path = home.config_file();
    let text = match read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
        Ok(text) => text,
        Err(why) => return Observed::unknown(format!("{} {why}", path.display()), "a readable deployment.toml"),
    };
    let line_of = |alias: &str| {
        let named = |line: &str| {
            let line = line.trim_start().trim_start_matches(['"', '\'']);
            line.strip_prefix(alias)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with('='))
        };
        text.lines().position(named).map_or(0, |index| index.saturating_add(1))
    };
    let place = |alias: &str| PlainSecret::new(format!("deployment.toml:{}", line_of(alias)), alias);
    let unused = config.secrets.keys().filter(|alias| !text.contains(&format!("$secret{{{alias}}}")));
    let keyring = key_directory_if_settled(home, config);
    let stale = |sealed: &str| keyring.as_ref().is_some_and(|keyring| keyring.is_stale(sealed));
    let old = config.secrets.iter().filter(|(_, sealed)| stale(sealed)).map(|(alias, _)| place(alias));
    Observed::Known(SecretFacts {
        searched: 1,
        // The parser refuses plain secrets and dangling references with line and column, so a configuration that was
        // read has none; the command line takes secrets from files only.
        plain: Vec::new(),
        dangling: Vec::new(),
        in_arguments: Vec::new(),
        suspicious: super::wso2::literals::suspicious(&text, "deployment.toml"),
        old_key: old.collect(),
        unused: unused.map(|alias| place(alias)).collect(),
        key_source: Some(match &config.vault {
            VaultKey::File(_) => VaultKeySource::File,
            VaultKey::Env(_) => VaultKeySource::Environment,
            VaultKey::Systemd(_) => VaultKeySource::Systemd,
            VaultKey::Passphrase(_) => VaultKeySource::Passphrase,
        }),
    })
}

fn key_directory_if_settled(home: &Home, config: &Config) -> Option<vault::Keyring> {
    let changing = master_key_file(home, config).is_some_and(|file| next_master_key(&file).exists());
    if changing { None } else { key_directory(home, config).ok()?.open_keyring().ok() }
}

pub(super) fn files(settings: &Settings<'_>) -> Observed<Vec<FileFacts>> {
    let Settings { home, config, .. } = settings;
    let mut found = Vec::new();
    let mut add = |path: &Path, kind| found.extend(fact(path, kind));
    add(home.root(), FileKind::Home);
    add(&home.config_file(), FileKind::Configuration);
    add(&home.security(), FileKind::KeyDirectory);
    let database = match &config.database {
        config::Database::Sqlite { path } => {
            Some(path.as_ref().map_or_else(|| home.database_file(), |path| home.root().join(path)))
        }
        config::Database::Postgres(_) => None,
    };
    if let Some(database) = database {
        add(&database, FileKind::Database);
    }
    // Landlock hides the directory of the program from the running server; its attributes stay visible.
    if let Ok(program) = std::env::current_exe() {
        add(&program, FileKind::Program);
    }
    for entry in entries(&home.security()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "lock" && !name.starts_with('.') && !is_public(&entry.path()) {
            found.extend(fact(&entry.path(), FileKind::PrivateKey));
        }
    }
    let keystores = config.tls_keystore.iter().chain(&config.signing_keystore);
    for file in keystores.flat_map(|keystore| files_of(home, &keystore.file).0.into_iter().last()) {
        found.extend(fact(&file, FileKind::PrivateKey));
    }
    for entry in entries(home.root()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(kind) = stray(&name) {
            found.extend(fact(&entry.path(), kind));
        }
    }
    for entry in entries(&home.logs()) {
        found.extend(fact(&entry.path(), FileKind::Log));
    }
    Observed::Known(found)
}

/// Whether a file holds certificates and nothing else: those are for everybody. What cannot be read may be a key.
fn is_public(path: &Path) -> bool {
    let Ok(bytes) = read(path) else { return false };
    let Ok(text) = std::str::from_utf8(&bytes) else { return false };
    let mut frames = text.lines().filter(|line| line.starts_with("-----BEGIN ")).peekable();
    frames.peek().is_some() && frames.all(|frame| matches!(frame.trim_end(), CERTIFICATE_FRAME | REQUEST_FRAME))
}

const CERTIFICATE_FRAME: &str = "-----BEGIN CERTIFICATE-----";
const REQUEST_FRAME: &str = "-----BEGIN CERTIFICATE REQUEST-----";

/// Certificates that lead to the one that listeners present, as far as the configuration holds them: what a client of
/// this installation trusts besides the installation's own authority.
pub(crate) fn served_authorities(home: &Home, config: &Config) -> Vec<CertificateDer<'static>> {
    let Some(keystore) = &config.tls_keystore else { return Vec::new() };
    let secrets = resolver(home, config);
    let (files, password) = files_of(home, &keystore.file);
    let guess = password.and_then(|place| secrets.as_ref()?.resolve(place).ok());
    let Ok(bytes) = read_all(&files) else { return Vec::new() };
    let found = inspect_keystore(&bytes, &[guess.unwrap_or_else(|| Secret::new(String::new()))]);
    let issuers = |chain: Vec<CertificateDer<'static>>| match chain.len() {
        // One that vouches for itself.
        0 | 1 => chain,
        _ => chain.into_iter().skip(1).collect(),
    };
    found.entries.into_iter().filter(|entry| entry.has_key).flat_map(|entry| issuers(entry.chain)).collect()
}

/// What a file is that should not lie in a home.
pub(super) fn stray(name: &str) -> Option<FileKind> {
    let lower = name.to_ascii_lowercase();
    let copy = [".bak", ".orig", ".old", "~", ".swp", ".save", ".copy", ".tmp"].iter().any(|end| lower.ends_with(end));
    if copy && (lower.contains("deployment.toml") || lower.ends_with(".xml.bak") || lower.contains("log4j2")) {
        return Some(FileKind::ConfigurationCopy);
    }
    let core = lower == "core"
        || lower.strip_prefix("core.").is_some_and(|pid| pid.chars().all(|c| c.is_ascii_digit()) && !pid.is_empty());
    (core || lower.ends_with(".hprof") || lower.ends_with(".phd")).then_some(FileKind::Dump)
}

/// The regular files of a directory, at most [`MAX_FILES`].
pub(super) fn entries(directory: &Path) -> Vec<std::fs::DirEntry> {
    let Ok(listed) = std::fs::read_dir(directory) else { return Vec::new() };
    let regular = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let mut found: Vec<_> = listed.flatten().filter(regular).take(MAX_FILES).collect();
    found.sort_by_key(std::fs::DirEntry::file_name);
    found
}

/// Owner and mode of a file that exists.
pub(super) fn fact(path: &Path, kind: FileKind) -> Option<FileFacts> {
    let metadata = std::fs::metadata(path).ok()?;
    let (mode, owner) = (metadata.permissions().mode(), metadata.uid());
    Some(FileFacts { path: path.display().to_string(), kind, mode, owner })
}

/// Bytes that one connection may buffer beside its head: TLS records of both sides and the windows of HTTP/2.
const PER_CONNECTION: u64 = 96 << 10;

/// Files beside connections: database, logs, keys, threads' event queues.
const OTHER_FILES: u64 = 128;

pub(super) fn process(settings: &Settings<'_>) -> Observed<ProcessFacts> {
    let gateway = &settings.config.gateway;
    let connections = gateway.max_connections.get();
    let head = gateway.max_header_size.bytes();
    // The limits of the process that serves; before it runs, those that it would inherit from whoever asks.
    let serving = crate::host::serving(settings.home);
    let limits = serving.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/limits")).ok());
    let limit = |name: &str, own: Resource| match &limits {
        Some(text) => soft_limit(text, name),
        None => getrlimit(own).current,
    };
    Observed::Known(ProcessFacts {
        // Whoever runs the audit, the service is the owner of its keys; a start says who it is.
        uid: fact(&settings.home.security(), FileKind::KeyDirectory)
            .map_or_else(|| rustix::process::geteuid().as_raw(), |directory| directory.owner),
        open_files: Some(limit("Max open files", Resource::Nofile).unwrap_or(u64::MAX)),
        // Each client connection may have one to a backend.
        open_files_needed: connections.saturating_mul(2).saturating_add(OTHER_FILES),
        memory_ceiling: group_ceiling(serving).or_else(|| limit("Max address space", Resource::As)),
        memory_needed: connections.saturating_mul(head.saturating_add(PER_CONNECTION)),
        free_bytes: rustix::fs::statvfs(settings.home.root()).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize)),
        data_bytes: std::fs::metadata(settings.home.database_file()).map_or(0, |metadata| metadata.len()),
    })
}

/// A soft limit as `/proc/PID/limits` prints it; `None` = there is none.
fn soft_limit(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// The ceiling of a process's control group (version 2).
fn group_ceiling(pid: Option<u32>) -> Option<u64> {
    let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let group = std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    let path = group.lines().find_map(|line| line.strip_prefix("0::"))?;
    let file = format!("/sys/fs/cgroup{}/memory.max", path.trim_end_matches('/'));
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{is_public, soft_limit};

    #[test]
    fn only_files_that_hold_nothing_but_certificates_are_public() {
        let directory = tempfile::tempdir().unwrap();
        let is = |text: &[u8]| {
            let path = directory.path().join("x.pem");
            std::fs::write(&path, text).unwrap();
            is_public(&path)
        };
        let certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
        assert!(is(certificate.as_bytes()) && is([certificate, certificate].concat().as_bytes()));
        assert!(!is([certificate, key].concat().as_bytes()) && !is(key.as_bytes()));
        assert!(!is(b"") && !is(b"PORTCULLIS KEY") && !is(&[0x30, 0x82, 0xff]));
        assert!(!is_public(&directory.path().join("absent")));
    }

    #[test]
    fn limits_are_read_as_the_kernel_prints_them() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            20000                524288               files     \n\
                    Max address space         unlimited            unlimited            bytes     \n";
        assert_eq!(soft_limit(text, "Max open files"), Some(20_000));
        assert_eq!(soft_limit(text, "Max address space"), None);
    }
}
