//! API projects: export and import of zip archives.

use std::sync::Arc;

use http::{StatusCode, header};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, text, with_header};

use super::{EXCHANGE, flag, query_id};
use crate::{Actor, Control, ControlError, ImportOptions};

/// A packed project.
const BODY: usize = 32 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.apis.export",
                "GET",
                "/api/am/publisher/v4/apis/export",
                "Export an API as a project (apiId, or name and version).",
            ),
            &["apim:api_view", "apim:api_import_export", "apim:api_manage"],
            export,
        )
        .guarded(
            Operation::new(
                "publisher.apis.import",
                "POST",
                "/api/am/publisher/v4/apis/import",
                "Import an API project.",
            )
            .body_limit(BODY),
            EXCHANGE,
            import,
        )
}

async fn export(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let id = match (call.query("apiId"), call.query("name"), call.query("version")) {
        (None, Some(name), Some(version)) => control.find_api(&actor, name, version).await?,
        _ => query_id(&call, "apiId")?,
    };
    let as_json = call.query("format").is_some_and(|f| f.eq_ignore_ascii_case("json"));
    let zip = control.export_project(&actor, id, as_json).await?;
    let answer = text(StatusCode::OK, "application/zip", zip);
    Ok(with_header(answer, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"api-{id}.zip\"")))
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let file = form.files.get("file").ok_or_else(|| RestError::bad_request("Send the project as file."))?;
    let options = ImportOptions {
        overwrite: flag(&call, "overwrite", false),
        preserve_provider: flag(&call, "preserveProvider", true),
        rotate_revision: flag(&call, "rotateRevision", false),
    };
    control.import_project(&Actor::of(&permit), file.bytes.clone(), options).await?;
    Ok(text(StatusCode::OK, "text/plain", "API imported successfully."))
}
