//! APIs: lists, search, one API, its definition.

use std::sync::Arc;

use http::{StatusCode, header};
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RouteTable, json, text, with_header};

use super::{OPEN, viewer};
use crate::api::page::Page;
use crate::discovery::{definition, list as lists, view};
use crate::field::Field;
use crate::{Control, ControlError};

const PATH: &str = "/api/am/devportal/v3/apis";
const ONE: &str = "/api/am/devportal/v3/apis/{apiId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .optional(Operation::new("devportal.apis.list", "GET", PATH, "List or find APIs"), OPEN, list)
        .optional(
            Operation::new("devportal.search", "GET", "/api/am/devportal/v3/search", "Find APIs by anything"),
            OPEN,
            search,
        )
        .optional(
            Operation::new("devportal.tags", "GET", "/api/am/devportal/v3/tags", "List tags with their use"),
            OPEN,
            tags,
        )
        .optional(Operation::new("devportal.apis.get", "GET", ONE, "Read an API"), OPEN, get)
        .optional(
            Operation::new(
                "devportal.apis.swagger",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/swagger",
                "Read an API's OpenAPI document",
            ),
            OPEN,
            swagger,
        )
        .optional(
            Operation::new(
                "devportal.apis.graphql-schema",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/graphql-schema",
                "Read an API's GraphQL schema",
            ),
            OPEN,
            graphql_schema,
        )
        .optional(
            Operation::new(
                "devportal.apis.wsdl",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/wsdl",
                "Read an API's WSDL",
            ),
            OPEN,
            wsdl,
        )
        .optional(
            Operation::new(
                "devportal.apis.topics",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/topics",
                "List the topics of a streaming API",
            ),
            OPEN,
            topics,
        )
        .optional(
            Operation::new(
                "devportal.apis.subscription-policies",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/subscription-policies",
                "List the plans of an API",
            ),
            OPEN,
            plans,
        )
}

async fn list(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let page = Page::of(&call)?;
    let query = call.query("query").unwrap_or_default();
    Ok(json(StatusCode::OK, &lists::apis(&control, &viewer, &page, query).await?))
}

async fn search(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let page = Page::of(&call)?;
    let query = call.query("query").unwrap_or_default();
    Ok(json(StatusCode::OK, &lists::search(&control, &viewer, &page, query).await?))
}

async fn tags(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    Ok(json(StatusCode::OK, &lists::tags(&control, &viewer, &Page::of(&call)?).await?))
}

async fn get(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    Ok(json(StatusCode::OK, &view::get(&control, &viewer, call.path_id("apiId")?).await?))
}

async fn swagger(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let environment = call.query("environmentName").unwrap_or_default();
    let document = definition::openapi(&control, &viewer, call.path_id("apiId")?, environment).await?;
    Ok(json(StatusCode::OK, &document))
}

async fn graphql_schema(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let (_, bytes) = definition::file(&control, &viewer, call.path_id("apiId")?, "graphql-schema").await?;
    Ok(text(StatusCode::OK, "text/plain; charset=utf-8", bytes))
}

async fn wsdl(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let (media_type, bytes) = definition::file(&control, &viewer, call.path_id("apiId")?, "wsdl").await?;
    Ok(with_header(text(StatusCode::OK, "application/octet-stream", bytes), header::CONTENT_TYPE, &media_type))
}

async fn topics(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    Ok(json(StatusCode::OK, &view::topics(&control, &viewer, call.path_id("apiId")?).await?))
}

async fn plans(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let api = view::get(&control, &viewer, call.path_id("apiId")?).await?;
    let list: Vec<_> = api.at("tiers")
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|tier| object!({"name": tier.at("tierName"), "policyLevel": "subscription", "tierPlan": tier.at("tierPlan")}))
        .collect();
    Ok(json(StatusCode::OK, &list))
}
