//! Finding APIs: the first page and the list.

use std::sync::Arc;

use control::Field as _;
use control::devportal::Part;
use serde_json::Value;
use web::{Answer, Call, Permit, RestError};

use super::api::{changed, rating, tag_query};
use super::{entries, frame, text, visit};
use crate::Portal;
use crate::page::{self, PageError};
use crate::ui::{Badge, Chip, Column, Empty, Field, Form, Html, Link, Page, Pager, Table};

/// APIs on a page.
const SIZE: usize = 25;
/// APIs of the first page.
const RECENT: usize = 8;
/// Tags that are offered.
const TAGS: usize = 20;

/// Search first, then what changed last.
pub(super) async fn home(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    if portal.first.is_pending().await.map_err(RestError::unavailable)? {
        return Ok(page::see_other("/setup"));
    }
    let visit = match visit(&portal, permit.as_ref(), &call).await? {
        Ok(visit) => visit,
        Err(answer) => return Ok(answer),
    };
    let frame = frame(&portal, permit.as_ref(), &call, "home");
    let recent = visit.recent(RECENT).await?;
    let search = Form::search("/devportal/apis", "Search APIs").field(
        Field::text("query", "What do you need").id("wanted").hint("Name, description, tag or words of a document"),
    );
    let mut page = Page::new("Find an API")
        .lead("Find it, subscribe with an application, get keys, call it.")
        .add(&search)
        .html(tag_chips(&visit.tags(Part { limit: TAGS, offset: 0 }).await?, "", ""));
    page = page.heading("Recently changed", "");
    let mut table = table("Recently changed", portal.console.as_str());
    for api in &recent {
        table.row(row(api));
    }
    if permit.is_none() {
        page = page.html(Link::html("Sign in to see APIs that are not public, and to subscribe", "/signin"));
    }
    frame.answer(page.add(&table))
}

/// The list, searched and filtered.
pub(super) async fn list(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let visit = match visit(&portal, permit.as_ref(), &call).await? {
        Ok(visit) => visit,
        Err(answer) => return Ok(answer),
    };
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let wanted = |name: &str| call.query(name).unwrap_or_default().trim().to_owned();
    let (query, tag) = (wanted("query"), wanted("tag"));
    let from: usize = call.query_or("from", 0)?;
    let terms = if tag.is_empty() { query.clone() } else { format!("{query} tag:\"{}\"", tag.replace('"', "")) };
    let found = visit.search(terms.trim(), Part { limit: SIZE, offset: from }).await?;
    let total = found.at("pagination").at("total").as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let shown = entries(&found, "list");
    let base = match (query.is_empty(), tag.is_empty()) {
        (true, true) => "/devportal/apis?".to_owned(),
        _ => format!("/devportal/apis?{}&", filters(&query, &tag)),
    };
    let mut table = table("APIs", &portal.console).pager(Pager::of(from, shown.len(), SIZE, total, &base));
    if !terms.trim().is_empty() {
        table = table.empty(
            Empty::new("No API matches", "Use fewer or other words, or look at all of them.")
                .action("Show all APIs", "/devportal/apis"),
        );
    }
    for api in shown {
        table.row(row(api));
    }
    let lead = match total {
        1 => "1 API".to_owned(),
        total => format!("{total} APIs"),
    };
    let tags = visit.tags(Part { limit: TAGS, offset: 0 }).await?;
    frame.answer(Page::new("APIs").lead(lead).html(tag_chips(&tags, &query, &tag)).add(&table))
}

fn filters(query: &str, tag: &str) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("query", query), ("tag", tag)] {
        if !value.is_empty() {
            out.append_pair(name, value);
        }
    }
    out.finish()
}

fn tag_chips(tags: &Value, query: &str, chosen: &str) -> Html {
    let list = entries(tags, "list");
    if list.is_empty() {
        return Html::default();
    }
    let chip = |tag: &Value| {
        let name = text(tag, "value");
        let on = name == chosen;
        let path = match (on, query.is_empty()) {
            (true, true) => "/devportal/apis".to_owned(),
            (true, false) => format!("/devportal/apis?{}", filters(query, "")),
            (false, true) => format!("/devportal/apis?{}", tag_query(name)),
            (false, false) => format!("/devportal/apis?{}", filters(query, name)),
        };
        Chip::new(name, path, on)
    };
    Html::of(&Table::new("Tags", Vec::new()).chips(list.iter().map(chip).collect()))
}

fn table(caption: &str, console: &str) -> Table {
    Table::new(
        caption,
        vec![
            Column::new("Name"),
            Column::new("Version"),
            Column::new("About"),
            Column::new("Rating"),
            Column::new("Changed"),
        ],
    )
    .empty(
        Empty::new("No APIs to show yet", "An API appears here when somebody publishes it for you to see.")
            .command(format!("curl {console}/api/am/devportal/v3/apis")),
    )
}

fn row(api: &Value) -> Vec<Html> {
    let name = Link::html(text(api, "name"), format!("/devportal/apis/{}", text(api, "id")));
    let about: String = text(api, "description").chars().take(160).collect();
    let state = text(api, "lifeCycleStatus");
    let name = if state == "PUBLISHED" { name } else { Html::join([name, Badge::lifecycle(state)]) };
    vec![name, Html::text(text(api, "version")), Html::text(about), Html::text(rating(api)), Html::text(changed(api))]
}
