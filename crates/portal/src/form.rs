//! Forms: proof that they come from a page of ours, and their fields.

use http::{HeaderValue, header};
use model::Rng;
use subtle::ConstantTimeEq as _;
use web::{Answer, Call, RestError};

/// Bound to this host, not readable by scripts, not sent from elsewhere.
const COOKIE: &str = "__Host-portcullis-form";

/// Characters of a token: 6 bits each.
const TOKEN: usize = 43;

/// A fresh token for a form.
pub(crate) fn token(rng: &dyn Rng) -> String {
    rng.token(TOKEN)
}

/// Sets the token's cookie beside the page that holds the form.
pub(crate) fn with_cookie(mut answer: Answer, token: &str) -> Answer {
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
    answer
}

/// The fields of a form that was sent from a page of ours.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Checks origin and token.
    ///
    /// # Errors
    /// 403 when the form comes from elsewhere.
    pub(crate) fn of(call: &Call) -> Result<Self, RestError> {
        let foreign = || RestError::forbidden("The form did not come from this page. Open the link again.");
        if call.header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return Err(foreign());
        }
        let host = call.header("host").or_else(|| call.uri.authority().map(http::uri::Authority::as_str));
        if let Some(origin) = call.header("origin")
            && origin.strip_prefix("https://") != host
        {
            return Err(foreign());
        }
        let fields = Self(call.form());
        let sent = fields.get("csrf").ok_or_else(foreign)?;
        let kept = cookie(call).ok_or_else(foreign)?;
        if sent.len() == TOKEN && bool::from(sent.as_bytes().ct_eq(kept.as_bytes())) {
            Ok(fields)
        } else {
            Err(foreign())
        }
    }

    /// The value of a field that was sent exactly once.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

fn cookie(call: &Call) -> Option<String> {
    let mut found = call
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE);
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.to_owned())
}
