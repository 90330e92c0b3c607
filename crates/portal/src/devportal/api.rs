//! One API: what its pages share, its overview and its versions.

use std::sync::Arc;

use control::Field as _;
use control::devportal::{Part, Visit};
use model::{ApiId, Timestamp};
use serde_json::Value;
use web::{Answer, Call, Permit};

use super::{entries, frame, text, visit};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Card, Code, Column, Empty, Facts, Html, Link, Notice, Page, Tab, Table, Tone, day};

/// An API that somebody looks at.
pub(super) struct Shown {
    pub(super) id: ApiId,
    pub(super) visit: Visit,
    pub(super) api: Value,
    /// The tenant whose portal is looked at, where it was named.
    pub(super) tenant: Option<String>,
}

impl Shown {
    /// The API of a request, or the way to the sign-in page.
    pub(super) async fn load(
        portal: &Portal,
        permit: Option<&Permit>,
        call: &Call,
    ) -> Result<Result<Self, Answer>, PageError> {
        let visit = match visit(portal, permit, call).await? {
            Ok(visit) => visit,
            Err(answer) => return Ok(Err(answer)),
        };
        let id = call.path_id("api")?;
        let api = visit.api(id).await?;
        let tenant = call.query("tenant").filter(|domain| !domain.is_empty()).map(str::to_owned);
        Ok(Ok(Self { id, visit, api, tenant }))
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", text(&self.api, "name"), text(&self.api, "version"))
    }

    /// The path of a page of this API, or of another one in the same portal.
    pub(super) fn path_of(&self, id: &str, tail: &str) -> String {
        let path = format!("/devportal/apis/{id}{tail}");
        match &self.tenant {
            Some(tenant) => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair("tenant", tenant);
                format!("{path}{}{}", if tail.contains('?') { '&' } else { '?' }, query.finish())
            }
            None => path,
        }
    }

    pub(super) fn path(&self, tail: &str) -> String {
        self.path_of(&self.id.to_string(), tail)
    }

    /// A page of this API; `here` is the end of its path.
    pub(super) fn page(&self, here: &str) -> Page {
        let tab = |label: &str, tail: &str| Tab::new(label, self.path(tail), tail == here);
        let mut tabs = vec![tab("Overview", ""), tab("Documentation", "/documents")];
        if is_callable(&self.api) {
            tabs.push(tab("Try it", "/try"));
        }
        tabs.extend([
            tab("Subscriptions", "/subscriptions"),
            tab("Versions", "/versions"),
            tab("Comments", "/comments"),
        ]);
        Page::new(self.name())
            .crumb("APIs", "/devportal/apis")
            .beside(Badge::lifecycle(text(&self.api, "lifeCycleStatus")))
            .tabs(tabs)
    }

    /// A page below one of the tabs.
    pub(super) fn below(&self, here: &str, title: &str, label: &str) -> Page {
        let page = self.page(here);
        Page { title: title.to_owned(), ..page }.crumb(self.name(), self.path("")).crumb(label, self.path(here))
    }
}

/// Whether there are operations that a form can be made for.
fn is_callable(api: &Value) -> bool {
    matches!(text(api, "type"), "HTTP" | "SOAP" | "APIPRODUCT" | "SOAPTOREST")
}

/// The answer for visitors who have to sign in first, or the API.
macro_rules! shown {
    ($portal:expr, $permit:expr, $call:expr) => {
        match Shown::load($portal, $permit, $call).await? {
            Ok(shown) => shown,
            Err(answer) => return Ok(answer),
        }
    };
}
pub(super) use shown;

/// What the API is and how it is reached.
pub(super) async fn overview(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let api = &shown.api;
    let mut page = shown.page("").lead(text(api, "description"));
    page = match text(api, "lifeCycleStatus") {
        "DEPRECATED" => page.add(
            &Notice::new(Tone::Warn, "This version is deprecated", "It still answers. Move to a newer version.")
                .html(Link::html("Versions", shown.path("/versions"))),
        ),
        "BLOCKED" => page.add(&Notice::new(Tone::Bad, "Calls are blocked by the publisher", "Try again later.")),
        _ => page,
    };
    if api.at("isSubscriptionAvailable") == true && is_open(api) {
        page = page.action("Subscribe", shown.path("/subscriptions"));
    }
    let page = page.add(&addresses(api)).add(&facts(&shown)).html(definition(&shown));
    frame.answer(page)
}

/// Whether subscriptions are taken.
pub(super) fn is_open(api: &Value) -> bool {
    matches!(text(api, "lifeCycleStatus"), "PUBLISHED" | "PROTOTYPED")
}

