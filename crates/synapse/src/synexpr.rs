//! The expression language of MI 4.4 and later: `${payload.a + vars.b}`.

mod evaluate;
mod functions;
mod parser;

use crate::flow::{Failure, Flow, PropertyScope};
use crate::jsonpath::JsonPath;
use crate::value::Value;
use crate::xpath::{Namespaces, SyntaxError, XPath};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Root {
    Payload,
    Variables,
    Headers,
    Properties(PropertyScope),
    PathParameters,
    QueryParameters,
    FunctionParameters,
    Settings,
    /// A resource, or a property of it.
    Registry(Box<Node>, Option<String>),
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Literal(Value),
    Binary(Operator, Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Choice(Box<Node>, Box<Node>, Box<Node>),
    Path { root: Root, name: Option<String>, path: JsonPath },
    Call(String, Vec<Node>),
    XPath(Box<XPath>, Option<String>),
}

impl PartialEq for Node {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// A compiled expression, without `${` and `}`.
#[derive(Clone, Debug)]
pub(crate) struct SynapseExpression(Node);

impl SynapseExpression {
    pub(crate) fn compile(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        parser::parse(text, namespaces).map(Self)
    }

    pub(crate) fn value(&self, flow: &mut Flow) -> Result<Value, Failure> {
        evaluate::evaluate(&self.0, flow)
    }

    /// The path when the expression is nothing but a path into the payload.
    pub(crate) fn payload_path(&self) -> Option<&JsonPath> {
        match &self.0 {
            Node::Path { root: Root::Payload, path, .. } => Some(path),
            _ => None,
        }
    }

    /// The XPath when the expression is nothing but `xpath('..')`.
    pub(crate) fn as_xpath(&self) -> Option<&XPath> {
        match &self.0 {
            Node::XPath(xpath, None) => Some(xpath),
            _ => None,
        }
    }

    /// The name and path when the expression is a path into a variable.
    pub(crate) fn variable_path(&self) -> Option<(&str, &JsonPath)> {
        match &self.0 {
            Node::Path { root: Root::Variables, name: Some(name), path } => Some((name, path)),
            _ => None,
        }
    }
}
