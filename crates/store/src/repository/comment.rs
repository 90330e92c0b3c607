//! Comments on APIs with their replies, and ratings.

use std::collections::BTreeMap;

use model::{ApiId, TenantId, Timestamp};
use uuid::Uuid;

use crate::{Arg, Row, StoreError, UnitOfWork};

/// A comment or a reply.
#[derive(Clone, Debug)]
pub struct CommentRow {
    /// Its id.
    pub id: Uuid,
    /// Tenant of the API.
    pub tenant: TenantId,
    /// The API.
    pub api: ApiId,
    /// The comment it replies to.
    pub parent: Option<Uuid>,
    /// Who wrote it.
    pub author: String,
    /// `DEVPORTAL` or `PUBLISHER`.
    pub entry_point: String,
    /// Category, as in `general`.
    pub category: String,
    /// The text.
    pub content: String,
    /// When it was written.
    pub created: Timestamp,
    /// When it was changed.
    pub updated: Option<Timestamp>,
}

/// Appends a condition to the common select.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, api, parent, author, entry_point, category, content, created_at, updated_at \
             FROM api_comment ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<CommentRow, StoreError> {
    let parent = match row.opt_text("parent")? {
        Some(_) => Some(row.parse("parent")?),
        None => None,
    };
    Ok(CommentRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        api: row.parse("api")?,
        parent,
        author: row.text("author")?,
        entry_point: row.text("entry_point")?,
        category: row.text("category")?,
        content: row.text("content")?,
        created: row.timestamp("created_at")?,
        updated: row.opt_timestamp("updated_at")?,
    })
}

/// Adds a comment.
pub async fn insert(work: &mut UnitOfWork, c: &CommentRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO api_comment (id, tenant, api, parent, author, entry_point, category, content, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            c.id.to_string().into(),
            c.tenant.into(),
            c.api.into(),
            c.parent.map(|p| p.to_string()).into(),
            c.author.as_str().into(),
            c.entry_point.as_str().into(),
            c.category.as_str().into(),
            c.content.as_str().into(),
            c.created.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces text and category.
pub async fn update(work: &mut UnitOfWork, c: &CommentRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE api_comment SET content = $2, category = $3, updated_at = $4 WHERE id = $1",
            [c.id.to_string().into(), c.content.as_str().into(), c.category.as_str().into(), c.updated.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a comment with its replies.
pub async fn delete(work: &mut UnitOfWork, id: Uuid) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM api_comment WHERE id = $1", [id.to_string().into()]).await? > 0)
}

/// A comment on an API by id.
pub async fn find(work: &mut UnitOfWork, api: ApiId, id: Uuid) -> Result<Option<CommentRow>, StoreError> {
    work.find(select!("WHERE api = $1 AND id = $2"), [api.into(), id.to_string().into()])
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// Part of a list: how many entries, after how many others.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Most entries.
    pub limit: usize,
    /// Entries that are left out before them.
    pub offset: usize,
}

impl Window {
    fn args(self) -> (Arg, Arg) {
        let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        (number(self.limit.min(1000)).into(), number(self.offset).into())
    }
}

/// A part of the comments on an API that are no replies, newest first.
pub async fn roots(work: &mut UnitOfWork, api: ApiId, window: Window) -> Result<Vec<CommentRow>, StoreError> {
    let (limit, offset) = window.args();
    work.query(
        select!("WHERE api = $1 AND parent IS NULL ORDER BY created_at DESC, id LIMIT $2 OFFSET $3"),
        [api.into(), limit, offset],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// How many comments on an API are no replies.
pub async fn count_roots(work: &mut UnitOfWork, api: ApiId) -> Result<i64, StoreError> {
    let found =
        work.find("SELECT COUNT(*) AS n FROM api_comment WHERE api = $1 AND parent IS NULL", [api.into()]).await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// A part of the replies to a comment, oldest first.
pub async fn replies(
    work: &mut UnitOfWork,
    api: ApiId,
    parent: Uuid,
    window: Window,
) -> Result<Vec<CommentRow>, StoreError> {
    let (limit, offset) = window.args();
    work.query(
        select!("WHERE api = $1 AND parent = $2 ORDER BY created_at, id LIMIT $3 OFFSET $4"),
        [api.into(), parent.to_string().into(), limit, offset],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// How many replies a comment has.
pub async fn count_replies(work: &mut UnitOfWork, api: ApiId, parent: Uuid) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM api_comment WHERE api = $1 AND parent = $2";
    let found = work.find(sql, [api.into(), parent.to_string().into()]).await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// How many comments and replies an API has, and how many of them somebody wrote.
pub async fn count(work: &mut UnitOfWork, api: ApiId, author: &str) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN author = $2 THEN 1 ELSE 0 END), 0) AS own \
               FROM api_comment WHERE api = $1";
    let found = work.find(sql, [api.into(), author.into()]).await?;
    found.map_or(Ok((0, 0)), |row| Ok((row.int("n")?, row.int("own")?)))
}

/// A user's rating of an API.
#[derive(Clone, Debug)]
pub struct RatingRow {
    /// Its id.
    pub id: Uuid,
    /// The API.
    pub api: ApiId,
    /// Who rated.
    pub user: String,
    /// 1 to 5.
    pub rating: i64,
}

/// Sets a user's rating of an API; a former one keeps its id.
pub async fn rate(work: &mut UnitOfWork, rating: &RatingRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO api_rating (id, api, user_name, rating) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (api, user_name) DO UPDATE SET rating = excluded.rating",
        [rating.id.to_string().into(), rating.api.into(), rating.user.as_str().into(), rating.rating.into()],
    )
    .await?;
    Ok(())
}

/// Removes a user's rating of an API; whether there was one.
pub async fn unrate(work: &mut UnitOfWork, api: ApiId, user: &str) -> Result<bool, StoreError> {
    let changed =
        work.execute("DELETE FROM api_rating WHERE api = $1 AND user_name = $2", [api.into(), user.into()]).await?;
    Ok(changed > 0)
}

/// Sum and number of the ratings of each of some APIs; none for those that nobody rated.
pub async fn rating_sums(work: &mut UnitOfWork, apis: &[ApiId]) -> Result<BTreeMap<ApiId, (i64, i64)>, StoreError> {
    let sql = if work.is_postgres() {
        "SELECT api, CAST(SUM(rating) AS BIGINT) AS total, COUNT(*) AS n FROM api_rating \
         WHERE api IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb))) GROUP BY api"
    } else {
        "SELECT api, SUM(rating) AS total, COUNT(*) AS n FROM api_rating \
         WHERE api IN (SELECT value FROM json_each($1)) GROUP BY api"
    };
    let ids: Vec<String> = apis.iter().map(ToString::to_string).collect();
    work.query(sql, [serde_json::Value::from(ids).to_string().into()])
        .await?
        .iter()
        .map(|row| Ok((row.parse("api")?, (row.int("total")?, row.int("n")?))))
        .collect()
}

/// All ratings of an API, at most 100 000.
pub async fn ratings(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<RatingRow>, StoreError> {
    work.query(
        "SELECT id, api, user_name, rating FROM api_rating WHERE api = $1 ORDER BY user_name LIMIT 100000",
        [api.into()],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(RatingRow {
            id: row.parse("id")?,
            api: row.parse("api")?,
            user: row.text("user_name")?,
            rating: row.int("rating")?,
        })
    })
    .collect()
}
