//! `in`, `out`

use crate::compile::Compiler;
use crate::flow::Flow;
use crate::mediator::{Boxed, Mediator, Next, Run, Running, Step, run_steps};
use crate::xml::Element;

pub(super) const IN: Mediator = Mediator {
    name: "in",
    summary: "Runs its mediators for requests.",
    compile: |compiler, element| compile(compiler, element, false),
};
pub(super) const OUT: Mediator = Mediator {
    name: "out",
    summary: "Runs its mediators for responses.",
    compile: |compiler, element| compile(compiler, element, true),
};

#[derive(Debug)]
struct Direction {
    response: bool,
    steps: Vec<Step>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>, response: bool) -> Option<Boxed> {
    Some(Box::new(Direction { response, steps: compiler.steps(element) }))
}

impl Run for Direction {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        if flow.response != self.response {
            return Running::Ready(Ok(Next::Continue));
        }
        Running::Waiting(run_steps(&self.steps, flow))
    }
}
