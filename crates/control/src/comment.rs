//! Comments on APIs, their replies, and ratings.

use model::ApiId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::comment::{self as comments, CommentRow, RatingRow, Window};
use uuid::Uuid;

use crate::api::page::Page;
use crate::field::Field;
use crate::{Actor, Change, Control, ControlError};

/// Most characters of a comment (WSO2's limit).
const MAX_LENGTH: usize = 512;
/// Replies that come with a comment unless more are asked for.
const DEFAULT_REPLIES: usize = 3;

/// Most comments and replies on one API.
const MAX_OF_API: i64 = 10_000;
/// Most of them by one author.
const MAX_OF_AUTHOR: i64 = 500;

/// Where a comment is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EntryPoint {
    /// In the Developer Portal.
    Devportal,
    /// In the Publisher.
    Publisher,
}

impl EntryPoint {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Devportal => "DEVPORTAL",
            Self::Publisher => "PUBLISHER",
        }
    }
}

fn shown(row: &CommentRow, replies: Value) -> Value {
    json!({
        "id": row.id.to_string(),
        "content": row.content,
        "createdTime": row.created.rfc3339(),
        "createdBy": row.author,
        "updatedTime": row.updated.map(model::Timestamp::rfc3339),
        "category": row.category,
        "parentCommentId": row.parent.map(|parent| parent.to_string()),
        "entryPoint": row.entry_point,
        "commenterInfo": Value::Null,
        "replies": replies,
    })
}

fn unknown(id: Uuid) -> ControlError {
    ControlError::not_found(format!("The API has no comment with the id {id}."))
}

fn checked(input: &Value, former: Option<&CommentRow>) -> Result<(String, String), ControlError> {
    let content = input.at("content").as_str().or(former.map(|row| row.content.as_str())).unwrap_or_default().trim();
    if content.is_empty() || content.chars().count() > MAX_LENGTH {
        return Err(ControlError::invalid(format!("content: 1 to {MAX_LENGTH} characters.")));
    }
    let category = input.at("category").as_str().or(former.map(|row| row.category.as_str())).unwrap_or("general");
    if category.chars().count() > 64 {
        return Err(ControlError::invalid("category: at most 64 characters."));
    }
    Ok((content.to_owned(), category.to_owned()))
}

/// A page of a comment's replies: `{count, list, pagination}`.
async fn replies_of(
    work: &mut UnitOfWork,
    row: &CommentRow,
    limit: usize,
    offset: usize,
) -> Result<Value, ControlError> {
    let total = comments::count_replies(work, row.api, row.id).await?;
    let part = comments::replies(work, row.api, row.id, Window { limit, offset }).await?;
    let none = || json!({"count": 0, "list": [], "pagination": Value::Null});
    let list: Vec<Value> = part.iter().map(|reply| shown(reply, none())).collect();
    Ok(json!({
        "count": list.len(),
        "list": list,
        "pagination": {"offset": offset, "limit": limit, "total": total, "next": "", "previous": ""},
    }))
}

/// The caller has made sure that the actor may see the API.
pub(crate) async fn create(
    control: &Control,
    actor: &Actor,
    api: ApiId,
    parent: Option<&str>,
    entry_point: EntryPoint,
    input: &Value,
) -> Result<Value, ControlError> {
    let (content, category) = checked(input, None)?;
    let mut work = control.begin().await?;
    let author = actor.name();
    let (all, own) = comments::count(&mut work, api, &author).await?;
    if all >= MAX_OF_API || own >= MAX_OF_AUTHOR {
        return Err(ControlError::conflict(format!(
            "An API has at most {MAX_OF_API} comments, and at most {MAX_OF_AUTHOR} of one author. Remove some."
        )));
    }
    let parent = match parent.filter(|text| !text.is_empty()) {
        Some(text) => {
            let id: Uuid =
                text.parse().map_err(|_| ControlError::not_found("There is no such comment to reply to."))?;
            let found = comments::find(&mut work, api, id).await?.ok_or_else(|| unknown(id))?;
            // Replies to a reply belong to its comment: there are two levels.
            Some(found.parent.unwrap_or(found.id))
        }
        None => None,
    };
    let row = CommentRow {
        id: control.uuid(),
        tenant: actor.tenant(),
        api,
        parent,
        author,
        entry_point: entry_point.as_str().to_owned(),
        category,
        content,
        created: control.now(),
        updated: None,
    };
    comments::insert(&mut work, &row).await?;
    let target = format!("api/{api}/comment/{}", row.id);
    control.commit(work, actor, Change::managed("apis.comments.create", &target)).await?;
    Ok(shown(&row, Value::Null))
}

