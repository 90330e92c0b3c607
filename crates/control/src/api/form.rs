//! Multipart forms as large as the operation's own body limit allows.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use http::{Request, header};
use web::{Call, FilePart, FormParts, RestError};

/// The body as a multipart form. The body was read under the operation's cap already, so the extractor's own cap of
/// 2 MiB, which definitions and projects exceed, is lifted.
///
/// # Errors
/// 400 when it is not one.
pub(crate) async fn multipart(call: &Call) -> Result<FormParts, RestError> {
    let wrong = |e: String| RestError::bad_request(format!("The body is not a multipart form: {e}."));
    let mut request = Request::new(Body::from(call.body.clone()));
    if let Some(kind) = call.headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|e| wrong(e.to_string()))?;
    let mut form = FormParts::default();
    while let Some(part) = multipart.next_field().await.map_err(|e| wrong(e.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file_name) => {
                let bytes = part.bytes().await.map_err(|e| wrong(e.body_text()))?;
                form.files.insert(name, FilePart { file_name, bytes });
            }
            None => {
                form.texts.insert(name, part.text().await.map_err(|e| wrong(e.body_text()))?);
            }
        }
    }
    Ok(form)
}
