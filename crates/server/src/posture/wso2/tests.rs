mod corpus;
mod mutations;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use guidelines::{Judgement, evaluate, findings};
use model::{Secret, Timestamp};

use super::collect;

/// 2026-11-21.
const NOW: Timestamp = Timestamp::from_seconds(1_795_219_200);

/// A hardened home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// API Manager.
    Api,
    /// Micro Integrator.
    Mi,
}

/// A seeded misconfiguration.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Section and name of a line, and what stands there instead; empty = left out, name `*` = the whole section.
    Line(&'static str, &'static str, &'static str),
    /// Options of the start script with a prefix, and the one instead.
    Option(&'static str, &'static str),
    /// Text of log4j2.properties, and what stands there instead. A key without value stands for its lines.
    Log(&'static str, &'static str),
    /// A file that is made when it is missing, and its mode; 0 cuts it short.
    File(&'static str, u32),
    /// A file and its text.
    Write(&'static str, &'static str),
}

struct Built {
    _directory: tempfile::TempDir,
    root: PathBuf,
    conf: PathBuf,
}

fn put(path: &Path, bytes: &[u8], mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A home that keeps every rule.
fn hardened(home: Home) -> Built {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("wso2");
    let (conf, settings, script) = match home {
        Home::Api => ("repository/conf", include_str!("fixtures/api-manager.toml"), "bin/api-manager.sh"),
        Home::Mi => ("conf", include_str!("fixtures/micro-integrator.toml"), "bin/micro-integrator.sh"),
    };
    let conf = root.join(conf);
    put(&conf.join("deployment.toml"), settings.as_bytes(), 0o640);
    put(&conf.join("log4j2.properties"), include_bytes!("fixtures/log4j2.properties"), 0o640);
    put(&root.join(script), include_bytes!("fixtures/start.sh"), 0o755);
    put(&root.join("bin/version.txt"), b"WSO2 Product 4.5.0\n", 0o644);
    put(&root.join("updates/config.json"), br#"{"update-level": "12"}"#, 0o644);
    let security = root.join("repository/resources/security");
    let rng = vault::SystemRng;
    let ca = vault::generate_ca("Own authority", NOW, &rng).unwrap();
    let issued = |name: &str| {
        let issued = vault::issue_server_certificate(&ca, &[name.to_owned()], NOW, &rng).unwrap();
        let key = base64::engine::general_purpose::STANDARD.encode(issued.key.expose().secret_der());
        format!("{}-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n", issued.chain_pem())
    };
    let host = if home == Home::Api { "gw.example.com" } else { "mi.example.com" };
    put(&security.join("gateway.p12"), issued(host).as_bytes(), 0o600);
    put(&security.join("signing.p12"), issued("signing").as_bytes(), 0o600);
    put(&security.join("trust.p12"), ca.certificate_pem().as_bytes(), 0o644);
    put(&root.join("repository/logs/wso2carbon.log"), b"", 0o640);
    put(&root.join("repository/logs/audit.log"), b"", 0o640);
    for path in [&root, &root.join("bin")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o750)).unwrap();
    }
    // Only root can give it away, and only root needs to.
    let _ = std::os::unix::fs::chown(&root, Some(990), None);
    Built { _directory: directory, root, conf }
}

impl Built {
    fn broken(&self) -> BTreeSet<&'static str> {
        let posture = collect(&self.root, &[], NOW).unwrap();
        evaluate(&posture).iter().filter(|e| matches!(e.judgement, Judgement::Broken(_))).map(|e| e.check.id).collect()
    }

    fn apply(&self, change: Change) {
        let edit = |path: PathBuf, change: &dyn Fn(&str) -> String| {
            let text = change(&std::fs::read_to_string(&path).unwrap());
            std::fs::write(&path, text).unwrap();
        };
        match change {
            Change::Line(section, name, line) => {
                edit(self.conf.join("deployment.toml"), &|text| replaced(text, section, name, line));
            }
            Change::Option(prefix, option) => edit(self.root.join("bin/api-manager.sh"), &|text| {
                let words = |line: &str| {
                    let kept: Vec<_> =
                        line.split(' ').map(|word| if word.starts_with(prefix) { option } else { word }).collect();
                    if kept.iter().all(|word| *word != option)
                        && option.starts_with(prefix)
                        && line.contains("carbon.home")
                    {
                        return format!("{} {option} \\", kept.join(" ").trim_end_matches(" \\"));
                    }
                    kept.join(" ")
                };
                text.lines().map(words).collect::<Vec<_>>().join("\n")
            }),
            Change::Log(old, new) => edit(self.conf.join("log4j2.properties"), &|text| {
                assert!(text.contains(old), "{old}");
                if new.is_empty() && !old.contains(['[', ' ']) {
                    return text.lines().filter(|line| !line.starts_with(old)).collect::<Vec<_>>().join("\n");
                }
                text.replace(old, new)
            }),
            Change::File(path, mode) => {
                let path = self.root.join(path);
                if !path.exists() {
                    put(&path, b"x", 0o600);
                }
                if mode == 0 {
                    let bytes = std::fs::read(&path).unwrap();
                    std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
                } else {
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                }
            }
            Change::Write(path, text) => put(&self.root.join(path), text.as_bytes(), 0o640),
        }
    }
}

