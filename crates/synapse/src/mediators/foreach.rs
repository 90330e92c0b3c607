//! `foreach`: version 1 with `expression`, version 2 with `collection`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::enrich;
use super::filter::Branch;
use super::scatter_gather::collect_results;
use crate::compile::Compiler;
use crate::expression::{Expression, Places};
use crate::flow::{Failure, Flow};
use crate::jsonpath::at_mut;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::message::Body;
use crate::value::Value;
use crate::xml::{Element, NodeId};

pub(super) const FOREACH: Mediator =
    Mediator { name: "foreach", summary: "Runs mediators on each part and puts the results back.", compile };

const PARTS: usize = 10_000;

#[derive(Debug)]
struct ForEach {
    id: String,
    expression: Expression,
    body: Branch,
    modern: bool,
    counter: Option<String>,
    update: bool,
    target: Option<String>,
    enclosing: Option<String>,
    xml: bool,
    discard: bool,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let modern = element.given("collection").is_some();
    let attribute = if modern { "collection" } else { "expression" };
    let expression = compiler.required(element, attribute).and_then(|text| compiler.expression(element, &text));
    let body = match (element.given("sequence"), element.child("sequence")) {
        (Some(key), _) => Branch::Key(compiler.value(element, key)?),
        (None, Some(child)) => Branch::compile(compiler, child)?,
        (None, None) => {
            compiler.fault(element, "the sequence is missing", "add a sequence element");
            return None;
        }
    };
    let variable = |name: &str| element.given(name).map(str::to_owned);
    let content_type = variable("result-content-type").unwrap_or_default().to_ascii_uppercase();
    Some(Box::new(ForEach {
        id: element.given("id").unwrap_or_default().to_owned(),
        expression: expression?,
        body,
        modern,
        counter: variable("counter-variable"),
        update: compiler.flag(element, "update-original", true),
        target: variable("target-variable").or_else(|| variable("result-target")),
        enclosing: variable("result-enclosing-element"),
        xml: content_type == "XML",
        discard: compiler.flag(element, "continue-without-aggregation", false),
    }))
}

impl ForEach {
    async fn each(&self, flow: &mut Flow) -> Outcome {
        let parts = self.expression.items(flow)?;
        if parts.len() > PARTS {
            return Err(Failure::new(format!("the message has more than {PARTS} parts")));
        }
        let prefix = if self.id.is_empty() { String::new() } else { format!("{}_", self.id) };
        if !self.modern {
            let original = Value::Xml(flow.message.envelope()?);
            flow.properties.insert(format!("{prefix}FOREACH_ORIGINAL_MESSAGE"), original);
        }
        let mut results = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let counter = Value::Integer(i64::try_from(index).unwrap_or(i64::MAX));
            if self.modern {
                if let Some(name) = &self.counter {
                    flow.variables.insert(name.clone(), counter);
                }
            } else {
                flow.properties.insert(format!("{prefix}FOREACH_COUNTER"), counter);
            }
            let mut branch = flow.branch()?;
            enrich::set_body(&mut branch, part)?;
            let outcome = match self.body.run(&mut branch) {
                Running::Ready(outcome) => outcome?,
                Running::Waiting(future) => future.await?,
            };
            if let Next::Fork(more) = outcome {
                branch = more.into_iter().next_back().unwrap_or(branch);
            }
            results.push(enrich::read(&enrich::Source::Body, &mut branch)?);
            // Properties of one turn are seen by the next, as in Synapse, where there is one message.
            if !self.modern {
                flow.properties = branch.properties;
                flow.operation = branch.operation;
            }
            flow.variables = branch.variables;
        }
        self.put_back(flow, results)?;
        if !self.modern {
            let count = Value::Integer(i64::try_from(parts.len()).unwrap_or(i64::MAX));
            flow.properties.insert(format!("{prefix}FOREACH_COUNTER"), count);
        }
        Ok(Next::Continue)
    }

    fn put_back(&self, flow: &mut Flow, results: Vec<Value>) -> Result<(), Failure> {
        if self.discard {
            return Ok(());
        }
        if self.modern && (!self.update || self.target.is_some()) {
            let collected = collect_results(results, self.xml, self.enclosing.as_deref());
            return match &self.target {
                Some(name) if name != "body" => {
                    flow.variables.insert(name.clone(), collected);
                    Ok(())
                }
                _ => enrich::set_body(flow, &collected),
            };
        }
        if let Some(name) = self.expression.variable() {
            let list = Json::Array(results.iter().map(Value::as_json).collect());
            flow.variables.insert(name.to_owned(), Value::Json(Arc::new(list)));
            return Ok(());
        }
        match self.expression.places(flow)? {
            Places::Json(places) => {
                let mut root = (*flow.message.json()?).clone();
                let items: Vec<Json> = results.iter().map(Value::as_json).collect();
                match places.as_slice() {
                    [place] => {
                        if let Some(at) = at_mut(&mut root, place) {
                            *at = Json::Array(items);
                        }
                    }
                    many => {
                        for (place, item) in many.iter().zip(items) {
                            if let Some(at) = at_mut(&mut root, place) {
                                *at = item;
                            }
                        }
                    }
                }
                flow.message.set_body(Body::from_json(root));
            }
            Places::Xml(nodes) => {
                let envelope = flow.message.envelope_mut()?;
                for ((id, _), result) in nodes.iter().zip(results) {
                    if let (Value::Xml(document), Some(parent)) = (result, envelope.parent(*id)) {
                        envelope.insert_copy(parent, Some(*id), &document, NodeId::DOCUMENT);
                        envelope.detach(*id);
                    }
                }
                envelope.compact();
            }
        }
        Ok(())
    }
}

impl Run for ForEach {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.each(flow))
    }
}
