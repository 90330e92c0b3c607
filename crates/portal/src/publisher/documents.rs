//! Documents of an API: markdown, plain text, files, addresses.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use web::{Answer, Call, FormParts, Permit};

use super::context::Here;
use super::{text, when};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Table};

/// Kinds of documents: WSO2's name and ours.
const TYPES: [(&str, &str); 6] = [
    ("HOWTO", "How to"),
    ("SAMPLES", "Samples and SDK"),
    ("PUBLIC_FORUM", "Public forum"),
    ("SUPPORT_FORUM", "Support forum"),
    ("API_MESSAGE_FORMAT", "Message format"),
    ("OTHER", "Other"),
];
/// Where the content is: WSO2's name, ours, hint.
const SOURCES: [(&str, &str, &str); 4] = [
    ("MARKDOWN", "Markdown", "Written below, shown formatted."),
    ("INLINE", "Plain text", "Written below, shown as it is."),
    ("URL", "An address", "Consumers are led there."),
    ("FILE", "A file", "Consumers download it."),
];
const FIELDS: [&str; 7] = ["name", "type", "otherTypeName", "summary", "sourceType", "sourceUrl", "content"];

fn label(list: &[(&'static str, &'static str)], code: &str) -> String {
    list.iter().find(|(name, _)| *name == code).map_or_else(|| code.to_owned(), |(_, label)| (*label).to_owned())
}

/// The list.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let columns = ["Document", "Kind", "Content", "Changed"].map(Column::new).into_iter().chain([Column::actions()]);
    let mut table = Table::new("Documents", columns.collect()).empty(
        Empty::new(
            "No documents yet",
            "Tell consumers how to begin: an example call, the meaning of errors, a changelog.",
        )
        .action("Add document", here.path("documents/new")),
    );
    for one in portal.control.documents(&here.actor, here.id).await? {
        let (id, name) = (text(&one, "documentId"), text(&one, "name"));
        let sources: Vec<(&str, &str)> = SOURCES.iter().map(|(code, label, _)| (*code, *label)).collect();
        table.row(vec![
            Link::html(name, here.path(&format!("documents/{id}"))),
            Html::text(label(&TYPES, text(&one, "type"))),
            Html::text(
                sources.iter().find(|(code, _)| *code == text(&one, "sourceType")).map_or("", |(_, label)| *label),
            ),
            Html::muted(when(text(&one, "lastUpdatedTime"))),
            Link::html(format!("Delete {name}"), here.path(&format!("documents/{id}/delete"))),
        ]);
    }
    let page = here
        .page("Documents")
        .lead("What consumers read beside the reference.")
        .action("Add document", here.path("documents/new"));
    here.frame.answer(page.add(&table))
}

fn form(here: &Here, action: &str, given: &dyn Fn(&str) -> String, faults: &Faults) -> Form {
    let kinds = TYPES
        .iter()
        .fold(Field::select("type", "Kind").value(&given("type")), |field, (value, label)| field.option(value, label));
    let source = given("sourceType");
    let source = if source.is_empty() { "MARKDOWN" } else { source.as_str() };
    let sources = SOURCES.iter().fold(Field::radios("sourceType", "Content"), |field, (value, label, hint)| {
        field.choice(value, label, hint, *value == source)
    });
    Form::new(&here.frame.csrf, action, "Save document")
        .faults(faults)
        .with_files()
        .hidden("seen", given("seen"))
        .field(Field::text("name", "Name").value(&given("name")).required().max(60))
        .field(kinds)
        .field(
            Field::text("otherTypeName", "Name of another kind")
                .value(&given("otherTypeName"))
                .hint("Only for the kind Other."),
        )
        .field(Field::area("summary", "Summary", 2).value(&given("summary")).hint("Shown in lists."))
        .field(sources)
        .field(
            Field::code("content", "Text", 14)
                .id("document-text")
                .value(&given("content"))
                .hint("For markdown and plain text."),
        )
        .field(
            Field::url("sourceUrl", "Address")
                .value(&given("sourceUrl"))
                .hint("For an address, as in https://docs.example.com/."),
        )
        .field(Field::file("file", "File", "").hint("For a file."))
        .back("Cancel", here.path("documents"))
}

/// The form for a new one.
pub(super) async fn new(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let form = form(&here, &here.path("documents/new"), &|_| String::new(), &Faults::none());
    here.frame.answer(here.below("Add document", "documents").narrow().add(&form))
}

/// The content of a document as text; nothing for files and addresses.
async fn content(here: &Here, one: &Value) -> String {
    if !matches!(text(one, "sourceType"), "MARKDOWN" | "INLINE") {
        return String::new();
    }
    let found = here.portal.control.document_content(&here.actor, here.id, text(one, "documentId")).await;
    found.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).unwrap_or_default()
}

