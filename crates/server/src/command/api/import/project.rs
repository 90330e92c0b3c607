//! An apictl project before it is sent: read from a folder or a zip, looked at, pointed to other endpoints, packed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::{PROJECT_CAP, read};
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

/// Most bytes of all files of a project together.
const UNPACKED_CAP: u64 = 64 * 1024 * 1024;

/// Most files of a project.
const FILES: usize = 2000;

/// A project: files by path, as in `Pizza-1.0.0/api.yaml`.
#[derive(Debug)]
pub(super) struct Project {
    /// Where it was found, for messages.
    place: String,
    files: BTreeMap<String, Vec<u8>>,
}

/// The part of `api.yaml` that names the API. Texts even where YAML sees a number: `1.10` is no `1.1`.
#[derive(Deserialize)]
struct Described {
    data: Option<Identity>,
    #[serde(flatten)]
    bare: Option<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    name: String,
    version: String,
}

impl Project {
    /// The plain files of a folder.
    pub(super) fn of_folder(folder: &Path, terminal: Terminal) -> Outcome<Self> {
        let mut paths = Vec::new();
        collect(folder, &mut paths)?;
        let progress = if terminal.shows_progress() && paths.len() > 50 {
            indicatif::ProgressBar::new(u64::try_from(paths.len()).unwrap_or(0))
        } else {
            indicatif::ProgressBar::hidden()
        };
        let root = folder.file_name().map(|n| n.to_string_lossy().into_owned());
        let root = root.unwrap_or_else(|| "project".to_owned());
        let mut project = Self { place: folder.display().to_string(), files: BTreeMap::new() };
        let mut total = 0;
        for path in &paths {
            let inner = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
            let bytes = read(path, "a file of a project", PROJECT_CAP)?;
            project.add(format!("{root}/{inner}"), bytes, &mut total)?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        project.check_kind()?;
        Ok(project)
    }

    /// The files of a packed project.
    pub(super) fn of_zip(path: &Path, bytes: &[u8]) -> Outcome<Self> {
        let broken = |reason: String| {
            Failure::usage(format!("{} is not a zip archive: {reason}", path.display()), "pack the project again")
        };
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(e.to_string()))?;
        let mut project = Self { place: path.display().to_string(), files: BTreeMap::new() };
        let mut total = 0_u64;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|e| broken(e.to_string()))?;
            if !entry.is_file() {
                continue;
            }
            let name = entry.name().to_owned();
            let mut content = Vec::new();
            let left = UNPACKED_CAP.saturating_sub(total).saturating_add(1);
            entry.take(left).read_to_end(&mut content).map_err(|e| broken(e.to_string()))?;
            project.add(name, content, &mut total)?;
        }
        project.check_kind()?;
        Ok(project)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>, total: &mut u64) -> Outcome {
        *total = total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if *total > UNPACKED_CAP {
            return Err(Failure::usage(
                format!("{} holds more than {UNPACKED_CAP} bytes, and nothing was sent", self.place),
                "take out what is not needed",
            ));
        }
        self.files.insert(name, bytes);
        if self.files.len() > FILES {
            return Err(Failure::usage(format!("{} holds more than {FILES} files", self.place), "import less"));
        }
        Ok(())
    }

    /// The path of a file in the root or in the only folder of the project.
    fn find(&self, names: &[&str]) -> Option<String> {
        let mut found: Vec<&String> = self
            .files
            .keys()
            .filter(|path| {
                path.matches('/').count() <= 1 && path.rsplit('/').next().is_some_and(|name| names.contains(&name))
            })
            .collect();
        found.sort_by_key(|path| path.matches('/').count());
        found.first().map(|path| (*path).clone())
    }

    /// Refuses projects of other kinds by their name.
    fn check_kind(&self) -> Outcome {
        if self.find(API).is_some() {
            return Ok(());
        }
        let kinds = [
            (["api_product.yaml", "api_product.json"], "an API product", "its APIs one by one"),
            (["mcp_server.yaml", "mcp_server.json"], "an MCP server", "the API behind it"),
            (
                ["application.yaml", "application.json"],
                "an application",
                "APIs; applications are made in the Developer Portal",
            ),
        ];
        for (names, kind, instead) in kinds {
            if let Some(file) = self.find(&names) {
                return Err(Failure::usage(
                    format!("{} is {kind} ({file}), and `api import` takes APIs only", self.place),
                    format!("import {instead}"),
                ));
            }
        }
        Err(Failure::usage(
            format!("{} has no api.yaml or api.json, so it is no apictl project of an API", self.place),
            "give the folder that holds api.yaml, a zip of it, or an OpenAPI file",
        ))
    }

    fn api(&self) -> Outcome<(String, &str)> {
        let path = self.find(API).ok_or_else(|| Failure::internal("a project without api.yaml was let through"))?;
        let bytes = self.files.get(&path).map(Vec::as_slice).unwrap_or_default();
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| Failure::usage(format!("{path} is not UTF-8 text"), "save it as UTF-8"))?;
        Ok((path, text))
    }

    /// Name and version of the API.
    pub(super) fn identity(&self) -> Outcome<(String, String)> {
        let (path, text) = self.api()?;
        let described: Result<Described, _> = serde_saphyr::from_str(text);
        let found = described.map_err(|e| unreadable(&path, &e.to_string()))?;
        let Identity { name, version } = found
            .data
            .or(found.bare)
            .ok_or_else(|| Failure::usage(format!("{path} names no API"), "add name and version below data"))?;
        Ok((name, version))
    }

    /// Replaces the production and sandbox endpoints.
    pub(super) fn point_to(&mut self, endpoint: &str) -> Outcome {
        let (name, version) = self.identity()?;
        let (path, text) = self.api()?;
        let parsed: Result<Value, _> = serde_saphyr::from_str(text);
        let mut value = parsed.map_err(|e| unreadable(&path, &e.to_string()))?;
        let holder = if value.get("data").is_some() { value.get_mut("data") } else { Some(&mut value) };
        let Some(Value::Object(api)) = holder else {
            return Err(unreadable(&path, "data is not a mapping"));
        };
        api.insert("name".to_owned(), name.into());
        api.insert("version".to_owned(), version.into());
        let urls = json!({ "url": endpoint });
        let mut config = json!({ "endpoint_type": "http", "production_endpoints": urls, "sandbox_endpoints": urls });
        let before = api.get("endpointConfig").cloned().unwrap_or_default();
        if let Some(members) = config.as_object_mut() {
            // How to prove oneself to the endpoint stays; where it is and how several are balanced does not.
            for kept in ["endpoint_security"] {
                if let Some(value) = before.get(kept) {
                    members.insert(kept.to_owned(), value.clone());
                }
            }
            if before.get("endpoint_type").and_then(Value::as_str) == Some("address") {
                members.insert("endpoint_type".to_owned(), "address".into());
            }
        }
        api.insert("endpointConfig".to_owned(), config);
        // JSON is YAML, so the file keeps its name.
        self.files.insert(path, value.to_string().into_bytes());
        Ok(())
    }

    /// Zips it, in order of the names.
    pub(super) fn pack(&self) -> Outcome<Vec<u8>> {
        let failed = |e: &dyn std::fmt::Display| Failure::internal(format!("the project cannot be packed: {e}"));
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.files {
            writer.start_file(name.as_str(), SimpleFileOptions::default()).map_err(|e| failed(&e))?;
            writer.write_all(bytes).map_err(|e| failed(&e))?;
        }
        Ok(writer.finish().map_err(|e| failed(&e))?.into_inner())
    }
}

