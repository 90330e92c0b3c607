//! OAuth keys of an application: one client for production, one for the sandbox. A secret is shown once, in the answer to
//! the form that made it.

use std::sync::Arc;

use control::Field as _;
use http::StatusCode;
use model::KeyMappingId;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError};

use super::application::{Own, lines};
use super::{entries, frame, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Card, Code, Confirmation, Facts, Faults, Field, Form, Html, Link, Notice, Once, Page, Tone};

/// Seconds that a token from the page lasts unless another time is chosen.
const TOKEN_SECONDS: i64 = 3600;

/// A type of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Production,
    Sandbox,
}

impl Kind {
    fn of(call: &Call) -> Result<Self, RestError> {
        match call.path("kind")? {
            "production" => Ok(Self::Production),
            "sandbox" => Ok(Self::Sandbox),
            _ => Err(RestError::not_found("There are production and sandbox keys.")),
        }
    }

    /// As the REST API names it.
    const fn code(self) -> &'static str {
        match self {
            Self::Production => "PRODUCTION",
            Self::Sandbox => "SANDBOX",
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Production => "/keys/production",
            Self::Sandbox => "/keys/sandbox",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Production => "Production",
            Self::Sandbox => "Sandbox",
        }
    }
}

/// The application of a request with its keys of the type that the path names.
struct Keys {
    own: Own,
    kind: Kind,
    /// The keys, if there are some.
    keys: Option<Value>,
}

impl Keys {
    async fn load(portal: &Portal, permit: &Permit, call: &Call) -> Result<Self, PageError> {
        let own = Own::load(portal, permit, call).await?;
        let kind = Kind::of(call)?;
        let all = own.consumer.keys(own.id).await?;
        // Keys of other key managers are mapped, not made here; those of the resident one come first.
        let of_kind = |key: &&Value| text(key, "keyType") == kind.code();
        let mut found: Vec<&Value> = entries(&all, "list").iter().filter(of_kind).collect();
        found.sort_by_key(|key| text(key, "mode") != "CREATED");
        let keys = found.first().copied().cloned();
        Ok(Self { own, kind, keys })
    }

    fn path(&self, tail: &str) -> String {
        self.own.path(&format!("{}{tail}", self.kind.tail()))
    }

    /// The id of the keys.
    fn id(&self) -> Result<KeyMappingId, RestError> {
        let id = self.keys.as_ref().and_then(|keys| text(keys, "keyMappingId").parse().ok());
        id.ok_or_else(|| RestError::not_found(format!("The application has no {} keys.", self.kind.code())))
    }

    fn consumer_key(&self) -> &str {
        self.keys.as_ref().map_or("", |keys| text(keys, "consumerKey"))
    }
}

/// The keys, or the form that makes some.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let page = keys.own.page(keys.kind.tail());
    frame.answer(match &keys.keys {
        None => page.add(&new_form(&frame.csrf, &keys, &Value::Null, &Faults::none())),
        Some(has) if matches!(text(has, "keyState"), "CREATED" | "REJECTED") => waiting(page, &keys, has),
        Some(has) => existing(page, &frame.csrf, &portal, &keys, has, &Faults::none()),
    })
}

/// Keys that an administrator has not approved, or not yet.
fn waiting(page: Page, keys: &Keys, has: &Value) -> Page {
    let label = keys.kind.label();
    let (title, why) = if text(has, "keyState") == "REJECTED" {
        ("The keys were rejected", "Delete the request to ask again.")
    } else {
        ("The keys wait for approval", "An administrator decides about them. Make their secret when they are approved.")
    };
    let withdraw = Link::html("Delete the request", keys.path("/delete"));
    page.add(&Card::new(format!("{label} keys")).aside(withdraw).add(&Notice::new(Tone::Warn, title, why)))
}

/// Grant types with their names for people.
fn grant(code: &str) -> (&str, &str) {
    match code {
        "client_credentials" => ("Client credentials", "The program calls on its own behalf."),
        "authorization_code" => ("Authorization code", "People sign in; needs a callback address."),
        "refresh_token" => ("Refresh token", "People stay signed in."),
        "password" => ("Password", "The program sees passwords of people. Avoid it."),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => ("JWT bearer", "Assertions of a trusted issuer."),
        "urn:ietf:params:oauth:grant-type:token-exchange" => ("Token exchange", "Tokens of a trusted issuer."),
        "urn:ietf:params:oauth:grant-type:device_code" => ("Device code", "Devices without a keyboard."),
        other => (other, ""),
    }
}

