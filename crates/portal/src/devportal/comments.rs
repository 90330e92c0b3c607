//! What consumers say about an API: comments, replies, ratings.

use std::sync::Arc;

use control::devportal::{Part, Visit};
use control::{ControlError, Field as _};
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError};

use super::api::{Shown, shown};
use super::{entries, frame, text};
use crate::Portal;
use crate::console::Frame;
use crate::page::PageError;
use crate::ui::{Button, Card, Empty, Faults, Field, Form, Html, Link, Timeline};

/// Comments on a page.
const SIZE: usize = 20;

/// Comments with their replies, and the ratings.
pub(super) async fn list(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    show(&portal, permit.as_ref(), &call, &shown, (Faults::none(), "")).await
}

async fn show(
    portal: &Portal,
    permit: Option<&Permit>,
    call: &Call,
    shown: &Shown,
    (faults, typed): (Faults, &str),
) -> Result<Answer, PageError> {
    let frame = frame(portal, permit, call, "apis");
    let from: usize = call.query_or("from", 0)?;
    let found = shown.visit.comments(shown.id, Part { limit: SIZE, offset: from }).await?;
    let ratings = shown.visit.ratings(shown.id).await?;
    let may_write = permit.is_some_and(|permit| permit.allows("apim:subscribe"));
    let mut page = shown.page("/comments").faulty(!faults.is_empty()).add(&rating(&frame, shown, &ratings, may_write));
    if may_write {
        let form = Form::new(&frame.csrf, shown.path("/comments"), "Add the comment").faults(&faults).field(
            Field::area("content", "Comment", 3)
                .id("comment")
                .value(typed)
                .max(512)
                .required()
                .hint("Everybody who sees this API reads it."),
        );
        page = page.add(&form);
    } else {
        page = page.html(Link::html("Sign in to comment and to rate", "/signin"));
    }
    let comments = entries(&found, "list");
    if comments.is_empty() && faults.is_empty() {
        page =
            page.add(&Empty::new("No comments yet", "Say what works and what does not; the publisher reads it too."));
    }
    for comment in comments {
        page = page.add(&one(&frame, shown, permit, comment, may_write));
    }
    let total = found.at("pagination").at("total").as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    page = page.html(more(total, from, shown));
    let status = if faults.is_empty() { http::StatusCode::OK } else { http::StatusCode::UNPROCESSABLE_ENTITY };
    frame.answer_with(status, page)
}

fn more(total: usize, from: usize, shown: &Shown) -> Html {
    let next = from.saturating_add(SIZE);
    let before = (from > 0)
        .then(|| Link::html("Newer comments", shown.path(&format!("/comments?from={}", from.saturating_sub(SIZE)))));
    let after = (next < total).then(|| Link::html("Older comments", shown.path(&format!("/comments?from={next}"))));
    Html::join(before.into_iter().chain(after))
}

fn rating(frame: &Frame, shown: &Shown, ratings: &Value, may_write: bool) -> Card {
    let count = ratings.at("pagination").at("total").as_u64().unwrap_or(0);
    let text = match count {
        0 => "Nobody has rated this API yet.".to_owned(),
        1 => format!("Rated {} of 5 by one person.", text(ratings, "avgRating")),
        n => format!("Rated {} of 5 by {n} people.", text(ratings, "avgRating")),
    };
    let card = Card::new("Rating").text(&text);
    if !may_write {
        return card;
    }
    let mine = ratings.at("userRating").as_i64().unwrap_or(0);
    let button = |value: i64| {
        let label = if value == mine { format!("{value} of 5 (yours)") } else { format!("{value} of 5") };
        Button::new(&frame.csrf, shown.path("/rating"), label).with("rating", value.to_string()).html()
    };
    let mut buttons: Vec<Html> = (1..=5).map(button).collect();
    if mine > 0 {
        buttons.push(Button::new(&frame.csrf, shown.path("/rating"), "Take it back").with("rating", "0").html());
    }
    card.html(Html::join(buttons))
}

fn one(frame: &Frame, shown: &Shown, permit: Option<&Permit>, comment: &Value, may_write: bool) -> Card {
    let id = text(comment, "id");
    let remove = |comment: &Value| {
        let own = permit.is_some_and(|permit| {
            permit.principal().display_name() == text(comment, "createdBy") || permit.principal().has_role("admin")
        });
        own.then(|| {
            Button::new(&frame.csrf, shown.path("/comments/remove"), "Remove")
                .of(format!("the comment of {}", text(comment, "createdBy")))
                .with("comment", text(comment, "id"))
                .html()
        })
    };
    let when = |comment: &Value| text(comment, "createdTime").chars().take(16).collect::<String>().replace('T', " ");
    let entry = |comment: &Value| Html::join([Html::text(text(comment, "content"))].into_iter().chain(remove(comment)));
    let mut timeline = Timeline::new().entry(entry(comment), when(comment), text(comment, "createdBy"));
    for reply in entries(comment.at("replies"), "list") {
        timeline = timeline.entry(entry(reply), when(reply), format!("reply of {}", text(reply, "createdBy")));
    }
    let card = Card::new("").add(&timeline);
    if !may_write {
        return card;
    }
    let form = Form::new(&frame.csrf, shown.path("/comments"), "Reply").quiet().hidden("parent", id).field(
        Field::text("content", &format!("Reply to {}", text(comment, "createdBy"))).id(&format!("reply-{id}")).max(512),
    );
    card.add(&form)
}

/// Adds a comment or a reply.
pub(super) async fn add(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, Some(&permit), &call);
    let fields = Fields::of(&call)?;
    let content = fields.text("content");
    let parent = fields.get("parent").filter(|text| !text.is_empty());
    match shown.visit.comment(shown.id, parent, &json!({"content": content})).await {
        Ok(_) => {
            let frame = frame(&portal, Some(&permit), &call, "apis");
            frame.done(&shown.path("/comments"), "Your comment was added.")
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            show(&portal, Some(&permit), &call, &shown, (faults, content)).await
        }
    }
}

async fn visit(portal: &Portal, permit: &Permit, call: &Call) -> Result<Visit, ControlError> {
    Visit::begin(&portal.control, Some(permit), call.query("tenant")).await
}

/// The path of the comments, in the same portal.
fn back(call: &Call) -> Result<String, RestError> {
    let path = format!("/devportal/apis/{}/comments", call.path("api")?);
    Ok(call.uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}")))
}

/// Removes a comment.
pub(super) async fn remove(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let id = fields.text("comment").parse().map_err(|_| RestError::not_found("There is no such comment."))?;
    visit(&portal, &permit, &call).await?.remove_comment(call.path_id("api")?, id).await?;
    frame(&portal, Some(&permit), &call, "apis").done(&back(&call)?, "The comment was removed.")
}

/// Rates the API, or takes the rating back.
pub(super) async fn rate(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let rating: i64 = fields.text("rating").parse().map_err(|_| RestError::bad_request("Rate from 1 to 5."))?;
    visit(&portal, &permit, &call).await?.rate(call.path_id("api")?, rating).await?;
    let text = if rating == 0 {
        "Your rating was taken back.".to_owned()
    } else {
        format!("You rated this API {rating} of 5.")
    };
    frame(&portal, Some(&permit), &call, "apis").done(&back(&call)?, &text)
}
