//! What people see of OAuth: consent, the code of a device, and sign-out that an application asks for.

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use identity::{AuthorizationStep, ConsentQuestion, Identity, SignOutRequest, WaitingDevice};
use web::{Answer, Call, Fields, Operation, Permit, RestError, RouteTable, form_token, with_form_token};

use crate::Portal;
use crate::assets::{Paths, paths};
use crate::page::{self, PageError};

const BROWSER: &str = "the browser comes from a client; who is signed in is asked of the session here";
const DECISION: &str = "the form carries the page's token, and the session is looked at here";
/// Forms here are small.
const FORM_LIMIT: usize = 64 * 1024;

/// Routes of these pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    const fn op(id: &'static str, method: &'static str, path: &'static str, summary: &'static str) -> Operation {
        Operation::new(id, method, path, summary).body_limit(FORM_LIMIT)
    }
    RouteTable::new()
        .public(
            op("oauth2.authorize", "GET", "/oauth2/authorize", "Authorization endpoint (RFC 6749)"),
            BROWSER,
            authorize,
        )
        .public(
            op("oauth2.authorize.post", "POST", "/oauth2/authorize", "Authorization endpoint (RFC 6749)"),
            BROWSER,
            authorize,
        )
        .public(
            op("oauth2.authorize.resume", "GET", "/oauth2/authorize/resume", "Goes on after the sign-in"),
            BROWSER,
            resume,
        )
        .public(op("oauth2.consent", "POST", "/oauth2/consent", "The person's decision"), DECISION, decide)
        .page(op("oauth2.device.show", "GET", "/device", "Form for the code of a device"), &[], show_device)
        .page(op("oauth2.device.send", "POST", "/device", "The person's decision about a device"), &[], send_device)
        .public(op("oidc.logout", "GET", "/oidc/logout", "Sign-out that a client asks for"), BROWSER, sign_out)
        .public(op("oidc.logout.post", "POST", "/oidc/logout", "Sign-out that a client asks for"), BROWSER, sign_out)
        .public(
            op("oidc.logout.confirm", "POST", "/oidc/logout/confirm", "The person's decision to sign out"),
            DECISION,
            confirm_sign_out,
        )
}

#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    question: &'a ConsentQuestion,
}

impl Consent<'_> {
    /// What a scope means, where everybody knows.
    fn meaning(&self, scope: &str) -> Option<&'static str> {
        match scope {
            "openid" => Some("Know that it is you"),
            "profile" => Some("See your name and organisation"),
            "email" => Some("See your e-mail address"),
            "phone" => Some("See your telephone number"),
            "groups" => Some("See your roles"),
            "default" => Some("Call the APIs it is subscribed to in your name"),
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "going_on.html")]
pub(crate) struct GoingOn<'a> {
    assets: &'static Paths,
    title: &'a str,
    target: &'a str,
}

#[derive(Template)]
#[template(path = "device.html")]
pub(crate) struct Device<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    user_code: &'a str,
    found: Option<&'a WaitingDevice>,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "device_done.html")]
pub(crate) struct DeviceDone {
    assets: &'static Paths,
    approved: bool,
}

#[derive(Template)]
#[template(path = "sign_out.html")]
pub(crate) struct SignOut<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    client: Option<&'a str>,
    fields: &'a [(String, String)],
}

