//! `scatter-gather`

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value as Json};

use super::enrich;
use super::filter::Branch;
use crate::compile::Compiler;
use crate::expression::{Expression, as_element};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::value::Value;
use crate::xml::{Document, Element, Name, NodeId};

pub(super) const SCATTER_GATHER: Mediator =
    Mediator { name: "scatter-gather", summary: "Runs sequences side by side and joins their results.", compile };

#[derive(Debug)]
struct ScatterGather {
    parallel: bool,
    variable: Option<String>,
    xml: bool,
    enclosing: Option<String>,
    expression: Expression,
    condition: Option<Expression>,
    least: usize,
    most: usize,
    branches: Vec<Branch>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let target = element.given("target").or_else(|| element.given("result-target")).unwrap_or("body");
    let variable = if target.eq_ignore_ascii_case("body") {
        None
    } else {
        let name = element.given("target-variable").or_else(|| element.given("result-target")).unwrap_or(target);
        Some(name.to_owned())
    };
    let Some(aggregation) = element.child("aggregation") else {
        compiler.fault(element, "aggregation is missing", "");
        return None;
    };
    let expression =
        compiler.required(aggregation, "expression").and_then(|text| compiler.expression(aggregation, &text));
    let condition = match aggregation.given("condition") {
        Some(text) => Some(compiler.expression(aggregation, text)?),
        None => None,
    };
    let mut bound = |name: &str, otherwise: usize| match aggregation.given(name) {
        Some(text) => {
            compiler.number::<i64>(aggregation, name, text).and_then(|n| usize::try_from(n).ok()).unwrap_or(otherwise)
        }
        None => otherwise,
    };
    let (least, most) = (bound("min-messages", 0), bound("max-messages", usize::MAX));
    let branches: Vec<Branch> =
        element.children_named("sequence").filter_map(|child| Branch::compile(compiler, child)).collect();
    if branches.is_empty() {
        compiler.fault(element, "there is no sequence", "add sequence elements");
    }
    Some(Box::new(ScatterGather {
        parallel: compiler.flag(element, "parallel-execution", true),
        variable,
        xml: element.given("result-content-type").is_some_and(|text| text.eq_ignore_ascii_case("xml")),
        enclosing: element.given("result-enclosing-element").map(str::to_owned),
        expression: expression?,
        condition,
        least,
        most,
        branches,
    }))
}

async fn one(branch: &Branch, mut flow: Flow) -> Result<Flow, Failure> {
    let outcome = match branch.run(&mut flow) {
        Running::Ready(outcome) => outcome,
        Running::Waiting(future) => future.await,
    };
    match outcome? {
        Next::Fork(more) => Ok(more.into_iter().next_back().unwrap_or(flow)),
        _ => Ok(flow),
    }
}

impl ScatterGather {
    async fn scatter(&self, flow: &mut Flow) -> Outcome {
        let mut done = Vec::new();
        if self.parallel {
            let copies: Result<Vec<_>, Failure> =
                self.branches.iter().map(|branch| Ok(Box::pin(one(branch, flow.branch()?)))).collect();
            done = join_all(copies?).await;
        } else {
            for branch in &self.branches {
                done.push(Box::pin(one(branch, flow.branch()?)).await);
            }
        }
        let mut results = Vec::new();
        let mut failed = None;
        for branch in done {
            let mut branch = match branch {
                Ok(branch) => branch,
                Err(failure) => {
                    flow.host()
                        .log(crate::host::Level::Error, format!("a sequence of scatter-gather failed: {failure}"));
                    failed = Some(failure);
                    continue;
                }
            };
            let wanted = match &self.condition {
                Some(condition) => condition.boolean(&mut branch)?,
                None => true,
            };
            if wanted && results.len() < self.most {
                results.push(self.expression.value(&mut branch)?);
            }
        }
        if let Some(failure) = failed.filter(|_| results.len() < self.least.max(1)) {
            return Err(failure);
        }
        let collected = collect_results(results, self.xml, self.enclosing.as_deref());
        match &self.variable {
            Some(name) => {
                flow.variables.insert(name.clone(), collected);
            }
            None => {
                enrich::set_body(flow, &collected)?;
                let message_type = if self.xml { "application/xml" } else { "application/json" };
                flow.axis2.insert("messageType".to_owned(), Value::text(message_type));
            }
        }
        flow.resumed = true;
        Ok(Next::Continue)
    }
}

/// Joins results to a JSON list, or to XML in an enclosing element.
pub(super) fn collect_results(results: Vec<Value>, xml: bool, enclosing: Option<&str>) -> Value {
    if xml {
        let mut document = Document::with_root(Name::local(enclosing.unwrap_or("results")));
        if let Some(root) = document.root() {
            for result in &results {
                document.append_copy(root, &as_element(result, "result"), NodeId::DOCUMENT);
            }
        }
        document.compact();
        return Value::Xml(Arc::new(document));
    }
    let list = Json::Array(results.iter().map(Value::as_json).collect());
    Value::Json(Arc::new(match enclosing {
        Some(name) => Json::Object(Map::from_iter([(name.to_owned(), list)])),
        None => list,
    }))
}

impl Run for ScatterGather {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.scatter(flow))
    }
}