/// Comments that are no replies, each with its first replies.
pub(crate) async fn list(control: &Control, api: ApiId, page: &Page) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let total = usize::try_from(comments::count_roots(&mut work, api).await?).unwrap_or(0);
    let mut entries = Vec::new();
    for row in comments::roots(&mut work, api, page.window()).await? {
        let replies = replies_of(&mut work, &row, DEFAULT_REPLIES, 0).await?;
        entries.push(shown(&row, replies));
    }
    Ok(page.list(total, entries))
}

/// One comment with a page of its replies.
pub(crate) async fn get(
    control: &Control,
    api: ApiId,
    id: Uuid,
    limit: usize,
    offset: usize,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let row = comments::find(&mut work, api, id).await?.ok_or_else(|| unknown(id))?;
    let replies = replies_of(&mut work, &row, limit, offset).await?;
    Ok(shown(&row, replies))
}

/// The replies to a comment.
pub(crate) async fn replies(control: &Control, api: ApiId, id: Uuid, page: &Page) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    comments::find(&mut work, api, id).await?.ok_or_else(|| unknown(id))?;
    let total = usize::try_from(comments::count_replies(&mut work, api, id).await?).unwrap_or(0);
    let rows = comments::replies(&mut work, api, id, page.window()).await?;
    Ok(page.list(total, rows.iter().map(|row| shown(row, Value::Null)).collect()))
}

/// Changes a comment of the actor.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    api: ApiId,
    id: Uuid,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let mut row = comments::find(&mut work, api, id).await?.ok_or_else(|| unknown(id))?;
    if row.author != actor.name() {
        return Err(ControlError::forbidden("Only its author may change a comment."));
    }
    (row.content, row.category) = checked(input, Some(&row))?;
    row.updated = Some(control.now());
    comments::update(&mut work, &row).await?;
    let replies = replies_of(&mut work, &row, DEFAULT_REPLIES, 0).await?;
    let target = format!("api/{api}/comment/{id}");
    control.commit(work, actor, Change::managed("apis.comments.update", &target)).await?;
    Ok(shown(&row, replies))
}

/// Removes a comment with its replies; its author may, and an administrator.
pub(crate) async fn delete(control: &Control, actor: &Actor, api: ApiId, id: Uuid) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let row = comments::find(&mut work, api, id).await?.ok_or_else(|| unknown(id))?;
    if row.author != actor.name() && !actor.is_admin() {
        return Err(ControlError::forbidden("Only its author or an administrator may remove a comment."));
    }
    comments::delete(&mut work, id).await?;
    let target = format!("api/{api}/comment/{id}");
    control.commit(work, actor, Change::managed("apis.comments.delete", &target)).await
}

fn rating_shown(row: &RatingRow) -> Value {
    json!({
        "ratingId": row.id.to_string(),
        "apiId": row.api.to_string(),
        "ratedBy": row.user,
        "rating": row.rating,
    })
}

/// Rates an API from 1 to 5.
pub(crate) async fn rate(control: &Control, actor: &Actor, api: ApiId, input: &Value) -> Result<Value, ControlError> {
    let rating = input.at("rating").as_i64().filter(|n| (1..=5).contains(n));
    let rating = rating.ok_or_else(|| ControlError::invalid("rating: a whole number from 1 to 5."))?;
    let row = RatingRow { id: control.uuid(), api, user: actor.name(), rating };
    let mut work = control.begin().await?;
    comments::rate(&mut work, &row).await?;
    let target = format!("api/{api}/rating");
    control.commit(work, actor, Change::managed("devportal.apis.rate", &target)).await?;
    user_rating(control, actor, api).await
}

/// The actor's rating of an API; 0 when there is none.
pub(crate) async fn user_rating(control: &Control, actor: &Actor, api: ApiId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let found = comments::ratings(&mut work, api).await?.into_iter().find(|row| row.user == actor.name());
    Ok(found.as_ref().map_or_else(
        || json!({"ratingId": null, "apiId": api.to_string(), "ratedBy": actor.name(), "rating": 0}),
        rating_shown,
    ))
}

/// Takes the actor's rating back; that there was none is no error.
pub(crate) async fn unrate(control: &Control, actor: &Actor, api: ApiId) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    comments::unrate(&mut work, api, &actor.name()).await?;
    let target = format!("api/{api}/rating");
    control.commit(work, actor, Change::managed("devportal.apis.unrate", &target)).await
}

/// All ratings of an API with their average.
pub(crate) async fn ratings(
    control: &Control,
    actor: Option<&Actor>,
    api: ApiId,
    page: &Page,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let rows = comments::ratings(&mut work, api).await?;
    let mine = actor.and_then(|actor| rows.iter().find(|row| row.user == actor.name())).map_or(0, |row| row.rating);
    let average = crate::discovery::average_rating(&mut work, api).await?;
    let mut answer = page.answer(rows.iter().map(rating_shown).collect());
    if let Some(object) = answer.as_object_mut() {
        object.insert("avgRating".into(), json!(average));
        object.insert("userRating".into(), json!(mine));
    }
    Ok(answer)
}
