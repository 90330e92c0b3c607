//! An API project in apictl's layout (folder or zip, `Name-Version/`).

use model::ApiDocument;
use serde_json::{Value, json};

use super::Files;
use crate::ControlError;
use crate::definition::text;
use crate::publishing::{DeploymentRequest, file_name, picture_type};

/// A document with its content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProjectDocument {
    /// The document object.
    pub(crate) body: Value,
    /// Content, if it has any of its own.
    pub(crate) content: Option<Vec<u8>>,
}

/// Everything a project holds.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The API object.
    pub(crate) api: ApiDocument,
    /// The definition as its author wrote it.
    pub(crate) definition: Option<Vec<u8>>,
    /// Documents.
    pub(crate) documents: Vec<ProjectDocument>,
    /// Thumbnail.
    pub(crate) image: Option<Vec<u8>>,
    /// Where to deploy; empty when the project does not say.
    pub(crate) deployments: Vec<DeploymentRequest>,
}

fn refused(file: &str, reason: impl std::fmt::Display) -> ControlError {
    ControlError::invalid(format!("{file}: {reason}."))
}

impl Project {
    /// Reads a project; malformed ones are refused whole.
    ///
    /// # Errors
    /// 400 naming the file, and the line where there is one.
    pub(crate) fn read(files: &Files) -> Result<Self, ControlError> {
        let root = root_of(files)?;
        let find = |names: &[&str]| {
            names.iter().find_map(|name| {
                let path = format!("{root}{name}");
                files.get(&path).map(|bytes| (path, bytes))
            })
        };
        let (path, bytes) = find(&["api.yaml", "api.yml", "api.json"])
            .ok_or_else(|| ControlError::invalid("The project has no api.yaml or api.json."))?;
        let api = read_api(&path, bytes)?;
        let definition = find(&[
            "Definitions/swagger.yaml",
            "Definitions/swagger.yml",
            "Definitions/swagger.json",
            "Definitions/openapi.yaml",
            "Definitions/openapi.json",
        ])
        .map(|(_, bytes)| bytes.clone());
        let deployments = match find(&["deployment_environments.yaml", "deployment_environments.json"]) {
            Some((path, bytes)) => read_deployments(&path, bytes)?,
            None => Vec::new(),
        };
        let image = files
            .iter()
            .find(|(path, _)| path.strip_prefix(&root).is_some_and(|p| p.starts_with("Image/icon")))
            .map(|(_, bytes)| bytes.clone());
        Ok(Self { api, definition, documents: read_documents(&root, files)?, image, deployments })
    }

    /// Writes the project below `Name-Version/`, as JSON or YAML.
    ///
    /// # Errors
    /// 500 when something cannot be written.
    pub(crate) fn write(&self, as_json: bool) -> Result<Files, ControlError> {
        let folder = segment(&format!("{}-{}", self.api.name(), self.api.version()));
        let ending = if as_json { "json" } else { "yaml" };
        let mut files = Files::new();
        let mut put = |path: &str, value: &Value| -> Result<(), ControlError> {
            files.insert(format!("{folder}/{path}.{ending}"), encode(value, as_json)?);
            Ok(())
        };
        put("api", &json!({"type": "api", "version": "v4.7.0", "data": self.api}))?;
        let deployments: Vec<Value> = self
            .deployments
            .iter()
            .map(|d| {
                json!({
                    "displayOnDevportal": d.display_on_devportal,
                    "deploymentEnvironment": d.environment,
                    "deploymentVhost": d.vhost,
                })
            })
            .collect();
        if !deployments.is_empty() {
            put(
                "deployment_environments",
                &json!({
                    "type": "deployment_environments",
                    "version": "v4.7.0",
                    "data": deployments,
                }),
            )?;
        }
        put(
            "api_meta",
            &json!({
                "name": self.api.name(),
                "version": self.api.version(),
                "owner": self.api.provider(),
            }),
        )?;
        if let Some(definition) = &self.definition {
            let value = text::parse(definition).map_err(|f| ControlError::internal(f.to_string()))?;
            put("Definitions/swagger", &value)?;
        }
        for document in &self.documents {
            let name = folder_name(&document.body);
            put(
                &format!("Docs/{name}/document"),
                &json!({
                    "type": "document",
                    "version": "v4.7.0",
                    "data": document.body,
                }),
            )?;
        }
        for document in &self.documents {
            if let Some(content) = &document.content {
                let named = document.body.get("fileName").and_then(Value::as_str);
                let file = named.and_then(file_name).unwrap_or_else(|| "content".to_owned());
                // A file of this name is what the importer reads as the document object.
                let file = if file.starts_with("document.") { format!("content-{file}") } else { file };
                files.insert(format!("{folder}/Docs/{}/{file}", folder_name(&document.body)), content.clone());
            }
        }
        if let Some(image) = &self.image {
            let kind = match picture_type(image) {
                Some("image/jpeg") | None => "jpg",
                Some(known) => known.trim_start_matches("image/"),
            };
            files.insert(format!("{folder}/Image/icon.{kind}"), image.clone());
        }
        Ok(files)
    }
}

