//! Making an account of one's own: the form, and what the link in the mail opens.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use identity::{SignUpConfirmed, SignUpForm};
use model::Secret;
use web::{Answer, Call, Fields, form_token, with_form_token};

use crate::Portal;
use crate::assets::{Paths, paths};
use crate::page::{self, PageError};
use crate::pages::gone;
use crate::pages::set_up::token;

const OFF: &str = "Accounts are made by an administrator here.";
const LINK: &str = "A link to make an account works once and for 15 minutes. Fill the form in again.";

#[derive(Template)]
#[template(path = "sign_up.html")]
pub(crate) struct SignUp<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    callback: &'a str,
    name: &'a str,
    email: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    policy: String,
    approval: bool,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_up_sent.html")]
pub(crate) struct Sent<'a> {
    assets: &'static Paths,
    email: &'a str,
}

#[derive(Template)]
#[template(path = "sign_up_link.html")]
pub(crate) struct Link<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    action: String,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "sign_up_done.html")]
pub(crate) struct Done<'a> {
    assets: &'static Paths,
    name: &'a str,
    waits: bool,
    callback: &'a str,
}

/// The form.
pub(crate) async fn show(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    form(&portal, &call, &|_| "", call.query("callback").unwrap_or_default(), None)
}

fn form<'a>(
    portal: &Portal,
    call: &Call,
    value: &dyn Fn(&'static str) -> &'a str,
    callback: &str,
    fault: Option<String>,
) -> Result<Answer, PageError> {
    let settings = portal.identity.settings().self_registration.as_ref().ok_or_else(|| gone(OFF))?;
    let csrf = form_token(call, portal.rng.as_ref());
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = SignUp {
        assets: paths(),
        csrf: &csrf,
        callback,
        name: value("name"),
        email: value("email"),
        given_name: value("given-name"),
        family_name: value("family-name"),
        policy: portal.first.password_policy(),
        approval: settings.approval,
        fault,
    };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

/// Takes the form and sends the link. The answer does not tell whether the name is taken.
pub(crate) async fn send(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let callback = fields.text("callback");
    let again = |text: String| form(&portal, &call, &|name| fields.text(name), callback, Some(text));
    if fields.text("password") != fields.text("repeat") {
        return again("Enter the same password twice.".to_owned());
    }
    let wanted = SignUpForm {
        name: fields.text("name").to_owned(),
        password: Secret::new(fields.text("password").to_owned()),
        email: fields.text("email").to_owned(),
        given_name: fields.text("given-name").to_owned(),
        family_name: fields.text("family-name").to_owned(),
        callback: Some(callback.to_owned()),
    };
    match portal.identity.request_sign_up(wanted, call.peer.map(|p| p.ip())).await {
        Ok(()) => Ok(page::answer(StatusCode::OK, &Sent { assets: paths(), email: fields.text("email") })?),
        Err(error) => again(PageError::refusal(error)?),
    }
}

/// The question whether to go on. A page in between, because mail programs open links on their own.
pub(crate) async fn show_link(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let token = token(&call)?;
    let name = portal.identity.check_sign_up(&token).await?.ok_or_else(|| gone(LINK))?;
    let csrf = form_token(&call, portal.rng.as_ref());
    let page = Link { assets: paths(), csrf: &csrf, action: format!("/signup/{}", token.expose()), name: &name };
    Ok(with_form_token(page::answer(StatusCode::OK, &page)?, &csrf))
}

/// Uses the link.
pub(crate) async fn send_link(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    Fields::of(&call)?;
    let (name, waits, callback) = match portal.identity.confirm_sign_up(&token(&call)?).await? {
        SignUpConfirmed::Ready { name, callback } => (name, false, callback),
        SignUpConfirmed::AwaitingApproval { name } => (name, true, String::new()),
        SignUpConfirmed::Taken => return Err(gone("Somebody took the name meanwhile. Choose another one.")),
        SignUpConfirmed::Gone => return Err(gone(LINK)),
    };
    let page = Done { assets: paths(), name: &name, waits, callback: &callback };
    Ok(page::answer(StatusCode::OK, &page)?)
}

#[cfg(test)]
pub(crate) mod samples {
    use super::{Done, Link, Sent, SignUp};
    use crate::assets::paths;

    pub(crate) fn sign_up(fault: bool) -> SignUp<'static> {
        SignUp {
            assets: paths(),
            csrf: "csrf",
            callback: "",
            name: "<b>\"alice\"</b>",
            email: "alice@example.com",
            given_name: "",
            family_name: "",
            policy: "At least 12 characters.".into(),
            approval: true,
            fault: fault.then(|| "Choose another.".into()),
        }
    }

    pub(crate) fn sent() -> Sent<'static> {
        Sent { assets: paths(), email: "<b>alice@example.com</b>" }
    }

    pub(crate) fn link() -> Link<'static> {
        Link { assets: paths(), csrf: "csrf", action: "/signup/sample".into(), name: "alice" }
    }

    pub(crate) fn done(waits: bool) -> Done<'static> {
        Done { assets: paths(), name: "alice", waits, callback: "https://apps.example.com/portal/" }
    }
}
