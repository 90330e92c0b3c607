//! Definitions for consumers, with the addresses they call.

use model::ApiId;
use serde_json::Value;
use store::repository::artifact;

use super::view::endpoint_urls;
use super::{Viewer, find};
use crate::field::Field;
use crate::publishing::consumer_definition;
use crate::{Control, ControlError};

/// The OpenAPI document; with an environment name, that one's addresses only.
pub(crate) async fn openapi(
    control: &Control,
    viewer: &Viewer,
    id: ApiId,
    environment: &str,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (row, api) = find(&mut work, viewer, id).await?;
    let urls = endpoint_urls(control, &mut work, &row, &api).await?;
    let chosen: Vec<&Value> =
        urls.iter().filter(|url| environment.is_empty() || url.at("environmentName") == environment).collect();
    if !environment.is_empty() && chosen.is_empty() {
        return Err(ControlError::not_found(format!("The API is not deployed to {environment}.")));
    }
    let mut servers = Vec::new();
    for scheme in ["https", "http"] {
        servers.extend(chosen.iter().filter_map(|url| url.at("URLs")[scheme].as_str().map(str::to_owned)));
    }
    consumer_definition(&mut work, &row, &servers).await
}

/// A file of an API by the name it is kept under: GraphQL schema, WSDL, thumbnail.
pub(crate) async fn file(
    control: &Control,
    viewer: &Viewer,
    id: ApiId,
    name: &str,
) -> Result<(String, Vec<u8>), ControlError> {
    let mut work = control.read().await?;
    let (row, _) = find(&mut work, viewer, id).await?;
    let found = artifact::find(&mut work, &row.id.to_string(), name).await?;
    found.map(|file| (file.media_type, file.bytes)).ok_or_else(|| ControlError::not_found("The API has no such file."))
}
