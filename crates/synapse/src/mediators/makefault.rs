//! `makefault`

use std::sync::Arc;

use super::log::{Given, given};
use crate::compile::Compiler;
use crate::expression::Expression;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::soap::{self, Fault, Version};
use crate::value::Value;
use crate::xml::{Document, Element, Name, NodeId};

pub(super) const MAKEFAULT: Mediator =
    Mediator { name: "makefault", summary: "Turns the message into a SOAP or plain fault.", compile };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As the message.
    Same,
    Soap(Version),
    Pox,
}

#[derive(Debug)]
enum Detail {
    None,
    Xml(Arc<Document>),
    Expression(Expression),
}

#[derive(Debug)]
struct MakeFault {
    form: Form,
    response: Option<bool>,
    code: Option<Given>,
    reason: Given,
    node: String,
    role: String,
    detail: Detail,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let form = match element.given("version").map(str::to_ascii_lowercase).as_deref() {
        None => Form::Same,
        Some("soap11") => Form::Soap(Version::Soap11),
        Some("soap12") => Form::Soap(Version::Soap12),
        Some("pox") => Form::Pox,
        Some(other) => {
            compiler.fault(element, format!("the version {other} is not known"), "soap11, soap12 or pox");
            return None;
        }
    };
    let code = element.child("code").map(|child| given(compiler, child));
    if code.is_none() && form != Form::Pox {
        compiler.fault(element, "code is missing", "");
    }
    let Some(reason) = element.child("reason") else {
        compiler.fault(element, "reason is missing", "");
        return None;
    };
    let reason = given(compiler, reason)?;
    let detail = match element.child("detail") {
        None => Detail::None,
        Some(child) => match child.given("expression") {
            Some(text) => Detail::Expression(compiler.expression(child, text)?),
            None => {
                let mut inner = Document::new();
                for id in child.document.children(child.id) {
                    inner.append_copy(NodeId::DOCUMENT, child.document, id);
                }
                Detail::Xml(Arc::new(inner))
            }
        },
    };
    let response = element.given("response").map(|_| compiler.flag(element, "response", false));
    Some(Box::new(MakeFault {
        form,
        response,
        code: match code {
            Some(code) => Some(code?),
            None => None,
        },
        reason,
        node: element.child_text("node").unwrap_or_default(),
        role: element.child_text("role").unwrap_or_default(),
        detail,
    }))
}

impl MakeFault {
    fn make(&self, flow: &mut Flow) -> Result<(), Failure> {
        let code = match &self.code {
            Some(code) => code.text(flow)?,
            None => String::new(),
        };
        let reason = self.reason.text(flow)?;
        let detail = match &self.detail {
            Detail::None => None,
            Detail::Xml(document) => Some(Arc::clone(document)),
            Detail::Expression(expression) => Some(match expression.value(flow)? {
                Value::Xml(document) => document,
                other => {
                    let mut document = Document::new();
                    document.append_text(NodeId::DOCUMENT, &other.as_text());
                    Arc::new(document)
                }
            }),
        };
        let version = match self.form {
            Form::Pox => return self.plain(flow, &reason, detail.as_deref()),
            Form::Soap(version) => version,
            Form::Same => {
                let envelope = flow.message.envelope()?;
                soap::version_of(&envelope)
            }
        };
        let local = code.rsplit(':').next().unwrap_or_default().to_owned();
        let fault = Fault { code: local, reason, node: self.node.clone(), role: self.role.clone(), detail };
        let envelope = soap::fault_envelope(version, &fault);
        flow.message.set_body(Body::Xml(Arc::new(envelope)));
        let message_type = if version == Version::Soap11 { "text/xml" } else { "application/soap+xml" };
        flow.axis2.insert("messageType".to_owned(), Value::text(message_type));
        self.finish(flow);
        Ok(())
    }

    fn plain(&self, flow: &mut Flow, reason: &str, detail: Option<&Document>) -> Result<(), Failure> {
        let mut document = Document::with_root(Name::local("Exception"));
        if let Some(root) = document.root() {
            match detail {
                Some(detail) => {
                    document.append_copy(root, detail, NodeId::DOCUMENT);
                }
                None => document.append_text(root, reason),
            }
        }
        flow.message.set_body(Body::from_xml(document));
        flow.axis2.insert("messageType".to_owned(), Value::text("application/xml"));
        self.finish(flow);
        Ok(())
    }

    fn finish(&self, flow: &mut Flow) {
        flow.axis2.remove("NO_ENTITY_BODY");
        if let Some(response) = self.response {
            flow.response = response;
        }
    }
}

impl Run for MakeFault {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.make(flow))
    }
}