/// Tells versions of a document apart.
fn mark(one: &Value) -> String {
    text(one, "lastUpdatedTime").to_owned()
}

/// The form for one that is there.
pub(super) async fn edit(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let one = portal.control.document(&here.actor, here.id, call.path("document")?).await?;
    let body = content(&here, &one).await;
    let given = |name: &str| match name {
        "content" => body.clone(),
        "seen" => mark(&one),
        name => text(&one, name).to_owned(),
    };
    let path = here.path(&format!("documents/{}", text(&one, "documentId")));
    let mut page =
        here.below(text(&one, "name"), "documents").narrow().add(&form(&here, &path, &given, &Faults::none()));
    if text(&one, "sourceType") == "FILE" {
        page = page.html(Link::html(format!("Download {}", text(&one, "fileName")), format!("{path}/file")));
    }
    here.frame.answer(page)
}

/// The file of a document, always as a download: nothing that people upload runs in a page of ours.
pub(super) async fn file(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let found = portal.control.document_content(&here.actor, here.id, call.path("document")?).await?;
    let mut answer = web::text(StatusCode::OK, "application/octet-stream", found.bytes);
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(answer)
}

fn object(form: &FormParts) -> Value {
    let text = |name: &str| form.texts.get(name).map_or("", |t| t.trim()).to_owned();
    let source = text("sourceType");
    let inline = matches!(source.as_str(), "MARKDOWN" | "INLINE")
        .then(|| form.texts.get("content").cloned().unwrap_or_default());
    json!({
        "name": text("name"),
        "type": text("type"),
        "otherTypeName": text("otherTypeName"),
        "summary": text("summary"),
        "sourceType": source,
        "sourceUrl": text("sourceUrl"),
        "inlineContent": inline,
    })
}

/// Keeps a new one, or changes one that is there.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let known = call.path("document").ok().map(str::to_owned);
    let parts = call.multipart().await?;
    let control = &portal.control;
    let file = parts.files.get("file").filter(|f| !f.bytes.is_empty());
    let given = object(&parts);
    let mut faults = Faults::none();
    if text(&given, "sourceType") == "FILE" && file.is_none() && known.is_none() {
        faults.add("file", "Choose a file.");
    }
    let before = match &known {
        Some(id) => Some(control.document(&here.actor, here.id, id).await?),
        None => None,
    };
    if let Some(before) = &before
        && parts.texts.get("seen").is_none_or(|seen| *seen != mark(before))
    {
        faults.add(
            "",
            format!(
                "{} changed this document while you were editing. It says now: {}",
                text(before, "lastUpdatedBy"),
                content(&here, before).await
            ),
        );
        faults.add("", "The form has yours: save again to keep it.");
    }
    if faults.is_empty() {
        let saved = match &known {
            Some(id) => control.update_document(&here.actor, here.id, id, &given).await,
            None => control.add_document(&here.actor, here.id, &given).await,
        };
        let saved = match (saved, file.filter(|_| text(&given, "sourceType") == "FILE")) {
            (Ok(made), Some(file)) => {
                let id = text(&made, "documentId").to_owned();
                control.put_document_content(&here.actor, here.id, &id, Some(&file.file_name), file.bytes.clone()).await
            }
            (saved, _) => saved,
        };
        match saved {
            Ok(_) => return here.done("documents", &format!("{} was saved.", text(&given, "name"))),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    refused(&here, known.as_deref(), &parts, before.as_ref(), &faults)
}

fn refused(
    here: &Here,
    known: Option<&str>,
    parts: &FormParts,
    before: Option<&Value>,
    faults: &Faults,
) -> Result<Answer, PageError> {
    let given = |name: &str| match (name, before) {
        ("seen", Some(before)) => mark(before),
        (name, _) if FIELDS.contains(&name) => parts.texts.get(name).cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let (end, title) = match known {
        Some(id) => (format!("documents/{id}"), parts.texts.get("name").cloned().unwrap_or_default()),
        None => ("documents/new".to_owned(), "Add document".to_owned()),
    };
    let page: Page = here.below(&title, "documents").narrow().faulty(true);
    here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page.add(&form(here, &here.path(&end), &given, faults)))
}

/// The question before one is removed.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    let one = portal.control.document(&here.actor, here.id, call.path("document")?).await?;
    let (id, name) = (text(&one, "documentId"), text(&one, "name"));
    let question = Confirmation::new(
        &here.frame.csrf,
        here.path(&format!("documents/{id}/delete")),
        format!("Delete {name}"),
        here.path("documents"),
    )
    .loses(format!("The document {name} with its content"));
    here.frame.answer(here.below(&format!("Delete {name}"), "documents").narrow().add(&question))
}

/// Removes one.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "documents").await?;
    portal.control.delete_document(&here.actor, here.id, call.path("document")?).await?;
    here.done("documents", "The document was deleted.")
}
