//! Documents of an API.

use std::sync::Arc;

use askama::Template;
use control::devportal::DocumentContent;
use web::{Answer, Call, Permit};

use super::api::{Shown, shown};
use super::{entries, frame, markdown, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Code, Column, Empty, Html, Link, Notice, Page, Table, Tone};

/// Longest document that is rendered, bytes; a longer one can be downloaded.
const MAX_RENDERED: usize = 1024 * 1024;

/// Markup that `markdown` has cleaned.
#[derive(Template)]
#[template(source = "<article class=\"card prose\">{{ markup|safe }}</article>", ext = "html")]
struct Prose {
    markup: String,
}

/// All documents.
pub(super) async fn list(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let found = shown.visit.documents(shown.id).await?;
    let mut table = Table::new("Documents", vec![Column::new("Name"), Column::new("Kind"), Column::new("About")])
        .empty(
            Empty::new("No documents", "The publisher has written none yet. The definition says how to call the API.")
                .action("Try it", shown.path("/try")),
        );
    for document in entries(&found, "list") {
        let path = shown.path(&format!("/documents/{}", text(document, "documentId")));
        table.row(vec![
            Link::html(text(document, "name"), path),
            Badge::html(kind(text(document, "type"), text(document, "otherTypeName")), Tone::Plain),
            Html::text(text(document, "summary")),
        ]);
    }
    frame.answer(shown.page("/documents").add(&table))
}

fn kind<'a>(code: &'a str, other: &'a str) -> &'a str {
    match code {
        "HOWTO" => "How to",
        "SAMPLES" => "Samples",
        "PUBLIC_FORUM" => "Public forum",
        "SUPPORT_FORUM" => "Support forum",
        "API_MESSAGE_FORMAT" => "Message format",
        "OTHER" if !other.is_empty() => other,
        "SWAGGER_DOC" => "Definition",
        _ => "Other",
    }
}

/// One document.
pub(super) async fn show(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let id = call.path("document")?;
    let (about, content) = shown.visit.document(shown.id, id).await?;
    let page = shown
        .below("/documents", text(&about, "name"), "Documentation")
        .beside(Badge::html(kind(text(&about, "type"), text(&about, "otherTypeName")), Tone::Plain))
        .lead(text(&about, "summary"));
    let file = shown.path(&format!("/documents/{id}/file"));
    frame.answer(body(page, text(&about, "sourceType"), content, &file))
}

fn body(page: Page, source: &str, content: DocumentContent, file: &str) -> Page {
    let download = || Link::html("Download the file", file);
    match content {
        DocumentContent::Link(url) => page.add(
            &Notice::new(Tone::Accent, "This document is on another site", url.clone())
                .html(Link::html("Open it", url)),
        ),
        DocumentContent::Bytes { bytes, .. } if bytes.is_empty() => {
            page.add(&Empty::new("The document is empty", "Its author has not written it yet."))
        }
        DocumentContent::Bytes { bytes, media_type, .. } => {
            let readable = source != "FILE" || media_type.starts_with("text/") || media_type.contains("json");
            let text = String::from_utf8(bytes).ok().filter(|text| readable && text.len() <= MAX_RENDERED);
            match (text, source) {
                (Some(text), "MARKDOWN") => page.add(&Prose { markup: markdown::markdown(&text) }),
                (Some(text), "INLINE") => page.add(&Prose { markup: markdown::clean(&text) }),
                (Some(text), _) => page.html(download()).add(&Code::new("Content", text)),
                (None, _) => page.html(download()),
            }
        }
    }
}