fn query(call: &Call) -> Vec<(String, String)> {
    let query = call.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn parameters(call: &Call) -> Vec<(String, String)> {
    if call.method == Method::POST { call.form() } else { query(call) }
}

async fn authorize(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let session = portal.identity.session(&call.headers).await?;
    let tenant = call.requested_tenant.as_ref();
    let step = portal.identity.authorize(tenant, parameters(&call), session.as_ref()).await?;
    // A form of ours may not lead to another host, so what follows one is a page; here the browser just goes.
    show(&portal, &call, step, false)
}

async fn resume(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let session = portal.identity.session(&call.headers).await?;
    let request = call.query("request").unwrap_or_default();
    let step = portal.identity.resume_authorization(request, session.as_ref()).await?;
    show(&portal, &call, step, true)
}

async fn decide(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let request = fields.text("request");
    let Some(session) = portal.identity.session(&call.headers).await? else {
        let step = portal.identity.resume_authorization(request, None).await?;
        return show(&portal, &call, step, true);
    };
    let approved = fields.get("decision") == Some("allow");
    let step = portal.identity.decide_authorization(request, &session, approved).await?;
    show(&portal, &call, step, true)
}

fn show(portal: &Portal, call: &Call, step: AuthorizationStep, after_form: bool) -> Result<Answer, PageError> {
    match step {
        AuthorizationStep::Redirect(target) if after_form => {
            let page = GoingOn { assets: paths(), title: "Going back to the application", target: &target };
            Ok(page::answer(StatusCode::OK, &page)?)
        }
        AuthorizationStep::Redirect(target) => Ok(page::see_other(&target)),
        AuthorizationStep::SignIn(back) => {
            Ok(portal.identity.ask_to_sign_in_at(Some(&back), call.requested_tenant.as_ref()))
        }
        AuthorizationStep::Consent(question) => {
            let csrf = form_token(call, portal.rng.as_ref());
            let page = Consent { assets: paths(), csrf: &csrf, question: &question };
            Ok(with_form_token(page::answer(StatusCode::OK, &page)?, &csrf))
        }
        AuthorizationStep::Refused(text) => Err(RestError::bad_request(text).into()),
    }
}

fn address(call: &Call) -> Option<std::net::IpAddr> {
    call.peer.map(|peer| peer.ip())
}

async fn own(portal: &Portal, call: &Call) -> Result<identity::Session, PageError> {
    let found = portal.identity.session(&call.headers).await?;
    found.ok_or_else(|| RestError::unauthorized("Your session has just ended. Sign in again.").into())
}

async fn show_device(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let typed = call.query("user_code").unwrap_or_default();
    device_form(&portal, &call, typed).await
}

/// Asks for the code, or about the device that waits under it.
async fn device_form(portal: &Portal, call: &Call, typed: &str) -> Result<Answer, PageError> {
    let session = own(portal, call).await?;
    let found = match typed {
        "" => None,
        typed => portal.identity.waiting_device(typed, &session, address(call)).await?,
    };
    let wrong = !typed.is_empty() && found.is_none();
    let csrf = form_token(call, portal.rng.as_ref());
    let user_code: String = typed.chars().filter(|c| !c.is_control()).take(32).collect();
    let page = Device { assets: paths(), csrf: &csrf, user_code: &user_code, found: found.as_ref(), wrong };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

async fn send_device(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let typed = fields.text("user_code");
    let approved = match fields.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return device_form(&portal, &call, typed).await,
    };
    let session = own(&portal, &call).await?;
    if !portal.identity.decide_device(typed, &session, approved, address(&call)).await? {
        return device_form(&portal, &call, typed).await;
    }
    Ok(page::answer(StatusCode::OK, &DeviceDone { assets: paths(), approved })?)
}

async fn sign_out(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let session = portal.identity.session(&call.headers).await?;
    let fields = parameters(&call);
    let request = portal.identity.sign_out_request(fields.clone(), session.as_ref()).await?;
    if request.certain {
        return finish_sign_out(&portal, &call, &request, false).await;
    }
    let csrf = form_token(&call, portal.rng.as_ref());
    let kept = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect();
    let page = SignOut { assets: paths(), csrf: &csrf, client: request.client.as_deref(), fields: &fields };
    Ok(with_form_token(page::answer(StatusCode::OK, &page)?, &csrf))
}

async fn confirm_sign_out(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    Fields::of(&call)?;
    let session = portal.identity.session(&call.headers).await?;
    let fields = call.form().into_iter().filter(|(name, _)| name != "csrf").collect();
    let request = portal.identity.sign_out_request(fields, session.as_ref()).await?;
    finish_sign_out(&portal, &call, &request, true).await
}

async fn finish_sign_out(
    portal: &Portal,
    call: &Call,
    request: &SignOutRequest,
    after_form: bool,
) -> Result<Answer, PageError> {
    portal.identity.end_session(&call.headers).await?;
    let answer = match &request.destination {
        Some(target) if after_form => {
            let page = GoingOn { assets: paths(), title: "You are signed out", target };
            page::answer(StatusCode::OK, &page)?
        }
        Some(target) => page::see_other(target),
        None => page::see_other("/signin"),
    };
    Ok(Identity::without_session_cookie(answer))
}

#[cfg(test)]
pub(crate) fn sample_question() -> ConsentQuestion {
    ConsentQuestion {
        request: "r".repeat(43),
        client: "<b>Weather</b>".into(),
        destination: "https://weather.example".into(),
        scopes: vec!["openid".into(), "orders:read".into()],
        person: "alice".into(),
        tenant: "carbon.super".into(),
        client_tenant: "shop.example".into(),
    }
}

#[cfg(test)]
impl<'a> Consent<'a> {
    pub(crate) fn sample(question: &'a ConsentQuestion) -> Self {
        Self { assets: paths(), csrf: "c", question }
    }
}

#[cfg(test)]
impl GoingOn<'_> {
    pub(crate) fn sample() -> Self {
        Self { assets: paths(), title: "Going back", target: "https://apps.example.com/cb?code=\"><b>" }
    }
}

#[cfg(test)]
impl<'a> Device<'a> {
    pub(crate) fn sample(found: Option<&'a WaitingDevice>) -> Self {
        Self { assets: paths(), csrf: "c", user_code: "<b>BCDF", found, wrong: found.is_none() }
    }
}

#[cfg(test)]
impl DeviceDone {
    pub(crate) fn sample(approved: bool) -> Self {
        Self { assets: paths(), approved }
    }
}

#[cfg(test)]
impl<'a> SignOut<'a> {
    pub(crate) fn sample(fields: &'a [(String, String)]) -> Self {
        Self { assets: paths(), csrf: "c", client: Some("<b>Weather</b>"), fields }
    }
}
