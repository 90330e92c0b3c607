//! The sides of an API that rulesets judge.

use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::api::ApiRow;
use store::repository::catalogue::ItemRow;
use store::repository::{artifact, document};

use super::ruleset::Ruleset;
use crate::ControlError;
use crate::definition::text;
use crate::document::{ViewContext, view};
use crate::field::Field;
use crate::publishing::{DEFINITION, document_object};

/// An API as rulesets see it.
pub(super) struct Subject {
    artifact: &'static str,
    metadata: Value,
    definition: Option<Vec<u8>>,
    documents: Value,
}

/// What an API is to governance.
pub(super) fn artifact_of(kind: &str) -> &'static str {
    match kind {
        "WS" | "SSE" | "WEBSUB" | "WEBHOOK" | "ASYNC" => "ASYNC_API",
        "GRAPHQL" => "GRAPHQL_API",
        "SOAP" | "SOAPTOREST" => "SOAP_API",
        "MCP" => "MCP",
        _ => "REST_API",
    }
}

impl Subject {
    /// Reads an API.
    pub(super) async fn of(work: &mut UnitOfWork, row: &ApiRow) -> Result<Self, ControlError> {
        let api = view(row, ViewContext::default())?.into_value();
        // Rules of WSO2 are written for the object itself, and for the file of a project, which holds it below `data`.
        let mut metadata = api.as_object().cloned().unwrap_or_default();
        metadata.insert("data".to_owned(), api);
        let definition = artifact::find(work, &row.id.to_string(), DEFINITION).await?.map(|file| file.bytes);
        let mut documents = Vec::new();
        for row in document::list(work, row.id).await? {
            documents.push(document_object(&row)?);
        }
        let documents = json!({"documents": documents});
        Ok(Self { artifact: artifact_of(&row.kind), metadata: Value::Object(metadata), definition, documents })
    }

    /// The verdicts of rulesets by id.
    pub(super) fn judged(&self, rulesets: &[ItemRow]) -> Map<String, Value> {
        let definition = self.definition.as_ref().and_then(|bytes| text::parse(bytes).ok());
        let mut verdicts = Map::new();
        for row in rulesets {
            verdicts.insert(row.id.to_string(), self.verdict(&row.document, definition.as_ref()));
        }
        verdicts
    }

    fn verdict(&self, ruleset: &Value, definition: Option<&Value>) -> Value {
        let about = ruleset.at("artifactType").as_str().unwrap_or_default();
        let document = match ruleset.at("ruleType").as_str() {
            _ if about != "ALL_API" && about != self.artifact => None,
            Some("API_METADATA") => Some(&self.metadata),
            Some("API_DEFINITION") => definition,
            _ => Some(&self.documents),
        };
        let Some(document) = document else { return json!({"status": "UNAPPLIED"}) };
        let content = ruleset.at("content").as_str().unwrap_or_default();
        let verdict = Ruleset::parse(content.as_bytes())
            .map_err(|faults| faults.join(" "))
            .and_then(|rules| rules.judge(document));
        match verdict {
            Ok(verdict) if verdict.violated.is_empty() => json!({"status": "PASSED", "followed": verdict.followed}),
            Ok(verdict) => {
                json!({"status": "FAILED", "violated": verdict.violated, "followed": verdict.followed})
            }
            Err(reason) => {
                tracing::warn!(ruleset = ruleset.at("name").as_str(), %reason, "a ruleset could not judge an API");
                json!({"status": "UNAPPLIED", "reason": reason})
            }
        }
    }
}
