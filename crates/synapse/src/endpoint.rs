//! Endpoints: where messages go.

mod compile;
mod send;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::Timestamp;

use crate::expression::Template;

pub(crate) use compile::{compile, compile_template, inline_or_key};
pub(crate) use send::{Answer, receive, send};

/// An endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// Name; empty for one inside of something else.
    pub name: String,
    pub(crate) kind: Kind,
    pub(crate) settings: Settings,
    /// Properties that are set on the message before it goes.
    pub(crate) properties: Vec<(String, String, Template)>,
    pub(crate) state: Mutex<State>,
}

/// How a message is written for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As it is.
    AsIs,
    Soap11,
    Soap12,
    Pox,
    Get,
    Rest,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Address {
        uri: Template,
        format: Format,
    },
    Http {
        uri: Option<Template>,
        method: Option<Template>,
    },
    /// The address that the WSDL names, once the host has resolved it; else none.
    Wsdl {
        address: Option<String>,
        uri: String,
        format: Format,
    },
    /// The property `To`.
    Default {
        format: Format,
    },
    LoadBalance {
        members: Vec<Member>,
        failover: bool,
        weights: Vec<u32>,
        session: bool,
    },
    Failover {
        members: Vec<Member>,
    },
    RecipientList {
        members: Vec<Member>,
        dynamic: Option<Template>,
    },
    Template {
        target: String,
        uri: Option<String>,
        parameters: Vec<(String, Template)>,
    },
    /// A template's endpoint, compiled once its parameters are known: the element's text.
    Pattern {
        text: String,
    },
}

/// A member of a group.
#[derive(Debug)]
pub(crate) enum Member {
    Key(Template),
    Inline(Arc<Endpoint>),
}

/// What happens when the answer takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeoutAction {
    Never,
    Discard,
    Fault,
}

/// Failure behaviour.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    /// A timeout in milliseconds that is known with the message only.
    pub(crate) timeout_expression: Option<Template>,
    pub(crate) action: TimeoutAction,
    pub(crate) suspend_codes: Vec<i64>,
    /// First time out of use; none for never.
    pub(crate) initial: Option<Duration>,
    pub(crate) factor: f64,
    pub(crate) longest: Duration,
    pub(crate) mark_codes: Vec<i64>,
    pub(crate) retries: u32,
    pub(crate) retry_delay: Duration,
    pub(crate) retry_disabled: Vec<i64>,
    /// Why nothing is sent: the endpoint asks for protection that is not there.
    pub(crate) closed: Option<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: None,
            timeout_expression: None,
            action: TimeoutAction::Never,
            suspend_codes: Vec::new(),
            initial: Some(Duration::from_secs(30)),
            factor: 1.0,
            longest: Duration::MAX,
            mark_codes: Vec::new(),
            retries: 0,
            retry_delay: Duration::ZERO,
            retry_disabled: Vec::new(),
            closed: None,
        }
    }
}

impl Endpoint {
    /// Ends a suspension, as an operator does who activates the endpoint.
    pub fn revive(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.suspended_until = None;
            state.failures = 0;
            state.last = Duration::ZERO;
        }
    }
}

/// What is remembered between messages.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) suspended_until: Option<Timestamp>,
    pub(crate) last: Duration,
    pub(crate) failures: u32,
    pub(crate) next: usize,
    pub(crate) sessions: HashMap<String, usize>,
}
