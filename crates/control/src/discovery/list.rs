//! Lists of the Developer Portal: APIs, tags.

use model::ApiId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiOrder, ApiSearch};
use store::repository::comment::rating_sums;

use super::{Viewer, average, listed};
use crate::api::page::Page;
use crate::publishing::parse_document as parse;
use crate::publishing::search::{CONTENT, Query};
use crate::{Control, ControlError};

/// APIs that match a query.
pub(crate) async fn apis(control: &Control, viewer: &Viewer, page: &Page, query: &str) -> Result<Value, ControlError> {
    matching(control, viewer, page, &Query::parse(query)).await
}

async fn matching(control: &Control, viewer: &Viewer, page: &Page, query: &Query) -> Result<Value, ControlError> {
    let search = ApiSearch { terms: query.terms(), ..listed(viewer) };
    let mut work = control.read().await?;
    let total = api::count_found(&mut work, &search).await?;
    let entries = shown(&mut work, viewer, &search, ApiOrder::Newest, page.rows()).await?;
    Ok(page.list(usize::try_from(total).unwrap_or(0), entries))
}

/// A part of what is found, as lists show it.
async fn shown(
    work: &mut UnitOfWork,
    viewer: &Viewer,
    search: &ApiSearch,
    order: ApiOrder,
    part: (i64, i64),
) -> Result<Vec<Value>, ControlError> {
    let rows = api::search(work, search, order, part).await?;
    let ids: Vec<ApiId> = rows.iter().map(|row| row.id).collect();
    let ratings = rating_sums(work, &ids).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let rating = average(ratings.get(&row.id).copied().unwrap_or_default());
        entries.push(super::view::brief(viewer, &row, &parse(&row)?, &rating));
    }
    Ok(entries)
}

/// APIs that changed last, the newest change first.
pub(crate) async fn recent(control: &Control, viewer: &Viewer, limit: usize) -> Result<Vec<Value>, ControlError> {
    let part = (i64::try_from(limit).unwrap_or(i64::MAX), 0);
    shown(&mut control.read().await?, viewer, &listed(viewer), ApiOrder::ChangedLast, part).await
}

/// The result of a search over APIs and their documents, typed as WSO2's unified search does.
pub(crate) async fn search(
    control: &Control,
    viewer: &Viewer,
    page: &Page,
    query: &str,
) -> Result<Value, ControlError> {
    let mut answer = matching(control, viewer, page, &Query::parse_for(query, CONTENT)).await?;
    for entry in answer.get_mut("list").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(object) = entry.as_object_mut() {
            let transport = object.insert("type".into(), json!("API"));
            object.insert("transportType".into(), transport.unwrap_or_default());
        }
    }
    Ok(answer)
}

/// Tags of the APIs that lists show, with how many APIs carry each, most used first.
pub(crate) async fn tags(control: &Control, viewer: &Viewer, page: &Page) -> Result<Value, ControlError> {
    let mut work: UnitOfWork = control.read().await?;
    let tags = api::facets_of_found(&mut work, &listed(viewer), "=tag").await?;
    Ok(page.answer(tags.into_iter().map(|(value, count)| json!({"value": value, "count": count})).collect()))
}
