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
        "INSERT INTO api_document (id, api_id, name, body) VALUES ($1, $2, $3, $4)",
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

/// Removes a document with its content.
pub async fn delete(work: &mut UnitOfWork, api: ApiId, id: &str) -> Result<bool, StoreError> {
    work.execute("DELETE FROM artifact WHERE owner = $1", [id.into()]).await?;
    let gone = work.execute("DELETE FROM api_document WHERE id = $1 AND api_id = $2", [id.into(), api.into()]).await?;
    Ok(gone > 0)
}

fn read(row: &Row) -> Result<DocumentRow, StoreError> {
    Ok(DocumentRow { id: row.text("id")?, api: row.parse("api_id")?, name: row.text("name")?, body: row.text("body")? })
}
