//! One's own account: overview, password, second factor, sessions.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use identity::{Browser, Identity, SecondFactorState, Session};
use model::{Rng, Secret, Timestamp};
use std::time::Duration;
use web::{Answer, Call, Fields, Permit, form_token, with_form_token};

use super::sign_in::{Codes, grouped, picture};
use crate::assets::{Paths, paths};
use crate::page::{self, PageError};
use crate::{Portal, qr};

/// Setting a first authenticator up needs a sign-in no older than this: a browser left open is not enough to shut its
/// owner out.
const FRESH: Duration = Duration::from_mins(10);

/// What every page of the account shows around its content.
pub(crate) struct Frame {
    csrf: String,
    person: String,
    here: &'static str,
}

impl Frame {
    fn new(call: &Call, rng: &dyn Rng, own: &Session, here: &'static str) -> Self {
        Self { csrf: form_token(call, rng), person: own.display_name(), here }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct Overview<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    tenant: &'a str,
    roles: Vec<&'a str>,
    has_factor: bool,
    sessions: usize,
}

#[derive(Template)]
#[template(path = "account_password.html")]
pub(crate) struct Password<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    policy: String,
    fault: Option<PasswordFault>,
    done: bool,
}

/// What is wrong with the password form.
pub(crate) struct PasswordFault {
    field: &'static str,
    text: String,
}

impl Password<'_> {
    fn fault_of(&self, field: &str) -> Option<&str> {
        self.fault.as_ref().filter(|f| f.field == field).map(|f| f.text.as_str())
    }
}

#[derive(Template)]
#[template(path = "account_second_factor.html")]
pub(crate) struct SecondFactor<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    since: String,
    state: SecondFactorState,
    fault: Option<String>,
    done: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account_authenticator.html")]
pub(crate) struct Authenticator<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    picture: qr::Picture,
    secret: String,
    sealed: &'a str,
    replaces: bool,
    wrong: bool,
    fault: Option<String>,
}

/// One line of the list of sessions.
pub(crate) struct SessionLine {
    id: String,
    own: bool,
    agent: String,
    address: String,
    begun: String,
    seen: String,
    proved: &'static str,
}

#[derive(Template)]
#[template(path = "account_sessions.html")]
pub(crate) struct Sessions<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    sessions: Vec<SessionLine>,
    done: Option<&'static str>,
}

/// The session behind a request that was let in by it; it may have ended meanwhile.
async fn own(portal: &Portal, call: &Call) -> Result<Session, PageError> {
    let found = portal.identity.session(&call.headers).await?;
    found.ok_or_else(|| web::RestError::unauthorized("Your session has just ended. Sign in again.").into())
}

fn show_page(page: &impl Template, frame: &Frame, refused: bool) -> Result<Answer, PageError> {
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(with_form_token(page::answer(status, page)?, &frame.csrf))
}

/// The overview.
pub(crate) async fn overview(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let frame = Frame::new(&call, portal.rng.as_ref(), &own, "account");
    let state = portal.identity.second_factor(&own).await?;
    let page = Overview {
        assets: paths(),
        frame: &frame,
        tenant: own.tenant.domain.as_str(),
        roles: own.roles.iter().map(String::as_str).collect(),
        has_factor: state.since.is_some(),
        sessions: portal.identity.own_sessions(&own).await?.len(),
    };
    show_page(&page, &frame, false)
}

/// The form for a new password.
pub(crate) async fn password(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let done = call.query("done").is_some();
    password_form(&portal, &call, &own, None, done)
}

fn password_form(
    portal: &Portal,
    call: &Call,
    own: &Session,
    fault: Option<PasswordFault>,
    done: bool,
) -> Result<Answer, PageError> {
    let frame = Frame::new(call, portal.rng.as_ref(), own, "password");
    let refused = fault.is_some();
    let page = Password { assets: paths(), frame: &frame, policy: portal.first.password_policy(), fault, done };
    show_page(&page, &frame, refused)
}

/// Takes a new password. Every session ends; this browser gets a new one.
pub(crate) async fn change_password(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let fields = Fields::of(&call)?;
    let secret = |name| Secret::new(fields.text(name).to_owned());
    let (old, new, repeat) = (secret("present"), secret("password"), secret("repeat"));
    let fault = |field, text: String| Some(PasswordFault { field, text });
    if new.expose() != repeat.expose() {
        let fault = fault("repeat", "Enter the same password again.".into());
        return password_form(&portal, &call, &own, fault, false);
    }
    match portal.identity.change_own_password(&own, &old, &new, &Browser::of(&call)).await {
        Ok(cookie) => Ok(Identity::with_session_cookie(page::see_other("/account/password?done"), &cookie)),
        Err(error) => {
            let field = if matches!(error, identity::IdentityError::Forbidden(_)) { "present" } else { "password" };
            let text = PageError::refusal(error)?;
            password_form(&portal, &call, &own, fault(field, text), false)
        }
    }
}

