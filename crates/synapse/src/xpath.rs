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
}

impl XPath {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Wrong syntax, an undeclared prefix, a function that does not exist or is given a wrong number of arguments.
    pub(crate) fn compile(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let root = parser::parse(text, namespaces)?;
        Ok(Self { root })
    }

    /// As [`XPath::compile`], where an undeclared prefix is a fault and not a failure of each evaluation.
    ///
    /// # Errors
    /// See [`XPath::compile`].
    pub(crate) fn compile_strictly(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let xpath = Self::compile(text, namespaces)?;
        match xpath.undeclared() {
            Some(prefix) => {
                Err(SyntaxError { at: 0, reason: format!("the namespace prefix {prefix} is not declared") })
            }
            None => Ok(xpath),
        }
    }

    /// The prefix that is used and not declared.
    pub(crate) fn undeclared(&self) -> Option<&str> {
        match &self.root {
            Expr::Undeclared(prefix) => Some(prefix),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
