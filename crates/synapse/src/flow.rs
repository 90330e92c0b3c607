//! One message on its way through mediators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::Exchange;
use crate::host::Host;
use crate::message::{BodyError, Message};
use crate::value::Value;

/// Named values of one scope.
pub type Scope = BTreeMap<String, Value>;

/// Steps of all branches of one exchange together: a mediator, an XPath step over a node, an item of a list.
const STEPS: u64 = 20_000_000;
/// Bytes of one value that a mediator or expression makes: what doubles itself in a recursion ends here.
pub(crate) const LARGEST: usize = 64 << 20;
/// Steps of a branch: it copies all that a flow carries, and what it fails with runs a sequence of its own. 100,000 branches are
/// enough for any message; sequences that clone themselves end before they hold much memory.
const BRANCH: u64 = 200;
/// Sequences, templates and targets inside one another.
const NESTING: u32 = 96;

/// A message with everything Synapse keeps beside it (its message context).
#[derive(Clone)]
pub struct Flow {
    /// The message. Its headers are the scope `transport`.
    pub message: Message,
    /// Scope `synapse`, which is also called `default`.
    pub properties: Scope,
    /// Scope `axis2`.
    pub axis2: Scope,
    /// Scope `operation`.
    pub operation: Scope,
    /// Variables of `variable` and `${vars.x}`.
    pub variables: Scope,
    /// Parameters of the templates that are running; the last is the innermost.
    pub frames: Vec<Scope>,
    /// True for a response of a backend, which `out` mediators and out sequences see.
    pub response: bool,
    /// The client's request and what its branches share.
    pub exchange: Arc<Exchange>,
    /// True once a `call` came back on this branch, after which Synapse continues behind an iterate or clone.
    pub(crate) resumed: bool,
    /// Sequences, templates and endpoints that are open.
    pub(crate) nesting: u32,
}

impl std::fmt::Debug for Flow {
    /// Without message and properties, which may hold what clients keep secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("response", &self.response).finish_non_exhaustive()
    }
}

/// Counts what an exchange may cost, so that an endless loop ends.
#[derive(Debug, Default)]
pub struct Budget {
    used: AtomicU64,
    spent: AtomicBool,
}

impl Budget {
    /// Uses steps; false when there are none left.
    pub fn spend(&self, steps: u64) -> bool {
        let used = self.used.fetch_add(steps, Ordering::Relaxed).saturating_add(steps);
        let left = used <= STEPS;
        if !left {
            self.spent.store(true, Ordering::Relaxed);
        }
        left
    }

    /// Steps used.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// What a mediator ended with; the fault sequence sees it as the properties `ERROR_CODE`, `ERROR_MESSAGE` and
/// `ERROR_DETAIL`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Failure {
    /// Synapse's code: 0 for a mediator, 101500 and up for transports.
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// More, for the log.
    pub detail: String,
    /// Mediator and line where it happened.
    pub at: String,
}

impl Failure {
    /// A failing mediator.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code: 0, detail: message.clone(), message, at: String::new() }
    }

    /// A failure with one of Synapse's codes.
    pub fn with_code(code: i64, message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: detail.into(), at: String::new() }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        Self::new(error.to_string())
    }
}

/// The scopes of `property` and `get-property`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyScope {
    /// `default`, `synapse`
    Synapse,
    /// `axis2`
    Axis2,
    /// `axis2-client`: of the response to the client.
    Axis2Client,
    /// `transport`
    Transport,
    /// `operation`
    Operation,
    /// `registry`
    Registry,
    /// `system`: a setting of the installation.
    System,
    /// `env`: a setting given by the operator.
    Environment,
    /// `file`: an entry of the properties file of the artifacts.
    File,
    /// `analytics`
    Analytics,
}

impl PropertyScope {
    /// From the name that artifacts use.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "" | "default" | "synapse" => Self::Synapse,
            "axis2" => Self::Axis2,
            "axis2-client" => Self::Axis2Client,
            "transport" => Self::Transport,
            "operation" => Self::Operation,
            "registry" => Self::Registry,
            "system" => Self::System,
            "env" | "environment" => Self::Environment,
            "file" => Self::File,
            "analytics" => Self::Analytics,
            _ => return None,
        })
    }
}

impl Flow {
    /// A flow for a message that a client sent.
    pub fn new(exchange: Arc<Exchange>, message: Message) -> Self {
        Self {
            message,
            properties: Scope::new(),
            axis2: Scope::new(),
            operation: Scope::new(),
            variables: Scope::new(),
            frames: Vec::new(),
            response: false,
            exchange,
            resumed: false,
            nesting: 0,
        }
    }

    /// The world.
    pub fn host(&self) -> &dyn Host {
        &*self.exchange.host
    }

    /// Uses steps of the exchange's budget.
    ///
    /// # Errors
    /// When there are none left.
    pub fn spend(&self, steps: u64) -> Result<(), Failure> {
        if self.exchange.budget.spend(steps) {
            return Ok(());
        }
        Err(Failure::new("the message needed more steps than one message may use; is there an endless loop?"))
    }

    /// A copy for a part or a target of the message.
    ///
    /// # Errors
    /// No steps are left.
    pub(crate) fn branch(&self) -> Result<Self, Failure> {
        self.spend(BRANCH)?;
        Ok(self.clone())
    }

    /// Uses steps for a value that was made, by its length in bytes.
    ///
    /// # Errors
    /// It is larger than a message may be, or no steps are left.
    pub(crate) fn made(&self, length: usize) -> Result<(), Failure> {
        if length > LARGEST {
            return Err(too_large());
        }
        self.spend(length as u64 / 64)
    }

