//! Answers: compact JSON, empty, text, created.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// What a handler returns on success.
pub type Answer = Response;

/// A JSON answer without blanks, as WSO2's clients expect it.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(bytes) => plain(status, "application/json", bytes),
        Err(error) => {
            tracing::error!(reason = %error, "an answer could not be written as JSON");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "application/json", b"{\"code\":500}".to_vec())
        }
    }
}

/// 201 with a JSON body and `Location`.
pub fn created<T: Serialize + ?Sized>(location: &str, value: &T) -> Answer {
    with_header(json(StatusCode::CREATED, value), header::LOCATION, location)
}

/// 200 without a body, as WSO2 answers most deletions.
pub fn no_content(status: StatusCode) -> Answer {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Text or bytes of any media type.
pub fn text(status: StatusCode, media_type: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    plain(status, media_type, body.into())
}

/// Adds a header; a value that is not a header value is left out.
pub fn with_header(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

fn plain(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Answer {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
