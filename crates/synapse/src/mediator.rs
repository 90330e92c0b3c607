//! What mediators are, and how a sequence of them runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::host::Waiting;
use crate::xml::Element;

/// What follows a mediator.
#[derive(Debug)]
pub(crate) enum Next {
    /// The next mediator.
    Continue,
    /// Nothing: this branch ends here.
    Stop,
    /// These branches go on instead of the message that came.
    Fork(Vec<Flow>),
}

/// The outcome of a mediator.
pub(crate) type Outcome = Result<Next, Failure>;

/// A mediator that has run, or waits for the host.
pub(crate) enum Running<'a> {
    Ready(Outcome),
    Waiting(Waiting<'a, Outcome>),
}

impl<'a> Running<'a> {
    /// Done, and the next mediator follows, unless it failed.
    pub(crate) fn done(result: Result<(), Failure>) -> Self {
        Self::Ready(result.map(|()| Next::Continue))
    }

    pub(crate) fn waiting(future: impl Future<Output = Outcome> + Send + 'a) -> Self {
        Self::Waiting(Box::pin(future))
    }
}

/// A compiled mediator.
pub(crate) trait Run: Send + Sync + fmt::Debug {
    /// Works on the flow.
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a>;
}

/// A compiled mediator in a box.
pub(crate) type Boxed = Box<dyn Run>;

/// An entry of the catalogue.
pub(crate) struct Mediator {
    /// Name of the element.
    pub(crate) name: &'static str,
    /// One line for the reference.
    pub(crate) summary: &'static str,
    /// Compiles the element; faults go to the compiler.
    pub(crate) compile: fn(&mut Compiler, Element<'_>) -> Option<Boxed>,
}

/// A mediator of a sequence.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) run: Boxed,
    pub(crate) mediator: &'static str,
    pub(crate) line: u32,
}

/// Mediators in order, with what follows a failure.
#[derive(Debug, Default)]
pub struct Sequence {
    /// Name; empty for one inside of something else.
    pub name: String,
    pub(crate) on_error: Option<Template>,
    pub(crate) steps: Vec<Step>,
}

impl Sequence {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), on_error: None, steps: Vec::new() }
    }

    /// Number of mediators, those inside of others not counted.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True without mediators.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs the sequence; a failure goes to its error sequence, after which the branch ends.
    pub(crate) fn run<'a>(&'a self, flow: &'a mut Flow) -> Waiting<'a, Outcome> {
        Box::pin(async move {
            flow.enter()?;
            let outcome = run_steps(&self.steps, flow).await;
            let outcome = match (outcome, &self.on_error) {
                (Err(failure), Some(key)) => handle(key, failure, flow).await,
                (outcome, _) => outcome,
            };
            flow.leave();
            outcome
        })
    }
}

async fn handle(key: &Template, failure: Failure, flow: &mut Flow) -> Outcome {
    flow.set_error(&failure);
    let name = key.text(flow)?;
    let Some(handler) = flow.exchange.configuration.sequence(&name) else {
        return Err(Failure { detail: format!("the error sequence {name} is not deployed"), ..failure });
    };
    handler.run(flow).await?;
    Ok(Next::Stop)
}

/// Mediators after which the others get a turn.
const SLICE: u64 = 256;

/// Runs mediators in order.
pub(crate) fn run_steps<'a>(steps: &'a [Step], flow: &'a mut Flow) -> Waiting<'a, Outcome> {
    Box::pin(async move {
        for (index, step) in steps.iter().enumerate() {
            flow.spend(1)?;
            if flow.exchange.turn().is_multiple_of(SLICE) {
                TakeTurns(false).await;
            }
            let outcome = match step.run.run(flow) {
                Running::Ready(outcome) => outcome,
                Running::Waiting(future) => future.await,
            };
            let next = outcome.map_err(|failure| located(failure, step))?;
            match next {
                Next::Continue => {}
                Next::Stop => return Ok(Next::Stop),
                Next::Fork(branches) => {
                    let rest = steps.get(index + 1..).unwrap_or_default();
                    return run_branches(rest, branches).await;
                }
            }
        }
        Ok(Next::Continue)
    })
}

async fn run_branches(rest: &[Step], branches: Vec<Flow>) -> Outcome {
    let mut survivors = Vec::new();
    for mut branch in branches {
        match run_steps(rest, &mut branch).await? {
            Next::Continue => survivors.push(branch),
            Next::Fork(more) => survivors.extend(more),
            Next::Stop => {}
        }
    }
    Ok(if survivors.is_empty() { Next::Stop } else { Next::Fork(survivors) })
}

fn located(mut failure: Failure, step: &Step) -> Failure {
    if failure.at.is_empty() {
        failure.at = format!("{} in line {}", step.mediator, step.line);
    }
    failure
}

/// Lets other tasks run once, without a runtime.
struct TakeTurns(bool);

impl Future for TakeTurns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
