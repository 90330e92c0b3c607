//! A document against a [`Schema`].

use std::sync::Arc;

use super::simple::Simple;
use super::{
    Attributes, Complex, Content, DEPTH, Declared, INSTANCE, NAMESPACE, Particle, Process, Qualified, Schema, Term,
    Type, TypeOf, Use, shown,
};
use crate::flow::Failure;
use crate::xml::{Document, Kind, NodeId, XML_NAMESPACE};

/// Findings of one check.
const MOST: usize = 20;

/// What a check may cost; a failure ends it.
pub(crate) type Spend<'a> = &'a dyn Fn(u64) -> Result<(), Failure>;

/// What is wrong, or a failure that ends everything.
enum Wrong {
    Found(String),
    Failed(Failure),
}

impl From<String> for Wrong {
    fn from(text: String) -> Self {
        Self::Found(text)
    }
}

struct Checking<'a> {
    schema: &'a Schema,
    document: &'a Document,
    spend: Spend<'a>,
    /// Elements that are still to be checked, with their types.
    pending: Vec<(NodeId, Expected)>,
    errors: Vec<String>,
}

/// What an element has to be.
enum Expected {
    Declared(Arc<Declared>),
    /// Below `any`.
    Loose,
}

impl Schema {
    /// Checks an element, which has to be declared at the top of the schema. At most twenty findings; none when it is valid.
    ///
    /// # Errors
    /// Only that the budget of steps is used up.
    pub(crate) fn check(&self, document: &Document, root: NodeId, spend: Spend<'_>) -> Result<Vec<String>, Failure> {
        let mut checking = Checking { schema: self, document, spend, pending: Vec::new(), errors: Vec::new() };
        let name = checking.name(root);
        match self.elements.get(&name) {
            Some(declared) => checking.pending.push((root, Expected::Declared(Arc::clone(declared)))),
            None => return Ok(vec![format!("the schema declares no element {}", shown(&name))]),
        }
        while let Some((node, expected)) = checking.pending.pop() {
            match checking.element(node, expected) {
                Ok(()) => {}
                Err(Wrong::Failed(failure)) => return Err(failure),
                Err(Wrong::Found(text)) => {
                    let line = document.line(node);
                    let name = document.local_name(node);
                    checking.errors.push(format!("line {line}, {name}: {text}"));
                }
            }
            if checking.errors.len() >= MOST {
                break;
            }
        }
        Ok(checking.errors)
    }

    fn type_named(&self, kind: &TypeOf) -> Option<Arc<Type>> {
        match kind {
            TypeOf::Inline(kind) => Some(Arc::clone(kind)),
            TypeOf::Named(name) if &*name.0 == NAMESPACE => Some(Arc::new(Type::Simple(Simple::Named(name.clone())))),
            TypeOf::Named(name) => self.types.get(name).cloned(),
            TypeOf::Any => None,
        }
    }

    /// Whether a type is derived from another.
    fn derives(&self, kind: &Qualified, from: &TypeOf) -> bool {
        let wanted = match from {
            TypeOf::Any => return true,
            TypeOf::Inline(_) => return false,
            TypeOf::Named(name) => name,
        };
        let mut at = kind.clone();
        for _ in 0..DEPTH {
            if at == *wanted {
                return true;
            }
            at = match self.types.get(&at).map(|kind| &**kind) {
                Some(Type::Complex(Complex { base: Some((TypeOf::Named(base), _)), .. })) => base.clone(),
                Some(Type::Simple(Simple::Restricted(base, _))) => match &**base {
                    Simple::Named(base) => base.clone(),
                    _ => return false,
                },
                _ => return false,
            };
        }
        false
    }
}

impl<'a> Checking<'a> {
    fn name(&self, node: NodeId) -> Qualified {
        match self.document.element(node) {
            Some(element) => (Arc::clone(&element.name.namespace), Arc::clone(&element.name.local)),
            None => ("".into(), "".into()),
        }
    }

