//! Definitions of APIs: fetching, validating, showing and replacing.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::{ApiDocument, ApiId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::api::ApiRow;
use store::repository::artifact::{self, ArtifactRow};
use web::{EgressAnswer, EgressError};

use super::create::DEFINITION;
use super::load::{api_not_found, load, load_api, parse};
use crate::archive;
use crate::definition::{
    AsyncApi, DefinedOperation, DefinitionFault, OpenApi, SpecVersion, for_consumers, for_publisher,
};
use crate::document::{fill_operation_defaults, is_streaming};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Where a definition comes from.
#[derive(Clone, Debug)]
pub enum DefinitionSource {
    /// Its bytes: JSON, YAML, or a zip archive with the definition and the files it refers to.
    Bytes(Bytes),
    /// An address it is fetched from, under the egress rules (guideline A23).
    Url(String),
}

/// What validation found.
#[derive(Clone, Debug)]
pub struct ValidationReport {
    /// Whether the definition can be imported.
    pub valid: bool,
    /// WSO2's answer object.
    pub answer: Value,
}

/// Whether a file is a zip archive.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The body of an answer that says that it went well.
pub(super) fn usable(url: &str, answer: Result<EgressAnswer, EgressError>) -> Result<Bytes, ControlError> {
    let refused = |why: String| ControlError::new(FaultKind::Invalid, 900_403, "Malformed URL", why);
    let answer = answer.map_err(|e| refused(format!("{url}: {e}")))?;
    if answer.status.is_success() {
        Ok(answer.body)
    } else {
        Err(refused(format!("{url} answered {}", answer.status.as_u16())))
    }
}

impl Control {
    /// The bytes of a definition; an archive is merged into one document.
    pub(super) async fn fetch_definition(&self, source: DefinitionSource) -> Result<Bytes, ControlError> {
        let bytes = self.fetch_file(source).await?;
        if is_archive(&bytes) {
            return self.heavy(move || archive::definition::merged(&bytes)).await?.map(Bytes::from);
        }
        Ok(bytes)
    }

    /// The bytes of a file as they are.
    pub(super) async fn fetch_file(&self, source: DefinitionSource) -> Result<Bytes, ControlError> {
        match source {
            DefinitionSource::Bytes(bytes) => Ok(bytes),
            DefinitionSource::Url(url) => {
                let answer = self.egress().get(&url).await;
                usable(&url, answer)
            }
        }
    }

    /// Parses a definition beside the threads that answer requests.
    pub(super) async fn parse_openapi(
        &self,
        bytes: &Bytes,
    ) -> Result<Result<OpenApi, Vec<DefinitionFault>>, ControlError> {
        let bytes = bytes.clone();
        self.heavy(move || OpenApi::parse(&bytes)).await
    }

