//! `dataServiceCall`

use super::enrich;
use super::log::{Given, given};
use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::host::Outbound;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::message::{Headers, Message};
use crate::value::Value;
use crate::xml::{Document, Element, Name, NodeId};

pub(super) const DATA_SERVICE_CALL: Mediator =
    Mediator { name: "dataServiceCall", summary: "Calls operations of a data service.", compile };

#[derive(Debug)]
struct Operation {
    name: String,
    parameters: Vec<(String, Given)>,
}

/// How operations are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Together {
    /// One after the other, each by itself.
    Single,
    /// The same operation many times, as a whole.
    Batch,
    /// Operations in order, as a whole.
    RequestBox,
}

#[derive(Debug)]
struct DataServiceCall {
    service: String,
    /// Operations of the artifact; none when the body says what to do.
    operations: Option<Vec<Operation>>,
    /// How the service is asked for more than one.
    together: Together,
    property: Option<String>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let service = compiler.required(element, "serviceName")?;
    let inline = element.child("source").and_then(|source| source.given("type")) != Some("body");
    let operations = if inline {
        let mut operations = Vec::new();
        let holder = element.child("operations").unwrap_or(element);
        for child in holder.children_named("operation") {
            let name = compiler.required(child, "name")?;
            let mut parameters = Vec::new();
            for parameter in child.children_named("param") {
                parameters.push((compiler.required(parameter, "name")?, given(compiler, parameter)?));
            }
            operations.push(Operation { name, parameters });
        }
        if operations.is_empty() {
            compiler.fault(element, "there is no operation", "add operations, or source type=\"body\"");
        }
        Some(operations)
    } else {
        None
    };
    let kind = element.child("operations").and_then(|holder| holder.given("type")).unwrap_or("single");
    let together = match kind.to_ascii_lowercase().as_str() {
        "single" => Together::Single,
        "batch" => Together::Batch,
        "request-box" | "requestbox" => Together::RequestBox,
        other => {
            compiler.fault(
                element,
                format!("operations of the type {other} are not known"),
                "single, batch or request-box",
            );
            return None;
        }
    };
    let property = element.child("target").and_then(|target| target.given("name")).map(str::to_owned);
    Some(Box::new(DataServiceCall { service, operations, together, property }))
}

impl Operation {
    fn document(&self, flow: &mut Flow) -> Result<Document, Failure> {
        let mut document = Document::with_root(Name::local(&self.name));
        for (name, value) in &self.parameters {
            let text = value.text(flow)?;
            if let Some(root) = document.root() {
                document.append_leaf(root, Name::local(name), &text);
            }
        }
        Ok(document)
    }
}

impl DataServiceCall {
    /// The requests that carry out all operations.
    fn bodies(&self, all: Vec<(String, Document)>) -> Vec<(String, String)> {
        let whole = match (self.together, all.first()) {
            (Together::Single, _) | (_, None) => {
                return all.into_iter().map(|(name, document)| (name, document.write(NodeId::DOCUMENT))).collect();
            }
            (Together::Batch, Some((name, _))) => format!("{name}_batch_req"),
            (Together::RequestBox, Some(_)) => "request_box".to_owned(),
        };
        let mut document = Document::with_root(Name::local(&whole));
        if let Some(root) = document.root() {
            for (_, one) in &all {
                document.append_copy(root, one, NodeId::DOCUMENT);
            }
        }
        vec![(whole, document.write(NodeId::DOCUMENT))]
    }

    async fn call(&self, flow: &mut Flow) -> Outcome {
        let mut result = Value::Null;
        let bodies: Vec<(String, String)> = match &self.operations {
            None => {
                let envelope = flow.message.envelope()?;
                let payload =
                    crate::soap::payload_of(&envelope).ok_or_else(|| Failure::new("the body names no operation"))?;
                vec![(envelope.local_name(payload).to_owned(), envelope.write(payload))]
            }
            Some(operations) => {
                let mut all = Vec::new();
                for operation in operations {
                    all.push((operation.name.clone(), operation.document(flow)?));
                }
                self.bodies(all)
            }
        };
        for (operation, body) in bodies {
            let mut headers = Headers::new();
            headers.set("Content-Type", "application/xml");
            headers.set("SOAPAction", format!("\"urn:{operation}\""));
            let request = Outbound {
                url: format!("local:///services/{}", self.service),
                method: "POST".to_owned(),
                headers,
                body: body.into(),
                timeout: None,
                endpoint: self.service.clone(),
                http10: false,
            };
            let answer = flow.host().call(request).await;
            let answer = answer.map_err(|error| Failure::with_code(error.code, error.message, error.detail))?;
            if answer.status >= 400 {
                let detail = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(Failure::with_code(0, format!("the data service {} failed", self.service), detail));
            }
            let mut branch = flow.clone();
            branch.message = Message::raw(answer.headers, answer.body);
            result = enrich::read(&enrich::Source::Body, &mut branch)?;
        }
        match &self.property {
            Some(name) => {
                flow.properties.insert(name.clone(), result);
            }
            None => enrich::set_body(flow, &result)?,
        }
        Ok(Next::Continue)
    }
}

impl Run for DataServiceCall {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.call(flow))
    }
}
