//! Forms and cookies of pages: proof that a form comes from a page of ours, and its fields (threat model row 15).

use http::{HeaderMap, HeaderValue, header};
use model::Rng;
use subtle::ConstantTimeEq as _;

use crate::{Answer, Call, RestError};

/// The cookie of a browser session (guideline A17): bound to this host, never readable by scripts.
pub const SESSION_COOKIE: &str = "__Host-portcullis-session";

/// Holds the token that every form repeats.
const COOKIE: &str = "__Host-portcullis-form";

/// Characters of a token: 6 bits each.
const TOKEN: usize = 43;

/// The value of a cookie that was sent exactly once. The prefix `__Host-` of our names keeps other hosts and plain HTTP
/// from setting them.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(n, _)| *n == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// Adds a cookie to an answer. `attributes` come after `Path=/; Secure; HttpOnly`.
#[must_use]
pub fn with_cookie(mut answer: Answer, name: &str, value: &str, attributes: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; {attributes}")) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// The token for the forms of a page: the browser's, so that two open tabs do not disturb each other, or a fresh one.
pub fn form_token(call: &Call, rng: &dyn Rng) -> String {
    let known = cookie(&call.headers, COOKIE).filter(|value| is_token(value));
    known.map_or_else(|| rng.token(TOKEN), str::to_owned)
}

/// Sets the token's cookie beside the page that holds the form.
#[must_use]
pub fn with_form_token(answer: Answer, token: &str) -> Answer {
    with_cookie(answer, COOKIE, token, "SameSite=Strict; Max-Age=43200")
}

fn is_token(text: &str) -> bool {
    text.len() == TOKEN && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The fields of a form that was sent from a page of ours.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Checks origin and token.
    ///
    /// # Errors
    /// 403 when the form comes from elsewhere.
    pub fn of(call: &Call) -> Result<Self, RestError> {
        Self(call.form()).ours(call)
    }

    fn ours(self, call: &Call) -> Result<Self, RestError> {
        let foreign = || RestError::forbidden("The form did not come from this page. Open the page again.");
        if call.header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return Err(foreign());
        }
        let host = call.header("host").or_else(|| call.uri.authority().map(http::uri::Authority::as_str));
        if let Some(origin) = call.header("origin")
            && origin.strip_prefix("https://") != host
        {
            return Err(foreign());
        }
        let sent = self.get("csrf").ok_or_else(foreign)?;
        let kept = cookie(&call.headers, COOKIE).ok_or_else(foreign)?;
        if is_token(sent) && bool::from(sent.as_bytes().ct_eq(kept.as_bytes())) { Ok(self) } else { Err(foreign()) }
    }

    /// The same for a form of either kind: fields or files.
    ///
    /// # Errors
    /// 403 when the form comes from elsewhere, 400 when it is not one.
    pub(crate) async fn check(call: &Call) -> Result<(), RestError> {
        let kind = call.header("content-type").unwrap_or_default();
        if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return Self::of(call).map(|_| ());
        }
        let form = call.multipart().await?;
        let csrf = form.texts.get("csrf").map(|token| ("csrf".to_owned(), token.clone()));
        Self(csrf.into_iter().collect()).ours(call).map(|_| ())
    }

    /// The value of a field that was sent exactly once.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Every value of a field, in order: of checkboxes, for example.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All fields, in order, for forms whose fields are made from a catalogue.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The value, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}
