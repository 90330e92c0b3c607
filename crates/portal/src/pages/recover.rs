//! A new password by mail: asking for the link, and what the link opens.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use identity::Recovery;
use model::Secret;
use web::{Answer, Call, Fields, form_token, with_form_token};

use crate::assets::{Paths, paths};
use crate::page::{self, PageError};
use crate::pages::set_up::token;
use crate::{Portal, pages::gone};

#[derive(Template)]
#[template(path = "recover.html")]
pub(crate) struct Recover<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    callback: &'a str,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "recover_sent.html")]
pub(crate) struct Sent {
    assets: &'static Paths,
}

#[derive(Template)]
#[template(path = "recover_password.html")]
pub(crate) struct NewPassword<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    action: String,
    name: &'a str,
    policy: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "recover_done.html")]
pub(crate) struct Done<'a> {
    assets: &'static Paths,
    name: &'a str,
    callback: &'a str,
}

/// The form that asks for the link.
pub(crate) async fn show(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    if portal.identity.settings().recovery.is_none() {
        return Err(gone("New passwords by mail are not offered here. Ask your administrator."));
    }
    form(&portal, &call, call.query("callback").unwrap_or_default(), None)
}

fn form(portal: &Portal, call: &Call, callback: &str, fault: Option<String>) -> Result<Answer, PageError> {
    let csrf = form_token(call, portal.rng.as_ref());
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Recover { assets: paths(), csrf: &csrf, callback, fault };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

/// Sends the link; the answer is the same for every name.
pub(crate) async fn send(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let (name, callback) = (fields.text("name"), fields.text("callback"));
    let asked = portal.identity.request_recovery(name, Some(callback), call.peer.map(|p| p.ip()));
    match asked {
        Ok(()) => Ok(page::answer(StatusCode::OK, &Sent { assets: paths() })?),
        Err(identity::IdentityError::Invalid(text)) => form(&portal, &call, "", Some(text)),
        Err(other) => Err(other.into()),
    }
}

/// The form for the new password, if the link works.
pub(crate) async fn show_link(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let token = token(&call)?;
    match portal.identity.check_recovery(&token).await? {
        Some(found) => password_form(&portal, &call, &token, &found, None),
        None => {
            Err(gone("A link for a new password works once and for 15 minutes. Ask for a new one on the sign-in page."))
        }
    }
}

fn password_form(
    portal: &Portal,
    call: &Call,
    token: &Secret<String>,
    found: &Recovery,
    fault: Option<String>,
) -> Result<Answer, PageError> {
    let csrf = form_token(call, portal.rng.as_ref());
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = NewPassword {
        assets: paths(),
        csrf: &csrf,
        action: format!("/recover/{}", token.expose()),
        name: &found.name,
        policy: portal.first.password_policy(),
        fault,
    };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

/// Sets the new password.
pub(crate) async fn send_link(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let token = token(&call)?;
    let link =
        || gone("A link for a new password works once and for 15 minutes. Ask for a new one on the sign-in page.");
    let found = portal.identity.check_recovery(&token).await?.ok_or_else(link)?;
    let new = Secret::new(fields.text("password").to_owned());
    if new.expose() != fields.text("repeat") {
        return password_form(&portal, &call, &token, &found, Some("Enter the same password twice.".into()));
    }
    match portal.identity.complete_recovery(&token, &new).await {
        Ok(Some(done)) => {
            let page = Done { assets: paths(), name: &done.name, callback: &done.callback };
            Ok(page::answer(StatusCode::OK, &page)?)
        }
        Ok(None) => Err(link()),
        Err(error) => password_form(&portal, &call, &token, &found, Some(PageError::refusal(error)?)),
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::{Done, NewPassword, Recover, Sent};
    use crate::assets::paths;

    pub(crate) fn recover(fault: bool) -> Recover<'static> {
        Recover { assets: paths(), csrf: "csrf", callback: "", fault: fault.then(|| "Not allowed.".into()) }
    }

    pub(crate) fn sent() -> Sent {
        Sent { assets: paths() }
    }

    pub(crate) fn password(fault: bool) -> NewPassword<'static> {
        NewPassword {
            assets: paths(),
            csrf: "csrf",
            action: "/recover/sample".into(),
            name: "<b>alice</b>",
            policy: "At least 12 characters.".into(),
            fault: fault.then(|| "Choose another.".into()),
        }
    }

    pub(crate) fn done() -> Done<'static> {
        Done { assets: paths(), name: "alice", callback: "https://apps.example.com/portal/" }
    }
}