/// Names of the file that describes an API.
const API: &[&str] = &["api.yaml", "api.json"];

fn unreadable(path: &str, reason: &str) -> Failure {
    Failure::usage(format!("{path} cannot be read: {reason}"), "correct the file")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let failed = |e: &std::io::Error| Failure::io(folder, "read", e);
    for entry in std::fs::read_dir(folder).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        let kind = entry.file_type().map_err(|e| failed(&e))?;
        if kind.is_symlink() {
            let what = format!("{} is a link", entry.path().display());
            return Err(Failure::usage(what, "put a copy of the file in its place"));
        }
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
        if files.len() > FILES {
            return Err(Failure::usage(format!("{} holds more than {FILES} files", folder.display()), "import less"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Project;
    use crate::cli::Format;
    use crate::terminal::Terminal;
    use serde_json::Value;
    use std::path::PathBuf;

    fn folder(file: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let project = directory.path().join("Pizza-1.0.0");
        std::fs::create_dir_all(project.join("Definitions")).unwrap();
        std::fs::write(project.join(file), content).unwrap();
        std::fs::write(project.join("Definitions/swagger.yaml"), "openapi: 3.0.1\n").unwrap();
        (directory, project)
    }

    fn of(project: &std::path::Path) -> Result<Project, String> {
        Project::of_folder(project, Terminal::new(Format::Table, true)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_folder_is_packed_under_its_own_name_and_links_are_refused() {
        let (_directory, path) = folder("api.yaml", "type: api\ndata:\n  name: Pizza\n  version: 1.10\n");
        let zip = of(&path).unwrap().pack().unwrap();
        let project = Project::of_zip(&path, &zip).unwrap();
        assert_eq!(project.identity().unwrap(), ("Pizza".to_owned(), "1.10".to_owned()));
        assert!(project.files.contains_key("Pizza-1.0.0/Definitions/swagger.yaml"));
        std::os::unix::fs::symlink("/etc/passwd", path.join("leak")).unwrap();
        assert!(of(&path).unwrap_err().contains("is a link"));
    }

    #[test]
    fn endpoints_are_replaced_and_the_rest_stays() {
        let (_directory, path) = folder(
            "api.yaml",
            "type: api\ndata:\n  name: Pizza\n  version: 1.10\n  context: /p\n  endpointConfig:\n    \
             endpoint_type: failover\n    production_failovers: [{url: 'https://a'}]\n    endpoint_security: {production: {enabled: true}}\n",
        );
        let mut project = of(&path).unwrap();
        project.point_to("http://127.0.0.1:1/x").unwrap();
        assert_eq!(project.identity().unwrap().1, "1.10");
        let api: Value = serde_json::from_slice(&project.files["Pizza-1.0.0/api.yaml"]).unwrap();
        let config = &api["data"]["endpointConfig"];
        assert_eq!(config["endpoint_type"], "http");
        assert_eq!(config["production_endpoints"]["url"], "http://127.0.0.1:1/x");
        assert_eq!(config["sandbox_endpoints"]["url"], "http://127.0.0.1:1/x");
        assert_eq!(config["endpoint_security"]["production"]["enabled"], true);
        assert_eq!((&config["production_failovers"], &api["data"]["context"]), (&Value::Null, &"/p".into()));
    }

    #[test]
    fn projects_of_other_kinds_are_named() {
        for (file, said) in [
            ("api_product.yaml", "is an API product"),
            ("mcp_server.yaml", "is an MCP server"),
            ("application.yaml", "is an application"),
            ("readme.md", "has no api.yaml"),
        ] {
            let (_directory, path) = folder(file, "type: x\n");
            let refused = of(&path).unwrap_err();
            assert!(refused.contains(said) && refused.contains("fix: "), "{refused}");
        }
    }
}
