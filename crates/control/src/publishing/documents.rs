//! Documents of an API: how-tos, samples, links, files.

use bytes::Bytes;
use model::ApiId;
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::artifact::{self, ArtifactRow};
use store::repository::document::{self, Audience, DocumentRow};

use super::load::load;
use crate::{Actor, Change, Control, ControlError, FaultKind};

const TYPES: [&str; 7] =
    ["HOWTO", "SAMPLES", "PUBLIC_FORUM", "SUPPORT_FORUM", "API_MESSAGE_FORMAT", "SWAGGER_DOC", "OTHER"];
const SOURCES: [&str; 4] = ["INLINE", "MARKDOWN", "URL", "FILE"];
const VISIBILITIES: [&str; 3] = ["OWNER_ONLY", "PRIVATE", "API_LEVEL"];
/// Most documents of one API.
const MAX_DOCUMENTS: usize = 500;
/// Most characters of a document that search looks through.
const MAX_WORDS: usize = 100_000;
/// Name of the artifact that holds a document's content.
const CONTENT: &str = "content";

impl Control {
    /// All documents of an API.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn documents(&self, actor: &Actor, id: ApiId) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        document::list(&mut work, id).await?.iter().map(object).collect()
    }

    /// One document.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn document(&self, actor: &Actor, id: ApiId, document: &str) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        object(&find(&mut work, id, document).await?)
    }

    /// Adds a document.
    ///
    /// # Errors
    /// 400 for wrong fields; 409 when the API has one of that name; 403, 404.
    pub async fn add_document(&self, actor: &Actor, id: ApiId, given: &Value) -> Result<Value, ControlError> {
        let mut fields = checked(given)?;
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        if document::list(&mut work, id).await?.len() >= MAX_DOCUMENTS {
            return Err(ControlError::conflict(format!("An API has at most {MAX_DOCUMENTS} documents.")));
        }
        let now = self.now().rfc3339();
        for (field, value) in [
            ("createdTime", &now),
            ("createdBy", &actor.name()),
            ("lastUpdatedTime", &now),
            ("lastUpdatedBy", &actor.name()),
        ] {
            fields.insert(field.to_owned(), value.clone().into());
        }
        let inline = take_inline(&mut fields);
        let row = DocumentRow {
            id: self.uuid().to_string(),
            api: id,
            name: text(&fields, "name").to_owned(),
            body: Value::Object(fields).to_string(),
        };
        document::insert(&mut work, &row).await.map_err(taken)?;
        if let Some(inline) = inline {
            artifact::put(&mut work, &row.id, &inline).await?;
        }
        make_findable(&mut work, &row).await?;
        let target = format!("api/{id}/document/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.documents.create", &target)).await?;
        object(&row)
    }

    /// Replaces what is said about a document; its content stays unless it is given inline.
    ///
    /// # Errors
    /// 400 for wrong fields; 409 when the name is taken; 403, 404.
    pub async fn update_document(
        &self,
        actor: &Actor,
        id: ApiId,
        document: &str,
        given: &Value,
    ) -> Result<Value, ControlError> {
        let mut fields = checked(given)?;
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        let mut row = find(&mut work, id, document).await?;
        let before: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
        for field in ["createdTime", "createdBy", "fileName"] {
            if let Some(value) = before.get(field) {
                fields.insert(field.to_owned(), value.clone());
            }
        }
        fields.insert("lastUpdatedTime".to_owned(), self.now().rfc3339().into());
        fields.insert("lastUpdatedBy".to_owned(), actor.name().into());
        if let Some(inline) = take_inline(&mut fields) {
            artifact::put(&mut work, &row.id, &inline).await?;
        }
        text(&fields, "name").clone_into(&mut row.name);
        row.body = Value::Object(fields).to_string();
        document::update(&mut work, &row).await.map_err(taken)?;
        make_findable(&mut work, &row).await?;
        let target = format!("api/{id}/document/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.documents.update", &target)).await?;
        object(&row)
    }

    /// Removes a document.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn delete_document(&self, actor: &Actor, id: ApiId, document: &str) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        let row = find(&mut work, id, document).await?;
        document::delete(&mut work, id, &row.id).await?;
        let target = format!("api/{id}/document/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.documents.delete", &target)).await
    }

    /// Stores a document's content: a file with its name, or text.
    ///
    /// # Errors
    /// 400 when the document's source is a link; 403, 404.
    pub async fn put_document_content(
        &self,
        actor: &Actor,
        id: ApiId,
        document: &str,
        file_name: Option<&str>,
        bytes: Bytes,
    ) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        load(&mut work, actor, id).await?;
        let mut row = find(&mut work, id, document).await?;
        let mut fields: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
        let source = text(&fields, "sourceType").to_owned();
        let fits = match file_name {
            Some(_) => source == "FILE",
            None => matches!(source.as_str(), "INLINE" | "MARKDOWN"),
        };
        if !fits {
            return Err(ControlError::invalid(format!(
                "The document's source is {source}: send a file for FILE, the field inlineContent for INLINE and MARKDOWN."
            )));
        }
        let media_type = match file_name {
            Some(name) => media_type_of(name),
            None => "text/plain",
        };
        if let Some(name) = file_name {
            fields.insert("fileName".to_owned(), self::file_name(name).unwrap_or_else(|| CONTENT.to_owned()).into());
        }
        let file = ArtifactRow { name: CONTENT.to_owned(), media_type: media_type.to_owned(), bytes: bytes.to_vec() };
        artifact::put(&mut work, &row.id, &file).await?;
        row.body = Value::Object(fields).to_string();
        document::update(&mut work, &row).await?;
        make_findable(&mut work, &row).await?;
        let target = format!("api/{id}/document/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.documents.content", &target)).await?;
        object(&row)
    }

    /// A document's content.
    ///
    /// # Errors
    /// 404 when nothing was stored; 403.
    pub async fn document_content(
        &self,
        actor: &Actor,
        id: ApiId,
        document: &str,
    ) -> Result<ArtifactRow, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        content(&mut work, id, document).await
    }
}