/// What there is besides the password.
pub(crate) async fn second_factor(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let done = call.query("removed").map(|_| "Your second factor was removed.");
    factor_page(&portal, &call, &own, None, done).await
}

async fn factor_page(
    portal: &Portal,
    call: &Call,
    own: &Session,
    fault: Option<String>,
    done: Option<&'static str>,
) -> Result<Answer, PageError> {
    let frame = Frame::new(call, portal.rng.as_ref(), own, "second-factor");
    let state = portal.identity.second_factor(own).await?;
    let refused = fault.is_some();
    let since = state.since.map(day).unwrap_or_default();
    show_page(&SecondFactor { assets: paths(), frame: &frame, since, state, fault, done }, &frame, refused)
}

/// A new authenticator to set up, the first one or in place of another.
pub(crate) async fn authenticator(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let replaces = portal.identity.second_factor(&own).await?.since.is_some();
    if !replaces && portal.clock.now().since(own.authenticated_at) >= FRESH {
        return Ok(portal.identity.ask_to_sign_in(Some("/account/second-factor/new")));
    }
    let offer = portal.identity.offer_authenticator(&own)?;
    authenticator_form(&portal, &call, &own, &offer, (replaces, None))
}

fn authenticator_form(
    portal: &Portal,
    call: &Call,
    own: &Session,
    offer: &identity::AuthenticatorOffer,
    (replaces, fault): (bool, Option<String>),
) -> Result<Answer, PageError> {
    let frame = Frame::new(call, portal.rng.as_ref(), own, "second-factor");
    let refused = fault.is_some();
    let page = Authenticator {
        assets: paths(),
        frame: &frame,
        picture: picture(offer.link.expose())?,
        secret: grouped(offer.secret.expose()),
        sealed: &offer.sealed,
        replaces,
        // With two codes in the form nobody is told which one was wrong.
        wrong: refused && !replaces,
        fault: fault.filter(|_| replaces),
    };
    show_page(&page, &frame, refused)
}

/// Takes the first code of a new authenticator.
pub(crate) async fn set_authenticator(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let fields = Fields::of(&call)?;
    let replaces = portal.identity.second_factor(&own).await?.since.is_some();
    if !replaces && portal.clock.now().since(own.authenticated_at) >= FRESH * 2 {
        return Ok(portal.identity.ask_to_sign_in(Some("/account/second-factor/new")));
    }
    let (sealed, code) = (fields.text("authenticator"), Secret::new(fields.text("code").to_owned()));
    let present = replaces.then(|| Secret::new(fields.text("present").trim().to_owned()));
    match portal.identity.set_authenticator(&own, sealed, &code, present.as_ref()).await {
        Ok(codes) => show_codes(&codes, true),
        Err(identity::IdentityError::Forbidden(text)) => {
            let offer = portal.identity.repeat_offer(&own, sealed)?;
            authenticator_form(&portal, &call, &own, &offer, (replaces, Some(text)))
        }
        Err(other) => factor_page(&portal, &call, &own, Some(PageError::refusal(other)?), None).await,
    }
}

fn show_codes(codes: &[Secret<String>], fresh: bool) -> Result<Answer, PageError> {
    let codes = codes.iter().map(|c| c.expose().as_str()).collect();
    let page = Codes { assets: paths(), codes, target: "/account/second-factor", fresh };
    Ok(page::answer(StatusCode::OK, &page)?)
}

/// New recovery codes.
pub(crate) async fn renew_codes(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let code = Secret::new(Fields::of(&call)?.text("present").trim().to_owned());
    match portal.identity.renew_recovery_codes(&own, &code).await {
        Ok(codes) => show_codes(&codes, false),
        Err(error) => factor_page(&portal, &call, &own, Some(PageError::refusal(error)?), None).await,
    }
}

/// No second factor any more.
pub(crate) async fn remove_factor(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let code = Secret::new(Fields::of(&call)?.text("present").trim().to_owned());
    match portal.identity.remove_authenticator(&own, &code).await {
        Ok(()) => Ok(page::see_other("/account/second-factor?removed")),
        Err(error) => factor_page(&portal, &call, &own, Some(PageError::refusal(error)?), None).await,
    }
}

