//! The frame of the consoles and their components, as a browser without scripts meets them.

use super::account::Browser;
use super::*;
use crate::ui::{
    Badge, Button, Card, Chart, Checklist, Chip, Code, Column, Confirmation, Empty, Facts, Faults, Field, Form, Html,
    Link, Notice, Once, Page, Pager, Series, Shape, Tab, Table, Timeline, Tone,
};

/// A person with these roles, signed in.
pub(super) async fn person<'a>(site: &'a Site, name: &str, roles: &[&str]) -> Browser<'a> {
    site.user(name, roles).await;
    site.store.used.store(true, Ordering::Relaxed);
    let mut browser = Browser::new(site);
    let seen = browser.sign_in(name, PASSWORD).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    browser
}

const HOSTILE: &str = "\"><b>&'";

fn table() -> Table {
    let columns = vec![Column::new(HOSTILE).sorts("/x?", "name", "-name"), Column::number("Calls"), Column::actions()];
    let (rows, pager) = Pager::cut((0..30).collect::<Vec<u32>>(), 5, 10, "/x?");
    let mut table = Table::new(HOSTILE, columns).chips(vec![Chip::new(HOSTILE, "/x", true)]).pager(pager);
    for row in rows {
        let button = Button::new("token", "/x", "Block").of(HOSTILE).with("id", HOSTILE).danger().html();
        table.row(vec![Link::html(HOSTILE, "/x"), Html::text(row), button]);
    }
    table
}

fn form() -> Form {
    let mut faults = Faults::none();
    faults.add("name", HOSTILE);
    faults.add("nowhere", "is not there");
    Form::new("token", "/x", HOSTILE)
        .faults(&faults)
        .field(Field::text("name", HOSTILE).hint(HOSTILE).value(HOSTILE).required().max(10))
        .field(Field::secret("secret", "Secret").value("never shown"))
        .field(Field::code("code", "Code", 3).value("</textarea><b>"))
        .field(Field::select("select", "Select").option("a", HOSTILE).value("a"))
        .field(Field::radios("radio", "Radio").choice("a", HOSTILE, HOSTILE, true).option("b", "B"))
        .field(Field::checks("many", "Many").option("a", HOSTILE))
        .field(Field::check("yes", "Yes", true))
        .field(Field::file("file", "File", ".yaml"))
        .hidden("etag", HOSTILE)
        .back("Cancel", "/x")
        .with_files()
}

/// Every component once, with hostile text in every place.
fn everything() -> Page {
    let chart = Chart::new(
        Shape::Stacked,
        HOSTILE,
        HOSTILE,
        vec![HOSTILE.into()],
        vec![Series::new(HOSTILE, vec![1.0]), Series::new("b", vec![2.0])],
    );
    Page::new(HOSTILE)
        .crumb(HOSTILE, "/x")
        .lead(HOSTILE)
        .beside(Badge::lifecycle("PUBLISHED"))
        .action(HOSTILE, "/x")
        .tabs(vec![Tab::new(HOSTILE, "/x", true)])
        .heading(HOSTILE, HOSTILE)
        .add(&table())
        .add(&Table::new("none", Vec::new()).empty(Empty::new(HOSTILE, HOSTILE).action(HOSTILE, "/x").command(HOSTILE)))
        .add(&form())
        .add(
            &Card::new(HOSTILE)
                .text(HOSTILE)
                .aside(Badge::html(HOSTILE, Tone::Bad))
                .add(&Facts::new().text(HOSTILE, HOSTILE)),
        )
        .add(&Code::new(HOSTILE, HOSTILE))
        .add(&Once::new(HOSTILE, HOSTILE, "/x").value(HOSTILE, HOSTILE))
        .add(&Notice::new(Tone::Bad, HOSTILE, HOSTILE).html(Link::html(HOSTILE, "javascript:alert(1)")))
        .add(&Checklist::new(HOSTILE).step(true, Link::new(HOSTILE, "/x"), HOSTILE).optional(
            false,
            Link::new("b", "/x"),
            "",
        ))
        .add(&Timeline::new().entry(Html::mono(HOSTILE), HOSTILE, HOSTILE))
        .add(&Confirmation::new("token", "/x", HOSTILE, "/x").loses(HOSTILE).with("a", HOSTILE))
        .html(chart.html())
}

#[test]
fn every_component_escapes_and_keeps_the_rules() {
    let page = everything();
    let html: String = page.parts.iter().map(ToString::to_string).collect();
    keeps_the_rules("components", &format!("<h1></h1>{html}"));
    assert!(!html.contains("javascript:") && !html.contains("never shown"), "{html}");
    assert!(html.contains("href=\"#name\"") && html.contains("nowhere: is not there"), "{html}");
    assert!(html.contains("6 to 15 of 30") && html.contains("/x?from=15") && html.contains("/x?from=0"), "{html}");
    assert!(html.contains("aria-sort=\"descending\""), "{html}");
}

#[test]
fn links_lead_nowhere_that_runs() {
    for hostile in [
        "javascript:alert(1)",
        "JaVaScript:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "vbscript:x",
        " javascript:x",
        "x",
    ] {
        assert_eq!(Link::html("a", hostile).to_string(), "a", "{hostile}");
    }
    for good in ["/x", "#x", "https://example.com/", "mailto:a@example.com"] {
        assert!(Link::html("a", good).to_string().contains(&format!("href=\"{good}\"")), "{good}");
    }
}

#[tokio::test]
async fn the_frame_shows_who_and_where_and_what_they_may() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", &["Internal/creator", "Internal/publisher"]).await;
    let seen = paula.get("/publisher/apis?query=%22%3E%3Cb%3E").await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    keeps_the_rules("apis", &seen.body);
    assert_eq!(seen.headers[header::CONTENT_SECURITY_POLICY], crate::console::POLICY);
    assert!(seen.body.contains(">paula</span>") && seen.body.contains("carbon.super"), "{}", seen.body);
    assert!(seen.body.contains("href=\"/publisher/apis\" aria-current=\"page\""), "{}", seen.body);
    assert!(!seen.body.contains("href=\"/admin\""), "a console without anything for her is not offered");
    assert!(seen.body.contains("Nothing matches"));
    let seen = paula.get("/publisher/apis").await;
    assert!(seen.body.contains("No APIs yet") && seen.body.contains("portcullis api import"), "{}", seen.body);
    assert_eq!(paula.get("/publisher").await.headers[header::LOCATION], "/publisher/apis");
}

#[tokio::test]
async fn pages_are_refused_as_pages() {
    let site = Site::with_people().await;
    let mut alice = person(&site, "susi", &["Internal/subscriber"]).await;
    let seen = alice.get("/publisher/apis").await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN);
    assert!(seen.body.contains("<h1") && seen.body.contains("may not open this page"), "{}", seen.body);
    let seen = alice.get("/publisher/nothing/here").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert!(seen.body.contains("There is nothing at this address"), "{}", seen.body);
    assert_eq!(get(&site.router, "/publisher/apis").await.status, StatusCode::SEE_OTHER, "strangers sign in first");
}