/// A document's content, for the Developer Portal as well.
pub(crate) async fn content(work: &mut UnitOfWork, id: ApiId, document: &str) -> Result<ArtifactRow, ControlError> {
    let row = find(work, id, document).await?;
    artifact::find(work, &row.id, CONTENT).await?.ok_or_else(|| {
        let text = "Document content not found";
        ControlError::new(FaultKind::NotFound, 900_314, text, text)
    })
}

async fn find(work: &mut UnitOfWork, id: ApiId, document: &str) -> Result<DocumentRow, ControlError> {
    document::find(work, id, document)
        .await?
        .ok_or_else(|| ControlError::new(FaultKind::NotFound, 900_315, "Document not found", "Document not found"))
}

fn taken(error: store::StoreError) -> ControlError {
    match error {
        store::StoreError::Conflict(_) => {
            ControlError::new(FaultKind::Conflict, 900_312, "Document already exists", "Document already exists")
        }
        other => other.into(),
    }
}

/// The document as answers show it.
pub(crate) fn object(row: &DocumentRow) -> Result<Value, ControlError> {
    let mut fields: Map<String, Value> = serde_json::from_str(&row.body)
        .map_err(|e| ControlError::internal(format!("the stored document {} is damaged: {e}", row.id)))?;
    fields.insert("documentId".to_owned(), row.id.clone().into());
    Ok(Value::Object(fields))
}

fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a str {
    fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Known fields of a document, checked.
pub(super) fn checked(given: &Value) -> Result<Map<String, Value>, ControlError> {
    let get = |field: &str| given.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (name, kind, source) = (get("name"), get("type"), get("sourceType"));
    let mut faults = crate::document::Faults::default();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(|c| c.is_control() || "/\\".contains(c)) {
        faults.field("name", "it has 1 to 60 characters without slashes");
    }
    if !TYPES.contains(&kind.as_str()) {
        faults.field("type", &format!("it is one of {}", TYPES.join(", ")));
    }
    if !SOURCES.contains(&source.as_str()) {
        faults.field("sourceType", &format!("it is one of {}", SOURCES.join(", ")));
    }
    let url = get("sourceUrl");
    let is_link = url.starts_with("https://") || url.starts_with("http://");
    if source == "URL" && !is_link {
        faults.field("sourceUrl", "a document by URL needs an http or https URL");
    }
    if kind == "OTHER" && get("otherTypeName").is_empty() {
        faults.field("otherTypeName", "a document of type OTHER needs a name for its type");
    }
    let visibility = match get("visibility") {
        v if v.is_empty() => "API_LEVEL".to_owned(),
        v => v,
    };
    if !VISIBILITIES.contains(&visibility.as_str()) {
        faults.field("visibility", &format!("it is one of {}", VISIBILITIES.join(", ")));
    }
    faults.into_result()?;
    let or_null = |value: String| if value.is_empty() { Value::Null } else { value.into() };
    let mut fields = Map::new();
    for (field, value) in [
        ("name", Value::from(name)),
        ("type", kind.into()),
        ("summary", get("summary").into()),
        ("sourceType", source.into()),
        ("sourceUrl", or_null(url)),
        ("fileName", Value::Null),
        ("inlineContent", given.get("inlineContent").cloned().unwrap_or_default()),
        ("otherTypeName", or_null(get("otherTypeName"))),
        ("visibility", visibility.into()),
    ] {
        fields.insert(field.to_owned(), value);
    }
    Ok(fields)
}

/// The last part of a name that somebody sent: it is shown, and it names a file of an exported project, so it never has
/// a folder in it. `None` when nothing usable is left.
pub(crate) fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let plain: String = last.chars().filter(|c| !c.is_control() && !"\":".contains(*c)).take(200).collect();
    (!plain.chars().all(|c| c == '.')).then_some(plain)
}

/// Inline content goes to the artifact, so that lists stay small.
/// Lets full-text search find a stored document: by name, summary and text, as far as it is text. Markup is no word.
pub(super) async fn make_findable(work: &mut UnitOfWork, row: &DocumentRow) -> Result<(), ControlError> {
    let fields: Map<String, Value> = serde_json::from_str(&row.body).unwrap_or_default();
    let audience = match text(&fields, "visibility") {
        "OWNER_ONLY" => Audience::Nobody,
        "PRIVATE" => Audience::Members,
        _ => Audience::Everybody,
    };
    let mut words = format!("{}\n{}\n", row.name, text(&fields, "summary"));
    let content = artifact::find(work, &row.id, CONTENT).await?;
    let content = content.and_then(|file| String::from_utf8(file.bytes).ok()).unwrap_or_default();
    let mut in_tag = false;
    for c in content.chars().take(MAX_WORDS) {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            // PostgreSQL keeps no zero characters in texts.
            '\0' => {}
            c if !in_tag => words.push(c),
            _ => {}
        }
    }
    document::set_words(work, &row.id, audience, &words.to_lowercase()).await?;
    Ok(())
}

pub(super) fn take_inline(fields: &mut Map<String, Value>) -> Option<ArtifactRow> {
    let inline = fields.insert("inlineContent".to_owned(), json!(null));
    match inline {
        Some(Value::String(content)) if !content.is_empty() => Some(ArtifactRow {
            name: CONTENT.to_owned(),
            media_type: "text/plain".to_owned(),
            bytes: content.into_bytes(),
        }),
        _ => None,
    }
}

/// The content of an imported document.
pub(super) fn content_file(body: &Value, bytes: Vec<u8>) -> ArtifactRow {
    let media_type = body.get("fileName").and_then(Value::as_str).map_or("text/plain", media_type_of);
    ArtifactRow { name: CONTENT.to_owned(), media_type: media_type.to_owned(), bytes }
}

/// Media types by ending; anything a browser could run is served as bytes.
fn media_type_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_lowercase().as_str() {
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "zip" => "application/zip",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "application/octet-stream",
    }
}