fn addresses(api: &Value) -> Card {
    let mut card = Card::new("Address");
    let mut any = false;
    for environment in entries(api, "endpointURLs") {
        let name = text(environment, "environmentDisplayName");
        for scheme in ["https", "wss", "http", "ws"] {
            if let Some(url) = environment.at("URLs").at(scheme).as_str() {
                any = true;
                card = card.add(&Code::new(format!("{name}, {scheme}"), url));
            }
        }
    }
    if any { card } else { card.text("This API is not deployed to a gateway yet, so there is no address to call.") }
}

fn facts(shown: &Shown) -> Card {
    let api = &shown.api;
    let list = |field: &str| {
        let values: Vec<&str> = entries(api, field).iter().filter_map(Value::as_str).collect();
        values.join(", ")
    };
    let plans: Vec<&str> = entries(api, "tiers").iter().map(|tier| text(tier, "tierName")).collect();
    let tags = entries(api, "tags").iter().filter_map(Value::as_str);
    let tags = Html::join(tags.map(|tag| Link::html(tag, format!("/devportal/apis?{}", tag_query(tag)))));
    let security: Vec<&str> = entries(api, "securityScheme")
        .iter()
        .filter_map(|scheme| match scheme.as_str()? {
            "oauth2" => Some("OAuth 2 token"),
            "api_key" => Some("API key"),
            "basic_auth" => Some("user name and password"),
            "mutualssl" => Some("client certificate"),
            _ => None,
        })
        .collect();
    let mut facts = Facts::new()
        .text("Provider", text(api, "provider"))
        .fact("Context", Html::mono(text(api, "context")))
        .text("Kind", text(api, "type"))
        .text("Credentials", &security.join(", "))
        .text("Plans", &plans.join(", "))
        .text("Categories", &list("categories"))
        .text("Rating", rating(api).as_str())
        .text("Last changed", &changed(api));
    if !tags.is_empty() {
        facts = facts.fact("Tags", tags);
    }
    let business = api.at("businessInformation");
    for (label, name, mail) in [
        ("Business owner", "businessOwner", "businessOwnerEmail"),
        ("Technical owner", "technicalOwner", "technicalOwnerEmail"),
    ] {
        let (name, mail) = (text(business, name), text(business, mail));
        // Nobody writes to what is no address; it is shown as it was typed.
        let writable = mail.contains('@') && mail.chars().all(|c| c.is_ascii_alphanumeric() || "@._+-".contains(c));
        if !mail.is_empty() && !writable {
            facts = facts.text(label, &format!("{name} {mail}"));
        } else if writable {
            let label_of = if name.is_empty() { mail } else { name };
            facts = facts.fact(label, Link::html(label_of, format!("mailto:{mail}")));
        } else {
            facts = facts.text(label, name);
        }
    }
    for property in entries(api, "additionalProperties") {
        facts = facts.text(text(property, "name"), text(property, "value"));
    }
    for scope in entries(api, "scopes") {
        facts = facts.fact(
            format!("Scope {}", text(scope, "key")),
            Html::text(if text(scope, "description").is_empty() {
                text(scope, "name")
            } else {
                text(scope, "description")
            }),
        );
    }
    Card::new("About").add(&facts)
}

/// The list's query for a tag.
pub(super) fn tag_query(tag: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("tag", tag).finish()
}

pub(super) fn rating(api: &Value) -> String {
    match text(api, "avgRating") {
        "" | "0.0" => String::new(),
        average => format!("{average} of 5"),
    }
}

/// The day of the last change.
pub(super) fn changed(api: &Value) -> String {
    let millis = ["lastUpdatedTime", "updatedTime"].into_iter().find_map(|field| text(api, field).parse::<i64>().ok());
    millis.map(|millis| day(Timestamp::from_millis(millis))).unwrap_or_default()
}

fn definition(shown: &Shown) -> Html {
    let label = match text(&shown.api, "type") {
        "GRAPHQL" => "Download the GraphQL schema",
        "SOAP" => "Download the WSDL",
        "WS" | "SSE" | "WEBSUB" | "ASYNC" => return Html::default(),
        _ => "Download the OpenAPI definition",
    };
    Link::html(label, shown.path("/definition"))
}

/// Versions of the same name.
pub(super) async fn versions(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let name = text(&shown.api, "name");
    let found = shown.visit.search(&format!("name:\"{}\"", name.replace('"', "")), Part::ALL).await?;
    let mut table = Table::new("Versions", vec![Column::new("Version"), Column::new("State"), Column::new("Changed")])
        .empty(Empty::new("No other version", "Only this version is listed here."));
    let same = |entry: &&Value| text(entry, "name").eq_ignore_ascii_case(name);
    for entry in entries(&found, "list").iter().filter(same) {
        table.row(vec![
            Link::html(text(entry, "version"), shown.path_of(text(entry, "id"), "")),
            Badge::lifecycle(text(entry, "lifeCycleStatus")),
            Html::text(changed(entry)),
        ]);
    }
    frame.answer(shown.page("/versions").add(&table))
}