fn settings_fields(form: Form, keys: &Keys, grants_field: &str, has: &Value) -> Form {
    let chosen = lines(has.at(grants_field));
    let mut grants = Field::checks(grants_field, "Grant types");
    for code in keys.own.consumer.grant_types() {
        let (label, hint) = grant(code);
        let on = if has.is_null() { code == "client_credentials" } else { chosen.contains(code) };
        grants = grants.choice(code, label, hint, on);
    }
    form.field(grants).field(
        Field::url("callbackUrl", "Callback address")
            .hint("Where the browser goes after the sign-in. Only for the authorization code.")
            .value(text(has, "callbackUrl"))
            .max(2000),
    )
}

fn new_form(csrf: &str, keys: &Keys, has: &Value, faults: &Faults) -> Form {
    let form =
        Form::new(csrf, keys.path(""), format!("Generate {} keys", keys.kind.label().to_lowercase())).faults(faults);
    settings_fields(form, keys, "grantTypesToBeSupported", has)
}

fn change_form(csrf: &str, keys: &Keys, has: &Value, faults: &Faults) -> Form {
    let form = Form::new(csrf, keys.path("/change"), "Save the settings").faults(faults).quiet();
    settings_fields(form, keys, "supportedGrantTypes", has)
}

fn existing(page: Page, csrf: &str, portal: &Portal, keys: &Keys, has: &Value, faults: &Faults) -> Page {
    let created = text(has, "mode") == "CREATED";
    let actions = if created {
        Html::join([
            Link::html("Replace the secret", keys.path("/secret")),
            Link::html("Delete the keys", keys.path("/delete")),
        ])
    } else {
        Link::html("Delete the keys", keys.path("/delete"))
    };
    let endpoint = format!("{}/oauth2/token", portal.console);
    let facts = Facts::new()
        .fact("Consumer key", Html::mono(text(has, "consumerKey")))
        .text("Secret", "Shown once, when it was made. Replace it when it is lost.")
        .text("Key manager", text(has, "keyManager"))
        .fact("Token endpoint", Html::mono(&endpoint));
    let curl = format!(
        "curl --user '{}':\"$SECRET\" --data grant_type=client_credentials {endpoint}",
        text(has, "consumerKey").replace('\'', "")
    );
    let page = page.faulty(!faults.is_empty()).add(
        &Card::new(format!("{} keys", keys.kind.label()))
            .aside(actions)
            .add(&facts)
            .add(&Code::new("Get a token with curl", curl)),
    );
    if !created {
        return page.add(&Notice::new(Tone::Accent, "This client was mapped", "It is changed where it was made."));
    }
    page.heading("Access token for trying", "It is shown once and ends by itself.")
        .add(&token_form(csrf, keys))
        .heading("Settings", "")
        .add(&change_form(csrf, keys, has, faults))
}

fn token_form(csrf: &str, keys: &Keys) -> Form {
    Form::new(csrf, keys.path("/token"), "Generate an access token")
        .quiet()
        .field(Field::text("scopes", "Scopes").hint("Separated by blanks. Optional."))
        .field(Field::number("validityPeriod", "Seconds it lasts").value(&TOKEN_SECONDS.to_string()))
}

/// What the two settings forms send.
fn settings(fields: &Fields, grants_field: &str) -> Value {
    let grants: Vec<&str> = fields.all(grants_field).collect();
    json!({grants_field: grants, "callbackUrl": fields.text("callbackUrl").trim()})
}

