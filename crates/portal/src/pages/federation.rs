//! Signing in at an identity provider outside: the way there and back.

use std::sync::Arc;

use identity::{Browser, FederatedReturn, SignInStep};
use model::Secret;
use web::{Answer, Call, cookie, with_cookie};

use super::sign_in::{Notice, cut, form, go_on, present, signed_in};
use crate::Portal;
use crate::page::{self, PageError};

/// The browser's half of a sign-in that is under way. `Lax`: the browser comes back from another site.
const COOKIE: &str = "__Host-portcullis-provider";

/// Sends the browser to the provider. Nothing is kept here, so there is nothing that a stranger's link could change.
pub(crate) async fn leave(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let provider = cut(call.query("provider").unwrap_or_default(), 64);
    let tenant = call.query("tenant").filter(|tenant| !tenant.is_empty());
    let begun = portal.identity.begin_federated(&provider, tenant, call.query("next")).await?;
    Ok(with_cookie(page::see_other(&begun.location), COOKIE, begun.cookie.expose(), "SameSite=Lax; Max-Age=600"))
}

/// Takes the browser back from the provider.
pub(crate) async fn come_back(portal: Arc<Portal>, call: Call) -> Result<Answer, PageError> {
    let back = FederatedReturn {
        code: call.query("code"),
        state: call.query("state"),
        issuer: call.query("iss"),
        error: call.query("error"),
    };
    let step = match cookie(&call.headers, COOKIE) {
        Some(value) => {
            let half = Secret::new(value.to_owned());
            let present = present(&call);
            portal.identity.finish_federated(&half, back, present.as_ref(), &Browser::of(&call)).await?
        }
        None => SignInStep::Refused,
    };
    let answer = match step {
        SignInStep::Refused => form(&portal, &call, "", "", Notice::Elsewhere).await?,
        SignInStep::EnterCode(step) => go_on(&step, "/signin/code")?,
        SignInStep::SetUp(step) => go_on(&step, "/signin/second-factor")?,
        SignInStep::Done(done) => signed_in(&done)?,
    };
    Ok(with_cookie(answer, COOKIE, "", "SameSite=Lax; Max-Age=0"))
}