    /// Goes one level deeper into sequences, templates and targets.
    pub(crate) fn enter(&mut self) -> Result<(), Failure> {
        self.nesting += 1;
        if self.nesting > NESTING {
            return Err(Failure::new(format!(
                "sequences and templates are nested deeper than {NESTING}; do they call themselves?"
            )));
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.nesting = self.nesting.saturating_sub(1);
    }

    /// A property as `get-property` reads it.
    pub fn property(&mut self, scope: PropertyScope, name: &str) -> Value {
        match scope {
            PropertyScope::Synapse => self.synapse_property(name),
            PropertyScope::Axis2 | PropertyScope::Axis2Client => self.axis2_property(name),
            PropertyScope::Transport => self.message.headers.get(name).map_or(Value::Null, Value::text),
            PropertyScope::Operation => self.operation.get(name).cloned().unwrap_or(Value::Null),
            PropertyScope::Registry => self.registry_property(name),
            PropertyScope::System => self.setting("system", name),
            PropertyScope::Environment => self.setting("env", name),
            PropertyScope::File => self.setting("file", name),
            PropertyScope::Analytics => Value::Null,
        }
    }

    fn setting(&self, kind: &str, name: &str) -> Value {
        self.host().setting(kind, name).map_or(Value::Null, Value::text)
    }

    fn synapse_property(&mut self, name: &str) -> Value {
        if let Some(value) = self.properties.get(name) {
            return value.clone();
        }
        let host = self.host();
        match name {
            "SYSTEM_TIME" => Value::text(host.now().millis().to_string()),
            "SYSTEM_DATE" => Value::text(crate::calendar::default_date(host.now())),
            "SERVER_IP" => host.setting("system", "SERVER_IP").map_or_else(|| Value::text("127.0.0.1"), Value::text),
            "FAULT" => Value::text(if self.message.is_fault() { "TRUE" } else { "false" }),
            "MESSAGE_FORMAT" => Value::text(self.message_format()),
            "To" | "From" | "Action" | "FaultTo" | "ReplyTo" | "MessageID" | "RelatesTo" => self.addressing(name),
            "OperationName" => self.properties.get("api.ut.operation").cloned().unwrap_or(Value::Null),
            _ => match self.exchange.configuration.entry_value(name) {
                Some(entry) => entry,
                None => Value::Null,
            },
        }
    }

    fn message_format(&mut self) -> &'static str {
        use crate::message::Body;
        match self.message.build() {
            Ok(Body::Json(_)) => "json",
            Ok(Body::Xml(document)) => match crate::soap::version_of(document) {
                crate::soap::Version::Soap11 => "soap11",
                crate::soap::Version::Soap12 => "soap12",
            },
            Ok(Body::Empty) => "rest",
            _ => "pox",
        }
    }

    /// A WS-Addressing property: what a `header` mediator set, else the element of the envelope's header.
    fn addressing(&mut self, name: &str) -> Value {
        if let Some(value) = self.axis2.get(&addressing_key(name)) {
            return value.clone();
        }
        Value::Null
    }

    /// Sets a WS-Addressing property, such as `To` or `Action`.
    pub fn set_addressing(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => {
                self.axis2.insert(addressing_key(name), Value::text(value));
            }
            None => {
                self.axis2.remove(&addressing_key(name));
            }
        }
    }

    fn axis2_property(&self, name: &str) -> Value {
        if let Some(value) = self.axis2.get(name) {
            return value.clone();
        }
        match name {
            "messageType" | "ContentType" => self.message.headers.get("Content-Type").map_or(Value::Null, |text| {
                Value::text(if name == "messageType" { crate::message::media_type(text) } else { text.to_owned() })
            }),
            _ => Value::Null,
        }
    }

    fn registry_property(&self, path: &str) -> Value {
        let (path, property) = match path.rsplit_once('@') {
            Some((path, property)) => (path.trim_end_matches('/'), Some(property)),
            None => (path, None),
        };
        match property {
            Some(property) => self.host().registry_property(path, property).map_or(Value::Null, Value::text),
            None => match self.exchange.configuration.resource(path).or_else(|| self.host().resource(path)) {
                Some(bytes) => Value::text(String::from_utf8_lossy(&bytes).into_owned()),
                None => Value::Null,
            },
        }
    }

    /// The innermost template's parameter.
    pub fn parameter(&self, name: &str) -> Value {
        self.frames.last().and_then(|frame| frame.get(name)).cloned().unwrap_or(Value::Null)
    }

    /// The property `messageType` that decides how the body is written, else the content type it came with.
    pub fn message_type(&self) -> String {
        let set = self.axis2.get("messageType").or_else(|| self.axis2.get("ContentType"));
        match set {
            Some(value) => value.as_text(),
            None => self.message.headers.get("Content-Type").unwrap_or_default().to_owned(),
        }
    }

    /// Sets what a fault sequence can read about a failure.
    pub fn set_error(&mut self, failure: &Failure) {
        self.properties.insert("ERROR_CODE".to_owned(), Value::Integer(failure.code));
        self.properties.insert("ERROR_MESSAGE".to_owned(), Value::text(failure.message.clone()));
        self.properties.insert("ERROR_DETAIL".to_owned(), Value::text(failure.detail.clone()));
        self.properties.insert("ERROR_EXCEPTION".to_owned(), Value::text(failure.to_string()));
    }
}

/// The failure of a value that is larger than [`LARGEST`].
pub(crate) fn too_large() -> Failure {
    Failure::new(format!("a value of more than {} MiB was made; does something double itself?", LARGEST >> 20))
}

fn addressing_key(name: &str) -> String {
    format!("wsa:{name}")
}
