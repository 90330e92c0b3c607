//! GraphQL requests: which operations they call, how deep they are and what they cost.
//!
//! Reads executable documents (GraphQL specification, October 2021, section 2) without a schema beside it; costs come from
//! the API. Everything is bounded: a query that is small to write and enormous to answer, by fragments within fragments or
//! by slicing arguments, is measured in time linear in its text.

mod document;

use model::snapshot::GraphqlCosts;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

use document::{Argument, Document, Fragment, Operation, Selection};

/// Arguments that say how many items are wanted; WSO2 multiplies a field's cost by them.
const SLICING: [&str; 3] = ["first", "last", "limit"];
/// Most fields of the root type that one query may have.
const MAX_ROOT_FIELDS: usize = 500;
/// Members of a request.
const MEMBERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// Why a request is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphqlError {
    /// Not `{"query": "..."}`.
    #[error("the body is not a GraphQL request: a JSON object with a query")]
    Request,
    /// Not a GraphQL document.
    #[error("the query is malformed near character {0}")]
    Syntax(usize),
    /// More tokens, more root fields, or nested deeper, than is read at all.
    #[error("the query is too long or nested too deep")]
    TooLarge,
    /// No operation, several without a name, or none of the wanted name.
    #[error("the query does not say which operation is meant")]
    Operation,
    /// A fragment that is not there, or that contains itself.
    #[error("a fragment is not defined, or contains itself")]
    Fragment,
    /// A field that its type does not have in the schema of the API.
    #[error("a field is not defined by the schema")]
    Field,
}

/// Kinds of operations, in the order of [`GraphqlCosts::roots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GraphqlKind {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Waits for events.
    Subscription,
}

impl GraphqlKind {
    /// WSO2's verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Query => "QUERY",
            Self::Mutation => "MUTATION",
            Self::Subscription => "SUBSCRIPTION",
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphqlQuery {
    /// Kind of the operation.
    pub kind: GraphqlKind,
    /// Fields of the root type, each once; those of introspection begin with two underscores.
    pub fields: Vec<String>,
    /// Fields within fields; a query of scalars is 1 deep.
    pub depth: u32,
    /// Cost by WSO2's rule: arguments times (own cost plus that of what is inside).
    pub complexity: u64,
}

impl GraphqlQuery {
    /// Reads a request body: JSON, or the bare query when `bare`.
    ///
    /// # Errors
    /// [`GraphqlError`]: the first thing that is wrong.
    pub fn read(body: &[u8], bare: bool, costs: Option<&GraphqlCosts>) -> Result<Self, GraphqlError> {
        if bare {
            let text = std::str::from_utf8(body).map_err(|_| GraphqlError::Request)?;
            return Self::parse(text, None, &Value::Null, costs);
        }
        // The upstream must not find another query than the one that is judged: neither in a second copy of a member, nor
        // in one that parsers take for it that do not mind its case.
        Self::of_request(&jose::parse_object(body).ok_or(GraphqlError::Request)?, costs)
    }

    /// Reads a request out of JSON in which no member occurs twice ([`jose::parse_object`]).
    ///
    /// # Errors
    /// [`GraphqlError`]: the first thing that is wrong.
    pub fn of_request(request: &Map<String, Value>, costs: Option<&GraphqlCosts>) -> Result<Self, GraphqlError> {
        let disguised = |name: &String| MEMBERS.iter().any(|m| name != m && name.to_uppercase() == m.to_uppercase());
        if request.keys().any(disguised) {
            return Err(GraphqlError::Request);
        }
        let text = request.get("query").and_then(Value::as_str).ok_or(GraphqlError::Request)?;
        let name = match request.get("operationName") {
            None | Some(Value::Null) => None,
            Some(name) => Some(name.as_str().ok_or(GraphqlError::Request)?).filter(|name| !name.is_empty()),
        };
        Self::parse(text, name, request.get("variables").unwrap_or(&Value::Null), costs)
    }

