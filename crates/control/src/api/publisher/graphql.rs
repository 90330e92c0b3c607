//! GraphQL APIs.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json, no_content};

use super::definitions::{properties, source};
use super::{CHANGE, CREATE, VIEW, api_id, flag};
use crate::api::publisher::apis::location;
use crate::{Actor, Control, ControlError};

/// A schema of 10 MiB in a form with its properties.
const BODY: usize = 12 * 1024 * 1024;
const SCHEMA: &str = "/api/am/publisher/v4/apis/{apiId}/graphql-schema";
const COMPLEXITY: &str = "/api/am/publisher/v4/apis/{apiId}/graphql-policies/complexity";

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    RouteTable::new()
        .guarded(
            base(
                "publisher.apis.import-graphql-schema",
                "POST",
                "/api/am/publisher/v4/apis/import-graphql-schema",
                "Create a GraphQL API from its schema (file or url).",
            ),
            CREATE,
            import,
        )
        .guarded(
            base(
                "publisher.apis.validate-graphql-schema",
                "POST",
                "/api/am/publisher/v4/apis/validate-graphql-schema",
                "Check a GraphQL schema.",
            ),
            CREATE,
            validate,
        )
        .guarded(base("publisher.apis.get-graphql-schema", "GET", SCHEMA, "Read the GraphQL schema."), VIEW, get)
        .guarded(
            base("publisher.apis.update-graphql-schema", "PUT", SCHEMA, "Replace the GraphQL schema."),
            CHANGE,
            update,
        )
        .guarded(
            base(
                "publisher.apis.graphql-types",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/graphql-policies/complexity/types",
                "List the types of the GraphQL schema with their fields.",
            ),
            VIEW,
            types,
        )
        .guarded(
            base("publisher.apis.get-graphql-complexity", "GET", COMPLEXITY, "Read the weights of the fields."),
            VIEW,
            complexity,
        )
        .guarded(
            base("publisher.apis.update-graphql-complexity", "PUT", COMPLEXITY, "Replace the weights of the fields."),
            CHANGE,
            put_complexity,
        )
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let made = control.import_graphql(&Actor::of(&permit), source(&form, "schema")?, properties(&form)?).await?;
    Ok(created(&location(&made), &made))
}

async fn validate(control: Arc<Control>, _permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let introspect = flag(&call, "useIntrospection", false);
    Ok(json(StatusCode::OK, &control.validate_graphql(source(&form, "schema")?, introspect).await?))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let text = control.graphql_schema(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(json(StatusCode::OK, &object!({"name": "schema.graphql", "schemaDefinition": text})))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let form = call.multipart().await?;
    let text =
        form.text("schemaDefinition").ok_or_else(|| RestError::bad_request("Send the schema as schemaDefinition."))?;
    control.update_graphql_schema(&Actor::of(&permit), id, &text).await?;
    Ok(no_content(StatusCode::OK))
}

async fn types(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.graphql_types(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn complexity(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.graphql_complexity(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn put_complexity(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let given: Value = call.json()?;
    control.put_graphql_complexity(&Actor::of(&permit), api_id(&call)?, &given).await?;
    Ok(no_content(StatusCode::OK))
}
