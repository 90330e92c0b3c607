//! What a policy sees of a call.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};
use std::borrow::Cow;

use crate::Flow;

/// Path and query of the upstream call, below the endpoint's base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Canonical resource path, starts with a slash.
    pub path: String,
    /// Query without the question mark; `None` when there is none.
    pub query: Option<String>,
}

/// How the gateway's own error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultFormat {
    /// By the client's `Accept` and `Content-Type`.
    Negotiated,
    /// JSON whatever the client asked for.
    Json,
}

/// One message in one flow. Fields that a flow has no use for are neutral: an answer has an unused target.
#[derive(Debug)]
pub struct Message<'a> {
    /// The flow.
    pub flow: Flow,
    /// Method of the upstream call.
    pub method: &'a mut Method,
    /// Target of the upstream call.
    pub target: &'a mut Target,
    /// Headers to the upstream (request) or to the client (response, fault).
    pub headers: &'a mut HeaderMap,
    /// Status of the answer; `None` in the request and fault flows.
    pub status: Option<StatusCode>,
    /// Claims of the verified access token; `None` when the call carries none.
    pub claims: Option<&'a Map<String, Value>>,
    /// The buffered body, only if a step of the flow needs it.
    pub body: Option<&'a mut Vec<u8>>,
    /// How a fault is written.
    pub fault_format: &'a mut FaultFormat,
}

/// What a policy decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The next policy runs.
    Continue,
    /// The gateway answers with a fault and the upstream is not called (or its answer is dropped).
    Respond {
        /// HTTP status, 400 to 599.
        status: u16,
        /// WSO2 error code.
        code: u32,
        /// Public message.
        message: Cow<'static, str>,
        /// Public description.
        description: Cow<'static, str>,
    },
}
