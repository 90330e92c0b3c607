//! Files that belong to an API, a revision or a document: definition, thumbnail, content.

use crate::{StoreError, UnitOfWork};

/// A file.
#[derive(Clone, Debug)]
pub struct ArtifactRow {
    /// Its name below its owner, as in `definition`.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Adds or replaces a file. `owner` is the text of the owner's id.
pub async fn put(work: &mut UnitOfWork, owner: &str, file: &ArtifactRow) -> Result<(), StoreError> {
    remove(work, owner, &file.name).await?;
    work.execute(
        "INSERT INTO artifact (owner, name, media_type, bytes) VALUES ($1, $2, $3, $4)",
        [owner.into(), (&file.name).into(), (&file.media_type).into(), file.bytes.as_slice().into()],
    )
    .await?;
    Ok(())
}

/// One file.
pub async fn find(work: &mut UnitOfWork, owner: &str, name: &str) -> Result<Option<ArtifactRow>, StoreError> {
    let row = work
        .find("SELECT media_type, bytes FROM artifact WHERE owner = $1 AND name = $2", [owner.into(), name.into()])
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ArtifactRow { name: name.to_owned(), media_type: row.text("media_type")?, bytes: row.bytes("bytes")? }))
}

/// All files of an owner.
pub async fn list(work: &mut UnitOfWork, owner: &str) -> Result<Vec<ArtifactRow>, StoreError> {
    work.query("SELECT name, media_type, bytes FROM artifact WHERE owner = $1 ORDER BY name LIMIT 100", [owner.into()])
        .await?
        .iter()
        .map(|row| {
            Ok(ArtifactRow { name: row.text("name")?, media_type: row.text("media_type")?, bytes: row.bytes("bytes")? })
        })
        .collect()
}

/// Gives `to` copies of all files of `from`, and nothing else.
pub async fn copy_all(work: &mut UnitOfWork, from: &str, to: &str) -> Result<(), StoreError> {
    work.execute("DELETE FROM artifact WHERE owner = $1", [to.into()]).await?;
    work.execute(
        "INSERT INTO artifact (owner, name, media_type, bytes) \
         SELECT $2, name, media_type, bytes FROM artifact WHERE owner = $1",
        [from.into(), to.into()],
    )
    .await?;
    Ok(())
}

/// Removes one file. Returns whether it was there.
pub async fn remove(work: &mut UnitOfWork, owner: &str, name: &str) -> Result<bool, StoreError> {
    let gone = work.execute("DELETE FROM artifact WHERE owner = $1 AND name = $2", [owner.into(), name.into()]).await?;
    Ok(gone > 0)
}

/// Removes all files of an owner.
pub async fn remove_all(work: &mut UnitOfWork, owner: &str) -> Result<(), StoreError> {
    work.execute("DELETE FROM artifact WHERE owner = $1", [owner.into()]).await?;
    Ok(())
}
