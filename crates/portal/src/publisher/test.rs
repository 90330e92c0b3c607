//! A key to try an API with before anybody is subscribed, and the calls to try.

use std::sync::Arc;

use web::{Answer, Call, Permit};

use super::context::Here;
use super::text;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Button, Card, Code, Link, Notice, Once, Page, Tone};

/// Calls that are shown.
const SHOWN: usize = 10;

async fn page(here: &Here) -> Result<Page, PageError> {
    let page = here
        .page("Test")
        .lead("Call it through the gateway, before it is published and without a subscription.")
        .narrow();
    if !here.portal.control.deployments(&here.actor, here.id).await?.is_empty() {
        return Ok(page);
    }
    let notice = Notice::new(Tone::Warn, "No gateway serves this API yet", "Make a revision and deploy it first.");
    Ok(page.add(&notice.html(Link::html("Go to deployments", here.path("deploy")))))
}

/// What a key is, and the button for one.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "test").await?;
    let button = Button::new(&here.frame.csrf, here.path("test"), "Make test key").of(here.title()).primary().html();
    let card = Card::new("Test key").text("It opens this API alone, for an hour, and is shown once.").html(button);
    here.frame.answer(page(&here).await?.add(&card))
}

/// Text within single quotes of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Makes a key and shows the calls with it.
pub(super) async fn make(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "test").await?;
    let (key, seconds) = portal.control.internal_key(&here.actor, here.id).await?;
    let life = if seconds >= 60 { format!("{} minutes", seconds / 60) } else { format!("{seconds} seconds") };
    let once = Once::new(
        "Your test key",
        format!("It works for {life} from now, for this API alone. Keep it to yourself."),
        here.path("test"),
    )
    .value("Internal-Key", key.expose());
    let mut page = page(&here).await?.add(&once);
    for operation in here.api.operations().iter().take(SHOWN) {
        let verb = text(operation, "verb");
        let path = text(operation, "target").replace("/*", "/");
        let address = format!("{}{}{path}", portal.gateway, here.api.versioned_context());
        let command =
            format!("curl --request {verb} {} \\\n  --header {}", quoted(&address), quoted("Internal-Key: $KEY"));
        page = page.add(&Code::new(
            format!("{verb} {}", text(operation, "target")),
            command.replace("'Internal-Key: $KEY'", "\"Internal-Key: $KEY\""),
        ));
    }
    page = page.add(&Notice::new(Tone::Plain, "Before the calls", "Put the key into the variable first: KEY=… in the same shell, so that it does not stay in the history of every command."));
    here.frame.answer(page)
}
