//! `router`

use super::clone::Target;
use crate::compile::Compiler;
use crate::expression::Expression;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::pattern::Pattern;
use crate::xml::Element;

pub(super) const ROUTER: Mediator =
    Mediator { name: "router", summary: "Runs the targets whose routes match.", compile };

#[derive(Debug)]
struct Route {
    expression: Expression,
    pattern: Option<Pattern>,
    target: Target,
    breaks: bool,
}

#[derive(Debug)]
struct Router {
    routes: Vec<Route>,
    continue_after: bool,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let mut routes = Vec::new();
    for child in element.children_named("route") {
        let expression = compiler.required(child, "expression").and_then(|text| compiler.expression(child, &text));
        let pattern = match child.given("match") {
            Some(text) => Some(compiler.pattern(child, text)?),
            None => None,
        };
        let Some(target) = child.child("target") else {
            compiler.fault(child, "the target is missing", "");
            continue;
        };
        let breaks = compiler.flag(child, "breakRouter", true);
        if let (Some(expression), Some(target)) = (expression, Target::compile(compiler, target)) {
            routes.push(Route { expression, pattern, target, breaks });
        }
    }
    Some(Box::new(Router { routes, continue_after: compiler.flag(element, "continueAfter", false) }))
}

impl Route {
    fn fits(&self, flow: &mut Flow) -> Result<bool, Failure> {
        match &self.pattern {
            Some(pattern) => {
                let text = self.expression.text(flow)?;
                pattern.matches(&text).map_err(Failure::new)
            }
            None => self.expression.boolean(flow),
        }
    }
}

impl Router {
    async fn route(&self, flow: &mut Flow) -> Outcome {
        for route in &self.routes {
            if route.fits(flow)? {
                let outcome = route.target.run(flow).await?;
                if route.breaks || !matches!(outcome, Next::Continue) {
                    return Ok(if self.continue_after { outcome } else { Next::Stop });
                }
            }
        }
        Ok(Next::Continue)
    }
}

impl Run for Router {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.route(flow))
    }
}
