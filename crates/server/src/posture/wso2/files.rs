//! Files of a WSO2 home: owners and modes, leftovers, versions, and the files of the cipher tool.

use std::path::Path;

use guidelines::{FileFacts, FileKind, SecretFacts, Wso2Home};

use super::super::home::{entries, fact, read, stray};
use super::{Layout, plain, text};

/// Owners and modes.
pub(super) fn modes(layout: &Layout) -> Vec<FileFacts> {
    let root = &layout.root;
    let mut found = Vec::new();
    let mut add = |path: &Path, kind| found.extend(fact(path, kind));
    add(root, FileKind::Home);
    for entry in entries(&layout.conf) {
        let name = entry.file_name().to_string_lossy().into_owned();
        add(&entry.path(), stray(&name).unwrap_or(FileKind::Configuration));
    }
    for entry in entries(&root.join("repository/resources/security")) {
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let keys = [".jks", ".p12", ".pfx", ".jceks", ".key"].iter().any(|end| name.ends_with(end));
        if keys && !name.contains("trust") {
            add(&entry.path(), FileKind::PrivateKey);
        }
    }
    for entry in entries(&root.join("bin")) {
        add(&entry.path(), FileKind::Program);
    }
    for directory in [root.clone(), root.join("bin"), root.join("repository/logs")] {
        for entry in entries(&directory) {
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.as_str() {
                "password-tmp" | "password-persist" | "password" | "password-tmp.txt" => {
                    add(&entry.path(), FileKind::StartPassword);
                }
                _ => {
                    if let Some(kind) = stray(&name) {
                        add(&entry.path(), kind);
                    } else if directory.ends_with("logs") {
                        add(&entry.path(), FileKind::Log);
                    }
                }
            }
        }
    }
    for file in &mut found {
        file.path = layout.shown(Path::new(&file.path));
        if file.path.is_empty() {
            ".".clone_into(&mut file.path);
        }
    }
    found
}

/// Version, updates, leftovers, and secrets in the files of the cipher tool.
pub(super) fn describe(layout: &Layout, home: &mut Wso2Home, secrets: &mut SecretFacts) {
    let root = &layout.root;
    home.version = version(root);
    let updates = root.join("updates");
    if updates.is_dir() {
        let config = read(&updates.join("config.json")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let level = config.ok().and_then(|text| {
            let value: serde_json::Value = serde_json::from_str(&text).ok()?;
            let level = value.get("update-level").or_else(|| value.get("update_level"))?;
            Some(level.as_str().map_or_else(|| level.to_string(), str::to_owned))
        });
        home.updated = Some(level.is_some_and(|level| !matches!(level.trim(), "" | "0")));
    }
    for (path, why) in [
        ("samples", "samples of the distribution"),
        ("repository/samples", "samples of the distribution"),
        ("repository/deployment/server/webapps/sample-data-backend", "a sample web application"),
        ("repository/deployment/server/webapps/example.war", "a sample web application"),
        ("repository/deployment/server/axis2services/echo.aar", "a sample service"),
        ("repository/deployment/server/axis2services/Version.aar", "a service that tells the version to everybody"),
    ] {
        if root.join(path).exists() {
            home.unneeded.push((path.to_owned(), why.to_owned()));
        }
    }
    for name in ["cipher-text.properties", "secret-conf.properties"] {
        for path in [layout.conf.join("security").join(name), layout.conf.join(name)] {
            if path.exists() {
                cipher_tool(layout, &path, home, secrets);
            }
        }
    }
}

/// Aliases with values in brackets wait to be sealed; passwords in `secret-conf.properties` never are.
fn cipher_tool(layout: &Layout, path: &Path, home: &mut Wso2Home, secrets: &mut SecretFacts) {
    let Some(text) = text(layout, path, &mut home.unreadable) else { return };
    secrets.searched += 1;
    for (number, line) in text.lines().enumerate() {
        let Some((key, value)) = line.split_once('=').filter(|_| !line.trim_start().starts_with(['#', '!'])) else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let waiting = value.starts_with('[') && value.ends_with(']');
        let password = key.ends_with(".password")
            && !value.is_empty()
            && !value.starts_with(['$', '/'])
            && !value.contains("Handler");
        if waiting || password {
            plain(secrets, format!("{}:{}", layout.shown(path), number + 1), key);
        }
    }
}

/// The version, from the files that distributions have.
fn version(root: &Path) -> Option<String> {
    for name in [
        "bin/version.txt",
        "version.txt",
        "bin/wso2carbon-version.txt",
        "release-notes.html",
        "repository/conf/carbon.xml",
    ] {
        let Ok(bytes) = read(&root.join(name)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let numbers = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
        let found = numbers.map(|word| word.trim_matches('.')).find(|word| {
            let parts: Vec<&str> = word.split('.').collect();
            parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.len() <= 3)
        });
        if let Some(found) = found {
            return Some(found.to_owned());
        }
    }
    None
}
