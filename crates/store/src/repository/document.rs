//! Documents of APIs. Their content is an artifact owned by the document's id.

use model::ApiId;

use crate::{Row, StoreError, UnitOfWork};

/// A document.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// UUID.
    pub id: String,
    /// The API.
    pub api: ApiId,
    /// Name, unique per API.
    pub name: String,
    /// The document object of the Publisher API as JSON text.
    pub body: String,
}

/// Adds a document.
///
/// # Errors
/// [`StoreError::Conflict`] when the API has one of that name.
pub async fn insert(work: &mut UnitOfWork, row: &DocumentRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO api_document (id, api_id, name, body, tenant_id) \
         VALUES ($1, $2, $3, $4, (SELECT tenant_id FROM api WHERE id = $2))",
        [(&row.id).into(), row.api.into(), (&row.name).into(), (&row.body).into()],
    )
    .await?;
    Ok(())
}

/// Replaces name and body.
pub async fn update(work: &mut UnitOfWork, row: &DocumentRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE api_document SET name = $3, body = $4 WHERE id = $1 AND api_id = $2",
            [(&row.id).into(), row.api.into(), (&row.name).into(), (&row.body).into()],
        )
        .await?;
    Ok(changed > 0)
}

/// One document of an API.
pub async fn find(work: &mut UnitOfWork, api: ApiId, id: &str) -> Result<Option<DocumentRow>, StoreError> {
    work.find("SELECT * FROM api_document WHERE id = $1 AND api_id = $2", [id.into(), api.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All documents of an API by name.
pub async fn list(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<DocumentRow>, StoreError> {
    work.query("SELECT * FROM api_document WHERE api_id = $1 ORDER BY name LIMIT 1000", [api.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Who may find a document by its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever sees the API.
    Everybody,
    /// Users of the API's tenant.
    Members,
    /// Nobody.
    Nobody,
}

impl Audience {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Members => "members",
            Self::Nobody => "nobody",
        }
    }
}

/// Says by which words a document is found, in lower case.
pub async fn set_words(work: &mut UnitOfWork, id: &str, audience: Audience, words: &str) -> Result<(), StoreError> {
    let sql = "UPDATE api_document SET audience = $2, words = $3 WHERE id = $1";
    work.execute(sql, [id.into(), audience.as_str().into(), words.into()]).await?;
    Ok(())
}

/// Removes a document with its content.
pub async fn delete(work: &mut UnitOfWork, api: ApiId, id: &str) -> Result<bool, StoreError> {
    work.execute("DELETE FROM artifact WHERE owner = $1", [id.into()]).await?;
    let gone = work.execute("DELETE FROM api_document WHERE id = $1 AND api_id = $2", [id.into(), api.into()]).await?;
    Ok(gone > 0)
}

fn read(row: &Row) -> Result<DocumentRow, StoreError> {
    Ok(DocumentRow { id: row.text("id")?, api: row.parse("api_id")?, name: row.text("name")?, body: row.text("body")? })
}
