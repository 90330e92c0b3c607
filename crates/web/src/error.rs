//! Errors of the REST APIs in WSO2's shape.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// One detail of an error.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorItem {
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Further text: place and fix.
    pub description: String,
}

/// An error answer of a WSO2-shaped REST API: `{code, message, description, moreInfo, error[]}`.
///
/// `log` is for the server's log only and never reaches the caller.
#[derive(Clone, Debug)]
pub struct RestError {
    /// HTTP status.
    pub status: StatusCode,
    /// WSO2's number, or the HTTP status where WSO2 has none.
    pub code: u32,
    /// Short text.
    pub message: String,
    /// What happened and what to do.
    pub description: String,
    /// Details, one per fault.
    pub items: Vec<ErrorItem>,
    /// For the log.
    pub log: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: u32,
    message: &'a str,
    description: &'a str,
    #[serde(rename = "moreInfo")]
    more_info: &'a str,
    error: &'a [ErrorItem],
}

impl RestError {
    /// Any status, with WSO2's code and texts.
    pub fn new(status: StatusCode, code: u32, message: impl Into<String>, description: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), description: description.into(), items: Vec::new(), log: None }
    }

    /// 400: the request is wrong.
    pub fn bad_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 400, "Bad Request", description)
    }

    /// 401: no valid credentials.
    pub fn unauthorized(description: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 401, "Unauthorized", description)
    }

    /// 403: valid credentials, not allowed.
    pub fn forbidden(description: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, 403, "Forbidden", description)
    }

    /// 404: not there, or not to be known by the caller.
    pub fn not_found(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, 404, "Not Found", description)
    }

    /// 409: exists already, or the state does not allow it.
    pub fn conflict(description: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, 409, "Conflict", description)
    }

    /// 500: our fault; the detail goes to the log only.
    pub fn internal(log: impl Into<String>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            500,
            "Internal Server Error",
            "The server could not carry this out. The log holds the reason.",
        );
        error.log = Some(log.into());
        error
    }

    /// 503: try again later; the detail goes to the log only.
    pub fn unavailable(log: impl Into<String>) -> Self {
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, 503, "Service Unavailable", "Try again in a moment.");
        error.log = Some(log.into());
        error
    }

    /// Another code with the same status and texts.
    #[must_use]
    pub const fn with_code(mut self, code: u32) -> Self {
        self.code = code;
        self
    }

    /// Adds one detail.
    #[must_use]
    pub fn with_item(
        mut self,
        code: impl Into<String>,
        message: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.items.push(ErrorItem { code: code.into(), message: message.into(), description: description.into() });
        self
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        if let Some(log) = &self.log {
            tracing::error!(status = self.status.as_u16(), code = self.code, reason = %log, "request failed");
        }
        let body = Body {
            code: self.code,
            message: &self.message,
            description: &self.description,
            more_info: "",
            error: &self.items,
        };
        let mut response = crate::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
