//! The picture of an API.

use bytes::Bytes;
use model::ApiId;
use store::repository::api;
use store::repository::artifact::{self, ArtifactRow};

use super::load::{load, parse, store_document};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Largest picture, bytes (WSO2's limit).
const MAX_BYTES: usize = 1024 * 1024;
/// Name of the artifact.
pub(crate) const THUMBNAIL: &str = "thumbnail";

impl Control {
    /// Stores a PNG, JPEG, GIF or WebP picture of at most 1 MiB; what it is, is read from its bytes.
    ///
    /// # Errors
    /// 400 for other content, 413 when it is too large; 403, 404.
    pub async fn put_thumbnail(&self, actor: &Actor, id: ApiId, bytes: Bytes) -> Result<(), ControlError> {
        if bytes.len() > MAX_BYTES {
            let text = format!("A thumbnail has at most {MAX_BYTES} bytes.");
            return Err(ControlError::new(FaultKind::TooLarge, 413, "Payload Too Large", text));
        }
        let media_type = picture_type(&bytes)
            .ok_or_else(|| ControlError::invalid("A thumbnail is a PNG, JPEG, GIF or WebP picture."))?;
        let mut work = self.begin().await?;
        let mut row = load(&mut work, actor, id).await?;
        let file = ArtifactRow { name: THUMBNAIL.to_owned(), media_type: media_type.to_owned(), bytes: bytes.to_vec() };
        artifact::put(&mut work, &id.to_string(), &file).await?;
        let mut document = parse(&row)?;
        document.set("hasThumbnail", true);
        store_document(&mut row, &document)?;
        api::update(&mut work, &row).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::managed("publisher.apis.put-thumbnail", &target)).await
    }

    /// The picture; `None` when there is none.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn thumbnail(&self, actor: &Actor, id: ApiId) -> Result<Option<ArtifactRow>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        Ok(artifact::find(&mut work, &id.to_string(), THUMBNAIL).await?)
    }
}

/// The media type by the first bytes. SVG is not among them: it can carry scripts.
pub(crate) fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}
