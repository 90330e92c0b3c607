//! The one place where a page becomes an answer.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use identity::IdentityError;
use web::{Answer, RestError};

use crate::assets::{Paths, paths};

/// Pages of this crate have no script at all, so the policy allows none (guideline A11).
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                                 base-uri 'none'; frame-ancestors 'none'";

/// Renders a page.
pub(crate) fn answer(status: StatusCode, page: &impl Template) -> Result<Answer, RestError> {
    let html = page.render().map_err(|e| RestError::internal(format!("a page cannot be rendered: {e}")))?;
    let mut answer = web::text(status, "text/html; charset=utf-8", html);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Without any referrer, browsers send forms with the origin `null`, which tells nothing about where they come from.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(answer)
}

/// Sends the browser to another page of ours.
pub(crate) fn see_other(path: &str) -> Answer {
    web::with_header(web::no_content(StatusCode::SEE_OTHER), header::LOCATION, path)
}

/// An error as people see it.
pub(crate) struct PageError(RestError);

impl<E: Into<RestError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl PageError {
    /// The text of a refusal that a form can show; `Err` for everything else.
    pub(crate) fn refusal(error: IdentityError) -> Result<String, Self> {
        match error {
            IdentityError::Invalid(text) | IdentityError::Conflict(text) | IdentityError::Forbidden(text) => Ok(text),
            IdentityError::Password(fault) => Ok(fault.to_string()),
            other => Err(other.into()),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if let Some(log) = &error.log {
            tracing::error!(status = error.status.as_u16(), reason = %log, "a page failed");
        }
        let page = Fault { assets: paths(), title: &error.message, text: &error.description };
        answer(error.status, &page).unwrap_or_else(IntoResponse::into_response)
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
pub(crate) struct Fault<'a> {
    assets: &'static Paths,
    title: &'a str,
    text: &'a str,
}

#[cfg(test)]
impl Fault<'_> {
    pub(crate) fn sample() -> Self {
        Self { assets: paths(), title: "Service Unavailable", text: "Try again in a moment." }
    }
}
