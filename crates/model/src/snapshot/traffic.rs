//! How calls are spread over the targets of an endpoint, and what happens when one fails.
//!
//! WSO2's advanced endpoint configuration (`actionDuration`, `suspendDuration`, `factor`, ...) becomes [`TargetRules`]; what
//! WSO2 has no name for comes from the property `traffic` of the endpoint configuration.

use serde::{Deserialize, Serialize};

/// Traffic rules of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// How one of several targets is chosen.
    pub algorithm: Algorithm,
    /// Whether another target is tried when the chosen one fails before it may have seen the call (WSO2: `failOver`).
    pub try_others: bool,
    /// Rules of each target, in the order of the targets; targets without an entry have the default.
    pub rules: Vec<TargetRules>,
    /// Calls of one client go to the target of its first call (WSO2: `sessionManagement`).
    pub affinity: Option<Affinity>,
    /// When a call that failed is sent once more.
    pub retries: Option<Retries>,
    /// When a target that answers with errors is left alone.
    pub breaker: Option<Breaker>,
    /// Whether targets are asked how they are.
    pub health: Option<HealthCheck>,
    /// A part of the calls goes to other targets.
    pub canary: Option<Canary>,
    /// A copy of some calls goes elsewhere; its answer is thrown away.
    pub mirror: Option<Mirror>,
    /// Until a connection must be open, milliseconds; the gateway's own bound when 0.
    pub connect_timeout_ms: u32,
    /// Longest pause within an answer, milliseconds; the gateway's own bound when 0.
    pub idle_timeout_ms: u32,
    /// What is spoken with the targets.
    pub protocol: UpstreamProtocol,
}

/// How one of several targets is chosen. Weights are those of [`TargetRules`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// The first that is not suspended.
    #[default]
    InOrder,
    /// Each in turn, as often as its weight says.
    RoundRobin,
    /// The one with the fewest calls under way for its weight.
    LeastRequest,
    /// The same for the same key, and nearly all keys keep theirs when targets come or go.
    ConsistentHash(HashKey),
}

/// What calls have in common that go to the same target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HashKey {
    /// The client's address.
    Client,
    /// A header; calls without it share one key.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// The path below the API's context.
    Path,
}

/// Rules of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetRules {
    /// Share of the calls, 1 to 1000.
    pub weight: u32,
    /// Until the head of the answer must be there, milliseconds (WSO2: `actionDuration`); the endpoint's when 0.
    pub timeout_ms: u32,
    /// Failures after which the target is suspended (WSO2: `suspendErrorCode`); empty means every transport failure.
    pub suspend_codes: Vec<u32>,
    /// First suspension, milliseconds (WSO2: `suspendDuration`); 0 means the target is never suspended.
    pub suspend_ms: u32,
    /// Longest suspension, milliseconds (WSO2: `suspendMaxDuration`).
    pub suspend_max_ms: u32,
    /// Each suspension that follows another is this much longer, in thousandths (WSO2: `factor`).
    pub factor_milli: u32,
    /// Failures that suspend only when they repeat (WSO2: `retryErroCode`).
    pub retry_codes: Vec<u32>,
    /// How often they may repeat (WSO2: `retryTimeOut`).
    pub retries_before_suspension: u32,
    /// For how long the target is left alone after such a failure, milliseconds (WSO2: `retryDelay`).
    pub retry_delay_ms: u32,
}

impl Default for TargetRules {
    fn default() -> Self {
        Self {
            weight: 1,
            timeout_ms: 0,
            suspend_codes: Vec::new(),
            suspend_ms: 0,
            suspend_max_ms: 60_000,
            factor_milli: 1000,
            retry_codes: Vec::new(),
            retries_before_suspension: 0,
            retry_delay_ms: 0,
        }
    }
}

/// Calls of one client go to one target, by a cookie of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affinity {
    /// Life of the cookie, seconds; 0 means until the browser ends.
    pub seconds: u32,
}

/// When a call is sent once more: only calls whose method is idempotent and whose body can be sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// Tries after the first, 1 to 5.
    pub attempts: u32,
    /// Answers that are as good as a failure; transport failures always are.
    pub statuses: Vec<u16>,
    /// Retries of at most this part of the calls, per cent.
    pub budget_percent: u32,
}

/// When a target that answers with errors is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Calls under way to one target; more are refused. 0 means any number.
    pub max_in_flight: u32,
    /// Per cent of the calls in the window that fail (5xx or no answer); 0 means that errors are not counted.
    pub error_percent: u32,
    /// Calls in the window before the part counts.
    pub minimum_calls: u32,
    /// Length of the window, seconds.
    pub window_seconds: u32,
    /// For how long the target is left alone, milliseconds.
    pub open_ms: u32,
}

/// Whether targets are asked how they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Path on the target's host, beginning with a slash.
    pub path: String,
    /// Between two questions, seconds.
    pub interval_seconds: u32,
    /// Until an answer counts as missing, milliseconds.
    pub timeout_ms: u32,
    /// Bad answers in a row that take the target out.
    pub unhealthy_after: u32,
    /// Good answers in a row that bring it back.
    pub healthy_after: u32,
    /// Good statuses; empty means 200 to 399.
    pub statuses: Vec<u16>,
}

/// A part of the calls goes to other targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Base URLs.
    pub targets: Vec<String>,
    /// Part of the calls, per cent.
    pub percent: u32,
    /// A header with this value chooses the canary whatever the part is.
    pub header: Option<(String, String)>,
}

/// A copy of some calls goes elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Base URL.
    pub target: String,
    /// Part of the calls, per cent.
    pub percent: u32,
}

/// What is spoken with the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpstreamProtocol {
    /// HTTP/1.1, and HTTP/2 for gRPC.
    #[default]
    Automatic,
    /// HTTP/2: by ALPN over TLS, with prior knowledge without.
    Http2,
}
