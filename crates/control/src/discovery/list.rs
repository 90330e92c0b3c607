//! Lists of the Developer Portal: APIs, tags.

use std::collections::{BTreeMap, BTreeSet};

use model::ApiId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::document;

use super::{Viewer, average_rating, listed};
use crate::api::page::Page;
use crate::publishing::search::{CONTENT, Query};
use crate::{Control, ControlError};

/// APIs that match a query.
pub(crate) async fn apis(control: &Control, viewer: &Viewer, page: &Page, query: &str) -> Result<Value, ControlError> {
    matching(control, viewer, page, &Query::parse(query)).await
}

async fn matching(control: &Control, viewer: &Viewer, page: &Page, query: &Query) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let mut documented: BTreeMap<&str, BTreeSet<ApiId>> = BTreeMap::new();
    for text in query.contents() {
        let apis = document::apis_with_text(&mut work, viewer.tenant.id, text, viewer.is_member()).await?;
        documented.insert(text, apis.into_iter().collect());
    }
    let mut found = listed(&mut work, viewer).await?;
    found.retain(|(row, api)| {
        query.matches_or(row, api, &|text| documented.get(text).is_some_and(|apis| apis.contains(&row.id)))
    });
    let total = found.len();
    let mut entries = Vec::new();
    for (row, document) in page.cut(found) {
        let rating = average_rating(&mut work, row.id).await?;
        entries.push(super::view::brief(viewer, &row, &document, &rating));
    }
    Ok(page.list(total, entries))
}

/// APIs that changed last, the newest change first.
pub(crate) async fn recent(control: &Control, viewer: &Viewer, limit: usize) -> Result<Vec<Value>, ControlError> {
    let mut work = control.read().await?;
    let mut found = listed(&mut work, viewer).await?;
    found.sort_by_key(|(row, _)| std::cmp::Reverse(row.updated_at));
    let mut entries = Vec::new();
    for (row, document) in found.into_iter().take(limit) {
        let rating = average_rating(&mut work, row.id).await?;
        entries.push(super::view::brief(viewer, &row, &document, &rating));
    }
    Ok(entries)
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
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (_, document) in listed(&mut work, viewer).await? {
        for tag in document.texts("tags") {
            let count = counts.entry(tag.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut tags: Vec<(String, u64)> = counts.into_iter().collect();
    tags.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(page.answer(tags.into_iter().map(|(value, count)| json!({"value": value, "count": count})).collect()))
}