/// A TOML text with one line of a section changed.
fn replaced(text: &str, section: &str, name: &str, line: &str) -> String {
    let (mut inside, mut done, mut out) = (false, false, Vec::new());
    for old in text.lines() {
        if old.starts_with('[') {
            inside = old.trim_matches(['[', ']']) == section;
            if inside && name == "*" {
                done = true;
                continue;
            }
        } else if inside && name == "*" {
            continue;
        } else if inside && old.split(" = ").next() == Some(name) {
            done = true;
            out.extend(line.lines());
            continue;
        }
        out.push(old);
    }
    assert!(done, "[{section}] {name} is not in the fixture");
    out.join("\n")
}

#[test]
fn hardened_homes_have_no_finding() {
    for home in [Home::Api, Home::Mi] {
        let built = hardened(home);
        let posture = collect(&built.root, &[], NOW).unwrap();
        let found = findings(&posture);
        assert!(found.is_empty(), "{home:?}: {found:#?}");
    }
}

#[test]
fn seeded_misconfigurations_are_caught_by_the_right_check() {
    let mut missed = Vec::new();
    let total = mutations::SETTINGS.len();
    for (id, home, change) in mutations::SETTINGS {
        let built = hardened(*home);
        built.apply(*change);
        if !built.broken().contains(id) {
            missed.push(format!("{id} {home:?} {change:?}"));
        }
    }
    println!("{total} misconfigurations, {} missed", missed.len());
    assert!(total >= 120);
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn passwords_and_keys_are_never_part_of_a_finding() {
    let built = hardened(Home::Api);
    built.apply(Change::Line("database.apim_db", "password", "password = \"s3cr3t-value-1\""));
    built.apply(Change::Line("database.apim_db", "url", "url = \"jdbc:mysql://root:s3cr3t-value-2@db.example.com/x\""));
    built.apply(Change::Option("-Xms", "-Ddb.password=s3cr3t-value-3"));
    built.apply(Change::Write("repository/conf/user-mgt.xml", "<a><Password>s3cr3t-value-4</Password></a>"));
    built.apply(Change::Write("password-persist", "s3cr3t-value-5"));
    let found = format!("{:?}", findings(&collect(&built.root, &[], NOW).unwrap()));
    assert!(!found.contains("s3cr3t"), "{found}");
    for id in ["A03.2", "A03.12", "A03.13"] {
        assert!(found.contains(id), "{id}");
    }
}

#[test]
fn hostile_and_broken_files_are_findings_and_never_a_crash() {
    let deep = format!("a = {}", "[".repeat(5000));
    let long = format!("x = \"{}\"", "y".repeat(3 << 20));
    let many: String = (0..20_000).map(|n| format!("[t{n}]\nk = 1\n")).collect();
    let bomb = format!("<a>{}</a>", "<b c=\"d\">".repeat(100_000));
    for text in
        [b"\xff\xfe\x00".as_slice(), b"", deep.as_bytes(), long.as_bytes(), many.as_bytes(), b"[a\nb=", b"\0\0\0"]
    {
        let built = hardened(Home::Api);
        put(&built.conf.join("deployment.toml"), text, 0o640);
        put(&built.conf.join("log4j2.properties"), text, 0o640);
        put(&built.conf.join("user-mgt.xml"), bomb.as_bytes(), 0o640);
        put(&built.conf.join("tomcat/context.xml"), text, 0o640);
        put(&built.root.join("bin/api-manager.sh"), text, 0o755);
        put(&built.root.join("repository/resources/security/wso2carbon.jks"), text, 0o600);
        put(&built.root.join("updates/config.json"), text, 0o600);
        let broken = built.broken();
        assert!(broken.contains("A03.19") || broken.contains("A02.8"), "{broken:?}");
    }
}

#[test]
fn missing_files_are_unknown_or_findings_never_a_pass() {
    let built = hardened(Home::Api);
    for file in ["repository/conf/deployment.toml", "repository/conf/log4j2.properties", "bin/api-manager.sh"] {
        std::fs::remove_file(built.root.join(file)).unwrap();
    }
    let posture = collect(&built.root, &[], NOW).unwrap();
    let held: Vec<_> = evaluate(&posture)
        .into_iter()
        .filter(|e| ["A13.1", "A14.1", "A15.1", "A20.1", "A21.1", "A18.1"].contains(&e.check.id))
        .filter(|e| matches!(e.judgement, Judgement::Holds(_)))
        .map(|e| e.check.id)
        .collect();
    assert!(held.is_empty(), "{held:?}");
    assert!(built.broken().contains("A03.19"));
}

#[test]
fn a_directory_that_is_no_home_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    assert!(collect(directory.path(), &[], NOW).is_err());
    assert!(collect(&directory.path().join("absent"), &[], NOW).is_err());
}

#[test]
fn links_that_lead_around_in_circles_end() {
    let built = hardened(Home::Api);
    std::os::unix::fs::symlink(&built.root, built.root.join("repository/again")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", built.root.join("repository/resources/security/zero.jks")).unwrap();
    assert!(built.broken().is_empty());
}

/// The passwords given by hand open stores.
#[test]
fn a_password_from_a_file_opens_a_store() {
    let built = hardened(Home::Api);
    let posture = collect(&built.root, &[Secret::new("x".to_owned())], NOW).unwrap();
    assert!(findings(&posture).is_empty());
}
