//! What the gateway knows of an API's definition: the contract that messages must fit, and what GraphQL fields cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ApiDocument;
use model::snapshot::{ApiKind, DeployedApi, GraphqlCosts};
use serde_json::Value;
use store::UnitOfWork;
use store::repository::artifact;

use super::api::is_mocked;
use crate::definition::graphql::GraphqlSchema;
use crate::definition::{OpenApi, for_publisher};
use crate::field::Field;
use crate::publishing::{COMPLEXITY, DEFINITION};
use crate::{ControlError, ai_provider};

/// Adds them to a compiled API. `owner` is whose files they are: a revision's, or the API's.
pub(super) async fn attach(
    work: &mut UnitOfWork,
    owner: &str,
    document: &ApiDocument,
    mut compiled: DeployedApi,
) -> Result<Result<DeployedApi, String>, ControlError> {
    if document.get("subtypeConfiguration").is_some_and(|subtype| subtype.at("subtype") == "AIAPI") {
        compiled.token_usage = ai_provider::token_usage(work, compiled.tenant, document).await?;
    }
    match compiled.kind {
        ApiKind::Http if document.flag("enableSchemaValidation") || is_mocked(document) => {
            let Some(file) = artifact::find(work, owner, DEFINITION).await? else {
                return Ok(Err("its definition is not there".to_owned()));
            };
            match OpenApi::parse(&file.bytes) {
                Ok(definition) => {
                    let definition = Arc::new(for_publisher(document, &definition));
                    compiled.mock = is_mocked(document).then(|| Arc::clone(&definition));
                    compiled.schema = document.flag("enableSchemaValidation").then_some(definition);
                }
                Err(faults) => {
                    let first = faults.first().map(ToString::to_string).unwrap_or_default();
                    return Ok(Err(format!("its definition cannot be read: {first}")));
                }
            }
        }
        ApiKind::Graphql => {
            let Some(file) = artifact::find(work, owner, DEFINITION).await? else { return Ok(Ok(compiled)) };
            let weights = artifact::find(work, owner, COMPLEXITY).await?;
            let weights = weights.and_then(|file| serde_json::from_slice(&file.bytes).ok()).unwrap_or(Value::Null);
            match GraphqlSchema::parse(&String::from_utf8_lossy(&file.bytes)) {
                Ok(schema) => compiled.graphql = Some(costs(&schema, &weights)),
                Err(fault) => return Ok(Err(format!("its schema cannot be read: {fault}"))),
            }
        }
        _ => {}
    }
    Ok(Ok(compiled))
}

/// Fields with their types and costs; a field costs 1 unless a weight was given.
fn costs(schema: &GraphqlSchema, weights: &Value) -> GraphqlCosts {
    let mut given: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for entry in weights.get("list").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let weight = entry.get("complexityValue").and_then(Value::as_u64).unwrap_or(1);
        given.insert((text("type"), text("field")), u32::try_from(weight).unwrap_or(u32::MAX));
    }
    let mut fields: BTreeMap<String, BTreeMap<String, (String, u32)>> = BTreeMap::new();
    for (kind, field, target) in schema.typed_fields() {
        let cost = given.get(&(kind, field)).copied().unwrap_or(1);
        fields.entry(kind.to_owned()).or_default().insert(field.to_owned(), (target.to_owned(), cost));
    }
    GraphqlCosts { roots: schema.roots().clone(), fields }
}
