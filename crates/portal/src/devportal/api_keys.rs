//! API keys of an application, restricted to addresses or to web pages if wanted. A key is shown once, in the answer to the
//! form that made it.

use std::sync::Arc;

use control::Field as _;
use http::StatusCode;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit};

use super::application::Own;
use super::{entries, frame, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Button, Column, Empty, Faults, Field, Form, Html, Once, Page, Table, day};

/// Types with their names for people.
const KINDS: [(&str, &str); 2] = [("PRODUCTION", "Production"), ("SANDBOX", "Sandbox")];

/// All keys, and the form for another one.
pub(super) async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    frame.answer(page(&frame.csrf, &own, &|_| String::new(), &Faults::none()).await?)
}

async fn page(
    csrf: &str,
    own: &Own,
    typed: &(dyn Fn(&str) -> String + Sync),
    faults: &Faults,
) -> Result<Page, PageError> {
    let mut table = Table::new(
        "API keys",
        vec![Column::new("Name"), Column::new("Type"), Column::new("Made"), Column::new("Ends"), Column::new("Only from"), Column::actions()],
    )
    .empty(Empty::new("No API keys", "An API key is one text that a program sends; easier than a token, and it does not end by itself unless you say so."));
    for (code, label) in KINDS {
        let found = own.consumer.api_keys(own.id, code).await?;
        for key in entries(&found, "list") {
            table.row(row(csrf, own, key, code, label));
        }
    }
    let mut kind = Field::radios("kind", "Type").required();
    for (index, (code, label)) in KINDS.into_iter().enumerate() {
        let chosen = typed("kind") == code || typed("kind").is_empty() && index == 0;
        kind = kind.choice(code, label, "", chosen);
    }
    let form = Form::new(csrf, own.path("/api-keys"), "Generate an API key")
        .faults(faults)
        .field(Field::text("keyName", "Name").value(&typed("keyName")).max(255).hint("To tell it from others."))
        .field(kind)
        .field(Field::number("days", "Days it lasts").value(&typed("days")).hint("Empty: until you revoke it."))
        .field(
            Field::text("permittedIP", "Only from these addresses")
                .value(&typed("permittedIP"))
                .hint("Addresses or networks such as 203.0.113.0/24, separated by commas. Empty: from everywhere."),
        )
        .field(
            Field::text("permittedReferer", "Only from these web pages")
                .value(&typed("permittedReferer"))
                .hint("Such as www.example.com/shop, separated by commas. A program can pretend; for browsers only."),
        );
    Ok(own.page("/api-keys").faulty(!faults.is_empty()).add(&table).heading("Another API key", "").add(&form))
}

fn row(csrf: &str, own: &Own, key: &Value, code: &str, label: &str) -> Vec<Html> {
    let made = key.at("issuedOn").as_i64().unwrap_or(0);
    let validity = key.at("validityPeriod").as_i64().filter(|seconds| *seconds >= 0);
    let at = |millis: i64| day(model::Timestamp::from_millis(millis));
    let ends =
        validity.map_or_else(|| "never".to_owned(), |seconds| at(made.saturating_add(seconds.saturating_mul(1000))));
    let properties = key.at("additionalProperties");
    let only: Vec<&str> = ["permittedIP", "permittedReferer"]
        .into_iter()
        .map(|field| text(properties, field))
        .filter(|text| !text.is_empty())
        .collect();
    let name = if text(key, "keyName").is_empty() { text(key, "keyUUID") } else { text(key, "keyName") };
    let revoke = Button::new(csrf, own.path("/api-keys/revoke"), "Revoke")
        .of(name)
        .danger()
        .with("kind", code)
        .with("key", text(key, "keyUUID"));
    vec![
        Html::text(name),
        Html::text(label),
        Html::text(at(made)),
        Html::text(ends),
        Html::text(if only.is_empty() { "everywhere".to_owned() } else { only.join(", ") }),
        revoke.html(),
    ]
}

/// Makes a key; the answer shows it.
pub(super) async fn make(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let typed = |name: &str| fields.text(name).to_owned();
    let days = fields.text("days").trim();
    let seconds = match days {
        "" => Some(-1),
        text => text.parse::<i64>().ok().filter(|n| (1..=36_500).contains(n)).and_then(|n| n.checked_mul(86_400)),
    };
    let mut faults = Faults::none();
    let Some(seconds) = seconds else {
        faults.add("days", "A whole number from 1 to 36500, or nothing.");
        return refused(&frame, &own, &typed, &faults).await;
    };
    let input = json!({
        "keyName": fields.text("keyName"),
        "validityPeriod": seconds,
        "additionalProperties": {
            "permittedIP": fields.text("permittedIP"),
            "permittedReferer": fields.text("permittedReferer"),
        },
    });
    match own.consumer.generate_api_key(own.id, fields.text("kind"), &input).await {
        Ok(made) => {
            let once = Once::new(
                "API key",
                "Store it now: it is kept here as a hash only. Send it in the header ApiKey.",
                own.path("/api-keys"),
            )
            .value("API key", text(&made, "apikey"));
            frame.answer(own.page("/api-keys").add(&once))
        }
        Err(error) => refused(&frame, &own, &typed, &Faults::of(error)?.below("additionalProperties.")).await,
    }
}

async fn refused(
    frame: &crate::console::Frame,
    own: &Own,
    typed: &(dyn Fn(&str) -> String + Sync),
    faults: &Faults,
) -> Result<Answer, PageError> {
    frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&frame.csrf, own, typed, faults).await?)
}

/// Revokes a key.
pub(super) async fn revoke(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let fields = Fields::of(&call)?;
    own.consumer.revoke_api_key(own.id, fields.text("kind"), fields.text("key")).await?;
    frame(&portal, Some(&permit), &call, "applications")
        .done(&own.path("/api-keys"), "The API key was revoked. Calls with it are refused.")
}
