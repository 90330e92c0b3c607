//! AsyncAPI definitions of streaming APIs.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json};

use super::apis::location;
use super::definitions::{properties, source, validated};
use super::{CHANGE, CREATE, VIEW, api_id};
use crate::{Actor, Control, ControlError};

/// Largest form with a definition, bytes.
const BODY: usize = 12 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    RouteTable::new()
        .guarded(
            base(
                "publisher.apis.import-asyncapi",
                "POST",
                "/api/am/publisher/v4/apis/import-asyncapi",
                "Create a streaming API from an AsyncAPI definition (file or url).",
            ),
            CREATE,
            import,
        )
        .guarded(
            base(
                "publisher.apis.validate-asyncapi",
                "POST",
                "/api/am/publisher/v4/apis/validate-asyncapi",
                "Check an AsyncAPI definition.",
            ),
            CREATE,
            validate,
        )
        .guarded(
            base(
                "publisher.apis.get-asyncapi",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/asyncapi",
                "Read the AsyncAPI definition of a streaming API.",
            ),
            VIEW,
            get,
        )
        .guarded(
            base(
                "publisher.apis.update-asyncapi",
                "PUT",
                "/api/am/publisher/v4/apis/{apiId}/asyncapi",
                "Replace the AsyncAPI definition of a streaming API (apiDefinition, file or url).",
            ),
            CHANGE,
            update,
        )
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let properties = properties(&form)?;
    let made = control.import_asyncapi(&Actor::of(&permit), source(&form, "inlineAPIDefinition")?, properties).await?;
    Ok(created(&location(&made), &made))
}

async fn validate(control: Arc<Control>, _permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let report = control.validate_asyncapi(source(&form, "inlineAPIDefinition")?).await?;
    Ok(validated(&call, report))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.asyncapi(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let source = source(&call.multipart().await?, "apiDefinition")?;
    Ok(json(StatusCode::OK, &control.update_asyncapi(&Actor::of(&permit), id, source).await?))
}
