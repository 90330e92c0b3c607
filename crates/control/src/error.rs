//! What a use case refuses, and the one mapping of that to an answer.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use store::StoreError;
use web::{ErrorItem, RestError};

/// Whose fault it is, and so which status the answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The input is wrong: 400.
    Invalid,
    /// Known, but not allowed to: 403.
    Forbidden,
    /// Not there, or not to be known by the actor: 404.
    NotFound,
    /// There is one already, or its state does not allow this: 409.
    Conflict,
    /// A precondition of the operation is not met: 412.
    Precondition,
    /// Too large: 413.
    TooLarge,
    /// The media type is not one the operation takes: 415.
    MediaType,
    /// Our fault: 500.
    Internal,
    /// Something this needs cannot be reached: 503.
    Unavailable,
}

/// A refused use case.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}: {description}")]
pub struct ControlError {
    /// Kind.
    pub kind: FaultKind,
    /// WSO2's number where it has one, else the status.
    pub code: u32,
    /// Short text.
    pub message: String,
    /// What happened and what to do.
    pub description: String,
    /// One entry per fault when there are several.
    pub items: Vec<ErrorItem>,
    /// For the log only.
    pub log: Option<String>,
}

impl ControlError {
    /// Any kind with WSO2's code and texts.
    pub fn new(kind: FaultKind, code: u32, message: impl Into<String>, description: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), description: description.into(), items: Vec::new(), log: None }
    }

    /// 400 without a code of its own.
    pub fn invalid(description: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, 400, "Bad Request", description)
    }

    /// 403.
    pub fn forbidden(description: impl Into<String>) -> Self {
        Self::new(FaultKind::Forbidden, 403, "Forbidden", description)
    }

    /// 404.
    pub fn not_found(description: impl Into<String>) -> Self {
        Self::new(FaultKind::NotFound, 404, "Not Found", description)
    }

    /// 409 without a code of its own.
    pub fn conflict(description: impl Into<String>) -> Self {
        Self::new(FaultKind::Conflict, 409, "Conflict", description)
    }

    /// 500; the reason goes to the log only.
    pub fn internal(log: impl Into<String>) -> Self {
        let mut error = Self::new(
            FaultKind::Internal,
            500,
            "Internal Server Error",
            "The server could not carry this out. The log holds the reason.",
        );
        error.log = Some(log.into());
        error
    }

    /// Another code.
    #[must_use]
    pub const fn with_code(mut self, code: u32) -> Self {
        self.code = code;
        self
    }

    /// One more fault.
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

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::conflict("There is one with the same name or id already."),
            StoreError::Unavailable(reason) => {
                let mut error = Self::new(FaultKind::Unavailable, 503, "Service Unavailable", "Try again in a moment.");
                error.log = Some(reason);
                error
            }
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<RestError> for ControlError {
    /// For the few checks that crate `web` makes inside a use case's input (multipart, JSON).
    fn from(error: RestError) -> Self {
        let kind = match error.status {
            StatusCode::FORBIDDEN => FaultKind::Forbidden,
            StatusCode::NOT_FOUND => FaultKind::NotFound,
            StatusCode::CONFLICT => FaultKind::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE => FaultKind::Unavailable,
            status if status.is_server_error() => FaultKind::Internal,
            _ => FaultKind::Invalid,
        };
        Self {
            kind,
            code: error.code,
            message: error.message,
            description: error.description,
            items: error.items,
            log: error.log,
        }
    }
}

impl From<ControlError> for RestError {
    fn from(error: ControlError) -> Self {
        let status = match error.kind {
            FaultKind::Invalid => StatusCode::BAD_REQUEST,
            FaultKind::Forbidden => StatusCode::FORBIDDEN,
            FaultKind::NotFound => StatusCode::NOT_FOUND,
            FaultKind::Conflict => StatusCode::CONFLICT,
            FaultKind::Precondition => StatusCode::PRECONDITION_FAILED,
            FaultKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FaultKind::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            FaultKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut rest = Self::new(status, error.code, error.message, error.description);
        rest.items = error.items;
        rest.log = error.log;
        rest
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        RestError::from(self).into_response()
    }
}
