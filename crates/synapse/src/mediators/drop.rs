//! `drop`

use crate::compile::Compiler;
use crate::flow::Flow;
use crate::mediator::{Boxed, Mediator, Next, Run, Running};
use crate::xml::Element;

pub(super) const DROP: Mediator = Mediator { name: "drop", summary: "Ends the flow.", compile };

#[derive(Debug)]
struct Drop;

fn compile(_: &mut Compiler, _: Element<'_>) -> Option<Boxed> {
    Some(Box::new(Drop))
}

impl Run for Drop {
    fn run<'a>(&'a self, _: &'a mut Flow) -> Running<'a> {
        Running::Ready(Ok(Next::Stop))
    }
}
