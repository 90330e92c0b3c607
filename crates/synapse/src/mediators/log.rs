//! `log`

use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow};
use crate::host::Level;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::xml::Element;

pub(super) const LOG: Mediator = Mediator { name: "log", summary: "Writes a line of the log.", compile };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Simple,
    Headers,
    Full,
    Custom,
}

#[derive(Debug)]
struct Log {
    detail: Detail,
    level: Level,
    separator: String,
    message: Option<Template>,
    properties: Vec<(String, Given)>,
    payload: bool,
    message_id: bool,
}

/// A property of a log or of a parameter list.
#[derive(Debug)]
pub(super) enum Given {
    Text(Template),
    Expression(Expression),
}

impl Given {
    pub(super) fn text(&self, flow: &mut Flow) -> Result<String, Failure> {
        match self {
            Self::Text(template) => template.text(flow),
            Self::Expression(expression) => expression.text(flow),
        }
    }
}

/// Reads `value` or `expression` of an element.
pub(super) fn given(compiler: &mut Compiler, element: Element<'_>) -> Option<Given> {
    if let Some(text) = element.given("expression") {
        return compiler.expression(element, text).map(Given::Expression);
    }
    match element.attribute("value") {
        Some(text) => compiler.value(element, text).map(Given::Text),
        None => {
            compiler.fault(element, "value or expression is missing", "");
            None
        }
    }
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let message = match element.child("message") {
        Some(child) => Some(compiler.inline(child, child.text().trim())?),
        None => None,
    };
    let detail = match element.given("level").map(str::to_ascii_lowercase).as_deref() {
        Some("simple") => Detail::Simple,
        Some("headers") => Detail::Headers,
        Some("full") => Detail::Full,
        Some("custom") => Detail::Custom,
        None if message.is_some() => Detail::Custom,
        None => Detail::Simple,
        Some(other) => {
            let reason = format!("the level {other} is not known, and is read as simple");
            compiler.note(element, reason, "simple, headers, full or custom");
            Detail::Simple
        }
    };
    let level = match element.given("category").map(str::to_ascii_uppercase).as_deref() {
        None | Some("INFO") => Level::Info,
        Some("TRACE") => Level::Trace,
        Some("DEBUG") => Level::Debug,
        Some("WARN") => Level::Warn,
        Some("ERROR") => Level::Error,
        Some("FATAL") => Level::Fatal,
        Some(other) => {
            compiler.fault(
                element,
                format!("the category {other} is not known"),
                "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
            );
            return None;
        }
    };
    let mut properties = Vec::new();
    for child in element.children_named("property") {
        let name = compiler.required(child, "name")?;
        properties.push((name, given(compiler, child)?));
    }
    Some(Box::new(Log {
        detail,
        level,
        separator: element.attribute("separator").unwrap_or(", ").to_owned(),
        message,
        properties,
        payload: compiler.flag(element, "logFullPayload", false),
        message_id: compiler.flag(element, "logMessageID", false),
    }))
}

impl Log {
    fn line(&self, flow: &mut Flow) -> Result<String, Failure> {
        let mut parts = Vec::new();
        if let Some(message) = &self.message {
            let text = message.text(flow)?;
            if !text.is_empty() {
                parts.push(text);
            }
        }
        if matches!(self.detail, Detail::Simple | Detail::Full) {
            for name in ["To", "Action", "MessageID"] {
                let value = flow.property(crate::flow::PropertyScope::Synapse, name).as_text();
                if !value.is_empty() {
                    parts.push(format!("{name}: {value}"));
                }
            }
            parts.push(format!("Direction: {}", if flow.response { "response" } else { "request" }));
        } else if self.message_id {
            let id = flow.property(crate::flow::PropertyScope::Synapse, "MessageID").as_text();
            parts.push(format!("MessageID: {id}"));
        }
        if self.detail == Detail::Headers {
            parts.extend(flow.message.headers.iter().map(|(name, value)| format!("{name}: {}", mask(name, value))));
        }
        for (name, value) in &self.properties {
            let text = value.text(flow)?;
            parts.push(format!("{name} = {text}"));
        }
        if self.detail == Detail::Full || self.payload {
            parts.push(format!("Payload: {}", flow.message.text()?));
        }
        // One line in the log for one mediator: line breaks of a client's data do not forge another.
        Ok(parts.join(&self.separator).replace('\n', "\\n").replace('\r', "\\r"))
    }
}

fn mask<'a>(name: &str, value: &'a str) -> &'a str {
    let secret = ["authorization", "cookie", "set-cookie", "proxy-authorization", "apikey"];
    if secret.contains(&name.to_ascii_lowercase().as_str()) { "***" } else { value }
}

impl Run for Log {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.line(flow).map(|line| flow.host().log(self.level, line)))
    }
}
