//! Patterns of `match`.

use crate::flow::Failure;
use crate::xml::{Document, NodeId};
use crate::xpath::{Axis, Evaluator, Expr, NodeRef, Operator, Start, Step, Test, passes};

/// Alternatives of one pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Path>);

#[derive(Clone, Debug)]
struct Path {
    from_root: bool,
    steps: Vec<Step>,
}

impl Pattern {
    pub(super) fn new(expr: Expr) -> Result<Self, String> {
        let mut paths = Vec::new();
        collect(expr, &mut paths)?;
        Ok(Self(paths))
    }

    /// `/`
    pub(super) fn root() -> Self {
        Self(vec![Path { from_root: true, steps: Vec::new() }])
    }

    /// One pattern for each alternative, since each has its own priority.
    pub(super) fn split(self) -> Vec<(Self, f64)> {
        let each = self.0.into_iter().map(|path| {
            let priority = priority(&path);
            (Self(vec![path]), priority)
        });
        each.collect()
    }

    pub(super) fn matches(&self, evaluator: &mut Evaluator<'_>, node: NodeRef) -> Result<bool, Failure> {
        for path in &self.0 {
            if path.matches(evaluator, node, path.steps.len())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn collect(expr: Expr, out: &mut Vec<Path>) -> Result<(), String> {
    match expr {
        Expr::Binary(Operator::Union, left, right) => {
            collect(*left, out)?;
            collect(*right, out)
        }
        Expr::Path { start: Start::Root, steps } => {
            out.push(Path { from_root: true, steps });
            Ok(())
        }
        Expr::Path { start: Start::Context, steps } => {
            out.push(Path { from_root: false, steps });
            Ok(())
        }
        _ => Err("a pattern is a path of child and attribute steps".to_owned()),
    }
}

fn priority(path: &Path) -> f64 {
    match path.steps.as_slice() {
        [step] if !path.from_root && step.predicates.is_empty() => match &step.test {
            Test::Name { .. } | Test::Instruction(Some(_)) => 0.0,
            Test::Namespace(_) => -0.25,
            _ => -0.5,
        },
        _ => 0.5,
    }
}

fn parent(document: &Document, node: NodeRef) -> Option<NodeRef> {
    let id = if node.attribute == 0 { document.parent(node.id)? } else { node.id };
    Some(NodeRef::node(node.document, id))
}

impl Path {
    /// True when the first `count` steps lead to the node.
    fn matches(&self, evaluator: &mut Evaluator<'_>, node: NodeRef, count: usize) -> Result<bool, Failure> {
        evaluator.environment.spend(1)?;
        let document = evaluator.document(node);
        let Some(step) = count.checked_sub(1).and_then(|index| self.steps.get(index)) else {
            return Ok(!self.from_root || node.attribute == 0 && node.id == NodeId::DOCUMENT);
        };
        let any_below = step.axis == Axis::DescendantOrSelf && step.test == Test::Node;
        if any_below {
            let mut at = Some(node);
            while let Some(candidate) = at {
                if self.matches(evaluator, candidate, count - 1)? {
                    return Ok(true);
                }
                at = parent(&document, candidate);
            }
            return Ok(false);
        }
        let is_attribute = node.attribute != 0;
        if is_attribute != (step.axis == Axis::Attribute) || !passes(&document, node, &step.test) {
            return Ok(false);
        }
        let Some(above) = parent(&document, node) else { return Ok(false) };
        if !step.predicates.is_empty() && !self.holds(evaluator, &document, node, above, step)? {
            return Ok(false);
        }
        if step.axis != Axis::Descendant {
            return self.matches(evaluator, above, count - 1);
        }
        let mut at = Some(above);
        while let Some(candidate) = at {
            if self.matches(evaluator, candidate, count - 1)? {
                return Ok(true);
            }
            at = parent(&document, candidate);
        }
        Ok(false)
    }

    fn holds(
        &self,
        evaluator: &mut Evaluator<'_>,
        document: &Document,
        node: NodeRef,
        above: NodeRef,
        step: &Step,
    ) -> Result<bool, Failure> {
        let mut siblings: Vec<NodeRef> = if node.attribute == 0 {
            document.children(above.id).map(|id| NodeRef::node(node.document, id)).collect()
        } else {
            vec![node]
        };
        siblings.retain(|sibling| passes(document, *sibling, &step.test));
        for predicate in &step.predicates {
            siblings = evaluator.filter(siblings, predicate)?;
        }
        Ok(siblings.contains(&node))
    }
}
