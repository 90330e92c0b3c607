//! `header`

use std::sync::Arc;

use super::property::clean;
use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::soap;
use crate::xml::{Document, Element, Name, NodeId};

pub(super) const HEADER: Mediator =
    Mediator { name: "header", summary: "Sets or removes a header of SOAP or of the transport.", compile };

const ADDRESSING: [&str; 6] = ["To", "From", "Action", "FaultTo", "ReplyTo", "RelatesTo"];

#[derive(Debug)]
enum Source {
    Text(Template),
    Expression(Expression),
    Inline(Arc<Document>),
}

#[derive(Debug)]
struct Header {
    name: Name,
    dynamic: Option<Template>,
    transport: bool,
    /// None removes the header.
    source: Option<Source>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let inline = element.children().find(|child| child.name() != "description");
    let transport = match element.given("scope") {
        None | Some("default") => false,
        Some("transport") => true,
        Some(other) => {
            compiler.fault(element, format!("the scope {other} is not known"), "default or transport");
            false
        }
    };
    let removes = element.given("action") == Some("remove");
    let written = match element.given("name") {
        Some(name) => name.to_owned(),
        None if inline.is_some() => String::new(),
        None => {
            compiler.fault(element, "the attribute name is missing", "");
            return None;
        }
    };
    let dynamic = if written.contains('{') { Some(compiler.value(element, &written)?) } else { None };
    let (prefix, local) = written.split_once(':').unwrap_or(("", &written));
    let namespace = if prefix.is_empty() { None } else { element.document.lookup(element.id, prefix) };
    if !prefix.is_empty() && namespace.is_none() && !transport && dynamic.is_none() {
        compiler.fault(element, format!("the namespace prefix {prefix} is not declared"), "");
        return None;
    }
    let name = if transport {
        Name::local(&written)
    } else {
        Name::new(prefix, local, namespace.as_deref().unwrap_or_default())
    };
    let source = if removes {
        None
    } else if let Some(text) = element.given("expression") {
        Some(Source::Expression(compiler.expression(element, text)?))
    } else if let Some(text) = element.attribute("value") {
        Some(Source::Text(compiler.value(element, text)?))
    } else if let Some(child) = inline {
        Some(Source::Inline(Arc::new(child.document.extract(child.id))))
    } else {
        compiler.fault(element, "value, expression or inline XML is missing", "");
        return None;
    };
    Some(Box::new(Header { name, dynamic, transport, source }))
}

impl Header {
    fn apply(&self, flow: &mut Flow) -> Result<(), Failure> {
        let mut name = self.name.clone();
        if let Some(dynamic) = &self.dynamic {
            name = Name::local(&dynamic.text(flow)?);
        }
        let text = match &self.source {
            None => None,
            Some(Source::Text(template)) => Some(template.text(flow)?),
            Some(Source::Expression(expression)) => Some(expression.text(flow)?),
            Some(Source::Inline(document)) => return insert(flow, document),
        };
        if self.transport {
            match text {
                Some(text) => flow.message.headers.set(&name.local, clean(&text)),
                None => flow.message.headers.remove(&name.local),
            }
            return Ok(());
        }
        if name.namespace.is_empty() && ADDRESSING.contains(&&*name.local) {
            flow.set_addressing(&name.local, text);
            return Ok(());
        }
        remove(flow, &name)?;
        if let Some(text) = text {
            let mut document = Document::new();
            document.append_leaf(NodeId::DOCUMENT, name, &text);
            insert(flow, &document)?;
        }
        Ok(())
    }
}

fn insert(flow: &mut Flow, header: &Document) -> Result<(), Failure> {
    let envelope = flow.message.envelope_mut()?;
    if let Some(at) = soap::header_mut(envelope) {
        envelope.append_copy(at, header, NodeId::DOCUMENT);
        envelope.compact();
    }
    Ok(())
}

fn remove(flow: &mut Flow, name: &Name) -> Result<(), Failure> {
    let known = flow.message.envelope()?;
    let found: Vec<NodeId> = soap::header_of(&known)
        .into_iter()
        .flat_map(|header| known.elements(header).collect::<Vec<_>>())
        .filter(|id| known.is(*id, &name.namespace, &name.local))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let envelope = flow.message.envelope_mut()?;
    found.into_iter().for_each(|id| envelope.detach(id));
    envelope.compact();
    Ok(())
}

impl Run for Header {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.apply(flow))
    }
}
