//! OpenAPI 3.1 documents of the REST APIs, derived from the route table.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use web::Access;

use crate::api;

/// The document of one area: `publisher`, `devportal`, `admin`, `governance`, `devops` or `gateway`; `None` for another name.
pub fn document(area: &str) -> Option<Value> {
    let (title, base) = match area {
        "publisher" => ("Publisher API", "/api/am/publisher/v4"),
        "devportal" => ("Developer Portal API", "/api/am/devportal/v3"),
        "admin" => ("Admin API", "/api/am/admin/v4"),
        "governance" => ("Governance API", "/api/am/governance/v1"),
        "devops" => ("DevOps API", "/api/am/devops/v0"),
        "gateway" => ("Gateway API", "/api/am/gateway/v2"),
        _ => return None,
    };
    Some(of_routes(title, base, api::routes().operations()))
}

/// The document of any operations below a base path; those elsewhere are left out.
pub fn of_routes<'a>(
    title: &str,
    base: &str,
    operations: impl Iterator<Item = (&'a web::Operation, &'a Access)>,
) -> Value {
    let mut paths = Map::new();
    let mut scopes = Map::new();
    let mut tags = BTreeSet::new();
    for (operation, access) in operations {
        let Some(path) = operation.path.strip_prefix(base) else { continue };
        let needed: &[&str] = match access {
            Access::AnyScope(scopes) => scopes,
            Access::Public(_) | Access::Optional(_) | Access::Session(_) | Access::Visitor(_) => &[],
        };
        for scope in needed {
            scopes.insert((*scope).to_owned(), json!(""));
        }
        let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        tags.insert(tag(operation));
        if let Value::Object(item) = item {
            item.insert(operation.method.to_lowercase(), operation_object(operation, access, path));
        }
    }
    let schemes = json!({
        "oauth2": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": scopes}},
        }
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Made from the route table of the program: every operation, and the scopes that allow it.",
            "contact": {"name": "Portcullis"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": if base.is_empty() { "/" } else { base }}],
        "tags": tags.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {"securitySchemes": schemes, "schemas": {"Error": error_schema()}},
    })
}

fn operation_object(operation: &web::Operation, access: &Access, path: &str) -> Value {
    let parameters: Vec<Value> = path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let error = json!({
        "description": "Refused; the body says why.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    });
    let mut fields = Map::new();
    fields.insert("operationId".to_owned(), operation.id.into());
    fields.insert("summary".to_owned(), operation.summary.into());
    fields.insert("description".to_owned(), description(operation, access).into());
    fields.insert("tags".to_owned(), json!([tag(operation)]));
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), parameters.into());
    }
    fields.insert("responses".to_owned(), json!({"2XX": {"description": "Done."}, "4XX": error}));
    match access {
        // One entry per scope: any of them is enough.
        Access::AnyScope(scopes) => {
            let any: Vec<Value> = scopes.iter().map(|s| json!({"oauth2": [s]})).collect();
            fields.insert("security".to_owned(), any.into());
        }
        // Signed in or not: without credentials the answer shows less.
        Access::Optional(reason) => {
            fields.insert("security".to_owned(), json!([{}, {"oauth2": []}]));
            fields.insert("x-public-because".to_owned(), (*reason).into());
        }
        // The cookie is no business of API clients: such pages send them to the sign-in page.
        Access::Session(_) => {
            fields.insert("security".to_owned(), json!([]));
        }
        Access::Public(reason) | Access::Visitor(reason) => {
            fields.insert("security".to_owned(), json!([]));
            fields.insert("x-public-because".to_owned(), (*reason).into());
        }
    }
    fields.insert("x-body-limit-bytes".to_owned(), operation.body_limit.into());
    Value::Object(fields)
}

/// The second part of the id, as in `publisher.apis.create`, or the first of shorter ones.
fn tag(operation: &web::Operation) -> &'static str {
    let mut parts = operation.id.split('.');
    let (first, second, more) = (parts.next(), parts.next(), parts.next());
    let tag = if more.is_some() { second } else { first };
    tag.unwrap_or(operation.id)
}

/// The summary, and who may call.
fn description(operation: &web::Operation, access: &Access) -> String {
    let who = match access {
        Access::AnyScope([one]) => format!("It needs the scope `{one}`."),
        Access::AnyScope(scopes) => format!("It needs one of the scopes `{}`.", scopes.join("`, `")),
        Access::Public(reason) | Access::Visitor(reason) => format!("Anybody may call it: {reason}."),
        Access::Optional(reason) => format!("Without credentials it shows less: {reason}."),
        Access::Session(_) => "It is a page for people who have signed in.".to_owned(),
    };
    format!("{} {who}", operation.summary)
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message", "description", "moreInfo", "error"],
        "properties": {
            "code": {"type": "integer", "description": "WSO2's number, or the HTTP status"},
            "message": {"type": "string"},
            "description": {"type": "string", "description": "What happened and what to do"},
            "moreInfo": {"type": "string"},
            "error": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "description": {"type": "string"},
                    },
                },
            },
        },
    })
}
