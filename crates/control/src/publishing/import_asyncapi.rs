//! Creating, showing and replacing what a streaming API is made of: an AsyncAPI definition.

use model::{ApiDocument, ApiId};
use serde_json::{Value, json};
use store::repository::artifact;

use super::create::{DEFINITION, Definition};
use super::definitions::{DefinitionSource, ValidationReport, definition_file};
use super::load::{load_api, parse};
use crate::definition::{AsyncApi, DefinitionFault, generate_asyncapi};
use crate::document::{is_streaming, strip_secrets, type_of_protocol};
use crate::{Actor, Change, Control, ControlError, FaultKind};

const REFUSED: &str = "Error while parsing AsyncAPI definition";

impl Control {
    /// Creates a streaming API from an AsyncAPI 2.x or 3.x definition. What `properties` leaves open (name, version, type,
    /// context, endpoints) is taken from the definition.
    ///
    /// # Errors
    /// 400 with every fault of the definition and its line, or of the object; 409 when name, version or context is taken.
    pub async fn import_asyncapi(
        &self,
        actor: &Actor,
        source: DefinitionSource,
        properties: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        let bytes = self.fetch_definition(source).await?;
        let text = bytes.clone();
        let definition = self.heavy(move || AsyncApi::parse(&text)).await?.map_err(refused)?;
        let mut document = properties;
        fill(&mut document, &definition);
        let file = definition_file(&bytes);
        let definition = Definition { media_type: file.media_type, bytes: file.bytes };
        self.create_with_definition(actor, document, Some(definition), "publisher.apis.import-asyncapi").await
    }

    /// Checks an AsyncAPI definition without storing anything.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn validate_asyncapi(&self, source: DefinitionSource) -> Result<ValidationReport, ControlError> {
        let bytes = self.fetch_definition(source).await?;
        let text = bytes.clone();
        Ok(match self.heavy(move || AsyncApi::parse(&text)).await? {
            Ok(definition) => {
                let servers = definition.servers();
                let protocol = servers.first().map(|(protocol, _)| protocol.clone()).unwrap_or_default();
                let addresses: Vec<String> = servers.into_iter().map(|(_, address)| address).collect();
                ValidationReport {
                    valid: true,
                    answer: json!({
                        "isValid": true, "content": String::from_utf8_lossy(&bytes), "errors": [],
                        "info": {
                            "name": definition.title(), "version": definition.api_version(), "context": "",
                            "description": definition.description(), "asyncAPIVersion": definition.version(),
                            "protocol": protocol, "endpoints": addresses, "gatewayVendor": "wso2",
                            "asyncTransportProtocols": [],
                        },
                    }),
                }
            }
            Err(faults) => {
                let errors: Vec<Value> = faults
                    .iter()
                    .map(|f| json!({"code": 900_756, "message": REFUSED, "description": f.to_string()}))
                    .collect();
                ValidationReport { valid: false, answer: json!({"isValid": false, "errors": errors}) }
            }
        })
    }

    /// The AsyncAPI definition of a streaming API, as its author wrote it.
    ///
    /// # Errors
    /// 403, 404; 404 as well for kinds without such a definition.
    pub async fn asyncapi(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        let row = load_api(&mut work, actor, id).await?;
        if !is_streaming(&row.kind) {
            return Err(ControlError::not_found("This API has no AsyncAPI definition."));
        }
        let file = artifact::find(&mut work, &row.id.to_string(), DEFINITION).await?;
        let given = file.filter(|file| AsyncApi::parse(&file.bytes).is_ok());
        match given.map(|file| crate::definition::text::parse(&file.bytes)) {
            Some(read) => read.map_err(|fault| ControlError::internal(fault.to_string())),
            // Made from an object alone.
            None => Ok(generate_asyncapi(&parse(&row)?)),
        }
    }

    /// Replaces the definition, and with it the topics.
    ///
    /// # Errors
    /// 400 with every fault and its line; then the stored definition stays. 403, 404.
    pub async fn update_asyncapi(
        &self,
        actor: &Actor,
        id: ApiId,
        source: DefinitionSource,
    ) -> Result<Value, ControlError> {
        let bytes = self.fetch_definition(source).await?;
        let text = bytes.clone();
        let definition = self.heavy(move || AsyncApi::parse(&text)).await?.map_err(refused)?;
        let mut work = self.begin().await?;
        let mut row = load_api(&mut work, actor, id).await?;
        if !is_streaming(&row.kind) {
            let text = format!("An API of type {} is not described by an AsyncAPI definition.", row.kind);
            return Err(ControlError::invalid(text));
        }
        let mut document = parse(&row)?;
        document.set("operations", topics(&definition, &row.kind, &document));
        strip_secrets(&mut document);
        self.replace_document(&mut work, actor, &mut row, document).await?;
        artifact::put(&mut work, &id.to_string(), &definition_file(&bytes)).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.apis.update-asyncapi", &target, id)).await?;
        self.asyncapi(actor, id).await
    }
}

fn refused(faults: Vec<DefinitionFault>) -> ControlError {
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    let text = format!("The definition cannot be used: {first}");
    let mut error = ControlError::new(FaultKind::Invalid, 900_756, REFUSED, text);
    for fault in faults {
        error = error.with_item("900756", REFUSED, fault.to_string());
    }
    error
}

fn fill(document: &mut ApiDocument, definition: &AsyncApi) {
    let servers = definition.servers();
    if document.kind().is_empty() {
        let kind = servers.first().map_or("ASYNC", |(protocol, _)| type_of_protocol(protocol));
        document.set("type", kind);
    }
    document.set_default("description", definition.description());
    let cleaned = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')).take(60).collect()
    };
    if document.name().is_empty() {
        document.set("name", cleaned(definition.title()));
    }
    if document.version().is_empty() {
        document.set("version", definition.api_version());
    }
    if document.context().is_empty() {
        document.set("context", format!("/{}", cleaned(document.name()).to_lowercase()));
    }
    let kind = document.kind().to_owned();
    let wire = |protocol: &str| type_of_protocol(protocol) == kind || kind != "WS" && protocol.starts_with("http");
    if document.get("endpointConfig").is_none()
        && kind != "ASYNC"
        && let Some((_, address)) = servers.iter().find(|(protocol, _)| wire(protocol))
    {
        let (name, target) = (if kind == "WS" { "ws" } else { "http" }, json!({"url": address}));
        let config =
            json!({"endpoint_type": name, "production_endpoints": target, "sandbox_endpoints": target.clone()});
        document.set("endpointConfig", config);
    }
    let operations = topics(definition, &kind, document);
    document.set("operations", operations);
}

/// The channels as operations of an API. What the API says of a topic already, such as its scopes, stays.
fn topics(definition: &AsyncApi, kind: &str, document: &ApiDocument) -> Vec<Value> {
    let mut operations = Vec::new();
    for channel in definition.channels() {
        // Server-sent events go one way, whatever the definition says.
        let publish = channel.publish && kind == "WS";
        let subscribe = channel.subscribe || !publish;
        for (wanted, verb) in [(subscribe, "SUBSCRIBE"), (publish, "PUBLISH")] {
            if !wanted {
                continue;
            }
            let same = |o: &&Value| {
                o.get("target").and_then(Value::as_str) == Some(&channel.target)
                    && o.get("verb").and_then(Value::as_str) == Some(verb)
            };
            let known = document.operations().iter().find(same).cloned();
            operations.push(known.unwrap_or_else(|| json!({"target": channel.target, "verb": verb})));
        }
    }
    operations
}
