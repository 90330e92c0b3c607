//! `callout`

use std::sync::Arc;

use super::enrich;
use crate::compile::Compiler;
use crate::endpoint::{Answer, Member, inline_or_key, receive, send};
use crate::expression::{Expression, Places, Template};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::value::Value;
use crate::xml::{Element, NodeId};

pub(super) const CALLOUT: Mediator =
    Mediator { name: "callout", summary: "Calls a service with a part of the message.", compile };

#[derive(Debug)]
enum Part {
    Envelope,
    Path(Expression),
    Key(String),
}

#[derive(Debug)]
struct Callout {
    /// It asks for protection that is not there.
    closed: bool,
    url: Option<Template>,
    endpoint: Option<Arc<Member>>,
    action: Option<String>,
    source: Part,
    target: Part,
}

fn part(compiler: &mut Compiler, element: Option<Element<'_>>) -> Option<Part> {
    let Some(element) = element else { return Some(Part::Envelope) };
    if let Some(text) = element.given("xpath") {
        return compiler.expression(element, text).map(Part::Path);
    }
    if let Some(key) = element.given("key") {
        return Some(Part::Key(key.to_owned()));
    }
    Some(Part::Envelope)
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    if let Some(child) = element.child("enableSec") {
        let reason = "nothing is sent: WS-Security of callout is not available";
        compiler.note(child, reason, "protect the connection with TLS, and remove enableSec");
    }
    let closed = element.child("enableSec").is_some();
    let url = match element.given("serviceURL") {
        Some(text) => Some(compiler.value(element, text)?),
        None => None,
    };
    let endpoint = match (element.given("endpointKey"), element.child("endpoint")) {
        (Some(key), _) => Some(Arc::new(Member::Key(compiler.value(element, key)?))),
        (None, Some(child)) => Some(Arc::new(inline_or_key(compiler, child)?)),
        (None, None) => None,
    };
    Some(Box::new(Callout {
        closed,
        url,
        endpoint,
        action: element.given("action").map(str::to_owned),
        source: part(compiler, element.child("source"))?,
        target: part(compiler, element.child("target"))?,
    }))
}

impl Callout {
    async fn call(&self, flow: &mut Flow) -> Outcome {
        if self.closed {
            return Err(Failure::with_code(401_000, "callout sends nothing: WS-Security is not available", ""));
        }
        let mut request = flow.clone();
        if let Some(value) = self.payload(flow)? {
            enrich::set_body(&mut request, &value)?;
        }
        if let Some(url) = &self.url {
            let url = url.text(flow)?;
            request.set_addressing("To", Some(url));
            request.axis2.remove("REST_URL_POSTFIX");
        }
        if let Some(action) = &self.action {
            request.set_addressing("Action", Some(action.clone()));
        }
        request.axis2.insert("HTTP_METHOD".to_owned(), Value::text("POST"));
        let answer = match send(self.endpoint.as_deref(), &mut request).await? {
            Answer::Message(answer) => answer,
            Answer::Many(mut answers) if !answers.is_empty() => answers.remove(0),
            _ => return Ok(Next::Continue),
        };
        receive(&mut request, answer);
        let envelope = request.message.envelope()?;
        if let Some(fault) = crate::soap::read_fault(&envelope) {
            return Err(Failure::with_code(401_000, fault.reason, fault.code));
        }
        let result = enrich::read(&enrich::Source::Body, &mut request)?;
        self.put(flow, result, request)?;
        Ok(Next::Continue)
    }

    fn payload(&self, flow: &mut Flow) -> Result<Option<Value>, Failure> {
        match &self.source {
            Part::Envelope => Ok(None),
            Part::Path(expression) => match expression.value(flow)? {
                Value::Null => Err(Failure::new("the source of callout selects nothing")),
                value => Ok(Some(value)),
            },
            Part::Key(key) => {
                let value = flow.property(crate::flow::PropertyScope::Synapse, key);
                if matches!(value, Value::Null) {
                    return Err(Failure::new(format!("{key} holds no payload for callout")));
                }
                Ok(Some(value))
            }
        }
    }

    fn put(&self, flow: &mut Flow, result: Value, answer: Flow) -> Result<(), Failure> {
        match &self.target {
            Part::Envelope => {
                flow.message = answer.message;
                flow.axis2.insert("HTTP_SC".to_owned(), answer.axis2.get("HTTP_SC").cloned().unwrap_or(Value::Null));
                flow.axis2.remove("messageType");
            }
            Part::Key(key) => {
                flow.properties.insert(key.clone(), result);
            }
            Part::Path(expression) => {
                let Places::Xml(nodes) = expression.places(flow)? else {
                    return enrich::set_body(flow, &result);
                };
                let Value::Xml(document) = result else { return Ok(()) };
                let envelope = flow.message.envelope_mut()?;
                if let Some((id, _)) = nodes.first()
                    && let Some(parent) = envelope.parent(*id)
                {
                    envelope.insert_copy(parent, Some(*id), &document, NodeId::DOCUMENT);
                    envelope.detach(*id);
                    envelope.compact();
                }
            }
        }
        Ok(())
    }
}

impl Run for Callout {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.call(flow))
    }
}
