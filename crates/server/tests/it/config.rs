//! Configuration files of the real world, and files on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use server::config::{self, Diagnostic, Severity, codes};

/// Stands for an environment in which every variable is set.
#[expect(clippy::unnecessary_wraps, reason = "the signature of an environment")]
fn any_variable(name: &str) -> Option<String> {
    Some(match name {
        name if name.ends_with("_TYPE") => "postgresql".to_owned(),
        name if name.ends_with("_URL") => "jdbc:postgresql://localhost:5432/apim".to_owned(),
        "NODE_IP" => "127.0.0.1".to_owned(),
        _ => "value".to_owned(),
    })
}

fn no_variable(_: &str) -> Option<String> {
    None
}

fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.display());
    None
}

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            toml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
}

fn findings(path: &Path, overlay: Option<&Path>) -> Vec<Diagnostic> {
    match config::load(path, overlay, &any_variable) {
        Ok(loaded) => loaded.notes,
        Err(findings) => findings,
    }
}

/// Every key of every file is a setting, or is answered by name; what the answers are is counted and printed.
#[test]
fn no_key_of_a_real_file_is_unknown() {
    let Some(folder) = shared("corpus/deployment-toml") else { return };
    let mut files = Vec::new();
    toml_files(&folder, &mut files);
    assert!(files.len() > 50, "the corpus has {} files", files.len());
    let mut unknown = Vec::new();
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &files {
        for finding in findings(file, None) {
            *tally.entry(finding.code).or_default() += 1 + finding.more;
            if finding.code == codes::UNKNOWN {
                unknown.push(finding.render());
            }
            assert!(!finding.summary.is_empty() && !finding.reason.is_empty(), "{finding:?}");
            assert!(finding.severity == Severity::Note || !finding.fix.is_empty(), "{finding:?}");
        }
    }
    println!("{} files, findings by code: {tally:?}", files.len());
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

/// The fragments of the conformance runner are laid over our own file.
#[test]
fn no_key_of_a_conformance_overlay_is_unknown() {
    let Some(folder) = shared("conformance/apim/artifacts/configFiles") else { return };
    let mut files = Vec::new();
    toml_files(&folder, &mut files);
    assert!(!files.is_empty());
    let home = tempfile::tempdir().unwrap();
    let base = home.path().join("deployment.toml");
    std::fs::write(&base, config::default_file(&host("localhost"))).unwrap();
    for file in &files {
        let findings = findings(&base, Some(file));
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
            println!("{}", finding.render());
        }
        assert!(findings.iter().all(|finding| finding.code != codes::UNKNOWN), "{}", config::render_all(&findings));
    }
}

/// The default host name, taken from a loaded configuration, because only the parser can make one.
fn host(name: &str) -> config::HostName {
    let text = format!("[server]\nhostname = \"{name}\"\n");
    config::load_texts(&[("t".to_owned(), text)], &no_variable).unwrap().config.server.hostname
}

fn load_bytes(bytes: &[u8]) -> Vec<Diagnostic> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("deployment.toml");
    std::fs::write(&file, bytes).unwrap();
    config::load(&file, None, &no_variable).unwrap_err()
}

#[test]
fn a_file_that_is_not_text_names_the_byte() {
    let findings = load_bytes(b"[server]\nhostname = \"\xff\"\n");
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code, findings[0].line, findings[0].column), (codes::NOT_UTF8, 2, 13));
}

#[test]
fn a_huge_file_is_not_read() {
    let findings = load_bytes(&vec![b'#'; 2 << 20]);
    assert_eq!(findings[0].code, codes::TOO_LARGE);
    let at_the_cap = vec![b'#'; 1 << 20];
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("deployment.toml");
    std::fs::write(&file, at_the_cap).unwrap();
    assert!(config::load(&file, None, &no_variable).is_ok());
}

#[test]
fn missing_files_are_all_named() {
    let findings =
        config::load(Path::new("/no/base.toml"), Some(Path::new("/no/overlay.toml")), &no_variable).unwrap_err();
    let files: Vec<&str> = findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["/no/base.toml", "/no/overlay.toml"]);
    assert!(findings[0].render().contains("run `portcullis init`"));
    let home = tempfile::tempdir().unwrap();
    assert_eq!(config::load(home.path(), None, &no_variable).unwrap_err()[0].code, codes::UNREADABLE);
}

#[test]
fn the_overlay_wins_key_by_key_and_replaces_arrays_of_tables() {
    let base = "[server]\nhostname = \"a.example\"\noffset = 3\n\
                [[apim.gateway.environment]]\nname = \"One\"\n[[apim.gateway.environment]]\nname = \"Two\"\n";
    let overlay = "[server]\noffset = 5\n[[apim.gateway.environment]]\nname = \"Three\"\n";
    let texts = [("base.toml".to_owned(), base.to_owned()), ("over.toml".to_owned(), overlay.to_owned())];
    let loaded = config::load_texts(&texts, &no_variable).unwrap();
    assert_eq!(loaded.config.server.hostname.as_str(), "a.example");
    assert_eq!(loaded.config.listeners.console.port(), 9448);
    let names: Vec<&str> = loaded.config.environments.iter().map(|environment| environment.name.as_str()).collect();
    assert_eq!(names, ["Three"]);
    let origin = |path: &str| loaded.effective.iter().find(|value| value.path == path).unwrap().origin.clone();
    assert_eq!(origin("server.hostname"), "base.toml:2");
    assert_eq!(origin("server.offset"), "over.toml:2");
    assert_eq!(origin("status.port"), "default");
}
