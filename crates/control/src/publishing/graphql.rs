//! GraphQL APIs: their schema and the weights of its fields.

use http::Method;
use model::{ApiDocument, ApiId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::artifact::{self, ArtifactRow};

use super::create::{DEFINITION, Definition};
use super::definitions::{DefinitionSource, refused, usable};
use super::load::{load, parse};
use crate::definition::DefinitionFault;
use crate::definition::graphql::GraphqlSchema;
use crate::definition::introspection;
use crate::document::{fill_operation_defaults, strip_secrets};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Media type of a schema.
const MEDIA_TYPE: &str = "application/graphql";
/// Name of the artifact that holds the weights.
pub(crate) const COMPLEXITY: &str = "graphql-complexity";

/// WSO2's answer object for a schema that cannot be used.
fn invalid(reason: &str) -> Value {
    json!({"isValid": false, "errorMessage": reason, "graphQLInfo": null})
}

impl Control {
    /// Creates a GraphQL API from a schema in SDL.
    ///
    /// # Errors
    /// 400 with the line of the first fault, or for wrong fields; 409 when name, version or context is taken.
    pub async fn import_graphql(
        &self,
        actor: &Actor,
        source: DefinitionSource,
        properties: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        let text = text_of(&self.fetch_definition(source).await?)?;
        let schema = GraphqlSchema::parse(&text).map_err(|f| refused(vec![f]))?;
        let mut document = properties;
        document.set("type", "GRAPHQL");
        merge_operations(&mut document, &schema);
        let definition = Definition { media_type: MEDIA_TYPE.to_owned(), bytes: text.into_bytes() };
        self.create_with_definition(actor, document, Some(definition), "publisher.apis.import-graphql-schema").await
    }

    /// Checks a schema without storing anything; WSO2's answer object. With `introspect` the URL is the endpoint of a
    /// GraphQL server, which is asked for its schema.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub async fn validate_graphql(&self, source: DefinitionSource, introspect: bool) -> Result<Value, ControlError> {
        let bytes = match source {
            DefinitionSource::Url(url) if introspect => match self.introspect(&url).await? {
                Ok(text) => text.into(),
                Err(reason) => return Ok(invalid(&reason)),
            },
            source => self.fetch_definition(source).await?,
        };
        let parsed = text_of(&bytes)
            .map_err(|e| e.description)
            .and_then(|text| GraphqlSchema::parse(&text).map(|s| (text, s)).map_err(|f| f.to_string()));
        Ok(match parsed {
            Ok((text, schema)) => json!({
                "isValid": true,
                "errorMessage": "",
                "graphQLInfo": {
                    "operations": operations(&schema),
                    "graphQLSchema": {"schemaDefinition": text},
                },
            }),
            Err(reason) => invalid(&reason),
        })
    }

    /// Asks a GraphQL server for its schema; the inner error is why what it answered is none.
    async fn introspect(&self, url: &str) -> Result<Result<String, String>, ControlError> {
        let question = json!({"query": introspection::QUERY}).to_string();
        let answer = self.egress().send(Method::POST, url, Some(question.into())).await;
        let body = usable(url, answer)?;
        Ok(serde_json::from_slice(&body)
            .map_err(|_| "the answer is not JSON".to_owned())
            .and_then(|answer| introspection::sdl(&answer)))
    }

    /// The schema of an API.
    ///
    /// # Errors
    /// 403; 404 as well for an API of another kind.
    pub async fn graphql_schema(&self, actor: &Actor, id: ApiId) -> Result<String, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        schema_text(&mut work, id).await
    }

    /// Replaces the schema and with it the operations; what was set for an operation that stays is kept.
    ///
    /// # Errors
    /// 400 with the line of the first fault; then the stored schema stays. 403, 404.
    pub async fn update_graphql_schema(&self, actor: &Actor, id: ApiId, text: &str) -> Result<(), ControlError> {
        let schema = GraphqlSchema::parse(text).map_err(|f| refused(vec![f]))?;
        let mut work = self.begin().await?;
        let mut row = load(&mut work, actor, id).await?;
        schema_text(&mut work, id).await?;
        let mut document = parse(&row)?;
        merge_operations(&mut document, &schema);
        strip_secrets(&mut document);
        self.replace_document(&mut work, actor, &mut row, document).await?;
        let file = ArtifactRow {
            name: DEFINITION.to_owned(),
            media_type: MEDIA_TYPE.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        artifact::put(&mut work, &id.to_string(), &file).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.apis.update-graphql-schema", &target, id)).await
    }

    /// Every type of the schema with its fields.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn graphql_types(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let text = self.graphql_schema(actor, id).await?;
        let schema = GraphqlSchema::parse(&text).map_err(|f| refused(vec![f]))?;
        let list: Vec<Value> =
            schema.types.iter().map(|(name, fields)| json!({"type": name, "fieldList": fields})).collect();
        Ok(json!({"typeList": list}))
    }

    /// The weights of the schema's fields; fields without one weigh 1.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn graphql_complexity(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        schema_text(&mut work, id).await?;
        let stored = artifact::find(&mut work, &id.to_string(), COMPLEXITY).await?;
        Ok(stored.and_then(|f| serde_json::from_slice(&f.bytes).ok()).unwrap_or_else(|| json!({"list": []})))
    }

    /// Replaces the weights.
    ///
    /// # Errors
    /// 400 for fields that the schema does not have and weights that are not positive; 403, 404.
    pub async fn put_graphql_complexity(&self, actor: &Actor, id: ApiId, given: &Value) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        let text = schema_text(&mut work, id).await?;
        let schema = GraphqlSchema::parse(&text).map_err(|f| refused(vec![f]))?;
        let mut faults = crate::document::Faults::default();
        let list = given.get("list").and_then(Value::as_array).cloned().unwrap_or_default();
        for entry in &list {
            let part = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
            let known = schema
                .types
                .iter()
                .any(|(name, fields)| name == part("type") && fields.iter().any(|f| f == part("field")));
            if !known {
                faults.field("list", &format!("the schema has no field {}.{}", part("type"), part("field")));
            }
            if entry.get("complexityValue").and_then(Value::as_u64).is_none_or(|n| n == 0) {
                faults.field("list", &format!("{}.{} needs a weight of at least 1", part("type"), part("field")));
            }
        }
        faults.into_result()?;
        let file = ArtifactRow {
            name: COMPLEXITY.to_owned(),
            media_type: "application/json".to_owned(),
            bytes: json!({"list": list}).to_string().into_bytes(),
        };
        artifact::put(&mut work, &id.to_string(), &file).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::managed("publisher.apis.update-graphql-complexity", &target)).await
    }
}