/// The list of sessions.
pub(crate) async fn sessions(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let frame = Frame::new(&call, portal.rng.as_ref(), &own, "sessions");
    let found = portal.identity.own_sessions(&own).await?;
    let sessions = found.into_iter().map(|s| line(s, &own.id)).collect();
    let done = call.query("done").map(|_| "Ended.");
    show_page(&Sessions { assets: paths(), frame: &frame, sessions, done }, &frame, false)
}

fn line(session: Session, own: &str) -> SessionLine {
    SessionLine {
        own: session.id == own,
        proved: if session.factors.len() > 1 { "password and code" } else { "password" },
        begun: minute(session.created_at),
        seen: minute(session.seen_at),
        id: session.id,
        agent: browser_name(&session.agent),
        address: session.address,
    }
}

/// A browser as people call it, as in `Firefox on Linux`; what cannot be told apart stays as it was sent.
pub(crate) fn browser_name(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let name_in = |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, n)| *n);
    match (name_in(&BROWSERS), name_in(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => agent.to_owned(),
    }
}

/// Ends one session, or all others.
pub(crate) async fn end_session(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    let own = own(&portal, &call).await?;
    let fields = Fields::of(&call)?;
    match fields.get("session") {
        Some(id) if id == own.id => {
            portal.identity.end_session(&call.headers).await?;
            return Ok(Identity::without_session_cookie(page::see_other("/signin")));
        }
        Some(id) => {
            portal.identity.end_own_session(&own, id).await?;
        }
        None => {
            portal.identity.end_other_sessions(&own).await?;
        }
    }
    Ok(page::see_other("/account/sessions?done"))
}

fn day(time: Timestamp) -> String {
    time.rfc3339().chars().take(10).collect()
}

/// As in `2026-11-21 19:15 UTC`.
fn minute(time: Timestamp) -> String {
    let text: String = time.rfc3339().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

#[cfg(test)]
pub(crate) mod samples {
    use super::{
        Authenticator, Frame, Overview, Password, PasswordFault, SecondFactor, SessionLine, Sessions, day, picture,
    };
    use crate::assets::paths;
    use identity::SecondFactorState;
    use model::Timestamp;

    pub(crate) fn frame(here: &'static str) -> Frame {
        Frame { csrf: "csrf".into(), person: "<b>alice@example.com</b>".into(), here }
    }

    pub(crate) fn overview(frame: &Frame) -> Overview<'_> {
        let roles = vec!["Internal/everyone", "admin"];
        Overview { assets: paths(), frame, tenant: "carbon.super", roles, has_factor: false, sessions: 2 }
    }

    pub(crate) fn password<'a>(frame: &'a Frame, field: Option<&'static str>) -> Password<'a> {
        let fault = field.map(|field| PasswordFault { field, text: "Choose another.".into() });
        Password { assets: paths(), frame, policy: "At least 12 characters.".into(), fault, done: field.is_none() }
    }

    pub(crate) fn second_factor(frame: &Frame, there: bool, required: bool) -> SecondFactor<'_> {
        let since = there.then(|| Timestamp::from_seconds(1_795_288_511));
        let state = SecondFactorState { since, codes: 3, required };
        let fault = there.then(|| "The code is wrong.".to_owned());
        SecondFactor {
            assets: paths(),
            frame,
            since: since.map(day).unwrap_or_default(),
            state,
            fault,
            done: Some("Done."),
        }
    }

    pub(crate) fn authenticator(frame: &Frame, replaces: bool) -> Authenticator<'_> {
        let picture = picture("otpauth://totp/a?secret=ABC").unwrap_or_else(|_| panic!("a picture"));
        let fault = replaces.then(|| "The code is wrong.".to_owned());
        Authenticator {
            assets: paths(),
            frame,
            picture,
            secret: "ABCD EFGH".into(),
            sealed: "sealed",
            replaces,
            wrong: !replaces,
            fault,
        }
    }

    pub(crate) fn sessions(frame: &Frame) -> Sessions<'_> {
        let line = |own, id: &str| SessionLine {
            id: id.into(),
            own,
            agent: "Mozilla/5.0 <b>(X11; Linux x86_64)</b> AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
                .into(),
            address: "2001:db8::1".into(),
            begun: "2026-11-21 19:15 UTC".into(),
            seen: "2026-11-21 19:15 UTC".into(),
            proved: "password and code",
        };
        Sessions { assets: paths(), frame, sessions: vec![line(true, "a"), line(false, "b")], done: Some("Ended.") }
    }
}
