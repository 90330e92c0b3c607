//! The one place where a page becomes an answer.

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use web::{Answer, RestError};

/// Pages of this crate have no script at all, so the policy allows none (guideline A11).
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                                 base-uri 'none'; frame-ancestors 'none'";

/// Renders a page.
pub(crate) fn answer(status: StatusCode, page: &impl Template) -> Result<Answer, RestError> {
    let html = page.render().map_err(|e| RestError::internal(format!("a page cannot be rendered: {e}")))?;
    let mut answer = web::text(status, "text/html; charset=utf-8", html);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(answer)
}

/// Sends the browser to another page of ours.
pub(crate) fn see_other(path: &'static str) -> Answer {
    let mut answer = web::no_content(StatusCode::SEE_OTHER);
    answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static(path));
    answer
}