    /// Reads a query.
    ///
    /// # Errors
    /// [`GraphqlError`]: the first thing that is wrong.
    pub fn parse(
        text: &str,
        name: Option<&str>,
        variables: &Value,
        costs: Option<&GraphqlCosts>,
    ) -> Result<Self, GraphqlError> {
        let document = Document::parse(text)?;
        let operation = chosen(&document, name)?;
        let mut meter = Meter {
            fragments: &document.fragments,
            variables,
            operation,
            costs,
            known: HashMap::new(),
            open: Vec::new(),
        };
        let root = costs.and_then(|costs| costs.roots.get(operation.kind as usize)).map_or("", String::as_str);
        let Measure { depth, complexity } = meter.measure(&operation.selections, root)?;
        let mut fields = Vec::new();
        meter.root_fields(&operation.selections, &mut fields)?;
        Ok(Self { kind: operation.kind, fields, depth, complexity })
    }
}

fn chosen<'a>(document: &'a Document<'_>, name: Option<&str>) -> Result<&'a Operation<'a>, GraphqlError> {
    match (document.operations.as_slice(), name) {
        ([only], None) => Ok(only),
        (all, Some(name)) => all.iter().find(|o| o.name == Some(name)).ok_or(GraphqlError::Operation),
        _ => Err(GraphqlError::Operation),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    depth: u32,
    complexity: u64,
}

struct Meter<'a> {
    fragments: &'a [Fragment<'a>],
    variables: &'a Value,
    operation: &'a Operation<'a>,
    costs: Option<&'a GraphqlCosts>,
    /// Fragments that were measured: each is measured once, however often it is spread.
    known: HashMap<&'a str, Measure>,
    /// Fragments that are being measured.
    open: Vec<&'a str>,
}

impl<'a> Meter<'a> {
    fn measure(&mut self, selections: &'a [Selection<'a>], kind: &str) -> Result<Measure, GraphqlError> {
        let mut total = Measure::default();
        for selection in selections {
            let part = match selection {
                // Costs nothing to answer.
                Selection::Field { name: "__typename", .. } => Measure::default(),
                Selection::Field { name, arguments, selections } => {
                    let known = self.costs.and_then(|costs| costs.fields.get(kind));
                    let declared = known.and_then(|fields| fields.get(*name));
                    if known.is_some() && declared.is_none() && !name.starts_with("__") {
                        return Err(GraphqlError::Field);
                    }
                    let (target, own) = declared.map_or(("", 1), |(target, cost)| (target.as_str(), *cost));
                    let inner = self.measure(selections, target)?;
                    let times = self.times(arguments);
                    let complexity = u64::from(own).saturating_add(inner.complexity).saturating_mul(times);
                    Measure { depth: inner.depth.saturating_add(1), complexity }
                }
                Selection::Inline { kind: narrowed, selections } => {
                    self.measure(selections, narrowed.unwrap_or(kind))?
                }
                Selection::Spread(name) => self.fragment(name)?,
            };
            total.depth = total.depth.max(part.depth);
            total.complexity = total.complexity.saturating_add(part.complexity);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Measure, GraphqlError> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let found = self.fragments.iter().find(|fragment| fragment.name == name);
        let fragment = found.filter(|_| !self.open.contains(&name)).ok_or(GraphqlError::Fragment)?;
        self.open.push(name);
        let measure = self.measure(&fragment.selections, fragment.kind)?;
        self.open.pop();
        self.known.insert(name, measure);
        Ok(measure)
    }

    /// The sum of slicing arguments, plus one for each other argument; at least 1.
    fn times(&self, arguments: &[Argument<'_>]) -> u64 {
        let mut sum = 0_u64;
        for argument in arguments {
            let given = match argument.variable {
                None => argument.number,
                Some(name) => {
                    // Upstreams take 1000.0 for the whole number that it is.
                    let whole = |given: &Value| given.as_i64().or_else(|| given.as_f64().map(|given| given as i64));
                    let given = self.variables.get(name).and_then(whole);
                    given.or_else(|| self.operation.defaults.iter().find(|(own, _)| *own == name).map(|(_, n)| *n))
                }
            };
            let value = given.filter(|_| SLICING.contains(&argument.name)).unwrap_or(1);
            // A negative number of items must not make a query cheaper.
            sum = sum.saturating_add(u64::try_from(value).unwrap_or(1).max(1));
        }
        sum.max(1)
    }

    /// Each root field once. Every fragment is entered once, and none contains itself: [`Meter::measure`] has seen to it.
    fn root_fields(&self, selections: &'a [Selection<'a>], found: &mut Vec<String>) -> Result<(), GraphqlError> {
        let (mut waiting, mut entered, mut seen) = (vec![selections], HashSet::new(), HashSet::new());
        while let Some(selections) = waiting.pop() {
            for selection in selections {
                match selection {
                    Selection::Field { name, .. } => {
                        if seen.insert(*name) {
                            found.push((*name).to_owned());
                        }
                        if found.len() > MAX_ROOT_FIELDS {
                            return Err(GraphqlError::TooLarge);
                        }
                    }
                    Selection::Inline { selections, .. } => waiting.push(selections),
                    Selection::Spread(name) if !entered.insert(*name) => {}
                    Selection::Spread(name) => {
                        let fragment = self.fragments.iter().find(|fragment| fragment.name == *name);
                        waiting.push(&fragment.ok_or(GraphqlError::Fragment)?.selections);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
