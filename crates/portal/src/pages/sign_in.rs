//! Signing in: name and password, the code of the second factor, setting one up, and signing out.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use identity::{Browser, BrowserSignIn, CodeStep, Identity, SetUpStep, SignInForm, SignInStep, WaitingSetUp};
use model::Secret;
use web::{Answer, Call, Fields, Permit, SESSION_COOKIE, cookie, form_token, with_cookie, with_form_token};

use crate::assets::{Paths, paths};
use crate::page::{self, PageError};
use crate::{Portal, qr};

/// Holds the place of a sign-in between its steps.
const STEP_COOKIE: &str = "__Host-portcullis-step";

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    next: &'a str,
    name: &'a str,
    refused: bool,
    over: bool,
    elsewhere: bool,
    recovery: bool,
    sign_up: bool,
    /// Domain whose providers are offered; empty for the super tenant's.
    tenant: &'a str,
    providers: Vec<Provider>,
}

/// A way in by an identity provider outside.
pub(crate) struct Provider {
    name: String,
    link: String,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
pub(crate) struct EnterCode<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "sign_in_set_up.html")]
pub(crate) struct SetUp<'a> {
    assets: &'static Paths,
    csrf: &'a str,
    name: &'a str,
    picture: qr::Picture,
    secret: String,
    sealed: &'a str,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub(crate) struct Codes<'a> {
    pub(crate) assets: &'static Paths,
    pub(crate) codes: Vec<&'a str>,
    pub(crate) target: &'a str,
    pub(crate) fresh: bool,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
pub(crate) struct Continue<'a> {
    assets: &'static Paths,
    target: &'a str,
}

/// The form for name and password. Who is signed in and wants nothing else goes to their account.
pub(crate) async fn show(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let next = call.query("next").unwrap_or_default();
    if next.is_empty() && portal.identity.session(&call.headers).await?.is_some() {
        return Ok(page::see_other("/account"));
    }
    if portal.identity.needs_setup().await? {
        return Ok(page::see_other("/setup"));
    }
    form(&portal, &call, next, "", Notice::None).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    None,
    Refused,
    Over,
    /// An identity provider's answer was not one to sign in by.
    Elsewhere,
}

/// The domain of the tenant whose providers are offered.
fn wanted_tenant(call: &Call, fields: Option<&Fields>) -> String {
    let text: &str = match fields {
        Some(fields) => fields.text("tenant"),
        None => call.query("tenant").unwrap_or_default(),
    };
    cut(text, 255)
}

