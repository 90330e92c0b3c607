//! Reading applications.

use model::ApplicationId;
use serde_json::Value;
use store::repository::{application as applications, subscription};

use super::{brief, owned, whole};
use crate::api::page::Page;
use crate::{Actor, Control, ControlError};

/// The actor's applications whose name contains the query.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    page: &Page,
    query: &str,
    descending: bool,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let wanted = query.strip_prefix("name:").unwrap_or(query).trim().trim_matches('"').to_lowercase();
    let mut rows = applications::of_owner(&mut work, actor.tenant(), &actor.name()).await?;
    rows.retain(|row| row.name.to_lowercase().contains(&wanted));
    if descending {
        rows.reverse();
    }
    let total = rows.len();
    let mut entries = Vec::new();
    for row in page.cut(rows) {
        let count = subscription::count_of_application(&mut work, row.id).await?;
        entries.push(brief(&row, count));
    }
    Ok(page.list(total, entries))
}

/// One of the actor's applications.
pub(crate) async fn get(control: &Control, actor: &Actor, id: ApplicationId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let row = owned(&mut work, actor, id).await?;
    whole(&mut work, &row).await
}
