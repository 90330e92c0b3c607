//! `respond`

use crate::compile::Compiler;
use crate::flow::Flow;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::xml::Element;

pub(super) const RESPOND: Mediator =
    Mediator { name: "respond", summary: "Sends the message back to the client.", compile };

#[derive(Debug)]
struct Respond;

fn compile(_: &mut Compiler, _: Element<'_>) -> Option<Boxed> {
    Some(Box::new(Respond))
}

impl Run for Respond {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::Ready(crate::engine::answer(flow))
    }
}
