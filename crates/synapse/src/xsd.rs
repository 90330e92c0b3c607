//! XML Schema 1.0, as `validate` checks messages with it.
//!
//! Content models are matched from left to right, which the rule of unique attribution (XSD 1.0 part 1, section 3.8.6)
//! makes exact. What is not checked is refused when the schema is read: identity constraints, substitution groups,
//! `redefine`. Nothing is fetched: other documents of a schema are those that the mediator names.

mod check;
mod read;
mod simple;

use std::collections::HashMap;
use std::sync::Arc;

use simple::Simple;

const NAMESPACE: &str = "http://www.w3.org/2001/XMLSchema";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Types, groups and elements inside of one another.
const DEPTH: usize = 100;

/// Namespace and local name.
type Qualified = (Arc<str>, Arc<str>);

/// A schema: everything that its documents declare.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    elements: HashMap<Qualified, Arc<Declared>>,
    types: HashMap<Qualified, Arc<Type>>,
    groups: HashMap<Qualified, Arc<Particle>>,
    attributes: HashMap<Qualified, Arc<AttributeUse>>,
    attribute_groups: HashMap<Qualified, Arc<Attributes>>,
}

#[derive(Debug)]
struct Declared {
    name: Qualified,
    kind: TypeOf,
    nillable: bool,
    is_abstract: bool,
    fixed: Option<String>,
}

#[derive(Clone, Debug)]
enum TypeOf {
    Named(Qualified),
    Inline(Arc<Type>),
    /// `anyType`: whatever is well-formed.
    Any,
}

#[derive(Debug)]
enum Type {
    Simple(Simple),
    Complex(Complex),
}

#[derive(Debug)]
struct Complex {
    /// What it is derived from, and whether its own content follows the content of that.
    base: Option<(TypeOf, bool)>,
    content: Content,
    attributes: Attributes,
    mixed: bool,
    is_abstract: bool,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Simple(Simple),
    Elements(Particle),
}

#[derive(Debug)]
struct Particle {
    least: u32,
    /// None for `unbounded`.
    most: Option<u32>,
    term: Term,
}

#[derive(Debug)]
enum Term {
    Element(Arc<Declared>),
    Reference(Qualified),
    Sequence(Vec<Particle>),
    Choice(Vec<Particle>),
    All(Vec<Particle>),
    Group(Qualified),
    Any(Wildcard),
}

/// `any`, `anyAttribute`.
#[derive(Clone, Debug)]
struct Wildcard {
    allowed: Namespaces,
    /// `processContents`: `strict` wants a declaration, `lax` uses one that is there.
    process: Process,
}

#[derive(Clone, Debug)]
enum Namespaces {
    Any,
    Other(Arc<str>),
    These(Vec<Arc<str>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Strict,
    Lax,
    Skip,
}

#[derive(Debug, Default)]
struct Attributes {
    own: Vec<Arc<AttributeUse>>,
    references: Vec<(Qualified, Use)>,
    groups: Vec<Qualified>,
    any: Option<Wildcard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Optional,
    Required,
    Prohibited,
}

#[derive(Debug)]
struct AttributeUse {
    name: Qualified,
    kind: Simple,
    usage: Use,
    fixed: Option<String>,
}

impl Wildcard {
    fn allows(&self, namespace: &str) -> bool {
        match &self.allowed {
            Namespaces::Any => true,
            Namespaces::Other(own) => namespace != &**own && !namespace.is_empty(),
            Namespaces::These(list) => list.iter().any(|one| **one == *namespace),
        }
    }
}

/// A name as messages show it.
fn shown(name: &Qualified) -> String {
    if name.0.is_empty() { name.1.to_string() } else { format!("{{{}}}{}", name.0, name.1) }
}

#[cfg(test)]
mod tests;
