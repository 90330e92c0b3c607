//! Expressions of artifacts, whatever their language: XPath, `json-eval(..)`, `${..}`.

mod environment;
mod template;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::flow::{Failure, Flow, PropertyScope};
use crate::json;
use crate::jsonpath::{JsonPath, Located};
use crate::synexpr::SynapseExpression;
use crate::value::Value;
use crate::xml::{Document, Kind as NodeKind, Name, NodeId};
use crate::xpath::{Context, Evaluator, NodeRef, XPath, XValue};

pub use crate::xpath::{Namespaces, SyntaxError};
pub(crate) use template::Template;

use environment::{FlowEnvironment, attribute};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    XPath(XPath),
    Json(JsonSource, JsonPath),
    /// A path with `{..}` inside, compiled when it is known.
    JsonTemplate(Box<Template>),
    Synapse(SynapseExpression),
}

/// What a `json-eval` walks in.
#[derive(Clone, Debug)]
enum JsonSource {
    Body,
    Property(PropertyScope, String),
    Parameter(String),
}

/// Places that an expression selects in the body, for mediators that change it.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    /// Nodes of the envelope; an attribute is its element and number.
    Xml(Vec<(NodeId, u32)>),
    /// Ways through the JSON body.
    Json(Vec<Located>),
}

impl Expression {
    /// Compiles. The form chooses the language: `json-eval(..)`, `${..}`, else XPath.
    ///
    /// # Errors
    /// What is wrong, and how many characters stand before it.
    pub fn compile(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let trimmed = text.trim();
        let kind = if let Some(inner) = enclosed(trimmed, "json-eval(", ")") {
            json_kind(inner, namespaces).map_err(|e| shift(e, "json-eval(".len()))?
        } else if let Some(inner) = enclosed(trimmed, "${", "}") {
            Kind::Synapse(SynapseExpression::compile(inner, namespaces).map_err(|e| shift(e, 2))?)
        } else {
            Kind::XPath(XPath::compile(trimmed, namespaces)?)
        };
        Ok(Self { source: Arc::from(trimmed), kind })
    }

    /// Compiles for an `evaluator="json"`, where a bare path is JSONPath.
    ///
    /// # Errors
    /// See [`Expression::compile`].
    pub fn compile_json(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        let trimmed = text.trim();
        if trimmed.starts_with("json-eval(") || trimmed.starts_with("${") {
            return Self::compile(trimmed, namespaces);
        }
        Ok(Self { source: Arc::from(trimmed), kind: json_kind(trimmed, namespaces)? })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True for JSONPath.
    pub fn is_json(&self) -> bool {
        matches!(self.kind, Kind::Json(..) | Kind::JsonTemplate(_))
    }

    /// True for XPath.
    pub fn is_xpath(&self) -> bool {
        matches!(self.kind, Kind::XPath(_))
    }

    /// Why every evaluation fails: a namespace prefix that is not declared, a function that does not exist.
    pub(crate) fn undeclared(&self) -> Option<&str> {
        match &self.kind {
            Kind::XPath(xpath) => xpath.undeclared(),
            _ => None,
        }
    }

    /// The variable and path of `${vars.x.y}`.
    pub(crate) fn variable(&self) -> Option<&str> {
        match &self.kind {
            Kind::Synapse(expression) => expression.variable_path().map(|(name, _)| name),
            _ => None,
        }
    }

    /// The value: nodes as XML, numbers as numbers.
    ///
    /// # Errors
    /// A body that cannot be read, or an evaluation that fails.
    pub fn value(&self, flow: &mut Flow) -> Result<Value, Failure> {
        self.within(self.evaluate(flow))
    }

    fn evaluate(&self, flow: &mut Flow) -> Result<Value, Failure> {
        match &self.kind {
            Kind::XPath(xpath) => evaluate_xpath(xpath, None, flow),
            Kind::Json(source, path) => json_value(source, path, flow),
            Kind::JsonTemplate(template) => {
                let text = template.text(flow)?;
                let kind = json_kind(&text, &Vec::new()).map_err(|e| Failure::new(format!("{text}: {e}")))?;
                match &kind {
                    Kind::Json(source, path) => json_value(source, path, flow),
                    _ => Err(Failure::new(format!("{text} is not a JSONPath"))),
                }
            }
            Kind::Synapse(expression) => expression.value(flow),
        }
    }

    fn within<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| Failure {
            message: format!("cannot evaluate {}: {}", self.source, failure.message),
            ..failure
        })
    }

    /// The text, as Synapse's `stringValueOf`: an element is its own text, or its XML when that is blank.
    ///
    /// # Errors
    /// See [`Expression::value`].
    pub fn text(&self, flow: &mut Flow) -> Result<String, Failure> {
        match &self.kind {
            Kind::XPath(xpath) => self.within(xpath_text(xpath, flow)),
            _ => Ok(self.value(flow)?.as_text()),
        }
    }

    /// The truth of the value, as XPath defines it; text of other languages is true when it says `true`.
    ///
    /// # Errors
    /// See [`Expression::value`].
    pub fn boolean(&self, flow: &mut Flow) -> Result<bool, Failure> {
        match &self.kind {
            Kind::XPath(xpath) => {
                let evaluated = |flow: &mut Flow| {
                    let envelope = document_of(xpath, flow)?;
                    let context = start(&envelope);
                    let mut environment = FlowEnvironment::new(flow);
                    let mut evaluator = Evaluator::new(envelope, &mut environment);
                    let value = evaluator.evaluate(&xpath.root, context)?;
                    Ok(evaluator.boolean(&value))
                };
                self.within(evaluated(flow))
            }
            _ => Ok(self.value(flow)?.as_boolean()),
        }
    }

    /// The values of a list, one by one: nodes, or items of a JSON array.
    ///
    /// # Errors
    /// See [`Expression::value`].
    pub fn items(&self, flow: &mut Flow) -> Result<Vec<Value>, Failure> {
        Ok(match self.value(flow)? {
            Value::Xml(list) => {
                list.children(NodeId::DOCUMENT).map(|id| Value::Xml(Arc::new(list.extract(id)))).collect()
            }
            Value::Json(json) => match &*json {
                Json::Array(items) => items.iter().map(|item| Value::from_json(item.clone())).collect(),
                _ => vec![Value::Json(json)],
            },
            Value::Null => Vec::new(),
            Value::Text(text) if text.is_empty() => Vec::new(),
            other => vec![other],
        })
    }

    /// The places in the body that the expression selects, to change them.
    ///
    /// # Errors
    /// An expression that selects no places, such as a sum; see also [`Expression::value`].
    pub(crate) fn places(&self, flow: &mut Flow) -> Result<Places, Failure> {
        let json_places = |path: &JsonPath, flow: &mut Flow| {
            let body = flow.message.json()?;
            Ok(Places::Json(path.locate(&body, flow)?))
        };
        match &self.kind {
            Kind::Json(JsonSource::Body, path) => json_places(path, flow),
            Kind::XPath(xpath) => self.within(xpath_places(xpath, flow)),
            Kind::Synapse(expression) => match (expression.payload_path(), expression.as_xpath()) {
                (Some(path), _) => json_places(path, flow),
                (None, Some(xpath)) => xpath_places(xpath, flow),
                (None, None) => Err(Failure::new(format!("{} names no place in the body", self.source))),
            },
            _ => Err(Failure::new(format!("{} names no place in the body", self.source))),
        }
    }
}

