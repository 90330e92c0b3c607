//! Creating an API from an OpenAPI definition.

use model::ApiDocument;
use serde_json::{Value, json};

use super::create::Definition;
use super::definitions::{DefinitionSource, apply_definition, apply_extensions, definition_file, refused};
use crate::definition::OpenApi;
use crate::{Actor, Control, ControlError};

impl Control {
    /// Creates an API from an OpenAPI 2.0, 3.0 or 3.1 definition. What `properties` leaves open (name, version,
    /// context, description, endpoints) is taken from the definition.
    ///
    /// # Errors
    /// 400 with every fault of the definition and its line, or of the object; 409 when name, version or context is
    /// taken.
    pub async fn import_openapi(
        &self,
        actor: &Actor,
        source: DefinitionSource,
        properties: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        let bytes = self.fetch_definition(source).await?;
        let definition = self.parse_openapi(&bytes).await?.map_err(refused)?;
        let mut document = properties;
        let had_endpoints = document.get("endpointConfig").is_some();
        let given = document.clone();
        apply_definition(&mut document, &definition);
        apply_extensions(&mut document, &definition);
        // What the caller states outweighs the definition's extensions.
        for field in ["authorizationHeader", "apiKeyHeader", "apiThrottlingPolicy", "corsConfiguration", "transport"] {
            if let Some(value) = given.get(field) {
                document.set(field, value.clone());
            }
        }
        if had_endpoints {
            document.set("endpointConfig", given.get("endpointConfig").cloned().unwrap_or_default());
        }
        fill_from_definition(&mut document, &definition);
        self.ensure_tenant_defaults(actor.tenant()).await?;
        let mut work = self.read().await?;
        super::rules::settle_tiers(&mut work, actor.tenant(), &mut document).await?;
        work.cancel().await?;
        let file = definition_file(&bytes);
        let definition = Definition { media_type: file.media_type, bytes: file.bytes };
        self.create_with_definition(actor, document, Some(definition), "publisher.apis.import-openapi").await
    }
}

fn fill_from_definition(document: &mut ApiDocument, definition: &OpenApi) {
    document.set_default("type", "HTTP");
    document.set_default("description", definition.description());
    if document.name().is_empty() {
        document.set("name", name_of(&definition.title()));
    }
    if document.version().is_empty() {
        let version = definition.api_version();
        document.set("version", if version.trim().is_empty() { "1.0.0".to_owned() } else { version });
    }
    if document.context().is_empty() {
        let base = definition.base_path();
        let from_name: String = document.name().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let context = if base.len() > 1 { base } else { format!("/{}", from_name.to_lowercase()) };
        document.set("context", context);
    }
    if document.get("endpointConfig").is_none()
        && let Some(server) = definition.servers().into_iter().find(|s| is_http(s))
    {
        let target = json!({"url": server});
        document.set(
            "endpointConfig",
            json!({"endpoint_type": "http", "production_endpoints": target, "sandbox_endpoints": target.clone()}),
        );
    }
    if document.get("policies").is_none() {
        document.set("policies", Value::Array(Vec::new()));
    }
}

fn is_http(url: &str) -> bool {
    (url.starts_with("http://") || url.starts_with("https://")) && !url.contains('{')
}

/// A title as a name: WSO2's forbidden characters become blanks, at most 60 characters.
fn name_of(title: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let cleaned: String = title.chars().filter(|c| allowed(*c)).take(60).collect();
    if cleaned.is_empty() { "API".to_owned() } else { cleaned }
}
