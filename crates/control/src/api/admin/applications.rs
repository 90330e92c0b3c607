//! Applications of all consumers of the tenant.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::actor;
use crate::api::page::Page;
use crate::application::{delete as removal, owner};
use crate::{Control, ControlError};

const VIEW: &[&str] = &["apim:admin", "apim:app_import_export", "apim:app_owner_change"];
const REMOVE: &[&str] = &["apim:admin", "apim:app_import_export"];
const CHANGE: &[&str] = &["apim:admin", "apim:app_owner_change"];

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new("admin.applications.list", "GET", "/api/am/admin/v4/applications", "Find applications"),
            VIEW,
            list,
        )
        .guarded(
            Operation::new(
                "admin.applications.delete",
                "DELETE",
                "/api/am/admin/v4/applications/{applicationId}",
                "Remove an application",
            ),
            REMOVE,
            delete,
        )
        .guarded(
            Operation::new(
                "admin.applications.change-owner",
                "POST",
                "/api/am/admin/v4/applications/{applicationId}/change-owner",
                "Give an application to another consumer",
            ),
            CHANGE,
            change_owner,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let page = Page::of(&call)?;
    let query = |name: &str| call.query(name).unwrap_or_default();
    Ok(json(StatusCode::OK, &owner::list(&control, &actor, &page, query("user"), query("name")).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    removal::delete_any(&control, &actor, call.path_id("applicationId")?, "admin.applications.delete").await?;
    Ok(no_content(StatusCode::OK))
}

async fn change_owner(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let owner = call.query("owner").unwrap_or_default();
    if owner.is_empty() {
        return Err(ControlError::invalid("owner: is missing."));
    }
    owner::change(&control, &actor, call.path_id("applicationId")?, owner).await?;
    Ok(no_content(StatusCode::OK))
}