fn enclosed<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(begin)?.strip_suffix(end)
}

fn shift(error: SyntaxError, by: usize) -> SyntaxError {
    SyntaxError { at: error.at + by, ..error }
}

fn json_kind(text: &str, namespaces: &Namespaces) -> Result<Kind, SyntaxError> {
    let text = text.trim();
    let text = enclosed(text, "'", "'").or_else(|| enclosed(text, "\"", "\"")).unwrap_or(text);
    if text.contains('{') {
        return Ok(Kind::JsonTemplate(Box::new(Template::compile(text, namespaces)?)));
    }
    for (prefix, scope) in [
        ("$ctx:", PropertyScope::Synapse),
        ("$trp:", PropertyScope::Transport),
        ("$axis2:", PropertyScope::Axis2),
        ("$operation:", PropertyScope::Operation),
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let (name, path) = named_path(rest);
            let path = JsonPath::compile(&format!("${path}")).map_err(|e| shift(e, prefix.len() + name.len()))?;
            return Ok(Kind::Json(JsonSource::Property(scope, name.to_owned()), path));
        }
    }
    if let Some(rest) = text.strip_prefix("$func:") {
        let (name, path) = named_path(rest);
        let path = JsonPath::compile(&format!("${path}")).map_err(|e| shift(e, name.len() + 6))?;
        return Ok(Kind::Json(JsonSource::Parameter(name.to_owned()), path));
    }
    Ok(Kind::Json(JsonSource::Body, JsonPath::compile(text)?))
}

fn named_path(text: &str) -> (&str, &str) {
    text.split_at(text.find(['.', '[']).unwrap_or(text.len()))
}

fn json_value(source: &JsonSource, path: &JsonPath, flow: &mut Flow) -> Result<Value, Failure> {
    let root: Arc<Json> = match source {
        JsonSource::Body => flow.message.json()?,
        JsonSource::Property(..) | JsonSource::Parameter(_) => {
            let value = match source {
                JsonSource::Property(scope, name) => flow.property(*scope, name),
                JsonSource::Parameter(name) => flow.parameter(name),
                JsonSource::Body => Value::Null,
            };
            match value {
                Value::Json(json) => json,
                Value::Text(text) => Arc::new(json::parse(&text).unwrap_or_else(|_| Json::String(text.to_string()))),
                other => Arc::new(other.as_json()),
            }
        }
    };
    Ok(path.value(&root, flow)?.map_or(Value::Null, Value::from_json))
}

