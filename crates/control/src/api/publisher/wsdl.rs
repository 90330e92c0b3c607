//! SOAP APIs.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, text};

use super::definitions::{properties, source};
use super::{CREATE, VIEW, api_id};
use crate::api::publisher::apis::location;
use crate::{Actor, Control, ControlError};

/// A WSDL of 10 MiB in a form with its properties.
const BODY: usize = 12 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.apis.import-wsdl",
                "POST",
                "/api/am/publisher/v4/apis/import-wsdl",
                "Create a SOAP API from its WSDL (file or url).",
            )
            .body_limit(BODY),
            CREATE,
            import,
        )
        .guarded(
            Operation::new(
                "publisher.apis.get-wsdl",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/wsdl",
                "Read the WSDL of an API.",
            ),
            VIEW,
            get,
        )
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let kind = form.text("implementationType").unwrap_or_else(|| "SOAP".to_owned());
    let made =
        control.import_wsdl(&Actor::of(&permit), source(&form, "wsdl")?, kind.trim(), properties(&form)?).await?;
    Ok(created(&location(&made), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let (media_type, bytes) = control.wsdl(&Actor::of(&permit), api_id(&call)?).await?;
    let media_type = if media_type == "application/zip" { "application/zip" } else { "text/xml" };
    Ok(text(StatusCode::OK, media_type, bytes))
}
