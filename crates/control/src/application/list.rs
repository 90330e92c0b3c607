//! Reading applications.

use model::ApplicationId;
use serde_json::Value;
use store::repository::{api, application as applications, subscription};

use super::{brief, sharing, whole};
use crate::api::page::Page;
use crate::discovery;
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
    let wanted = query.strip_prefix("name:").unwrap_or(query).trim().trim_matches('"').replace('\0', "");
    let owner = actor.name();
    let shared = sharing::shared(control, &mut work, actor).await?;
    let (rows, total) = if shared.is_empty() {
        applications::search_of_owner(&mut work, (actor.tenant(), &owner), &wanted, descending, page.rows()).await?
    } else {
        // What is shared is not much: it is put in its place among the owner's.
        let mut rows = applications::of_owner(&mut work, actor.tenant(), &owner).await?;
        rows.extend(shared);
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows.retain(|row| row.name.to_lowercase().contains(&wanted.to_lowercase()));
        if descending {
            rows.reverse();
        }
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        (page.cut(rows), total)
    };
    let mut entries = Vec::new();
    for row in rows {
        let count = subscription::count_of_application(&mut work, row.id).await?;
        entries.push(brief(&row, count));
    }
    Ok(page.list(usize::try_from(total).unwrap_or(0), entries))
}

/// One of the actor's applications, or one that is shared with them. `addressed` is the tenant whose subscriptions count,
/// where tenants can subscribe to each other's APIs.
pub(crate) async fn get(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    addressed: Option<&str>,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let row = sharing::visible(control, &mut work, actor, id).await?;
    let mut shown = whole(&mut work, &row).await?;
    if let Some(tenant) = discovery::addressed(control, &mut work, addressed).await? {
        let mut count = 0_usize;
        for one in subscription::of_application(&mut work, id).await? {
            count = count.saturating_add(usize::from(api::find(&mut work, tenant, one.api).await?.is_some()));
        }
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("subscriptionCount".to_owned(), count.into());
        }
    }
    Ok(shown)
}
