//! XPath 1.0 over the arena, with the functions that Synapse and Jaxen add.
//!
//! Compiled at deployment, with the place of an error; evaluated under the exchange's budget of steps.

mod ast;
mod evaluate;
mod functions;
mod lexer;
mod parser;

pub(crate) use ast::{Axis, Expr, Operator, Start, Step, Test};
pub(crate) use evaluate::{Context, Environment, Evaluator, NodeRef, XValue, attribute_of, passes};

use std::sync::Arc;

/// Prefixes and what they stand for, as in scope where an expression is written.
pub type Namespaces = Vec<(Arc<str>, Arc<str>)>;

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at character {at})")]
pub struct SyntaxError {
    /// Characters before the fault.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct XPath {
    pub(crate) root: Expr,
    /// Whether its value can depend on the message's body; if not, the body need not be read, which may be impossible.
    pub(crate) reads_body: bool,
}

impl XPath {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Wrong syntax, a function that is given a wrong number of arguments.
    pub(crate) fn compile(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let root = parser::parse(text, namespaces)?;
        let reads_body = root.reads_context();
        Ok(Self { root, reads_body })
    }

    /// As [`XPath::compile`], where an undeclared prefix and an unknown function are faults and not failures of each
    /// evaluation.
    ///
    /// # Errors
    /// See [`XPath::compile`].
    pub(crate) fn compile_strictly(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let xpath = Self::compile(text, namespaces)?;
        match xpath.undeclared() {
            Some(reason) => Err(SyntaxError { at: 0, reason: reason.to_owned() }),
            None => Ok(xpath),
        }
    }

    /// Why every evaluation fails: a prefix that is not declared, a function that does not exist.
    pub(crate) fn undeclared(&self) -> Option<&str> {
        match &self.root {
            Expr::Undeclared(reason) => Some(reason),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
