//! `propertyGroup`

use crate::compile::Compiler;
use crate::flow::Flow;
use crate::mediator::{Boxed, Mediator, Run, Running, Step, run_steps};
use crate::xml::Element;

pub(super) const PROPERTY_GROUP: Mediator =
    Mediator { name: "propertyGroup", summary: "Sets several properties.", compile };

#[derive(Debug)]
struct PropertyGroup(Vec<Step>);

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    for child in element.children() {
        if child.name() != "property" {
            compiler.fault(child, "a propertyGroup holds property elements only", "");
        }
    }
    Some(Box::new(PropertyGroup(compiler.steps(element))))
}

impl Run for PropertyGroup {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::Waiting(run_steps(&self.0, flow))
    }
}
