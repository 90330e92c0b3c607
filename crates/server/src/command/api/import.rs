//! `portcullis api import`: a definition, or an apictl project as folder or zip.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::{PUBLISHER, find, publish, text};
use crate::cli::ImportArguments;
use crate::client::{Client, Payload, escape};
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

/// Largest file or folder that is sent, bytes.
const CAP: u64 = 64 * 1024 * 1024;

/// Most files of a folder.
const FILES: usize = 10_000;

pub(super) async fn run(client: &Client, arguments: ImportArguments, terminal: Terminal) -> Outcome {
    let path = &arguments.file;
    let metadata = std::fs::metadata(path).map_err(|e| Failure::io(path, "read", &e))?;
    let api = if metadata.is_dir() {
        project(client, &pack(path, terminal)?, arguments.update).await?
    } else {
        let bytes = read(path)?;
        // Every zip begins with these two bytes; no definition does.
        if bytes.starts_with(b"PK") {
            project(client, &bytes, arguments.update).await?
        } else {
            definition(client, &arguments, &bytes).await?
        }
    };
    if arguments.publish {
        publish(client, &text(&api, "id")).await?;
    }
    let (name, version, context) = (text(&api, "name"), text(&api, "version"), text(&api, "context"));
    terminal.result(&api, || {
        let state = if arguments.publish { "imported and published" } else { "imported" };
        format!("{name} {version} was {state}; its context is {context}.")
    });
    Ok(())
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(CAP.saturating_add(1)).read_to_end(&mut bytes));
    file.map_err(|e| Failure::io(path, "read", &e))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > CAP {
        return Err(Failure::usage(format!("{} is larger than {CAP} bytes", path.display()), "import a smaller file"));
    }
    Ok(bytes)
}

/// Imports a project and finds out which API it made.
async fn project(client: &Client, zip: &[u8], update: bool) -> Outcome<Value> {
    let path = format!("{PUBLISHER}/apis/import?preserveProvider=false&overwrite={update}");
    let payload = Payload::multipart(&[("file", Some("project.zip"), zip)]);
    let reply = client.post(&path, payload).await?.accepted("import the project")?;
    let answer = reply.value();
    if answer.get("id").is_some() {
        return Ok(answer);
    }
    // WSO2 answers with a sentence; the archive itself names the API.
    let (name, version) = name_in_archive(zip)
        .ok_or_else(|| Failure::internal("the archive was imported, but names no API in api.yaml or api.json"))?;
    let found = find(client, &name, &version).await?;
    found.ok_or_else(|| Failure::internal(format!("{name} {version} was imported, but is not listed")))
}

fn name_in_archive(zip: &[u8]) -> Option<(String, String)> {
    use std::io::Read as _;
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).ok()?;
    let entry = archive
        .file_names()
        .find(|name| {
            let depth = name.matches('/').count();
            depth <= 1 && matches!(name.rsplit('/').next(), Some("api.yaml" | "api.json"))
        })?
        .to_owned();
    let mut text_of = String::new();
    archive.by_name(&entry).ok()?.take(CAP).read_to_string(&mut text_of).ok()?;
    let value: Value = serde_saphyr::from_str(&text_of).ok()?;
    let data = value.get("data").unwrap_or(&value);
    Some((text(data, "name"), text(data, "version")))
}

