//! Files that publishers gave: pictures, definitions and documents. They come from this origin, so none of them is ever a
//! page of it.

use std::sync::Arc;

use control::devportal::{DocumentContent, Visit};
use http::{HeaderValue, StatusCode, header};
use web::{Answer, Call, Permit, RestError, with_header};

use super::api::{Shown, shown};
use super::text;
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

/// The definition of an API, to keep.
pub(super) async fn definition(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let name = format!("{}-{}", text(&shown.api, "name"), text(&shown.api, "version"));
    match text(&shown.api, "type") {
        "GRAPHQL" => {
            Ok(download("text/plain", &format!("{name}.graphql"), shown.visit.graphql_schema(shown.id).await?))
        }
        "SOAP" => {
            let (media_type, bytes) = shown.visit.wsdl(shown.id).await?;
            let ending = if media_type.contains("zip") { "zip" } else { "wsdl" };
            Ok(download(&media_type, &format!("{name}.{ending}"), bytes))
        }
        _ => {
            let document = shown.visit.openapi(shown.id).await?;
            let pretty = serde_json::to_vec_pretty(&document).map_err(|e| RestError::internal(e.to_string()))?;
            Ok(download("application/json", &format!("{name}.json"), pretty))
        }
    }
}

/// The file of a document, to keep.
pub(super) async fn document(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    match shown.visit.document(shown.id, call.path("document")?).await?.1 {
        DocumentContent::Bytes { media_type, bytes, file_name } => {
            Ok(download(&media_type, file_name.as_deref().unwrap_or("document"), bytes))
        }
        DocumentContent::Link(_) => {
            Err(RestError::not_found("The document is elsewhere; its page has the link.").into())
        }
    }
}

/// A file to keep. Browsers save it, whatever it claims to be.
fn download(media_type: &str, file_name: &str, bytes: Vec<u8>) -> Answer {
    // Only what cannot end the quoted text or the header, and is no path.
    let plain: String =
        file_name.chars().filter(|c| c.is_ascii_alphanumeric() || "._- ()".contains(*c)).take(100).collect();
    let answer = web::text(StatusCode::OK, "application/octet-stream", bytes);
    let answer = with_header(answer, header::CONTENT_TYPE, media_type);
    guarded(with_header(answer, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{plain}\"")))
}

/// Takes all power from a file.
fn guarded(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FILE_POLICY));
    answer
}
