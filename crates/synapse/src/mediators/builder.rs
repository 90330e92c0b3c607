//! `builder`

use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::xml::Element;

pub(super) const BUILDER: Mediator = Mediator { name: "builder", summary: "Reads the body at this place.", compile };

#[derive(Debug)]
struct Builder;

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    for child in element.children_named("messageBuilder") {
        let class = child.given("class").unwrap_or_default();
        if !["org.apache.axis2.", "org.apache.synapse.", "org.wso2."].iter().any(|known| class.starts_with(known)) {
            compiler.fault(
                child,
                format!("the message builder {class} is a Java class and cannot be run"),
                "bodies are read by their content type",
            );
        }
    }
    Some(Box::new(Builder))
}

impl Run for Builder {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(flow.message.build().map(|_| ()).map_err(Failure::from))
    }
}
