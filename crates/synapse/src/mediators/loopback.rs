//! `loopback`

use crate::compile::Compiler;
use crate::flow::Flow;
use crate::mediator::{Boxed, Mediator, Next, Run, Running};
use crate::xml::Element;

pub(super) const LOOPBACK: Mediator = Mediator { name: "loopback", summary: "Goes on with the out sequence.", compile };

#[derive(Debug)]
struct Loopback;

fn compile(_: &mut Compiler, _: Element<'_>) -> Option<Boxed> {
    Some(Box::new(Loopback))
}

impl Run for Loopback {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(async move {
            flow.response = true;
            crate::engine::out_path(flow).await?;
            Ok(Next::Stop)
        })
    }
}
