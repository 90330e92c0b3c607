//! `call`

use std::sync::Arc;

use super::enrich;
use crate::compile::Compiler;
use crate::endpoint::{Answer, Member, inline_or_key, receive, send};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::value::Value;
use crate::xml::Element;

pub(super) const CALL: Mediator =
    Mediator { name: "call", summary: "Sends the message and goes on with the response.", compile };

#[derive(Debug)]
struct Call {
    target: Option<Arc<Member>>,
    source: Option<enrich::Source>,
    source_type: Option<String>,
    store: Option<enrich::Target>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let target = match element.child("endpoint") {
        Some(child) => Some(Arc::new(inline_or_key(compiler, child)?)),
        None => None,
    };
    let source = match element.child("source") {
        Some(child) => Some(enrich::source(compiler, child)?),
        None => None,
    };
    let source_type = element.child("source").and_then(|child| child.given("contentType")).map(str::to_owned);
    let store = match element.child("target") {
        Some(child) => Some(enrich::target(compiler, child)?),
        None => None,
    };
    Some(Box::new(Call { target, source, source_type, store }))
}

impl Call {
    async fn call(&self, flow: &mut Flow) -> Outcome {
        let original = self.store.is_some().then(|| flow.clone());
        if let Some(source) = &self.source {
            let value = enrich::read(source, flow)?;
            enrich::set_body(flow, &value)?;
            if let Some(content_type) = &self.source_type {
                flow.axis2.insert("messageType".to_owned(), Value::text(content_type.as_str()));
            }
        }
        let answers = match send(self.target.as_deref(), flow).await? {
            Answer::Nothing => return Ok(Next::Stop),
            Answer::Message(answer) => vec![answer],
            Answer::Many(answers) => answers,
        };
        if flow.properties.get("OUT_ONLY").is_some_and(Value::as_boolean) {
            return Ok(Next::Continue);
        }
        let Some(answer) = answers.into_iter().next() else { return Ok(Next::Continue) };
        receive(flow, answer);
        flow.resumed = true;
        fault_of(flow)?;
        if let (Some(target), Some(mut original)) = (&self.store, original) {
            let value = enrich::read(&enrich::Source::Body, flow)?;
            original.axis2.insert("HTTP_SC".to_owned(), flow.axis2.get("HTTP_SC").cloned().unwrap_or(Value::Null));
            original.resumed = true;
            enrich::write(target, value, &mut original)?;
            *flow = original;
        }
        Ok(Next::Continue)
    }
}

/// A SOAP fault is a failure where the property `FORCE_ERROR_ON_SOAP_FAULT` says so.
fn fault_of(flow: &mut Flow) -> Result<(), Failure> {
    let forced = flow.properties.get("FORCE_ERROR_ON_SOAP_FAULT").is_some_and(Value::as_boolean);
    if !forced {
        return Ok(());
    }
    let envelope = flow.message.envelope()?;
    match crate::soap::read_fault(&envelope) {
        Some(fault) => Err(Failure::with_code(500_000, fault.reason, fault.code)),
        None => Ok(()),
    }
}

impl Run for Call {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.call(flow))
    }
}
