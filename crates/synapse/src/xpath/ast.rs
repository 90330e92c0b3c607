//! The tree of an expression.

use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Parent,
    Ancestor,
    AncestorOrSelf,
    FollowingSibling,
    PrecedingSibling,
    Following,
    Preceding,
    Attribute,
    SelfNode,
    Namespace,
}

impl Axis {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "child" => Self::Child,
            "descendant" => Self::Descendant,
            "descendant-or-self" => Self::DescendantOrSelf,
            "parent" => Self::Parent,
            "ancestor" => Self::Ancestor,
            "ancestor-or-self" => Self::AncestorOrSelf,
            "following-sibling" => Self::FollowingSibling,
            "preceding-sibling" => Self::PrecedingSibling,
            "following" => Self::Following,
            "preceding" => Self::Preceding,
            "attribute" => Self::Attribute,
            "self" => Self::SelfNode,
            "namespace" => Self::Namespace,
            _ => return None,
        })
    }

    /// True for axes that number their nodes against document order.
    pub(super) const fn is_reverse(self) -> bool {
        matches!(self, Self::Parent | Self::Ancestor | Self::AncestorOrSelf | Self::PrecedingSibling | Self::Preceding)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// `*`
    Any,
    /// `p:*`
    Namespace(Arc<str>),
    /// `name`, `p:name`
    Name { namespace: Arc<str>, local: Arc<str> },
    /// `node()`
    Node,
    /// `text()`
    Text,
    /// `comment()`
    Comment,
    /// `processing-instruction('x')`
    Instruction(Option<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) axis: Axis,
    pub(crate) test: Test,
    pub(crate) predicates: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Start {
    /// `/a`
    Root,
    /// `a`
    Context,
    /// `$x/a`, `f()[1]/a`
    Expr { primary: Box<Expr>, predicates: Vec<Expr> },
}

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
    Union,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Path {
        start: Start,
        steps: Vec<Step>,
    },
    Number(f64),
    Text(Arc<str>),
    Variable {
        prefix: Arc<str>,
        name: Arc<str>,
    },
    /// The expression uses a prefix that is not declared, or a function that does not exist, for this reason. WSO2 deploys
    /// it, and every evaluation fails.
    Undeclared(Arc<str>),
    Call {
        prefix: Arc<str>,
        name: Arc<str>,
        arguments: Vec<Expr>,
    },
}

/// Functions whose value comes from their arguments, and from what the flow carries beside its body, when they have at least
/// one argument.
const OF_ARGUMENTS: [&str; 24] = [
    "get-property",
    "boolean",
    "not",
    "string",
    "concat",
    "contains",
    "starts-with",
    "ends-with",
    "substring",
    "substring-before",
    "substring-after",
    "string-length",
    "normalize-space",
    "translate",
    "upper-case",
    "lower-case",
    "compare",
    "number",
    "floor",
    "ceiling",
    "base64Encode",
    "base64Decode",
    "url-encode",
    "url-decode",
];

impl Expr {
    /// Whether the value can depend on the node where the evaluation begins, or on its document. True when in doubt.
    pub(super) fn reads_context(&self) -> bool {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Undeclared(_) => false,
            Self::Negate(inner) => inner.reads_context(),
            Self::Binary(_, left, right) => left.reads_context() || right.reads_context(),
            // `$body`, `$header` and `$env` are the message; variables with a prefix are properties and parameters.
            Self::Variable { prefix, .. } => prefix.is_empty(),
            Self::Call { prefix, name, arguments } => match &**name {
                "true" | "false" => !prefix.is_empty(),
                name => {
                    arguments.is_empty() || !OF_ARGUMENTS.contains(&name) || arguments.iter().any(Self::reads_context)
                }
            },
            Self::Path { start: Start::Expr { primary, predicates }, steps } => {
                !predicates.is_empty()
                    || primary.reads_context()
                    || steps.iter().any(|step| !step.predicates.is_empty())
            }
            Self::Path { .. } => true,
        }
    }
}
