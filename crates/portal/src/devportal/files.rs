//! Files that publishers gave: pictures and documents. They come from this origin, so none of them is ever a page of it.

use std::sync::Arc;

use control::devportal::Visit;
use http::{HeaderValue, StatusCode, header};
use web::{Answer, Call, Permit, RestError};

use crate::Portal;
use crate::page::PageError;

/// A file of somebody else: no script, no form, no request comes out of it, also when a browser shows it by itself.
const FILE_POLICY: &str = "default-src 'none'; sandbox; base-uri 'none'; frame-ancestors 'none'";

/// Media types of pictures that browsers draw.
const PICTURES: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];

/// The picture of an API.
pub(super) async fn picture(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let visit = Visit::begin(&portal.control, permit.as_ref(), call.query("tenant")).await?;
    let (media_type, bytes) = visit.thumbnail(call.path_id("api")?).await?;
    let known = PICTURES.into_iter().find(|known| *known == media_type);
    let known = known.ok_or_else(|| RestError::not_found("The API has no picture that browsers draw."))?;
    Ok(guarded(web::text(StatusCode::OK, known, bytes)))
}

/// Takes all power from a file.
pub(super) fn guarded(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FILE_POLICY));
    answer
}
