//! What is written of the calls of single APIs while somebody looks at them (WSO2: per-API logging, `API_LOG`). Off as a rule, and
//! then it costs a comparison; the level is a part of the snapshot, so it changes at run time.
//!
//! Lines have WSO2's form, `[time]  INFO {API_LOG} name - key: value, ..`. Queries and bodies are never written, nor the values of
//! fields that credentials travel in.

use http::{HeaderMap, HeaderName, StatusCode};
use model::snapshot::LogLevel;
use model::{ApiId, Timestamp};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Instant;

use crate::compile::Api;

/// Longest value of one field in a line, bytes; a line is a look, not a recording.
const MAX_VALUE: usize = 512;
/// Fields whose values are not written whatever API they belong to.
const SECRET: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "internal-key",
    "x-jwt-assertion",
    "www-authenticate",
];

/// Levels by API: of the whole, and of single operations by verb and template.
#[derive(Debug, Default)]
pub(crate) struct Levels(HashMap<ApiId, Vec<model::snapshot::ApiLog>>);

impl Levels {
    /// Of a snapshot.
    pub(crate) fn new(logs: &[model::snapshot::ApiLog]) -> Self {
        let mut levels = HashMap::<_, Vec<_>>::new();
        for log in logs.iter().filter(|log| log.level != LogLevel::Off) {
            levels.entry(log.api).or_default().push(log.clone());
        }
        Self(levels)
    }

    /// The level of an operation: its own, else that of the API.
    pub(crate) fn of(&self, api: ApiId, verb: &str, template: &str) -> LogLevel {
        let Some(levels) = self.0.get(&api) else { return LogLevel::Off };
        let own = |log: &&model::snapshot::ApiLog| {
            log.resource.as_ref().is_some_and(|(v, t)| v.eq_ignore_ascii_case(verb) && t == template)
        };
        let found = levels.iter().find(own).or_else(|| levels.iter().find(|log| log.resource.is_none()));
        found.map_or(LogLevel::Off, |log| log.level)
    }
}

/// Where a call is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It came from the client.
    RequestIn,
    /// It goes to the upstream.
    RequestOut,
    /// The upstream answered.
    ResponseIn,
    /// The client is answered.
    ResponseOut,
}

impl Flow {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RequestIn => "REQUEST_IN",
            Self::RequestOut => "REQUEST_OUT",
            Self::ResponseIn => "RESPONSE_IN",
            Self::ResponseOut => "RESPONSE_OUT",
        }
    }

    const fn level(self) -> LogLevel {
        match self {
            Self::RequestIn | Self::ResponseOut => LogLevel::Basic,
            Self::RequestOut | Self::ResponseIn => LogLevel::Standard,
        }
    }
}

/// A call that is looked at.
#[derive(Debug)]
pub(crate) struct Journal {
    level: LogLevel,
    started: Instant,
    /// What all of its lines begin with behind the time.
    start: String,
    /// Fields of the API that credentials are in.
    secret: [HeaderName; 2],
}

impl Journal {
    /// Begins, for an API at a level; `id` ties the lines of one call together.
    pub(crate) fn new(api: &Api, level: LogLevel, id: &str) -> Self {
        let mut start = String::from("  INFO {API_LOG} ");
        clean(&mut start, &api.deployed.name);
        let _infallible = write!(start, " - correlationId: {id}, apiVersion: ");
        clean(&mut start, &api.deployed.version);
        Self { level, started: Instant::now(), start, secret: [api.token_header.clone(), api.key_header.clone()] }
    }

    /// A line about a step, if the level wants one.
    pub(crate) fn line(&self, at: Timestamp, flow: Flow, facts: &Facts<'_>) -> Option<String> {
        if flow.level() > self.level {
            return None;
        }
        let time = at.rfc3339();
        let (day, clock) = (time.get(..10).unwrap_or_default(), time.get(11..19).unwrap_or_default());
        let mut line = format!("[{day} {clock},{:03}]{}", at.millis().rem_euclid(1000), self.start);
        let _infallible = write!(line, ", flow: {}", flow.as_str());
        if let Some((method, path)) = facts.request {
            let _infallible = write!(line, ", apiMethod: {method}, apiTo: {path}");
        }
        if let Some(peer) = facts.peer {
            let _infallible = write!(line, ", sourceIP: {peer}");
        }
        if let Some(status) = facts.status {
            let _infallible = write!(line, ", statusCode: {}", status.as_u16());
        }
        if flow == Flow::ResponseOut {
            let _infallible = write!(line, ", micros: {}", self.started.elapsed().as_micros());
        }
        if self.level >= LogLevel::Full {
            line.push_str(", headers: {");
            for (index, (name, value)) in facts.headers.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { "; " });
                let _infallible = write!(line, "{name}: ");
                if self.is_secret(name) {
                    line.push_str("[redacted]");
                } else {
                    let value = value.as_bytes();
                    clean(&mut line, &String::from_utf8_lossy(value.get(..MAX_VALUE).unwrap_or(value)));
                }
            }
            line.push('}');
        }
        line.push('\n');
        Some(line)
    }

    fn is_secret(&self, name: &HeaderName) -> bool {
        SECRET.contains(&name.as_str()) || self.secret.contains(name)
    }
}

/// What is known at a step.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// Method and canonical path.
    pub(crate) request: Option<(&'a http::Method, &'a str)>,
    /// Who calls.
    pub(crate) peer: Option<IpAddr>,
    /// Status of an answer.
    pub(crate) status: Option<StatusCode>,
    /// Fields.
    pub(crate) headers: &'a HeaderMap,
}

/// Text of others: nothing in it can end the line or move a terminal.
fn clean(line: &mut String, text: &str) {
    line.extend(text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { '?' } else { c }));
}