    /// Checks an OpenAPI definition without storing anything.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn validate_openapi(&self, source: DefinitionSource) -> Result<ValidationReport, ControlError> {
        let bytes = match self.fetch_definition(source).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind == FaultKind::Invalid => {
                let faults = [DefinitionFault::whole(error.description)];
                return Ok(ValidationReport { valid: false, answer: invalid_answer(&faults) });
            }
            Err(error) => return Err(error),
        };
        Ok(match self.parse_openapi(&bytes).await? {
            Ok(document) => ValidationReport {
                valid: true,
                answer: json!({
                    "isValid": true,
                    "content": String::from_utf8_lossy(&bytes),
                    "info": {
                        "name": document.title(),
                        "version": document.api_version(),
                        "context": document.base_path(),
                        "description": document.description(),
                        "openAPIVersion": version_text(&document),
                        "endpoints": document.servers(),
                    },
                    "errors": [],
                }),
            },
            Err(faults) => ValidationReport { valid: false, answer: invalid_answer(&faults) },
        })
    }

    /// The definition as publishers see it.
    ///
    /// # Errors
    /// 403, 404; 404 as well for kinds without an OpenAPI definition.
    pub async fn definition(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        let row = load(&mut work, actor, id).await?;
        let source = openapi_of(&mut work, &row).await?;
        Ok(for_publisher(&parse(&row)?, &source))
    }

    /// The definition as it was given by its author.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn original_definition(&self, actor: &Actor, id: ApiId) -> Result<Vec<u8>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let file = artifact::find(&mut work, &id.to_string(), DEFINITION).await?;
        file.map(|f| f.bytes).ok_or_else(|| api_not_found(&id.to_string()))
    }

    /// Replaces the definition, and with it operations, scopes and what its WSO2 extensions say.
    ///
    /// # Errors
    /// 400 with every fault and its line; then the stored definition stays. 403, 404.
    pub async fn update_definition(
        &self,
        actor: &Actor,
        id: ApiId,
        source: DefinitionSource,
    ) -> Result<Value, ControlError> {
        let bytes = self.fetch_definition(source).await?;
        let definition = self.parse_openapi(&bytes).await?.map_err(refused)?;
        let mut work = self.begin().await?;
        let mut row = load_api(&mut work, actor, id).await?;
        let mut document = parse(&row)?;
        apply_definition(&mut document, &definition);
        apply_extensions(&mut document, &definition);
        // An unknown limit is refused below: falling back to none would open an API that is in use.
        crate::document::strip_secrets(&mut document);
        self.replace_document(&mut work, actor, &mut row, document).await?;
        artifact::put(&mut work, &id.to_string(), &definition_file(&bytes)).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.apis.update-swagger", &target, id)).await?;
        Ok(for_publisher(&parse(&row)?, &definition))
    }
}

/// The definition as consumers see it, for the Developer Portal. `servers` are base URLs, HTTPS first.
///
/// # Errors
/// 404 for kinds without an OpenAPI definition.
pub(crate) async fn consumer_definition(
    work: &mut UnitOfWork,
    row: &ApiRow,
    servers: &[String],
) -> Result<Value, ControlError> {
    let source = openapi_of(work, row).await?;
    Ok(for_consumers(&parse(row)?, &source, servers))
}

async fn openapi_of(work: &mut UnitOfWork, row: &ApiRow) -> Result<OpenApi, ControlError> {
    let missing = || {
        ControlError::new(
            FaultKind::NotFound,
            900_330,
            "API definition not found",
            "This API has no OpenAPI definition",
        )
    };
    let file = artifact::find(work, &row.id.to_string(), DEFINITION).await?.ok_or_else(missing)?;
    if !matches!(file.media_type.as_str(), "application/json" | "application/yaml") {
        return Err(missing());
    }
    if is_streaming(&row.kind) && AsyncApi::parse(&file.bytes).is_ok() {
        return Err(missing());
    }
    OpenApi::parse(&file.bytes).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        ControlError::internal(format!("the stored definition of API {} is damaged: {first}", row.id))
    })
}

