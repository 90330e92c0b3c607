//! Evaluation.

use std::sync::Arc;

use super::ast::{Axis, Expr, Operator, Start, Step, Test};
use super::functions;
use crate::flow::{Failure, LARGEST, too_large};
use crate::value::{number_text, parse_number};
use crate::xml::{Attribute, Document, Kind, NodeId};

/// A node or an attribute of one of the evaluator's documents. The order is document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeRef {
    pub(crate) document: u32,
    pub(crate) id: NodeId,
    /// 0 for the node itself, else the attribute's number from 1.
    pub(crate) attribute: u32,
}

impl NodeRef {
    pub(crate) const fn node(document: u32, id: NodeId) -> Self {
        Self { document, id, attribute: 0 }
    }
}

/// A value of XPath 1.0.
#[derive(Clone, Debug)]
pub(crate) enum XValue {
    Nodes(Vec<NodeRef>),
    Number(f64),
    Text(String),
    Boolean(bool),
}

/// Where an expression is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) node: NodeRef,
    pub(crate) position: usize,
    pub(crate) size: usize,
}

impl Context {
    pub(crate) const fn at(node: NodeRef) -> Self {
        Self { node, position: 1, size: 1 }
    }
}

/// What the expression sees outside of its documents.
pub(crate) trait Environment {
    fn variable(&mut self, documents: &mut Vec<Arc<Document>>, prefix: &str, name: &str) -> Result<XValue, Failure>;
    /// A function that is not part of the core library; `None` when there is no such function.
    fn function(
        &mut self,
        documents: &mut Documents,
        context: Context,
        name: &str,
        arguments: &[XValue],
    ) -> Result<Option<XValue>, Failure>;
    fn spend(&mut self, steps: u64) -> Result<(), Failure>;
}

/// The documents of an evaluation, for functions of the environment.
pub(crate) type Documents = Vec<Arc<Document>>;

pub(crate) struct Evaluator<'a> {
    pub(crate) documents: Vec<Arc<Document>>,
    pub(crate) environment: &'a mut dyn Environment,
}