    fn cost(&self, steps: u64) -> Result<(), Wrong> {
        (self.spend)(steps).map_err(Wrong::Failed)
    }

    fn element(&mut self, node: NodeId, expected: Expected) -> Result<(), Wrong> {
        self.cost(2)?;
        let Expected::Declared(declared) = expected else {
            for child in self.document.elements(node) {
                self.loosely(child);
            }
            return Ok(());
        };
        if declared.is_abstract {
            return Err("the element is abstract".to_owned().into());
        }
        let kind = self.kind_of(node, &declared)?;
        let nil = self.instance(node, "nil").is_some_and(|value| matches!(value, "true" | "1"));
        if nil && !declared.nillable {
            return Err("the element may not be nil".to_owned().into());
        }
        let Some(kind) = self.schema.type_named(&kind) else {
            for child in self.document.elements(node) {
                self.loosely(child);
            }
            return Ok(());
        };
        match &*kind {
            Type::Simple(simple) => {
                self.attributes(node, &[])?;
                if nil {
                    return self.nothing(node);
                }
                self.simple(node, simple, &declared)?;
            }
            Type::Complex(complex) => {
                if complex.is_abstract {
                    return Err("the type is abstract: xsi:type has to name another".to_owned().into());
                }
                let chain = self.chain(&kind)?;
                self.attributes(node, &chain)?;
                if nil {
                    return self.nothing(node);
                }
                self.content(node, &chain, &declared)?;
            }
        }
        Ok(())
    }

    fn nothing(&self, node: NodeId) -> Result<(), Wrong> {
        match self.document.first_child(node) {
            None => Ok(()),
            Some(_) => Err("the element is nil and has content".to_owned().into()),
        }
    }

    /// The declared type, or the one of `xsi:type` when it is derived from that.
    fn kind_of(&self, node: NodeId, declared: &Declared) -> Result<TypeOf, Wrong> {
        let Some(text) = self.instance(node, "type") else { return Ok(declared.kind.clone()) };
        let (prefix, local) = text.trim().split_once(':').unwrap_or(("", text.trim()));
        let namespace = self.document.lookup(node, prefix).unwrap_or_else(|| "".into());
        let name: Qualified = (namespace, local.into());
        if !self.schema.derives(&name, &declared.kind) {
            return Err(format!("the type {} is not derived from the one of the element", shown(&name)).into());
        }
        if &*name.0 != NAMESPACE && !self.schema.types.contains_key(&name) {
            return Err(format!("the schema declares no type {}", shown(&name)).into());
        }
        Ok(TypeOf::Named(name))
    }