/// Zips a folder: plain files only, in order of their names.
fn pack(folder: &Path, terminal: Terminal) -> Outcome<Vec<u8>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let progress = if terminal.shows_progress() && files.len() > 50 {
        indicatif::ProgressBar::new(u64::try_from(files.len()).unwrap_or(0))
    } else {
        indicatif::ProgressBar::hidden()
    };
    let root = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_else(|| "project".to_owned());
    let failed = |e: zip::result::ZipError| Failure::internal(format!("the folder cannot be packed: {e}"));
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut total = 0_u64;
    for path in &files {
        let bytes = read(path)?;
        total = total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if total > CAP {
            return Err(Failure::usage(format!("{} holds more than {CAP} bytes", folder.display()), "import less"));
        }
        let inner = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        writer.start_file(format!("{root}/{inner}"), SimpleFileOptions::default()).map_err(failed)?;
        writer.write_all(&bytes).map_err(|e| Failure::io(path, "pack", &e))?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(writer.finish().map_err(failed)?.into_inner())
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

/// Imports a definition; what the command line does not say is taken from the document.
async fn definition(client: &Client, arguments: &ImportArguments, bytes: &[u8]) -> Outcome<Value> {
    let document: Value = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok().or_else(|| serde_saphyr::from_str(text).ok()))
        // A broken document is sent all the same: the server's answer names line and reason.
        .unwrap_or(Value::Null);
    let info = document.get("info").cloned().unwrap_or_default();
    let name = arguments.name.clone().unwrap_or_else(|| identifier(&text(&info, "title")));
    let version = arguments.version.clone().unwrap_or_else(|| match text(&info, "version") {
        version if version.is_empty() => "1.0.0".to_owned(),
        version => version,
    });
    let context = arguments.context.clone().unwrap_or_else(|| format!("/{}", name.to_lowercase()));
    if arguments.update
        && let Some(existing) = find(client, &name, &version).await?
    {
        let path = format!("{PUBLISHER}/apis/{}/swagger", escape(&text(&existing, "id")));
        let payload = Payload::multipart(&[("apiDefinition", None, bytes)]);
        client.send(http::Method::PUT, &path, Some(payload)).await?.accepted("replace the definition")?;
        return Ok(existing);
    }
    let mut properties = json!({ "name": name, "version": version, "context": context, "policies": ["Unlimited"] });
    if let Some(endpoint) = arguments.endpoint.clone().or_else(|| first_server(&document))
        && let Some(members) = properties.as_object_mut()
    {
        let urls = json!({ "url": endpoint });
        let endpoints =
            json!({ "endpoint_type": "http", "production_endpoints": urls, "sandbox_endpoints": { "url": endpoint } });
        members.insert("endpointConfig".to_owned(), endpoints);
    }
    let file = arguments.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let payload = Payload::multipart(&[
        ("file", Some(&file), bytes),
        ("additionalProperties", None, properties.to_string().as_bytes()),
    ]);
    let reply = client.post(&format!("{PUBLISHER}/apis/import-openapi"), payload).await?;
    Ok(reply.accepted("import the definition")?.value())
}

/// A name that WSO2 accepts, made of a title.
fn identifier(title: &str) -> String {
    let name: String =
        title.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(50).collect();
    if name.is_empty() { "API".to_owned() } else { name }
}

/// The first absolute server URL of an OpenAPI 3 document, or host and base path of a Swagger 2 document.
fn first_server(document: &Value) -> Option<String> {
    let absolute = |url: &str| (url.starts_with("http://") || url.starts_with("https://")).then(|| url.to_owned());
    if let Some(servers) = document.get("servers").and_then(Value::as_array) {
        return servers.iter().find_map(|s| absolute(s.get("url")?.as_str()?));
    }
    let host = document.get("host")?.as_str()?;
    let schemes = document.get("schemes").and_then(Value::as_array);
    let plain = schemes.is_some_and(|s| !s.iter().any(|v| v == "https"));
    let scheme = if plain { "http" } else { "https" };
    absolute(&format!("{scheme}://{host}{}", text(document, "basePath")))
}

#[cfg(test)]
mod tests {
    use super::{first_server, identifier, name_in_archive, pack};
    use crate::cli::Format;
    use crate::terminal::Terminal;
    use serde_json::json;

    #[test]
    fn names_and_servers_come_from_the_document() {
        assert_eq!(identifier("Pizza Menu (v2)!"), "PizzaMenuv2");
        assert_eq!(identifier("!!!"), "API");
        assert_eq!(
            first_server(&json!({ "servers": [{ "url": "/x" }, { "url": "https://a/b" }] })).unwrap(),
            "https://a/b"
        );
        let swagger = json!({ "host": "h:1", "basePath": "/v1", "schemes": ["http"] });
        assert_eq!(first_server(&swagger).unwrap(), "http://h:1/v1");
        assert_eq!(first_server(&json!({})), None);
    }

    #[test]
    fn a_folder_is_packed_under_its_own_name_and_links_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let project = directory.path().join("Pizza-1.0.0");
        std::fs::create_dir_all(project.join("Definitions")).unwrap();
        std::fs::write(project.join("api.yaml"), "type: api\ndata:\n  name: Pizza\n  version: 1.0.0\n").unwrap();
        std::fs::write(project.join("Definitions/swagger.yaml"), "openapi: 3.0.1\n").unwrap();
        let terminal = Terminal::new(Format::Table, true);
        let zip = pack(&project, terminal).unwrap();
        assert_eq!(name_in_archive(&zip), Some(("Pizza".to_owned(), "1.0.0".to_owned())));
        std::os::unix::fs::symlink("/etc/passwd", project.join("leak")).unwrap();
        assert!(pack(&project, terminal).unwrap_err().to_string().contains("is a link"));
    }
}
