//! `sequence`: a call by key, or mediators in a group.

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running, Sequence};
use crate::xml::Element;

pub(super) const SEQUENCE: Mediator = Mediator { name: "sequence", summary: "Runs a sequence.", compile };

#[derive(Debug)]
enum Call {
    Key(Template),
    Inline(Sequence),
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    Some(Box::new(match element.given("key") {
        Some(key) => Call::Key(compiler.value(element, key)?),
        None => Call::Inline(compiler.sequence(element)),
    }))
}

impl Run for Call {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self {
            Self::Inline(sequence) => Running::Waiting(sequence.run(flow)),
            Self::Key(key) => Running::waiting(async move {
                let name = key.text(flow)?;
                let Some(found) = flow.exchange.configuration.sequence(name.trim()) else {
                    return Err(Failure::new(format!("the sequence {name} is not deployed")));
                };
                found.run(flow).await
            }),
        }
    }
}
