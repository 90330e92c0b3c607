//! The world, as a program sees it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use model::Timestamp;

use crate::flow::Scope;
use crate::message::{Headers, Message};
use crate::value::Value;

/// Something that is waited for.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request to a backend. The crate has chosen the address; the host checks egress rules, connects and transfers.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Absolute URL.
    pub url: String,
    /// HTTP method.
    pub method: String,
    /// Headers, `Content-Type` included. `Host` and `Content-Length` are the host's.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
    /// How long the answer may take; none for the host's own bound.
    pub timeout: Option<Duration>,
    /// Name of the endpoint artifact, empty for one without a name.
    pub endpoint: String,
    /// HTTP/1.0, from the property `FORCE_HTTP_1.0`.
    pub http10: bool,
}

/// A backend's answer.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Synapse's code: 101500 sending, 101503 connecting, 101504 timeout, 101505 closed.
    pub code: i64,
    /// As WSO2 words it, for the property `ERROR_MESSAGE`.
    pub message: String,
    /// More.
    pub detail: String,
}

/// Level of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `TRACE`
    Trace,
    /// `DEBUG`
    Debug,
    /// `INFO`
    Info,
    /// `WARN`
    Warn,
    /// `ERROR`
    Error,
    /// `FATAL`
    Fatal,
}

/// The answer to the client.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, `Content-Type` included.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
}

/// A statement with bound parameters for `dblookup`, `dbreport` and data services.
#[derive(Clone, Debug)]
pub struct Query {
    /// Name of the data source, or the JDBC URL.
    pub source: String,
    /// SQL text of the artifact.
    pub sql: String,
    /// Values of its `?`.
    pub parameters: Vec<Value>,
    /// True when rows are wanted.
    pub reads: bool,
    /// Who asks, for a source that is an address.
    pub login: Option<Login>,
}

/// User and password of a database, as an artifact names them.
#[derive(Clone)]
pub struct Login {
    /// User.
    pub user: String,
    /// Password, or `$secret{alias}`.
    pub password: model::Secret<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Rows: column names, and values in their order.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Column names as the database gives them.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Value>>,
}

/// A message for a message store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// Properties of scope `synapse`.
    pub properties: Scope,
    /// Properties of scope `axis2`.
    pub axis2: Scope,
}

/// What a host could not do; the text is for `ERROR_MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// Everything a program needs of the world. A host belongs to one exchange.
pub trait Host: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// A fresh random UUID, as text.
    fn uuid(&self) -> String;
    /// Sends a request and waits for the answer.
    fn call(&self, request: Outbound) -> Waiting<'_, Result<Inbound, TransportError>>;
    /// Answers the client. Called once at most.
    fn reply(&self, reply: Reply);
    /// Writes a line of the log.
    fn log(&self, level: Level, text: String);
    /// Waits.
    fn sleep(&self, duration: Duration) -> Waiting<'_, ()>;
    /// Puts a message into a store; returns once it is kept.
    fn store(&self, store: &str, message: Stored) -> Waiting<'_, Result<(), HostError>>;
    /// Runs one statement.
    fn query(&self, query: Query) -> Waiting<'_, Result<Rows, HostError>>;
    /// A setting: kind `system`, `env`, `file`, `config`.
    fn setting(&self, kind: &str, name: &str) -> Option<String>;
    /// A secret of the vault, for `wso2:vault-lookup('alias')`.
    fn secret(&self, alias: &str) -> Option<String>;
    /// A registry resource that is not part of the configuration.
    fn resource(&self, path: &str) -> Option<Bytes>;
    /// A property of a registry resource.
    fn registry_property(&self, path: &str, property: &str) -> Option<String>;
    /// Counts an event against a limit; false when it is over.
    fn admit(&self, key: &str, limit: u32, window: Duration) -> bool;
    /// A value of the shared cache.
    fn cached(&self, key: &str) -> Option<Reply>;
    /// Keeps a value in the shared cache.
    fn cache(&self, key: &str, reply: Reply, keep: Duration);
    /// A number from 0 up to and without 1, for load balancing.
    fn chance(&self) -> f64;
}