/// Where XPath begins: the envelope element.
fn start(envelope: &Document) -> Context {
    Context::at(NodeRef::node(0, envelope.root().unwrap_or(NodeId::DOCUMENT)))
}

/// What XPath is evaluated on: the envelope, or nothing for what does not look at it. A fault sequence must be able to ask
/// for `get-property('ERROR_CODE')` when the fault is that the body cannot be read.
fn document_of(xpath: &XPath, flow: &mut Flow) -> Result<Arc<Document>, Failure> {
    Ok(if xpath.reads_body { flow.message.envelope()? } else { Arc::new(Document::new()) })
}

/// Evaluates XPath on the envelope, or on a variable that holds XML.
pub(crate) fn evaluate_xpath(xpath: &XPath, variable: Option<&str>, flow: &mut Flow) -> Result<Value, Failure> {
    let document = match variable {
        Some(name) => match flow.variables.get(name) {
            Some(Value::Xml(document)) => Arc::clone(document),
            Some(Value::Text(text)) => Arc::new(
                Document::parse(text, crate::xml::Limits::MESSAGE)
                    .map_err(|e| Failure::new(format!("the variable {name} is not XML: {e}")))?,
            ),
            _ => return Err(Failure::new(format!("the variable {name} holds no XML"))),
        },
        None => document_of(xpath, flow)?,
    };
    let context = start(&document);
    let mut environment = FlowEnvironment::new(flow);
    let mut evaluator = Evaluator::new(document, &mut environment);
    let value = evaluator.evaluate(&xpath.root, context)?;
    Ok(match value {
        XValue::Number(number) => Value::Double(number),
        XValue::Boolean(value) => Value::Boolean(value),
        XValue::Text(text) => Value::text(text),
        XValue::Nodes(nodes) if nodes.is_empty() => Value::Null,
        XValue::Nodes(nodes) => Value::Xml(Arc::new(collect(&evaluator, &nodes))),
    })
}

/// Copies nodes into a list; attributes become text.
fn collect(evaluator: &Evaluator<'_>, nodes: &[NodeRef]) -> Document {
    let mut list = Document::new();
    for node in nodes {
        let document = evaluator.document(*node);
        match attribute(&document, *node) {
            Some(text) => list.append_text(NodeId::DOCUMENT, &text),
            None => {
                list.append_copy(NodeId::DOCUMENT, &document, node.id);
            }
        }
    }
    list
}

fn xpath_text(xpath: &XPath, flow: &mut Flow) -> Result<String, Failure> {
    let envelope = document_of(xpath, flow)?;
    let context = start(&envelope);
    let mut environment = FlowEnvironment::new(flow);
    let mut evaluator = Evaluator::new(envelope, &mut environment);
    let value = evaluator.evaluate(&xpath.root, context)?;
    Ok(match value {
        XValue::Nodes(nodes) => nodes.iter().map(|node| node_text(&evaluator.document(*node), *node)).collect(),
        // Jaxen's numbers are Java doubles and are written as such.
        XValue::Number(number) if number.is_finite() && number.fract() == 0.0 && number.abs() < 1e7 => {
            format!("{number:.1}")
        }
        other => evaluator.text(&other),
    })
}

fn node_text(document: &Document, node: NodeRef) -> String {
    if let Some(text) = attribute(document, node) {
        return text;
    }
    match document.kind(node.id) {
        NodeKind::Element(_) => {
            let mut own = String::new();
            for child in document.children(node.id) {
                if let NodeKind::Text(text) = document.kind(child) {
                    own.push_str(text);
                }
            }
            // An element without text of its own is written out, as Synapse does.
            if own.replace('\u{a0}', " ").trim().is_empty()
                && (own.is_empty() || document.first_child(node.id).is_some())
            {
                document.write(node.id)
            } else {
                own
            }
        }
        NodeKind::Document => document.write(NodeId::DOCUMENT),
        _ => document.text(node.id),
    }
}

fn xpath_places(xpath: &XPath, flow: &mut Flow) -> Result<Places, Failure> {
    let envelope = flow.message.envelope()?;
    let context = start(&envelope);
    let mut environment = FlowEnvironment::new(flow);
    let mut evaluator = Evaluator::new(envelope, &mut environment);
    match evaluator.evaluate(&xpath.root, context)? {
        XValue::Nodes(nodes) => {
            let own = nodes.into_iter().filter(|node| node.document == 0);
            Ok(Places::Xml(own.map(|node| (node.id, node.attribute)).collect()))
        }
        _ => Err(Failure::new("the expression selects no nodes")),
    }
}

/// Text in an element of the list that [`Expression::items`] gives for what is not XML.
pub(crate) fn as_element(value: &Value, name: &str) -> Arc<Document> {
    match value {
        Value::Xml(document) => Arc::clone(document),
        other => {
            let mut document = Document::new();
            document.append_leaf(NodeId::DOCUMENT, Name::local(name), &other.as_text());
            Arc::new(document)
        }
    }
}
