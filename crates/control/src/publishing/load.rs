//! Finding an API for an actor, with the access rules applied.

use model::{ApiDocument, ApiId};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};

use crate::{Actor, ControlError, FaultKind};

/// The one answer for an API that is not there, in this tenant at least.
pub(super) fn api_not_found(id: &str) -> ControlError {
    ControlError::new(FaultKind::NotFound, 900_308, "API Not Found", format!("Requested API with id '{id}' not found"))
}

/// The API or API product of the actor's tenant.
///
/// # Errors
/// 404 when there is none; 403 when its access control leaves the actor out.
pub(crate) async fn load(work: &mut UnitOfWork, actor: &Actor, id: ApiId) -> Result<ApiRow, ControlError> {
    let row = api::find(work, actor.tenant(), id).await?.ok_or_else(|| api_not_found(&id.to_string()))?;
    let document = parse(&row)?;
    if may_access(actor, &row, &document) {
        Ok(row)
    } else {
        Err(ControlError::new(
            FaultKind::Forbidden,
            900_340,
            "No permissions to read API.",
            "User is not authorized to access the API",
        ))
    }
}

/// As [`load`], for what cannot be done with an API product.
///
/// # Errors
/// 404 for a product, too.
pub(super) async fn load_api(work: &mut UnitOfWork, actor: &Actor, id: ApiId) -> Result<ApiRow, ControlError> {
    let row = load(work, actor, id).await?;
    if row.kind == super::products::KIND { Err(api_not_found(&id.to_string())) } else { Ok(row) }
}

/// The stored object of an API.
pub(crate) fn parse(row: &ApiRow) -> Result<ApiDocument, ControlError> {
    serde_json::from_str(&row.document)
        .map_err(|e| ControlError::internal(format!("the stored object of API {} is damaged: {e}", row.id)))
}

/// Access control of the Publisher: everybody with the scope, or the provider, administrators and holders of a role.
pub(crate) fn may_access(actor: &Actor, row: &ApiRow, document: &ApiDocument) -> bool {
    document.text("accessControl") != "RESTRICTED"
        || actor.is_admin()
        || row.provider == actor.name()
        || document.texts("accessControlRoles").into_iter().any(|role| actor.has_role(role))
}

/// Writes the object and the copies of its fields back into the row.
pub(crate) fn store_document(row: &mut ApiRow, document: &ApiDocument) -> Result<(), ControlError> {
    document.name().clone_into(&mut row.name);
    document.version().clone_into(&mut row.version);
    document.context().clone_into(&mut row.context);
    document.provider().clone_into(&mut row.provider);
    document.kind().clone_into(&mut row.kind);
    row.is_default = document.flag("isDefaultVersion");
    row.document = serde_json::to_string(document).map_err(|e| ControlError::internal(e.to_string()))?;
    Ok(())
}
