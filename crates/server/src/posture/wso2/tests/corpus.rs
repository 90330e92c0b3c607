//! Real configuration, log configuration and key stores, assembled to homes. Skipped where they do not lie beside the
//! repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use guidelines::{Finding, findings};
use rustls::pki_types::CertificateDer;

use super::{NOW, put};
use crate::posture::wso2::collect;

fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    path.is_dir().then_some(path)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Certificates in raw bytes, found without knowing the format of the file.
fn defaults_in(bytes: &[u8]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for start in 0..bytes.len().saturating_sub(4) {
        if bytes[start] == 0x30 && bytes[start + 1] == 0x82 {
            let length = usize::from(bytes[start + 2]) << 8 | usize::from(bytes[start + 3]);
            if let Some(der) = bytes.get(start..start + 4 + length) {
                found.extend(vault::public_default_product(&CertificateDer::from(der.to_vec())));
            }
        }
    }
    found
}

/// Lines with a password of the distribution, outside comments: number and value.
fn default_credentials(text: &str) -> Vec<usize> {
    let is = |line: &str| {
        let Some((key, value)) = line.split_once('=') else { return false };
        let key = key.trim().to_ascii_lowercase();
        let value = value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        !line.trim_start().starts_with('#') && key.ends_with("password") && matches!(value, "admin" | "wso2carbon")
    };
    text.lines().enumerate().filter(|(_, line)| is(line)).map(|(number, _)| number + 1).collect()
}

fn at(found: &[Finding], id: &str, place: &str) -> bool {
    found.iter().any(|finding| finding.check.id == id && finding.fault.place.ends_with(place))
}

#[test]
fn every_configuration_log_configuration_and_key_store_goes_through() {
    let Some(corpus) = corpus() else {
        println!("skipped: the corpus does not lie beside the repository");
        return;
    };
    let settings = files(&corpus.join("deployment-toml"));
    let logs = files(&corpus.join("log4j2"));
    let stores = files(&corpus.join("keystore"));
    assert_eq!((settings.len(), logs.len(), stores.len()), (81, 21, 25));
    let (mut credentials, mut certificates, mut all) = (0, 0, 0);
    for (index, file) in settings.iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("home");
        let text = std::fs::read(file).unwrap();
        let integrator = String::from_utf8_lossy(&text).contains("management_api");
        let conf = root.join(if integrator { "conf" } else { "repository/conf" });
        put(&conf.join("deployment.toml"), &text, 0o600);
        put(&conf.join("log4j2.properties"), &std::fs::read(&logs[index % logs.len()]).unwrap(), 0o600);
        let store = std::fs::read(&stores[index % stores.len()]).unwrap();
        put(&root.join("repository/resources/security/wso2carbon.jks"), &store, 0o600);
        let found = findings(&collect(&root, &[], NOW).unwrap());
        assert!(!found.is_empty(), "{}", file.display());
        all += found.len();
        for line in default_credentials(&String::from_utf8_lossy(&text)) {
            credentials += 1;
            let place = format!("deployment.toml:{line}");
            assert!(at(&found, "A03.2", &place), "{}: line {line} is not found", file.display());
        }
        let expected = defaults_in(&store);
        certificates += expected.len();
        for product in expected {
            let named = |finding: &Finding| {
                ["A02.1", "A02.10"].contains(&finding.check.id) && finding.fault.observed.contains(product)
            };
            assert!(found.iter().any(named), "{}: {product}", stores[index % stores.len()].display());
        }
    }
    println!(
        "81 homes: {all} findings, {credentials} default passwords, {certificates} default certificates, none missed"
    );
    assert!(credentials > 50 && certificates > 5);
}

#[test]
fn every_key_store_is_read_or_named_as_unreadable() {
    let Some(corpus) = corpus() else {
        println!("skipped: the corpus does not lie beside the repository");
        return;
    };
    let (mut read, mut unreadable) = (0, 0);
    for file in files(&corpus.join("keystore")) {
        let inspection = vault::keystore::inspect_keystore(&std::fs::read(&file).unwrap(), &[]);
        match inspection.fault {
            None => read += inspection.entries.len(),
            Some(why) => {
                unreadable += 1;
                println!("{}: {why}", file.display());
            }
        }
    }
    println!("{read} entries read, {unreadable} stores that need their password");
    assert!(unreadable <= 5);
}

#[test]
fn every_configuration_can_be_migrated() {
    let Some(corpus) = corpus() else {
        println!("skipped: the corpus does not lie beside the repository");
        return;
    };
    let (mut carried, mut clean) = (0, 0);
    for file in files(&corpus.join("deployment-toml")) {
        let directory = tempfile::tempdir().unwrap();
        let (root, out) = (directory.path().join("home"), directory.path().join("out"));
        put(&root.join("repository/conf/deployment.toml"), &std::fs::read(&file).unwrap(), 0o600);
        let arguments = crate::cli::MigrateArguments { wso2_home: root, out: out.clone(), password_file: None };
        let terminal = crate::terminal::Terminal::new(crate::cli::Format::Json, true);
        crate::command::migrate::run(&arguments, terminal).unwrap();
        let text = std::fs::read_to_string(out.join("deployment.toml")).unwrap();
        let given = |_: &str| Some("set".to_owned());
        let loaded = crate::config::load_texts(&[("deployment.toml".to_owned(), text.clone())], &given);
        assert!(loaded.is_ok(), "{}: {:?}\n{text}", file.display(), loaded.err());
        let plain = |line: &&str| {
            let (key, value) = line.split_once(" = ").unwrap_or_default();
            key.to_ascii_lowercase().ends_with("password") && !value.starts_with("\"$") && value != "\"\""
        };
        assert_eq!(text.lines().find(plain), None, "{}", file.display());
        carried += text.lines().filter(|line| line.contains(" = ")).count();
        clean += usize::from(std::fs::read_to_string(out.join("MIGRATION.md")).unwrap().contains("## To do"));
    }
    println!("81 configurations migrated, {carried} settings carried over");
    assert_eq!(clean, 81);
}