/// Makes keys; the answer shows the secret.
pub(super) async fn generate(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let mut input = settings(&fields, "grantTypesToBeSupported");
    if let Some(object) = input.as_object_mut() {
        object.insert("keyType".into(), json!(keys.kind.code()));
    }
    match keys.own.consumer.generate_keys(keys.own.id, &input).await {
        Ok(made) if text(&made, "keyState") == "CREATED" => {
            frame.done(&keys.path(""), "The keys wait for an administrator.")
        }
        Ok(made) => {
            let mut once = Once::new(
                format!("{} keys of {}", keys.kind.label(), keys.own.name()),
                "Store the secret now: it is not kept here in a form that can be shown again. When it is lost, replace it.",
                keys.path(""),
            )
            .value("Consumer key", text(&made, "consumerKey"));
            if let Some(secret) = made.at("consumerSecret").as_str() {
                once = once.value("Consumer secret", secret);
            }
            frame.answer(keys.own.page(keys.kind.tail()).add(&once))
        }
        Err(error) => {
            let form = new_form(&frame.csrf, &keys, &input, &Faults::of(error)?);
            let page = keys.own.page(keys.kind.tail()).faulty(true).add(&form);
            frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
        }
    }
}

/// Changes grant types and callback.
pub(super) async fn change(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let mut input = settings(&fields, "supportedGrantTypes");
    match keys.own.consumer.update_keys(keys.own.id, keys.id()?, &input).await {
        Ok(()) => frame.done(&keys.path(""), "The settings were saved."),
        Err(error) => {
            let faults = Faults::of(error)?;
            if let (Some(object), Some(has)) = (input.as_object_mut(), &keys.keys) {
                for kept in ["consumerKey", "mode", "keyManager"] {
                    object.insert(kept.into(), has.at(kept).clone());
                }
            }
            let page = existing(keys.own.page(keys.kind.tail()), &frame.csrf, &portal, &keys, &input, &faults);
            frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
        }
    }
}

/// Issues a token; the answer shows it.
pub(super) async fn token(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let scopes: Vec<&str> = fields.text("scopes").split_whitespace().collect();
    let seconds = fields.text("validityPeriod").parse().ok().filter(|n| *n > 0).unwrap_or(TOKEN_SECONDS);
    let input = json!({"scopes": scopes, "validityPeriod": seconds});
    let made = keys.own.consumer.token(keys.own.id, keys.id()?, &input).await?;
    let lasts = made.at("validityTime").as_i64().unwrap_or(seconds);
    let once = Once::new(
        "Access token",
        format!("Send it as Authorization: Bearer. It ends in {lasts} seconds."),
        keys.path(""),
    )
    .value("Access token", text(&made, "accessToken"));
    frame.answer(keys.own.page(keys.kind.tail()).add(&once))
}

/// The question before a secret is replaced.
pub(super) async fn ask_secret(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    keys.id()?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let confirmation = Confirmation::new(&frame.csrf, keys.path("/secret"), "Replace the secret", keys.path(""))
        .loses(format!("Every present secret of {}: programs that use one get no more tokens", keys.consumer_key()));
    let page = Page::new("Replace the secret?").narrow();
    frame.answer(keys.own.crumbs(page).add(&confirmation))
}

/// Replaces the secret; the answer shows the new one.
pub(super) async fn secret(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let made = keys.own.consumer.regenerate_secret(keys.own.id, keys.id()?).await?;
    let once =
        Once::new("New secret", "Store it now: it cannot be shown again. The former ones work no more.", keys.path(""))
            .value("Consumer key", text(&made, "consumerKey"))
            .value("Consumer secret", text(&made, "consumerSecret"));
    frame.answer(keys.own.page(keys.kind.tail()).add(&once))
}

/// The question before keys are deleted.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    keys.id()?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let button = format!("Delete the {} keys", keys.kind.label().to_lowercase());
    let confirmation = Confirmation::new(&frame.csrf, keys.path("/delete"), button, keys.path(""))
        .loses(format!("The client {} with its secrets", keys.consumer_key()))
        .loses("Its tokens: calls with them are refused at once");
    let page = Page::new(format!("Delete the {} keys?", keys.kind.label().to_lowercase())).narrow();
    frame.answer(keys.own.crumbs(page).add(&confirmation))
}

/// Deletes keys.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let keys = Keys::load(&portal, &permit, &call).await?;
    keys.own.consumer.remove_keys(keys.own.id, keys.id()?).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    frame.done(&keys.path(""), &format!("The {} keys were deleted.", keys.kind.label().to_lowercase()))
}
