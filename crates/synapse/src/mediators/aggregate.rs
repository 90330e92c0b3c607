//! `aggregate`

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::clone::sequence_property;
use crate::compile::Compiler;
use crate::engine::Exchange;
use crate::expression::{Expression, Template, as_element};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running, Sequence};
use crate::message::Body;
use crate::soap;
use crate::value::Value;
use crate::xml::{Document, Element, Name, NodeId};

pub(super) const AGGREGATE: Mediator =
    Mediator { name: "aggregate", summary: "Collects the parts of a message into one.", compile };

/// Messages of one aggregate.
const MESSAGES: usize = 10_000;

/// Messages that wait for others.
pub(crate) struct Collecting {
    messages: Vec<Flow>,
    done: bool,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    id: String,
    correlate: Option<Expression>,
    timeout: Option<Duration>,
    least: Option<Template>,
    most: Option<Template>,
    expression: Expression,
    enclosing: Option<String>,
    array: Option<String>,
    sequence: Option<Arc<Sequence>>,
    key: Option<String>,
}

#[derive(Debug)]
struct Aggregate(Arc<Plan>);

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let correlate = match element.child("correlateOn") {
        Some(child) => Some(compiler.required(child, "expression").and_then(|text| compiler.expression(child, &text))?),
        None => None,
    };
    let (mut timeout, mut least, mut most) = (None, None, None);
    if let Some(condition) = element.child("completeCondition") {
        if let Some(text) = condition.given("timeout") {
            timeout =
                compiler.number::<f64>(condition, "timeout", text).and_then(|s| Duration::try_from_secs_f64(s).ok());
        }
        if let Some(count) = condition.child("messageCount") {
            let mut bound = |name: &str| {
                let text = count.given(name)?.to_owned();
                if !text.contains(['{', '$']) {
                    compiler.number::<i64>(count, name, &text)?;
                }
                compiler.value(count, &text)
            };
            (least, most) = (bound("min"), bound("max"));
        }
    }
    let Some(complete) = element.child("onComplete") else {
        compiler.fault(element, "onComplete is missing", "");
        return None;
    };
    let expression = compiler.required(complete, "expression").and_then(|text| compiler.expression(complete, &text));
    let key = complete.given("sequence").map(str::to_owned);
    let sequence = if key.is_none() && complete.children().next().is_some() {
        Some(Arc::new(compiler.sequence(complete)))
    } else {
        None
    };
    Some(Box::new(Aggregate(Arc::new(Plan {
        id: element.given("id").unwrap_or_default().to_owned(),
        correlate,
        timeout,
        least,
        most,
        expression: expression?,
        enclosing: complete.given("enclosingElementProperty").map(str::to_owned),
        array: complete.given("aggregateElementType").map(str::to_owned),
        sequence,
        key,
    }))))
}

fn count(bound: Option<&Template>, flow: &mut Flow) -> Result<Option<usize>, Failure> {
    let Some(bound) = bound else { return Ok(None) };
    let text = bound.text(flow)?;
    let number: f64 =
        text.trim().parse().map_err(|_| Failure::new(format!("the message count {text:?} is not a number")))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bound below one means: no bound")]
    Ok((number >= 1.0).then_some(number as usize))
}

impl Aggregate {
    async fn collect(&self, flow: &mut Flow) -> Outcome {
        let plan = &self.0;
        let least = count(plan.least.as_ref(), flow)?;
        let most = count(plan.most.as_ref(), flow)?;
        let key = self.key(flow)?;
        let exchange = Arc::clone(&flow.exchange);
        let messages = {
            let mut aggregates = exchange.aggregates.lock().map_err(|_| Failure::new("the exchange has ended"))?;
            let entry = aggregates.entry(key).or_insert_with(|| Collecting {
                messages: Vec::new(),
                done: false,
                plan: Arc::clone(plan),
            });
            if entry.done {
                return Ok(Next::Stop);
            }
            if entry.messages.len() >= MESSAGES {
                return Err(Failure::new(format!("an aggregate holds {MESSAGES} messages at most")));
            }
            entry.messages.push(flow.clone());
            let have = entry.messages.len();
            let all = total(flow, &plan.id).is_some_and(|total| have >= total);
            let enough = least.is_some_and(|least| have >= least) || most.is_some_and(|most| have >= most);
            if !all && !enough {
                return Ok(Next::Stop);
            }
            entry.done = true;
            std::mem::take(&mut entry.messages)
        };
        *flow = plan.complete(messages)?;
        plan.run(flow).await
    }

    fn key(&self, flow: &mut Flow) -> Result<String, Failure> {
        let correlated = match &self.0.correlate {
            Some(expression) => expression.text(flow)?,
            None => flow.properties.get("aggregateCorrelation").map(Value::as_text).unwrap_or_default(),
        };
        // The address of the plan tells aggregates without an id apart.
        Ok(format!("{:p}|{correlated}", Arc::as_ptr(&self.0)))
    }
}

/// How many parts the message was split into.
fn total(flow: &Flow, id: &str) -> Option<usize> {
    let value = flow.properties.get(&sequence_property(id))?.as_text();
    value.split_once('/')?.1.parse().ok()
}