async fn schema_text(work: &mut UnitOfWork, id: ApiId) -> Result<String, ControlError> {
    let missing = || {
        ControlError::new(FaultKind::NotFound, 900_330, "API definition not found", "This API has no GraphQL schema")
    };
    let file = artifact::find(work, &id.to_string(), DEFINITION).await?.ok_or_else(missing)?;
    if file.media_type != MEDIA_TYPE {
        return Err(missing());
    }
    text_of(&file.bytes)
}

fn text_of(bytes: &[u8]) -> Result<String, ControlError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| refused(vec![DefinitionFault::whole("the schema is not UTF-8 text")]))?;
    Ok(text.to_owned())
}

fn operations(schema: &GraphqlSchema) -> Vec<Value> {
    schema.operations().into_iter().map(|(target, verb)| json!({"target": target, "verb": verb})).collect()
}

fn merge_operations(document: &mut ApiDocument, schema: &GraphqlSchema) {
    let known: Vec<Value> = document.operations().to_vec();
    let merged: Vec<Value> = schema
        .operations()
        .into_iter()
        .map(|(target, verb)| {
            let same = |o: &&Value| {
                o.get("target").and_then(Value::as_str) == Some(target.as_str())
                    && o.get("verb").and_then(Value::as_str) == Some(verb)
            };
            known.iter().find(same).cloned().unwrap_or_else(|| json!({"target": target, "verb": verb}))
        })
        .collect();
    document.set("operations", merged);
    fill_operation_defaults(document);
}