    fn instance(&self, node: NodeId, local: &str) -> Option<&'a str> {
        let all = &self.document.element(node)?.attributes;
        let found = all.iter().find(|a| &*a.name.local == local && &*a.name.namespace == INSTANCE);
        found.map(|attribute| &*attribute.value)
    }

    /// A complex type with those it is derived from, the first one last.
    fn chain(&self, kind: &Arc<Type>) -> Result<Vec<Arc<Type>>, Wrong> {
        let mut chain = vec![Arc::clone(kind)];
        while let Some(Type::Complex(Complex { base: Some((base, _)), .. })) = chain.last().map(|kind| &**kind) {
            if chain.len() > DEPTH {
                return Err("the type is derived from itself".to_owned().into());
            }
            match self.schema.type_named(base) {
                Some(base) => chain.push(base),
                None => break,
            }
        }
        Ok(chain)
    }

    fn simple(&self, node: NodeId, simple: &Simple, declared: &Declared) -> Result<(), Wrong> {
        if self.document.elements(node).next().is_some() {
            return Err("the element has text only, and here are elements".to_owned().into());
        }
        let text = self.document.text(node);
        self.cost(1 + text.len() as u64 / 64)?;
        if let Some(fixed) = &declared.fixed
            && !text.is_empty()
            && text != *fixed
        {
            return Err(format!("the text has to be {fixed:?}").into());
        }
        Ok(simple.check(&text, self.schema, 0)?)
    }

    fn attributes(&self, node: NodeId, chain: &[Arc<Type>]) -> Result<(), Wrong> {
        let Some(element) = self.document.element(node) else { return Ok(()) };
        let mut declared: Vec<(Qualified, &Simple, Use, Option<&str>)> = Vec::new();
        let mut wildcards = Vec::new();
        let text = Simple::Text;
        for kind in chain {
            if let Type::Complex(complex) = &**kind {
                self.gather(&complex.attributes, &text, &mut declared, &mut wildcards, 0)?;
            }
        }
        for (name, _, usage, _) in &declared {
            let here = |a: &&crate::xml::Attribute| a.name.local == name.1 && a.name.namespace == name.0;
            if *usage == Use::Required && !element.attributes.iter().any(|a| here(&a)) {
                return Err(format!("the attribute {} is missing", name.1).into());
            }
        }
        for attribute in &element.attributes {
            self.cost(1)?;
            let (namespace, local) = (&attribute.name.namespace, &attribute.name.local);
            if &**namespace == INSTANCE {
                continue;
            }
            let known = declared.iter().find(|(name, ..)| name.0 == *namespace && name.1 == *local);
            match known {
                Some((_, _, Use::Prohibited, _)) => return Err(format!("the attribute {local} is not allowed").into()),
                Some((_, kind, _, fixed)) => {
                    kind.check(&attribute.value, self.schema, 0).map_err(|e| format!("the attribute {local}: {e}"))?;
                    if let Some(fixed) = fixed
                        && **fixed != *attribute.value
                    {
                        return Err(format!("the attribute {local} has to be {fixed:?}").into());
                    }
                }
                None if &**namespace == XML_NAMESPACE => {}
                None if wildcards.iter().any(|any: &&super::Wildcard| any.allows(namespace)) => {}
                None => return Err(format!("the attribute {local} is not allowed").into()),
            }
        }
        Ok(())
    }

    /// Attributes with those of groups. What a derived type says of one comes first.
    fn gather<'b>(
        &'b self,
        attributes: &'b Attributes,
        text: &'b Simple,
        declared: &mut Vec<(Qualified, &'b Simple, Use, Option<&'b str>)>,
        wildcards: &mut Vec<&'b super::Wildcard>,
        depth: usize,
    ) -> Result<(), Wrong> {
        if depth > DEPTH {
            return Err("an attribute group holds itself".to_owned().into());
        }
        let mut add = |name: &Qualified, kind: &'b Simple, usage: Use, fixed: Option<&'b str>| {
            if !declared.iter().any(|(known, ..)| known == name) {
                declared.push((name.clone(), kind, usage, fixed));
            }
        };
        for one in &attributes.own {
            add(&one.name, &one.kind, one.usage, one.fixed.as_deref());
        }
        for (name, usage) in &attributes.references {
            match self.schema.attributes.get(name) {
                Some(known) => add(name, &known.kind, *usage, known.fixed.as_deref()),
                None => add(name, text, *usage, None),
            }
        }
        wildcards.extend(&attributes.any);
        for group in &attributes.groups {
            if let Some(group) = self.schema.attribute_groups.get(group) {
                self.gather(group, text, declared, wildcards, depth + 1)?;
            }
        }
        Ok(())
    }

    fn content(&mut self, node: NodeId, chain: &[Arc<Type>], declared: &Declared) -> Result<(), Wrong> {
        // Content of bases stands before that of what extends them; a restriction says it all again.
        let mut particles: Vec<Arc<Type>> = Vec::new();
        let mut mixed = false;
        for kind in chain {
            let complex = match &**kind {
                Type::Complex(complex) => complex,
                Type::Simple(simple) => return self.simple(node, simple, declared),
            };
            if let Content::Simple(simple) = &complex.content {
                return self.simple(node, simple, declared);
            }
            mixed |= complex.mixed;
            particles.push(Arc::clone(kind));
            if !complex.base.as_ref().is_some_and(|(_, extends)| *extends) {
                break;
            }
        }
        if !mixed
            && self
                .document
                .children(node)
                .any(|id| matches!(self.document.kind(id), Kind::Text(text) if !text.trim().is_empty()))
        {
            return Err("there is text between the elements".to_owned().into());
        }
        let children: Vec<NodeId> = self.document.elements(node).collect();
        let mut at = 0;
        for kind in particles.iter().rev() {
            if let Type::Complex(Complex { content: Content::Elements(particle), .. }) = &**kind {
                at = self.particle(particle, &children, at, 0)?;
            }
        }
        match children.get(at) {
            Some(extra) => Err(format!("the element {} is not expected here", shown(&self.name(*extra))).into()),
            None => Ok(()),
        }
    }

    /// Matches a particle as often as it may occur; gives where it ended.
    fn particle(
        &mut self,
        particle: &Particle,
        children: &[NodeId],
        mut at: usize,
        depth: usize,
    ) -> Result<usize, Wrong> {
        if depth > DEPTH {
            return Err("a group holds itself".to_owned().into());
        }
        let mut count = 0;
        while particle.most.is_none_or(|most| count < most) {
            let begins = match children.get(at) {
                Some(child) => self.begins(&particle.term, &self.name(*child), depth)?,
                None => false,
            };
            if !begins {
                break;
            }
            let end = self.term(&particle.term, children, at, depth)?;
            count += 1;
            if end == at {
                break;
            }
            at = end;
        }
        if count < particle.least && !self.empty(&particle.term, depth)? {
            let found = match children.get(at) {
                Some(child) => format!("found is {}", shown(&self.name(*child))),
                None => "the element ends".to_owned(),
            };
            return Err(format!("expected is {}, and {found}", self.first(&particle.term)).into());
        }
        Ok(at)
    }

    fn term(&mut self, term: &Term, children: &[NodeId], at: usize, depth: usize) -> Result<usize, Wrong> {
        self.cost(1)?;
        let child = children.get(at).copied();
        match term {
            Term::Element(declared) => {
                if let Some(child) = child {
                    self.pending.push((child, Expected::Declared(Arc::clone(declared))));
                }
                Ok(at + 1)
            }
            Term::Reference(name) => {
                if let (Some(child), Some(declared)) = (child, self.schema.elements.get(name)) {
                    self.pending.push((child, Expected::Declared(Arc::clone(declared))));
                }
                Ok(at + 1)
            }
            Term::Any(any) => {
                if let Some(child) = child {
                    match any.process {
                        Process::Skip => {}
                        Process::Lax => self.loosely(child),
                        Process::Strict => match self.schema.elements.get(&self.name(child)) {
                            Some(declared) => self.pending.push((child, Expected::Declared(Arc::clone(declared)))),
                            None => return Err(format!("{} is not declared", shown(&self.name(child))).into()),
                        },
                    }
                }
                Ok(at + 1)
            }
            Term::Group(name) => match self.schema.groups.get(name) {
                Some(group) => self.particle(group, children, at, depth + 1),
                None => Ok(at),
            },
            Term::Sequence(parts) => {
                let mut at = at;
                for part in parts {
                    at = self.particle(part, children, at, depth + 1)?;
                }
                Ok(at)
            }
            Term::Choice(parts) => {
                let Some(child) = child else { return Ok(at) };
                let name = self.name(child);
                for part in parts {
                    if self.begins(&part.term, &name, depth + 1)? {
                        return self.particle(part, children, at, depth + 1);
                    }
                }
                Ok(at)
            }
            Term::All(parts) => self.all(parts, children, at, depth),
        }
    }

    fn all(&mut self, parts: &[Particle], children: &[NodeId], mut at: usize, depth: usize) -> Result<usize, Wrong> {
        let mut seen = vec![false; parts.len()];
        while let Some(child) = children.get(at) {
            let name = self.name(*child);
            let mut taken = None;
            for (index, part) in parts.iter().enumerate() {
                if !seen.get(index).copied().unwrap_or(true) && self.begins(&part.term, &name, depth + 1)? {
                    taken = Some((index, part));
                    break;
                }
            }
            let Some((index, part)) = taken else { break };
            if let Some(seen) = seen.get_mut(index) {
                *seen = true;
            }
            at = self.particle(part, children, at, depth + 1)?;
        }
        for (part, seen) in parts.iter().zip(&seen) {
            if !seen && part.least > 0 && !self.empty(&part.term, depth + 1)? {
                return Err(format!("{} is missing", self.first(&part.term)).into());
            }
        }
        Ok(at)
    }

    /// Whether a term can begin with an element of this name.
    fn begins(&self, term: &Term, name: &Qualified, depth: usize) -> Result<bool, Wrong> {
        self.cost(1)?;
        if depth > DEPTH {
            return Err("a group holds itself".to_owned().into());
        }
        Ok(match term {
            Term::Element(declared) => declared.name == *name,
            Term::Reference(wanted) => wanted == name,
            Term::Any(any) => any.allows(&name.0),
            Term::Group(group) => match self.schema.groups.get(group) {
                Some(group) => self.begins(&group.term, name, depth + 1)?,
                None => false,
            },
            Term::Sequence(parts) => {
                for part in parts {
                    if part.most != Some(0) && self.begins(&part.term, name, depth + 1)? {
                        return Ok(true);
                    }
                    if part.least > 0 && !self.empty(&part.term, depth + 1)? {
                        return Ok(false);
                    }
                }
                false
            }
            Term::Choice(parts) | Term::All(parts) => {
                for part in parts {
                    if part.most != Some(0) && self.begins(&part.term, name, depth + 1)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    /// Whether nothing at all satisfies a term.
    fn empty(&self, term: &Term, depth: usize) -> Result<bool, Wrong> {
        self.cost(1)?;
        if depth > DEPTH {
            return Err("a group holds itself".to_owned().into());
        }
        let optional = |part: &Particle| Ok::<bool, Wrong>(part.least == 0 || self.empty(&part.term, depth + 1)?);
        Ok(match term {
            Term::Element(_) | Term::Reference(_) | Term::Any(_) => false,
            Term::Group(name) => match self.schema.groups.get(name) {
                Some(group) => optional(group)?,
                None => true,
            },
            Term::Sequence(parts) | Term::All(parts) => {
                for part in parts {
                    if !optional(part)? {
                        return Ok(false);
                    }
                }
                true
            }
            Term::Choice(parts) => {
                for part in parts {
                    if optional(part)? {
                        return Ok(true);
                    }
                }
                parts.is_empty()
            }
        })
    }

    /// What a term begins with, for a message.
    fn first(&self, term: &Term) -> String {
        match term {
            Term::Element(declared) => shown(&declared.name),
            Term::Reference(name) => shown(name),
            Term::Any(_) => "an element".to_owned(),
            Term::Group(name) => format!("the group {}", shown(name)),
            Term::Sequence(parts) | Term::All(parts) => parts
                .iter()
                .find(|part| part.least > 0)
                .or(parts.first())
                .map_or_else(String::new, |part| self.first(&part.term)),
            Term::Choice(parts) => {
                let all: Vec<String> = parts.iter().take(5).map(|part| self.first(&part.term)).collect();
                format!("one of {}", all.join(", "))
            }
        }
    }

    fn loosely(&mut self, node: NodeId) {
        let expected = match self.schema.elements.get(&self.name(node)) {
            Some(declared) => Expected::Declared(Arc::clone(declared)),
            None => Expected::Loose,
        };
        self.pending.push((node, expected));
    }
}