type Outcome<T> = Result<T, Failure>;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(document: Arc<Document>, environment: &'a mut dyn Environment) -> Self {
        Self { documents: vec![document], environment }
    }

    pub(crate) fn document(&self, node: NodeRef) -> Arc<Document> {
        self.documents.get(node.document as usize).cloned().unwrap_or_default()
    }

    pub(crate) fn evaluate(&mut self, expr: &Expr, context: Context) -> Outcome<XValue> {
        self.environment.spend(1)?;
        match expr {
            Expr::Number(value) => Ok(XValue::Number(*value)),
            Expr::Undeclared(reason) => Err(Failure::new(&**reason)),
            Expr::Text(text) => Ok(XValue::Text(text.to_string())),
            Expr::Negate(inner) => {
                let value = self.evaluate(inner, context)?;
                Ok(XValue::Number(-self.number(&value)))
            }
            Expr::Variable { prefix, name } => self.environment.variable(&mut self.documents, prefix, name),
            Expr::Call { name, arguments, .. } => self.call(name, arguments, context),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, context),
            Expr::Path { start, steps } => self.path(start, steps, context),
        }
    }

    fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr, context: Context) -> Outcome<XValue> {
        let first = self.evaluate(left, context)?;
        match operator {
            Operator::Or | Operator::And => {
                let first = self.boolean(&first);
                if first == (operator == Operator::Or) {
                    return Ok(XValue::Boolean(first));
                }
                let second = self.evaluate(right, context)?;
                return Ok(XValue::Boolean(self.boolean(&second)));
            }
            _ => {}
        }
        let second = self.evaluate(right, context)?;
        let arithmetic = |value: f64| Ok(XValue::Number(value));
        match operator {
            Operator::Plus => arithmetic(self.number(&first) + self.number(&second)),
            Operator::Minus => arithmetic(self.number(&first) - self.number(&second)),
            Operator::Times => arithmetic(self.number(&first) * self.number(&second)),
            Operator::Divide => arithmetic(self.number(&first) / self.number(&second)),
            Operator::Remainder => arithmetic(self.number(&first) % self.number(&second)),
            Operator::Union => match (first, second) {
                (XValue::Nodes(mut all), XValue::Nodes(more)) => {
                    all.extend(more);
                    all.sort_unstable();
                    all.dedup();
                    Ok(XValue::Nodes(all))
                }
                _ => Err(Failure::new("| joins nodes only")),
            },
            _ => Ok(XValue::Boolean(self.compare(operator, &first, &second)?)),
        }
    }

    fn path(&mut self, start: &Start, steps: &[Step], context: Context) -> Outcome<XValue> {
        let mut nodes = match start {
            Start::Root => vec![NodeRef::node(context.node.document, NodeId::DOCUMENT)],
            Start::Context => vec![context.node],
            Start::Expr { primary, predicates } => match self.evaluate(primary, context)? {
                XValue::Nodes(nodes) => {
                    let mut nodes = nodes;
                    for predicate in predicates {
                        nodes = self.filter(nodes, predicate)?;
                    }
                    nodes
                }
                // A property that is not XML has no children: Synapse answers with nothing.
                other if steps.is_empty() && predicates.is_empty() => return Ok(other),
                XValue::Text(text) if text.is_empty() => Vec::new(),
                _ => return Err(Failure::new("a path can only go on from nodes")),
            },
        };
        for step in steps {
            nodes = self.step(&nodes, step)?;
        }
        Ok(XValue::Nodes(nodes))
    }

    fn step(&mut self, from: &[NodeRef], step: &Step) -> Outcome<Vec<NodeRef>> {
        let mut out: Vec<NodeRef> = Vec::new();
        for node in from {
            let document = self.document(*node);
            let mut found = Vec::new();
            let walked = walk(&document, *node, step, &mut found);
            self.environment.spend(walked)?;
            for predicate in &step.predicates {
                found = self.filter(found, predicate)?;
            }
            out.append(&mut found);
        }
        if from.len() > 1 || step.axis.is_reverse() {
            out.sort_unstable();
            out.dedup();
        }
        Ok(out)
    }

    pub(crate) fn filter(&mut self, nodes: Vec<NodeRef>, predicate: &Expr) -> Outcome<Vec<NodeRef>> {
        if let Expr::Number(wanted) = predicate {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a whole number")]
            let index = (wanted.fract() == 0.0 && *wanted >= 1.0).then_some(*wanted as usize - 1);
            return Ok(index.and_then(|index| nodes.get(index)).copied().into_iter().collect());
        }
        let size = nodes.len();
        let mut kept = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let context = Context { node, position: index + 1, size };
            let keep = match self.evaluate(predicate, context)? {
                XValue::Number(wanted) => wanted == context.position as f64,
                other => self.boolean(&other),
            };
            if keep {
                kept.push(node);
            }
        }
        Ok(kept)
    }

    fn call(&mut self, name: &str, arguments: &[Expr], context: Context) -> Outcome<XValue> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.evaluate(argument, context)?);
        }
        if let Some(value) = functions::call(self, name, &values, context)? {
            if let XValue::Text(text) = &value {
                if text.len() > LARGEST {
                    return Err(too_large());
                }
                self.environment.spend(text.len() as u64 / 64)?;
            }
            return Ok(value);
        }
        match self.environment.function(&mut self.documents, context, name, &values)? {
            Some(value) => Ok(value),
            None => Err(Failure::new(format!("the function {name} does not exist here"))),
        }
    }

    pub(crate) fn string_of(&self, node: NodeRef) -> String {
        let Some(document) = self.documents.get(node.document as usize) else { return String::new() };
        match attribute_of(document, node) {
            Some(attribute) => attribute.value.to_string(),
            None => document.text(node.id),
        }
    }

    pub(crate) fn text(&self, value: &XValue) -> String {
        match value {
            XValue::Nodes(nodes) => nodes.first().map(|node| self.string_of(*node)).unwrap_or_default(),
            XValue::Number(number) => number_text(*number),
            XValue::Text(text) => text.clone(),
            XValue::Boolean(value) => value.to_string(),
        }
    }

    pub(crate) fn number(&self, value: &XValue) -> f64 {
        match value {
            XValue::Number(number) => *number,
            XValue::Boolean(value) => f64::from(u8::from(*value)),
            other => parse_number(&self.text(other)),
        }
    }

    pub(crate) fn boolean(&self, value: &XValue) -> bool {
        match value {
            XValue::Nodes(nodes) => !nodes.is_empty(),
            XValue::Number(number) => *number != 0.0 && !number.is_nan(),
            XValue::Text(text) => !text.is_empty(),
            XValue::Boolean(value) => *value,
        }
    }

    fn compare(&mut self, operator: Operator, left: &XValue, right: &XValue) -> Outcome<bool> {
        match (left, right) {
            (XValue::Nodes(first), XValue::Nodes(second)) => {
                self.environment.spend((first.len() as u64).saturating_mul(second.len() as u64))?;
                let others: Vec<String> = second.iter().map(|node| self.string_of(*node)).collect();
                for node in first {
                    let text = self.string_of(*node);
                    if others.iter().any(|other| compare_texts(operator, &text, other)) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (XValue::Nodes(nodes), other) if !matches!(other, XValue::Boolean(_)) => {
                Ok(nodes.iter().any(|node| self.compare_scalars(operator, &XValue::Text(self.string_of(*node)), other)))
            }
            (other, XValue::Nodes(nodes)) if !matches!(other, XValue::Boolean(_)) => {
                Ok(nodes.iter().any(|node| self.compare_scalars(operator, other, &XValue::Text(self.string_of(*node)))))
            }
            _ => Ok(self.compare_scalars(operator, left, right)),
        }
    }

    fn compare_scalars(&self, operator: Operator, left: &XValue, right: &XValue) -> bool {
        if matches!(operator, Operator::Equal | Operator::NotEqual) {
            let equal = match (left, right) {
                (XValue::Boolean(_), _) | (_, XValue::Boolean(_)) => self.boolean(left) == self.boolean(right),
                (XValue::Number(_), _) | (_, XValue::Number(_)) => self.number(left) == self.number(right),
                _ => self.text(left) == self.text(right),
            };
            return equal == (operator == Operator::Equal);
        }
        compare_numbers(operator, self.number(left), self.number(right))
    }
}

fn compare_texts(operator: Operator, left: &str, right: &str) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        _ => compare_numbers(operator, parse_number(left), parse_number(right)),
    }
}

