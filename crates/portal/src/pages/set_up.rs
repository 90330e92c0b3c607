//! The set-up of the first administrator: form, success, a link that does not work, and where the link is.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use model::Secret;
use web::{Answer, Call, Fields, RestError, form_token, with_form_token};

use crate::assets::{Paths, paths};
use crate::{Field, FieldFault, Portal, SetUpFault, page};

#[derive(Template)]
#[template(path = "set_up.html")]
pub(crate) struct SetUp {
    assets: &'static Paths,
    action: String,
    csrf: String,
    name: String,
    policy: String,
    faults: Vec<FieldFault>,
}

impl SetUp {
    fn has_fault(&self, field: Field) -> bool {
        self.faults.iter().any(|f| f.field == field)
    }

    /// All that is wrong with a field.
    fn fault(&self, field: Field) -> String {
        let messages = self.faults.iter().filter(|f| f.field == field).map(|f| f.message.as_str());
        messages.collect::<Vec<_>>().join(" ")
    }
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
pub(crate) struct Done<'a> {
    assets: &'static Paths,
    name: &'a str,
    console: &'a str,
}

#[derive(Template)]
#[template(path = "set_up_link_invalid.html")]
pub(crate) struct LinkInvalid {
    assets: &'static Paths,
}

#[derive(Template)]
#[template(path = "set_up_pending.html")]
pub(crate) struct Pending {
    assets: &'static Paths,
}

/// The form, if the link works.
pub(crate) async fn show(portal: Arc<Portal>, call: Call) -> Result<Answer, RestError> {
    let token = token(&call)?;
    if !portal.first.link_works(&token).await.map_err(RestError::unavailable)? {
        return page::answer(StatusCode::NOT_FOUND, &LinkInvalid { assets: paths() });
    }
    show_form(&portal, &call, &token, String::new(), Vec::new())
}

/// The form sent: makes the administrator, or shows what to change.
pub(crate) async fn send(portal: Arc<Portal>, call: Call) -> Result<Answer, RestError> {
    let token = token(&call)?;
    let fields = Fields::of(&call)?;
    let name = fields.get("name").unwrap_or_default().trim().to_owned();
    let password = Secret::new(fields.get("password").unwrap_or_default().to_owned());
    let repeat = Secret::new(fields.get("repeat").unwrap_or_default().to_owned());
    let mut faults = Vec::new();
    if name.is_empty() {
        faults.push(FieldFault { field: Field::Name, message: "Enter a user name.".into() });
    }
    if password.expose().is_empty() {
        faults.push(FieldFault { field: Field::Password, message: "Enter a password.".into() });
    } else if password.expose() != repeat.expose() {
        faults.push(FieldFault { field: Field::Repeat, message: "Enter the same password again.".into() });
    }
    if !faults.is_empty() {
        return show_form(&portal, &call, &token, name, faults);
    }
    match portal.first.complete(&token, &name, password).await {
        Ok(()) => {
            tracing::info!(user = %name, "the first administrator was created");
            page::answer(StatusCode::OK, &Done { assets: paths(), name: &name, console: &portal.console })
        }
        Err(SetUpFault::Link) => page::answer(StatusCode::NOT_FOUND, &LinkInvalid { assets: paths() }),
        Err(SetUpFault::Fields(faults)) => show_form(&portal, &call, &token, name, faults),
        Err(SetUpFault::Unavailable(why)) => Err(RestError::unavailable(why)),
    }
}

/// Where the link is; never the link itself.
pub(crate) async fn pending(portal: Arc<Portal>, _: Call) -> Result<Answer, RestError> {
    if portal.first.is_pending().await.map_err(RestError::unavailable)? {
        return page::answer(StatusCode::OK, &Pending { assets: paths() });
    }
    Ok(page::see_other("/"))
}

/// The token of the path: characters of URL-safe base64 only, so that it can stand in a page and a path as it is.
pub(crate) fn token(call: &Call) -> Result<Secret<String>, RestError> {
    let text = call.path("token")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.len() > 128 || !text.chars().all(allowed) {
        return Err(RestError::not_found("There is nothing at this path."));
    }
    Ok(Secret::new(text.to_owned()))
}

fn show_form(
    portal: &Portal,
    call: &Call,
    token: &Secret<String>,
    name: String,
    faults: Vec<FieldFault>,
) -> Result<Answer, RestError> {
    let csrf = form_token(call, portal.rng.as_ref());
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SetUp {
        assets: paths(),
        action: format!("/setup/{}", token.expose()),
        csrf: csrf.clone(),
        name: name.chars().take(255).collect(),
        policy: portal.first.password_policy(),
        faults,
    };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

#[cfg(test)]
impl SetUp {
    pub(crate) fn sample() -> Self {
        let fault = |field, message: &str| FieldFault { field, message: message.into() };
        Self {
            assets: paths(),
            action: "/setup/sample".into(),
            csrf: "c".repeat(43),
            name: "<b>\"alice\"</b>".into(),
            policy: "At least 12 characters.".into(),
            faults: vec![
                fault(Field::Name, "Use another name."),
                fault(Field::Password, "Use at least 12 characters."),
                fault(Field::Repeat, "Enter the same password again."),
            ],
        }
    }

    pub(crate) fn empty_sample() -> Self {
        Self { faults: Vec::new(), name: String::new(), ..Self::sample() }
    }
}

#[cfg(test)]
impl Done<'_> {
    pub(crate) fn sample() -> Self {
        Done { assets: paths(), name: "alice", console: "https://localhost:9443" }
    }
}

#[cfg(test)]
impl LinkInvalid {
    pub(crate) fn sample() -> Self {
        Self { assets: paths() }
    }
}

#[cfg(test)]
impl Pending {
    pub(crate) fn sample() -> Self {
        Self { assets: paths() }
    }
}