/// The stored form of a definition.
pub(super) fn definition_file(bytes: &[u8]) -> ArtifactRow {
    let json = bytes.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| matches!(b, b'{' | b'['));
    ArtifactRow {
        name: DEFINITION.to_owned(),
        media_type: if json { "application/json" } else { "application/yaml" }.to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// 400 with every fault as an item; the description is the first one.
pub(crate) fn refused(faults: Vec<DefinitionFault>) -> ControlError {
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    let mut error = ControlError::new(
        FaultKind::Invalid,
        900_754,
        "Error while parsing OpenAPI definition",
        format!("The definition cannot be used: {first}."),
    );
    for fault in faults {
        error = error.with_item("900754", "Error while parsing OpenAPI definition", fault.to_string());
    }
    error
}

fn invalid_answer(faults: &[DefinitionFault]) -> Value {
    let errors: Vec<Value> = faults
        .iter()
        .map(|fault| {
            json!({
                "code": 900_754,
                "message": "Error while parsing OpenAPI definition",
                "description": fault.to_string(),
            })
        })
        .collect();
    json!({"isValid": false, "content": null, "info": null, "errors": errors})
}

fn version_text(document: &OpenApi) -> String {
    let field = if document.version() == SpecVersion::V2 { "swagger" } else { "openapi" };
    match document.root().get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Operations and scopes of the definition replace those of the object; policies attached to an operation that stays
/// are kept.
pub(super) fn apply_definition(document: &mut ApiDocument, definition: &OpenApi) {
    let before: BTreeMap<(String, String), Value> = document
        .operations()
        .iter()
        .filter_map(|o| {
            let text = |f: &str| o.get(f).and_then(Value::as_str).map(str::to_owned);
            Some(((text("target")?, text("verb")?), o.clone()))
        })
        .collect();
    let operations: Vec<Value> =
        definition.operations().into_iter().map(|operation| operation_object(operation, &before)).collect();
    document.set("operations", operations);
    fill_operation_defaults(document);
    let shared: Vec<Value> = document
        .items("scopes")
        .iter()
        .filter(|s| s.get("shared").and_then(Value::as_bool).unwrap_or(false))
        .cloned()
        .collect();
    let mut scopes = Vec::new();
    for scope in definition.scopes() {
        let named = |s: &&Value| s.get("scope").and_then(|s| s.get("name")?.as_str()) == Some(scope.name.as_str());
        match shared.iter().find(named) {
            Some(entry) => scopes.push(entry.clone()),
            None => scopes.push(json!({
                "scope": {
                    "id": null,
                    "name": scope.name,
                    "displayName": scope.name,
                    "description": scope.description,
                    "bindings": scope.roles,
                    "usageCount": null,
                },
                "shared": false,
            })),
        }
    }
    document.set("scopes", scopes);
}

fn operation_object(operation: DefinedOperation, before: &BTreeMap<(String, String), Value>) -> Value {
    let known = before.get(&(operation.target.clone(), operation.verb.clone()));
    let mut fields = match known {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    fields.insert("target".to_owned(), operation.target.into());
    fields.insert("verb".to_owned(), operation.verb.into());
    fields.insert("scopes".to_owned(), operation.scopes.into());
    if let Some(auth) = operation.auth_type {
        let auth = if auth.eq_ignore_ascii_case("none") { "None".to_owned() } else { auth };
        fields.insert("authType".to_owned(), auth.into());
    }
    if let Some(tier) = operation.throttling {
        fields.insert("throttlingPolicy".to_owned(), tier.into());
    }
    Value::Object(fields)
}

/// Settings of the API that WSO2's root extensions carry.
pub(super) fn apply_extensions(document: &mut ApiDocument, definition: &OpenApi) {
    for (extension, field) in [
        ("x-wso2-auth-header", "authorizationHeader"),
        ("x-wso2-api-key-header", "apiKeyHeader"),
        ("x-throttling-tier", "apiThrottlingPolicy"),
    ] {
        if let Some(Value::String(text)) = definition.extension(extension)
            && !text.is_empty()
        {
            document.set(field, text.clone());
        }
    }
    if let Some(cors @ Value::Object(_)) = definition.extension("x-wso2-cors") {
        document.set("corsConfiguration", cors.clone());
    }
    if let Some(Value::Array(transports)) = definition.extension("x-wso2-transports") {
        document.set("transport", transports.clone());
    }
    let sides =
        [("x-wso2-production-endpoints", "production_endpoints"), ("x-wso2-sandbox-endpoints", "sandbox_endpoints")];
    for (extension, side) in sides {
        let Some(given) = definition.extension(extension) else { continue };
        let Some(url) = given.get("urls").and_then(|u| u.get(0)?.as_str()) else { continue };
        if !url.contains("://") {
            continue;
        }
        let mut endpoint = json!({"url": url});
        if let (Value::Object(fields), Some(advanced)) = (&mut endpoint, given.get("advanceEndpointConfig")) {
            fields.insert("advanceEndpointConfig".to_owned(), advanced.clone());
        }
        let mut config = document.get("endpointConfig").cloned().unwrap_or_else(|| json!({"endpoint_type": "http"}));
        if let Value::Object(fields) = &mut config {
            fields.insert(side.to_owned(), endpoint);
        }
        document.set("endpointConfig", config);
    }
}