fn compare_numbers(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        _ => false,
    }
}

/// The attribute that a reference names.
pub(crate) fn attribute_of(document: &Document, node: NodeRef) -> Option<&Attribute> {
    let index = node.attribute.checked_sub(1)?;
    document.element(node.id)?.attributes.get(index as usize)
}

/// Collects the nodes of a step in the order of its axis; answers how many nodes were looked at.
fn walk(document: &Document, from: NodeRef, step: &Step, out: &mut Vec<NodeRef>) -> u64 {
    let mut seen = 0_u64;
    let mut take = |id: NodeId| {
        seen += 1;
        if node_passes(document, id, &step.test) {
            out.push(NodeRef::node(from.document, id));
        }
    };
    let on_attribute = from.attribute != 0;
    match step.axis {
        Axis::SelfNode | Axis::DescendantOrSelf | Axis::AncestorOrSelf if on_attribute => {
            if attribute_passes(document, from, &step.test) {
                out.push(from);
            }
            if step.axis == Axis::AncestorOrSelf {
                let step = Step { axis: Axis::AncestorOrSelf, test: step.test.clone(), predicates: Vec::new() };
                return walk(document, NodeRef::node(from.document, from.id), &step, out) + 1;
            }
        }
        Axis::SelfNode => take(from.id),
        Axis::Child if !on_attribute => document.children(from.id).for_each(take),
        Axis::Descendant if !on_attribute => document.descendants(from.id).for_each(take),
        Axis::DescendantOrSelf => {
            take(from.id);
            document.descendants(from.id).for_each(take);
        }
        Axis::Parent if on_attribute => take(from.id),
        Axis::Parent => document.parent(from.id).into_iter().for_each(take),
        Axis::Ancestor => {
            if on_attribute {
                take(from.id);
            }
            ancestors(document, from.id).for_each(take);
        }
        Axis::AncestorOrSelf => {
            take(from.id);
            ancestors(document, from.id).for_each(take);
        }
        Axis::FollowingSibling if !on_attribute => {
            std::iter::successors(document.next_sibling(from.id), |id| document.next_sibling(*id)).for_each(take);
        }
        Axis::PrecedingSibling if !on_attribute => {
            std::iter::successors(document.previous_sibling(from.id), |id| document.previous_sibling(*id))
                .for_each(take);
        }
        Axis::Following => following(document, from, take),
        Axis::Preceding => preceding(document, from, take),
        Axis::Attribute if !on_attribute => {
            let count = document.element(from.id).map_or(0, |element| element.attributes.len());
            for index in 1..=u32::try_from(count).unwrap_or(0) {
                let attribute = NodeRef { attribute: index, ..from };
                seen += 1;
                if attribute_passes(document, attribute, &step.test) {
                    out.push(attribute);
                }
            }
        }
        _ => {}
    }
    seen + 1
}