pub(super) async fn form(
    portal: &Portal,
    call: &Call,
    next: &str,
    name: &str,
    notice: Notice,
) -> Result<Answer, PageError> {
    let tenant = wanted_tenant(call, Fields::of(call).ok().as_ref());
    let next = cut(next, 8192);
    let known = portal.identity.sign_in_providers(Some(tenant.as_str()).filter(|tenant| !tenant.is_empty())).await?;
    let link = |id: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in [("provider", id), ("tenant", &tenant), ("next", &next)] {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        format!("/signin/provider?{}", query.finish())
    };
    let providers = known.into_iter().map(|found| Provider { link: link(&found.id), name: found.name }).collect();
    let csrf = form_token(call, portal.rng.as_ref());
    let settings = portal.identity.settings();
    let page = SignIn {
        assets: paths(),
        csrf: &csrf,
        next: &next,
        name: &cut(name, 255),
        refused: notice == Notice::Refused,
        over: notice == Notice::Over,
        elsewhere: notice == Notice::Elsewhere,
        recovery: settings.recovery.is_some(),
        sign_up: settings.self_registration.is_some(),
        tenant: &tenant,
        providers,
    };
    let status = if notice == Notice::None { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

pub(super) fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Takes name and password.
pub(crate) async fn send(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let (name, next) = (fields.text("name"), fields.text("next"));
    let code = fields.text("code").trim();
    let form_data = SignInForm {
        login: name,
        password: Secret::new(fields.text("password").to_owned()),
        code: (!code.is_empty()).then(|| Secret::new(code.to_owned())),
        next: (!next.is_empty()).then_some(next),
        present: present(&call),
    };
    match portal.identity.begin_sign_in(form_data, &Browser::of(&call)).await? {
        SignInStep::Refused => form(&portal, &call, next, name, Notice::Refused).await,
        SignInStep::EnterCode(step) => Ok(with_step(page::see_other("/signin/code"), &step)),
        SignInStep::SetUp(step) => Ok(with_step(page::see_other("/signin/second-factor"), &step)),
        SignInStep::Done(done) => signed_in(&done),
    }
}

/// The form for the code.
pub(crate) async fn show_code(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let Some(step) = step(&call) else { return Ok(page::see_other("/signin")) };
    if !portal.identity.waits_for_code(&step).await? {
        return Ok(page::see_other("/signin"));
    }
    code_form(&portal, &call, false)
}

fn code_form(portal: &Portal, call: &Call, wrong: bool) -> Result<Answer, PageError> {
    let csrf = form_token(call, portal.rng.as_ref());
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(with_form_token(page::answer(status, &EnterCode { assets: paths(), csrf: &csrf, wrong })?, &csrf))
}

/// Takes the code.
pub(crate) async fn send_code(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let Some(step) = step(&call) else { return Ok(page::see_other("/signin")) };
    let code = Secret::new(fields.text("code").trim().to_owned());
    let present = present(&call);
    match portal.identity.enter_code(&step, &code, present.as_ref(), &Browser::of(&call)).await? {
        CodeStep::Wrong => code_form(&portal, &call, true),
        CodeStep::Over => form(&portal, &call, "", "", Notice::Over).await.map(without_step),
        CodeStep::Done(done) => signed_in(&done),
    }
}

/// A new authenticator for somebody who must have one.
pub(crate) async fn show_set_up(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let Some(step) = step(&call) else { return Ok(page::see_other("/signin")) };
    match portal.identity.waits_for_set_up(&step).await? {
        Some(waiting) => set_up_form(&portal, &call, &waiting, false),
        None => Ok(page::see_other("/signin")),
    }
}

fn set_up_form(portal: &Portal, call: &Call, waiting: &WaitingSetUp, wrong: bool) -> Result<Answer, PageError> {
    let csrf = form_token(call, portal.rng.as_ref());
    let page = SetUp {
        assets: paths(),
        csrf: &csrf,
        name: &waiting.name,
        picture: picture(waiting.offer.link.expose())?,
        secret: grouped(waiting.offer.secret.expose()),
        sealed: &waiting.offer.sealed,
        wrong,
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(with_form_token(page::answer(status, &page)?, &csrf))
}

/// Takes the first code of the new authenticator.
pub(crate) async fn send_set_up(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let fields = Fields::of(&call)?;
    let Some(step) = step(&call) else { return Ok(page::see_other("/signin")) };
    let code = Secret::new(fields.text("code").to_owned());
    let (sealed, present, browser) = (fields.text("authenticator"), present(&call), Browser::of(&call));
    match portal.identity.finish_set_up(&step, sealed, &code, present.as_ref(), &browser).await? {
        SetUpStep::Wrong(waiting) => set_up_form(&portal, &call, &waiting, true),
        SetUpStep::Over => form(&portal, &call, "", "", Notice::Over).await.map(without_step),
        SetUpStep::Done(done, codes) => {
            let codes = codes.iter().map(|c| c.expose().as_str()).collect();
            let page = Codes { assets: paths(), codes, target: &done.target, fresh: true };
            let answer = page::answer(StatusCode::OK, &page)?;
            Ok(without_step(Identity::with_session_cookie(answer, &done.cookie)))
        }
    }
}

/// Ends the session.
pub(crate) async fn sign_out(portal: Arc<Portal>, _: Permit, call: Call) -> Result<Answer, PageError> {
    portal.identity.end_session(&call.headers).await?;
    Ok(Identity::without_session_cookie(page::see_other("/signin")))
}

/// Goes on to where the browser wanted. Browsers hold redirects after a form against the page's policy for forms, and a
/// client of the authorisation endpoint is elsewhere: so the way there begins with a page of its own.
pub(crate) fn signed_in(done: &BrowserSignIn) -> Result<Answer, PageError> {
    let answer = if done.target.starts_with("/oauth2/") || done.target.starts_with("/t/") {
        page::answer(StatusCode::OK, &Continue { assets: paths(), target: &done.target })?
    } else {
        page::see_other(&done.target)
    };
    Ok(without_step(Identity::with_session_cookie(answer, &done.cookie)))
}

/// The secret as people type it: groups of four.
pub(crate) fn grouped(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn picture(link: &str) -> Result<qr::Picture, PageError> {
    qr::picture(link).ok_or_else(|| web::RestError::internal("a link is too long for a picture").into())
}

pub(crate) fn present(call: &Call) -> Option<Secret<String>> {
    cookie(&call.headers, SESSION_COOKIE).map(|value| Secret::new(value.to_owned()))
}

fn step(call: &Call) -> Option<Secret<String>> {
    cookie(&call.headers, STEP_COOKIE).map(|value| Secret::new(value.to_owned()))
}

/// Goes on to the second factor with a page of its own: the step's cookie is `Strict`, and browsers do not send it along a
/// way of redirects that began elsewhere.
pub(super) fn go_on(step: &Secret<String>, target: &str) -> Result<Answer, PageError> {
    Ok(with_step(page::answer(StatusCode::OK, &Continue { assets: paths(), target })?, step))
}

fn with_step(answer: Answer, step: &Secret<String>) -> Answer {
    with_cookie(answer, STEP_COOKIE, step.expose(), "SameSite=Strict; Max-Age=600")
}

fn without_step(answer: Answer) -> Answer {
    with_cookie(answer, STEP_COOKIE, "", "SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
pub(crate) mod samples {
    use super::{Codes, Continue, EnterCode, Provider, SetUp, SignIn, picture};
    use crate::assets::paths;

    pub(crate) fn sign_in() -> SignIn<'static> {
        let (csrf, next) = ("csrf", "abc");
        SignIn {
            assets: paths(),
            csrf,
            next,
            name: "<b>\"alice\"</b>",
            refused: true,
            over: false,
            elsewhere: true,
            recovery: true,
            sign_up: true,
            tenant: "example.com",
            providers: vec![Provider {
                name: "<b>Company</b>".into(),
                link: "/signin/provider?provider=a&next=b".into(),
            }],
        }
    }

    pub(crate) fn empty_sign_in() -> SignIn<'static> {
        SignIn {
            refused: false,
            elsewhere: false,
            name: "",
            next: "",
            recovery: false,
            sign_up: false,
            tenant: "",
            providers: Vec::new(),
            ..sign_in()
        }
    }

    pub(crate) fn over() -> SignIn<'static> {
        SignIn { refused: false, elsewhere: false, over: true, ..sign_in() }
    }

    pub(crate) fn code(wrong: bool) -> EnterCode<'static> {
        EnterCode { assets: paths(), csrf: "csrf", wrong }
    }

    pub(crate) fn set_up(wrong: bool) -> SetUp<'static> {
        let picture = picture("otpauth://totp/a?secret=ABC").unwrap_or_else(|_| panic!("a picture"));
        let secret = "ABCD EFGH".to_owned();
        SetUp { assets: paths(), csrf: "csrf", name: "<b>alice</b>", picture, secret, sealed: "sealed", wrong }
    }

    pub(crate) fn codes(fresh: bool) -> Codes<'static> {
        Codes { assets: paths(), codes: vec!["abcd-efgh-jkmn-pqrs", "abcd-efgh-jkmn-pqrt"], target: "/", fresh }
    }

    pub(crate) fn next() -> Continue<'static> {
        Continue { assets: paths(), target: "/oauth2/authorize?a=b&c=d" }
    }
}
