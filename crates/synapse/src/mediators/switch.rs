//! `switch`

use super::filter::Branch;
use crate::compile::Compiler;
use crate::expression::Expression;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Run, Running};
use crate::pattern::Pattern;
use crate::xml::Element;

pub(super) const SWITCH: Mediator =
    Mediator { name: "switch", summary: "Runs the first case whose pattern matches.", compile };

#[derive(Debug)]
struct Switch {
    source: Expression,
    cases: Vec<(Pattern, Branch)>,
    otherwise: Option<Branch>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let source = compiler.required(element, "source").and_then(|text| compiler.expression(element, &text));
    let mut cases = Vec::new();
    let mut otherwise = None;
    for child in element.children() {
        match child.name() {
            "case" => {
                let pattern = match child.attribute("regex") {
                    Some(regex) => compiler.pattern(child, regex),
                    None => {
                        compiler.fault(child, "the attribute regex is missing", "");
                        None
                    }
                };
                cases.extend(pattern.zip(Branch::compile(compiler, child)));
            }
            "default" => otherwise = Branch::compile(compiler, child),
            "description" => {}
            other => compiler.fault(child, format!("{other} is not part of switch"), "case and default"),
        }
    }
    Some(Box::new(Switch { source: source?, cases, otherwise }))
}

impl Switch {
    fn choose(&self, flow: &mut Flow) -> Result<Option<&Branch>, Failure> {
        let text = self.source.text(flow)?;
        for (pattern, branch) in &self.cases {
            if pattern.matches(&text).map_err(Failure::new)? {
                return Ok(Some(branch));
            }
        }
        Ok(self.otherwise.as_ref())
    }
}

impl Run for Switch {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self.choose(flow) {
            Err(failure) => Running::Ready(Err(failure)),
            Ok(Some(branch)) => branch.run(flow),
            Ok(None) => Running::Ready(Ok(Next::Continue)),
        }
    }
}