fn folder_name(body: &Value) -> String {
    segment(body.get("name").and_then(Value::as_str).unwrap_or("document"))
}

/// A name as one part of a path.
fn segment(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_control() || "/\\:".contains(c) { '_' } else { c }).collect();
    if plain.chars().all(|c| c == '.') { format!("{plain}_") } else { plain }
}

fn encode(value: &Value, as_json: bool) -> Result<Vec<u8>, ControlError> {
    if as_json {
        serde_json::to_vec_pretty(value).map_err(|e| ControlError::internal(e.to_string()))
    } else {
        serde_saphyr::to_string(value).map(String::into_bytes).map_err(|e| ControlError::internal(e.to_string()))
    }
}

/// The folder that holds `api.yaml`, with a slash behind it; empty when it is the root.
fn root_of(files: &Files) -> Result<String, ControlError> {
    let is_api = |path: &&String| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        !folder.contains('/') && matches!(name, "api.yaml" | "api.yml" | "api.json")
    };
    let mut found = files.keys().filter(is_api);
    let first = found
        .next()
        .ok_or_else(|| ControlError::invalid("The project has no api.yaml or api.json in its root folder."))?;
    if found.next().is_some() {
        return Err(ControlError::invalid("The project holds more than one api.yaml or api.json."));
    }
    Ok(first.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/")))
}

fn read_value(path: &str, bytes: &[u8]) -> Result<Value, ControlError> {
    text::parse(bytes).map_err(|fault| refused(path, fault))
}

fn read_api(path: &str, bytes: &[u8]) -> Result<ApiDocument, ControlError> {
    let value = read_value(path, bytes)?;
    let data = match value.get("data") {
        Some(data) => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("api");
            if kind != "api" {
                return Err(refused(path, format!("type is {kind}; only projects of type api can be imported here")));
            }
            data.clone()
        }
        None => value,
    };
    let mut api: ApiDocument = serde_json::from_value(data).map_err(|e| refused(path, format!("data: {e}")))?;
    // YAML reads an unquoted 1.0 as a number.
    if let Some(Value::Number(number)) = api.get("version").cloned() {
        api.set("version", number.to_string());
    }
    for field in ["name", "version", "context"] {
        if api.text(field).is_empty() {
            return Err(refused(path, format!("data.{field} is missing")));
        }
    }
    Ok(api)
}

fn read_deployments(path: &str, bytes: &[u8]) -> Result<Vec<DeploymentRequest>, ControlError> {
    let value = read_value(path, bytes)?;
    let list = value.get("data").unwrap_or(&value);
    let Some(list) = list.as_array() else { return Err(refused(path, "data is not a list")) };
    list.iter()
        .map(|entry| {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let environment = text("deploymentEnvironment");
            if environment.is_empty() {
                return Err(refused(path, "an entry has no deploymentEnvironment"));
            }
            Ok(DeploymentRequest {
                environment,
                vhost: text("deploymentVhost"),
                display_on_devportal: entry.get("displayOnDevportal").and_then(Value::as_bool).unwrap_or(true),
            })
        })
        .collect()
}

fn read_documents(root: &str, files: &Files) -> Result<Vec<ProjectDocument>, ControlError> {
    let mut documents = Vec::new();
    for (path, bytes) in files {
        let Some(inner) = path.strip_prefix(root).and_then(|p| p.strip_prefix("Docs/")) else { continue };
        let Some((folder, name)) = inner.rsplit_once('/') else { continue };
        if !matches!(name, "document.yaml" | "document.yml" | "document.json") {
            continue;
        }
        let value = read_value(path, bytes)?;
        let body = value.get("data").cloned().unwrap_or(value);
        let prefix = format!("{root}Docs/{folder}/");
        let content = files
            .iter()
            .find(|(other, _)| other.starts_with(&prefix) && *other != path)
            .map(|(_, content)| content.clone());
        documents.push(ProjectDocument { body, content });
    }
    Ok(documents)
}