impl Plan {
    /// Makes one message of many.
    fn complete(&self, mut messages: Vec<Flow>) -> Result<Flow, Failure> {
        let number = |flow: &Flow| {
            let value = flow.properties.get(&sequence_property(&self.id)).map(Value::as_text).unwrap_or_default();
            value.split_once('/').and_then(|(number, _)| number.parse::<usize>().ok()).unwrap_or(usize::MAX)
        };
        messages.sort_by_key(number);
        let mut rest = messages.into_iter();
        let Some(mut result) = rest.next() else { return Err(Failure::new("there is nothing to aggregate")) };
        let mut all = vec![result.clone()];
        all.extend(rest);
        if self.is_json(&mut result)? {
            let mut items = Vec::new();
            for flow in &mut all {
                match self.expression.value(flow)?.as_json() {
                    Json::Null => {}
                    item => items.push(item),
                }
            }
            let json = match self.enclosing_name(&result) {
                Some(name) => Json::Object(Map::from_iter([(name, Json::Array(items))])),
                None if self.array.as_deref() == Some("root") || all.len() > 1 => Json::Array(items),
                None => items.pop().unwrap_or_default(),
            };
            result.message.set_body(Body::from_json(json));
        } else {
            self.merge_xml(&mut result, &mut all)?;
        }
        for name in [sequence_property(&self.id), "aggregateCorrelation".to_owned()] {
            result.properties.remove(&name);
        }
        Ok(result)
    }

    fn is_json(&self, flow: &mut Flow) -> Result<bool, Failure> {
        let json = matches!(flow.message.build()?, Body::Json(_));
        Ok(json && !self.expression.is_xpath())
    }

    fn enclosing_name(&self, flow: &Flow) -> Option<String> {
        let value = flow.properties.get(self.enclosing.as_deref()?)?;
        match value {
            Value::Xml(document) => document.root().map(|root| document.local_name(root).to_owned()),
            other => Some(other.as_text()).filter(|text| !text.is_empty()),
        }
    }

    /// Puts what the expression selects in every message behind the one that it selects in the first.
    fn merge_xml(&self, result: &mut Flow, all: &mut [Flow]) -> Result<(), Failure> {
        let mut pieces: Vec<Arc<Document>> = Vec::new();
        for flow in all.iter_mut() {
            for item in self.expression.items(flow)? {
                pieces.push(as_element(&item, "text"));
            }
        }
        if let Some(enclosing) = &self.enclosing {
            let mut document = match result.properties.get(enclosing) {
                Some(Value::Xml(document)) => (**document).clone(),
                Some(other) => Document::with_root(Name::local(&other.as_text())),
                None => {
                    return Err(Failure::new(format!("the property {enclosing} for the enclosing element is not set")));
                }
            };
            if let Some(root) = document.root() {
                for piece in &pieces {
                    document.append_copy(root, piece, NodeId::DOCUMENT);
                }
            }
            document.compact();
            return Ok(result.message.set_xml_payload(&document)?);
        }
        let places = match self.expression.places(result) {
            Ok(crate::expression::Places::Xml(nodes)) => nodes,
            _ => Vec::new(),
        };
        let kept = places.len();
        let envelope = result.message.envelope_mut()?;
        let parent = places
            .first()
            .and_then(|(id, _)| envelope.parent(*id))
            .filter(|parent| *parent != NodeId::DOCUMENT)
            .or_else(|| soap::body_of(envelope));
        if let Some(parent) = parent {
            for piece in pieces.iter().skip(kept) {
                envelope.append_copy(parent, piece, NodeId::DOCUMENT);
            }
        }
        envelope.compact();
        Ok(())
    }

    async fn run(&self, flow: &mut Flow) -> Outcome {
        let sequence = self.sequence(flow)?;
        match sequence {
            Some(sequence) => sequence.run(flow).await,
            None => Ok(Next::Continue),
        }
    }

    fn sequence(&self, flow: &Flow) -> Result<Option<Arc<Sequence>>, Failure> {
        match (&self.sequence, &self.key) {
            (Some(sequence), _) => Ok(Some(Arc::clone(sequence))),
            (None, Some(key)) => match flow.exchange.configuration.sequence(key) {
                Some(found) => Ok(Some(found)),
                None => Err(Failure::new(format!("the sequence {key} is not deployed"))),
            },
            (None, None) => Ok(None),
        }
    }
}

/// Aggregates that nothing more can complete: with a timeout they end with what they have, as if it had passed.
pub(crate) fn overdue(exchange: &Exchange) -> Vec<(Flow, Option<Arc<Sequence>>)> {
    let Ok(mut aggregates) = exchange.aggregates.lock() else { return Vec::new() };
    let mut out = Vec::new();
    for collecting in aggregates.values_mut() {
        if collecting.done || collecting.messages.is_empty() || collecting.plan.timeout.is_none() {
            continue;
        }
        collecting.done = true;
        if let Ok(flow) = collecting.plan.complete(std::mem::take(&mut collecting.messages)) {
            let sequence = collecting.plan.sequence(&flow).ok().flatten();
            out.push((flow, sequence));
        }
    }
    out
}

impl Run for Aggregate {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.collect(flow))
    }
}
