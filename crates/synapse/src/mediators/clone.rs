//! `clone`

use std::sync::Arc;

use futures_util::future::join_all;

use crate::compile::Compiler;
use crate::endpoint::{Member, inline_or_key};
use crate::engine::{Job, Work};
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::host::Waiting;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running, Sequence};
use crate::value::Value;
use crate::xml::Element;

pub(super) const CLONE: Mediator =
    Mediator { name: "clone", summary: "Runs several targets on copies of the message.", compile };

/// What is done with a copy or a part of a message.
#[derive(Debug)]
pub(super) struct Target {
    to: Option<Template>,
    action: Option<String>,
    sequence: Option<SequenceRef>,
    endpoint: Option<Arc<Member>>,
}

#[derive(Debug)]
enum SequenceRef {
    Key(Template),
    Inline(Arc<Sequence>),
}

impl Target {
    pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Self> {
        let sequence = match (element.given("sequence"), element.child("sequence")) {
            (Some(key), _) => Some(SequenceRef::Key(compiler.value(element, key)?)),
            (None, Some(child)) => Some(match child.given("key") {
                Some(key) => SequenceRef::Key(compiler.value(child, key)?),
                None => SequenceRef::Inline(Arc::new(compiler.sequence(child))),
            }),
            (None, None) => None,
        };
        let endpoint = match (element.given("endpoint"), element.child("endpoint")) {
            (Some(key), _) => Some(Arc::new(Member::Key(compiler.value(element, key)?))),
            (None, Some(child)) => Some(Arc::new(inline_or_key(compiler, child)?)),
            (None, None) => None,
        };
        if sequence.is_none() && endpoint.is_none() && element.given("to").is_none() {
            compiler.fault(element, "the target names nothing to do", "give a sequence or an endpoint");
        }
        let to = match element.given("to") {
            Some(text) => Some(compiler.value(element, text)?),
            None => None,
        };
        Some(Self { to, action: element.given("soapAction").map(str::to_owned), sequence, endpoint })
    }

    /// Runs the target on a branch. What Synapse sends from a branch is sent after the sequence.
    pub(super) async fn run(&self, flow: &mut Flow) -> Outcome {
        flow.resumed = false;
        if let Some(to) = &self.to {
            let to = to.text(flow)?;
            flow.set_addressing("To", Some(to));
        }
        if let Some(action) = &self.action {
            flow.set_addressing("Action", Some(action.clone()));
        }
        let outcome = match &self.sequence {
            None => Next::Continue,
            Some(SequenceRef::Inline(sequence)) => sequence.run(flow).await?,
            Some(SequenceRef::Key(key)) => {
                let name = key.text(flow)?;
                let Some(found) = flow.exchange.configuration.sequence(name.trim()) else {
                    return Err(Failure::new(format!("the sequence {name} is not deployed")));
                };
                found.run(flow).await?
            }
        };
        if self.endpoint.is_some() && matches!(outcome, Next::Continue) {
            let job = Job { flow: flow.clone(), work: Work::Send { target: self.endpoint.clone(), receive: None } };
            flow.exchange.later(job)?;
            return Ok(Next::Stop);
        }
        Ok(outcome)
    }
}

#[derive(Debug)]
struct Clone {
    id: String,
    targets: Vec<Target>,
    sequential: bool,
    continue_parent: bool,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let targets = element.children_named("target").filter_map(|child| Target::compile(compiler, child)).collect();
    Some(Box::new(Clone {
        id: element.given("id").unwrap_or_default().to_owned(),
        targets,
        sequential: compiler.flag(element, "sequential", false),
        continue_parent: compiler.flag(element, "continueParent", false),
    }))
}

impl Clone {
    async fn split(&self, flow: &mut Flow) -> Outcome {
        let total = self.targets.len();
        let mut branches = Vec::new();
        for (index, target) in self.targets.iter().enumerate() {
            branches.push((branch_of(flow, &self.id, index, total)?, target));
        }
        run_all(flow, branches, self.sequential, self.continue_parent).await
    }
}

/// A copy of the flow that knows its number, for aggregates.
///
/// # Errors
/// No steps are left.
pub(super) fn branch_of(flow: &Flow, id: &str, index: usize, total: usize) -> Result<Flow, Failure> {
    let mut branch = flow.branch()?;
    branch.properties.insert(sequence_property(id), Value::text(format!("{index}/{total}")));
    branch.properties.insert("aggregateCorrelation".to_owned(), correlation(flow, id));
    Ok(branch)
}

fn correlation(flow: &Flow, id: &str) -> Value {
    let outer = flow.properties.get("aggregateCorrelation").map(Value::as_text).unwrap_or_default();
    let number = flow.properties.get("messageSequence").map(Value::as_text).unwrap_or_default();
    Value::text(format!("{outer}/{id}#{number}"))
}

/// The property that says which of how many parts this is.
pub(super) fn sequence_property(id: &str) -> String {
    if id.is_empty() { "messageSequence".to_owned() } else { format!("messageSequence_{id}") }
}

fn run_one<'a>((mut branch, target): (Flow, &'a Target)) -> Waiting<'a, (Flow, Outcome)> {
    Box::pin(async move {
        let outcome = target.run(&mut branch).await;
        (branch, outcome)
    })
}

/// Runs branches; those that came back from a call go on behind the mediator.
pub(super) async fn run_all(
    flow: &mut Flow,
    branches: Vec<(Flow, &Target)>,
    sequential: bool,
    continue_parent: bool,
) -> Outcome {
    let mut survivors = Vec::new();
    let mut done = Vec::new();
    if sequential {
        for branch in branches {
            done.push(run_one(branch).await);
        }
    } else {
        done = join_all(branches.into_iter().map(run_one)).await;
    }
    for (mut branch, outcome) in done {
        match outcome {
            Ok(Next::Continue) if branch.resumed => survivors.push(branch),
            Ok(Next::Fork(more)) => survivors.extend(more),
            Ok(Next::Continue | Next::Stop) => {}
            // One failing part does not take the others with it.
            Err(failure) => Box::pin(crate::engine::fail(failure, &mut branch)).await,
        }
    }
    if continue_parent {
        if survivors.is_empty() {
            return Ok(Next::Continue);
        }
        survivors.push(flow.clone());
    }
    Ok(if survivors.is_empty() { Next::Stop } else { Next::Fork(survivors) })
}

impl Run for Clone {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.split(flow))
    }
}
