//! XSLT 1.0 on the crate's own XPath.
//!
//! Compiled with the line of an error; run under the exchange's budget. Nothing is fetched: `xsl:import`, `xsl:include`
//! and `document()` of addresses are refused.

mod compile;
mod pattern;
mod run;

use std::sync::Arc;

use crate::flow::{Budget, Failure};
use crate::value::Value;
use crate::xml::{Document, Element, Limits, Name};
use crate::xpath::Expr;

use pattern::Pattern;

/// Namespace of instructions.
const XSL: &str = "http://www.w3.org/1999/XSL/Transform";

/// A compiled stylesheet.
#[derive(Debug)]
pub(crate) struct Stylesheet {
    templates: Vec<Template>,
    globals: Vec<Variable>,
    strip: Vec<String>,
}

#[derive(Debug)]
struct Template {
    pattern: Option<Pattern>,
    name: Option<String>,
    mode: Option<String>,
    priority: f64,
    body: Vec<Instruction>,
}

#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) select: Option<Expr>,
    pub(crate) body: Vec<Instruction>,
    /// True for a parameter, which a caller may set.
    pub(crate) parameter: bool,
}

/// An attribute value template.
#[derive(Debug)]
pub(crate) struct Avt(pub(crate) Vec<Part>);

#[derive(Debug)]
pub(crate) enum Part {
    Text(String),
    Expr(Expr),
}

#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) select: Expr,
    pub(crate) numeric: bool,
    pub(crate) descending: bool,
}

#[derive(Debug)]
pub(crate) enum Instruction {
    Text(String),
    ValueOf(Expr),
    CopyOf(Expr),
    Copy(Vec<Instruction>),
    Apply {
        select: Option<Expr>,
        mode: Option<String>,
        sorts: Vec<Sort>,
        with: Vec<Variable>,
    },
    Call {
        name: String,
        with: Vec<Variable>,
    },
    /// `for $x in .. where .. order by ..` of XQuery.
    ForVariable {
        name: String,
        select: Expr,
        condition: Option<Expr>,
        sorts: Vec<Sort>,
        body: Vec<Instruction>,
    },
    ForEach {
        select: Expr,
        sorts: Vec<Sort>,
        body: Vec<Instruction>,
    },
    If(Expr, Vec<Instruction>),
    Choose {
        whens: Vec<(Expr, Vec<Instruction>)>,
        otherwise: Vec<Instruction>,
    },
    Literal {
        name: Name,
        attributes: Vec<(Name, Avt)>,
        body: Vec<Instruction>,
    },
    Element {
        name: Avt,
        namespace: Option<Avt>,
        prefixes: crate::xpath::Namespaces,
        body: Vec<Instruction>,
    },
    Attribute {
        name: Avt,
        namespace: Option<Avt>,
        prefixes: crate::xpath::Namespaces,
        body: Vec<Instruction>,
    },
    Comment(Vec<Instruction>),
    Processing(Avt, Vec<Instruction>),
    Variable(Variable),
    Message {
        terminate: bool,
        body: Vec<Instruction>,
    },
}

impl Stylesheet {
    /// Compiles a stylesheet.
    ///
    /// # Errors
    /// What is wrong, with the line inside of the stylesheet.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        let document = Document::parse(text, Limits::ARTIFACT).map_err(|e| e.to_string())?;
        let root = Element::root(&document).ok_or("the stylesheet is empty")?;
        compile::stylesheet(root)
    }

    /// A stylesheet with one template for the document node.
    pub(crate) fn of_body(globals: Vec<Variable>, body: Vec<Instruction>) -> Self {
        let pattern = Some(Pattern::root());
        let template = Template { pattern, name: None, mode: None, priority: 0.5, body };
        Self { templates: vec![template], globals, strip: Vec::new() }
    }

    /// Transforms a document; parameters are for `xsl:param`.
    ///
    /// # Errors
    /// A failing expression, `xsl:message terminate="yes"`, endless recursion, or the budget.
    pub(crate) fn transform(
        &self,
        source: Arc<Document>,
        parameters: &[(String, Value)],
        budget: &Budget,
    ) -> Result<Document, Failure> {
        run::transform(self, source, parameters, budget)
    }
}

#[cfg(test)]
mod tests;
