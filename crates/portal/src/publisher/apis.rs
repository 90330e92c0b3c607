//! The list of APIs.

use std::sync::Arc;

use control::devportal::Part;
use control::{Actor, ApiOrder, ApiQuery};
use serde_json::Value;
use web::{Answer, Call, Permit};

use crate::console::{Console, Frame};
use crate::page::{self, PageError};
use crate::ui::{Badge, Chip, Column, Empty, Html, Link, Page, Pager, Table};
use crate::{Portal, publisher::text};

/// APIs on a page.
const SIZE: usize = 25;
/// Filters, as the lifecycle names them.
const STATES: [&str; 6] = ["Created", "Prototyped", "Published", "Blocked", "Deprecated", "Retired"];

/// The first page of the console is the list.
pub(crate) async fn first(_: Arc<Portal>, _: Permit, _: Call) -> Result<Answer, PageError> {
    Ok(page::see_other("/publisher/apis"))
}

/// What the list is asked for.
struct Wanted {
    query: String,
    state: String,
    sort: String,
    from: usize,
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, PageError> {
        let text = |name| call.query(name).unwrap_or_default().trim().to_owned();
        Ok(Self { query: text("query"), state: text("state"), sort: text("sort"), from: call.query_or("from", 0)? })
    }

    /// The list's path with what is not empty, up to a further parameter.
    fn path(&self, state: &str, sort: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("query", self.query.as_str()), ("state", state), ("sort", sort)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() { "/publisher/apis?".to_owned() } else { format!("/publisher/apis?{query}&") }
    }
}

/// The list, searched, filtered and sorted.
pub(crate) async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = Frame::of(&portal, &permit, &call, Console::Publisher, "apis");
    let wanted = Wanted::of(&call)?;
    let asked = ApiQuery {
        state: &wanted.state,
        order: order(&wanted.sort),
        ..ApiQuery::of(&wanted.query, Part { limit: SIZE, offset: wanted.from })
    };
    let found = portal.control.search_apis(&Actor::of(&permit), &asked).await?;
    let base = wanted.path(&wanted.state, &wanted.sort);
    let pager = Pager::of(wanted.from, found.entries.len(), SIZE, found.total, &base);
    let columns = wanted.path(&wanted.state, "");
    let sorts = |label: &str, key: &str| Column::new(label).sorts(&columns, key, &wanted.sort);
    let heads = vec![
        sorts("Name", "name"),
        Column::new("Version"),
        sorts("Context", "context"),
        Column::new("Kind"),
        sorts("State", "state"),
        sorts("Changed", "changed"),
    ];
    let mut table = Table::new("APIs", heads).pager(pager);
    if found.total > 0 || !wanted.state.is_empty() {
        table = table.chips(chips(&wanted));
    }
    for api in &found.entries {
        table.row(row(api));
    }
    let page = Page::new("APIs").action("New API", "/publisher/apis/new").add(&table.empty(empty(&wanted)));
    frame.answer(page)
}

fn row(api: &Value) -> Vec<Html> {
    let changed: String = text(api, "updatedTime")
        .parse::<i64>()
        .map_or_else(|_| String::new(), |millis| crate::ui::minute(model::Timestamp::from_millis(millis)));
    vec![
        Link::html(text(api, "name"), format!("/publisher/apis/{}", text(api, "id"))),
        Html::text(text(api, "version")),
        Html::mono(text(api, "context")),
        Html::text(kind(text(api, "type"))),
        Badge::lifecycle(text(api, "lifeCycleStatus")),
        Html::muted(changed),
    ]
}

/// The kind of an API as people call it.
pub(super) fn kind(r#type: &str) -> &str {
    match r#type {
        "HTTP" => "REST",
        "WS" => "WebSocket",
        "GRAPHQL" => "GraphQL",
        "SSE" => "Events",
        other => other,
    }
}

fn order(by: &str) -> ApiOrder {
    match by {
        "name" => ApiOrder::Name,
        "-name" => ApiOrder::NameDown,
        "context" => ApiOrder::Context,
        "-context" => ApiOrder::ContextDown,
        "state" => ApiOrder::State,
        "-state" => ApiOrder::StateDown,
        "changed" => ApiOrder::Changed,
        "-changed" => ApiOrder::ChangedLast,
        _ => ApiOrder::Newest,
    }
}

fn chips(wanted: &Wanted) -> Vec<Chip> {
    let path = |state: &str| wanted.path(state, &wanted.sort).trim_end_matches(['&', '?']).to_owned();
    let all = Chip::new("All", path(""), wanted.state.is_empty());
    let one = |state: &&str| Chip::new(*state, path(state), wanted.state.eq_ignore_ascii_case(state));
    std::iter::once(all).chain(STATES.iter().map(one)).collect()
}

fn empty(wanted: &Wanted) -> Empty {
    if wanted.query.is_empty() && wanted.state.is_empty() {
        Empty::new(
            "No APIs yet",
            "Import an OpenAPI document, or describe an API by hand. It stays invisible until you publish it.",
        )
        .action("New API", "/publisher/apis/new")
        .command("portcullis api import --file petstore.yaml")
    } else {
        Empty::new("Nothing matches", "Search looks at name, context, version and provider. It takes name:pizza, tag:food or status:published, too.")
            .action("Show all APIs", "/publisher/apis")
    }
}