fn ancestors(document: &Document, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    std::iter::successors(document.parent(id), |at| document.parent(*at))
}

fn following(document: &Document, from: NodeRef, mut take: impl FnMut(NodeId)) {
    if from.attribute != 0 {
        document.descendants(from.id).for_each(&mut take);
    }
    for at in std::iter::once(from.id).chain(ancestors(document, from.id)) {
        let mut sibling = document.next_sibling(at);
        while let Some(id) = sibling {
            take(id);
            document.descendants(id).for_each(&mut take);
            sibling = document.next_sibling(id);
        }
    }
}

fn preceding(document: &Document, from: NodeRef, mut take: impl FnMut(NodeId)) {
    for at in std::iter::once(from.id).chain(ancestors(document, from.id)) {
        let mut sibling = document.previous_sibling(at);
        while let Some(id) = sibling {
            let below: Vec<NodeId> = document.descendants(id).collect();
            below.into_iter().rev().for_each(&mut take);
            take(id);
            sibling = document.previous_sibling(id);
        }
    }
}

/// True when a node or attribute is what a step asks for.
pub(crate) fn passes(document: &Document, node: NodeRef, test: &Test) -> bool {
    if node.attribute == 0 { node_passes(document, node.id, test) } else { attribute_passes(document, node, test) }
}

fn node_passes(document: &Document, id: NodeId, test: &Test) -> bool {
    match test {
        Test::Node => true,
        Test::Any => document.element(id).is_some(),
        Test::Namespace(uri) => document.element(id).is_some_and(|element| element.name.namespace == *uri),
        Test::Name { namespace, local } => document
            .element(id)
            .is_some_and(|element| element.name.local == *local && element.name.namespace == *namespace),
        Test::Text => matches!(document.kind(id), Kind::Text(_)),
        Test::Comment => matches!(document.kind(id), Kind::Comment(_)),
        Test::Instruction(target) => match document.kind(id) {
            Kind::Instruction(known, _) => target.as_deref().is_none_or(|target| target == &**known),
            _ => false,
        },
    }
}

fn attribute_passes(document: &Document, node: NodeRef, test: &Test) -> bool {
    let Some(attribute) = attribute_of(document, node) else { return false };
    match test {
        Test::Node | Test::Any => true,
        Test::Namespace(uri) => attribute.name.namespace == *uri,
        Test::Name { namespace, local } => attribute.name.local == *local && attribute.name.namespace == *namespace,
        _ => false,
    }
}
