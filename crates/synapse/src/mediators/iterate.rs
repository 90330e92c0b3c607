//! `iterate`

use super::clone::{Target, branch_of, run_all};
use super::enrich;
use crate::compile::Compiler;
use crate::expression::{Expression, Places};
use crate::flow::{Failure, Flow};
use crate::jsonpath::at_mut;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::message::Body;
use crate::value::Value;
use crate::xml::{Element, NodeId};

pub(super) const ITERATE: Mediator =
    Mediator { name: "iterate", summary: "Runs a target on each part of the message.", compile };

/// Parts of one message.
const PARTS: usize = 10_000;

#[derive(Debug)]
struct Iterate {
    id: String,
    expression: Expression,
    attach: Option<Expression>,
    preserve: bool,
    sequential: bool,
    continue_parent: bool,
    target: Target,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let expression = compiler.required(element, "expression").and_then(|text| compiler.expression(element, &text));
    let attach = match element.given("attachPath") {
        Some(text) => Some(compiler.expression(element, text)?),
        None => None,
    };
    let preserve = compiler.flag(element, "preservePayload", false);
    let Some(target) = element.child("target") else {
        compiler.fault(element, "the target is missing", "add a target element");
        return None;
    };
    Some(Box::new(Iterate {
        id: element.given("id").unwrap_or_default().to_owned(),
        expression: expression?,
        attach,
        preserve,
        sequential: compiler.flag(element, "sequential", false),
        continue_parent: compiler.flag(element, "continueParent", false),
        target: Target::compile(compiler, target)?,
    }))
}

impl Iterate {
    async fn split(&self, flow: &mut Flow) -> Outcome {
        let parts = self.expression.items(flow)?;
        if parts.is_empty() {
            return Ok(Next::Continue);
        }
        if parts.len() > PARTS {
            return Err(Failure::new(format!("the message has more than {PARTS} parts")));
        }
        let total = parts.len();
        let base = if self.preserve { Some(self.without_parts(flow)?) } else { None };
        let mut branches = Vec::with_capacity(total);
        for (index, part) in parts.iter().enumerate() {
            let mut branch = branch_of(flow, &self.id, index, total)?;
            match &base {
                None => enrich::set_body(&mut branch, part)?,
                Some(base) => {
                    branch.message = base.message.clone();
                    self.attach(&mut branch, part)?;
                }
            }
            branches.push((branch, &self.target));
        }
        run_all(flow, branches, self.sequential, self.continue_parent).await
    }

    /// The message without the parts, to which each branch gets one.
    fn without_parts(&self, flow: &mut Flow) -> Result<Flow, Failure> {
        let mut base = flow.clone();
        match self.expression.places(flow)? {
            Places::Xml(nodes) => {
                let envelope = base.message.envelope_mut()?;
                nodes.iter().for_each(|(id, _)| envelope.detach(*id));
                envelope.compact();
            }
            Places::Json(_) => {}
        }
        Ok(base)
    }

    fn attach(&self, branch: &mut Flow, part: &Value) -> Result<(), Failure> {
        let places = match &self.attach {
            Some(attach) => attach.places(branch)?,
            None => Places::Xml(Vec::new()),
        };
        match (places, part) {
            (Places::Xml(nodes), Value::Xml(document)) => {
                let envelope = branch.message.envelope_mut()?;
                let at = nodes.first().map(|(id, _)| *id).or_else(|| crate::soap::body_of(envelope));
                if let Some(at) = at {
                    envelope.append_copy(at, document, NodeId::DOCUMENT);
                    envelope.compact();
                }
            }
            (Places::Json(places), part) => {
                let mut root = (*branch.message.json()?).clone();
                if let Some(at) = places.first().and_then(|place| at_mut(&mut root, place)) {
                    *at = part.as_json();
                }
                branch.message.set_body(Body::from_json(root));
            }
            (Places::Xml(_), part) => enrich::set_body(branch, part)?,
        }
        Ok(())
    }
}

impl Run for Iterate {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.split(flow))
    }
}
