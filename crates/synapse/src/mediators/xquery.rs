//! `xquery`

use std::sync::Arc;

use super::enrich;
use super::property::{Source, Type, convert, source_of, value_of};
use crate::compile::Compiler;
use crate::expression::{Expression, Places, Template};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::soap;
use crate::value::Value;
use crate::xml::{Document, Element, NodeId};
use crate::xquery;

pub(super) const XQUERY: Mediator =
    Mediator { name: "xquery", summary: "Transforms the message with a query (a part of XQuery 1.0).", compile };

#[derive(Debug)]
struct XQuery {
    key: Template,
    target: Option<Expression>,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct Variable {
    name: String,
    kind: Option<Type>,
    source: Option<Source>,
    key: Option<String>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let key = compiler.required(element, "key").and_then(|key| compiler.value(element, &key));
    let target = match element.given("target") {
        Some(text) => Some(compiler.expression(element, text)?),
        None => None,
    };
    let mut variables = Vec::new();
    for child in element.children_named("variable") {
        let name = compiler.required(child, "name")?;
        let kind = match child.given("type").unwrap_or("STRING").to_ascii_uppercase().as_str() {
            "INT" | "INTEGER" | "LONG" | "SHORT" | "BYTE" => Some(Type::Integer),
            "FLOAT" | "DOUBLE" => Some(Type::Double),
            "BOOLEAN" => Some(Type::Boolean),
            _ => None,
        };
        let key = child.given("key").map(str::to_owned);
        let given = child.given("expression").is_some() || child.attribute("value").is_some();
        let source = if given { Some(source_of(compiler, child, kind)?) } else { None };
        variables.push(Variable { name, kind, source, key });
    }
    Some(Box::new(XQuery { key: key?, target, variables }))
}

impl XQuery {
    fn query(&self, flow: &mut Flow) -> Result<String, Failure> {
        let key = self.key.text(flow)?;
        let configuration = Arc::clone(&flow.exchange.configuration);
        let text = match configuration.entry_value(key.trim()) {
            // A query in an element stands there as its text.
            Some(Value::Xml(document)) => Some(document.text(NodeId::DOCUMENT)),
            Some(other) => Some(other.as_text()),
            None => configuration
                .resource(key.trim())
                .or_else(|| flow.host().resource(key.trim()))
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        text.ok_or_else(|| Failure::new(format!("the query {key} is not deployed")))
    }

    fn transform(&self, flow: &mut Flow) -> Result<(), Failure> {
        let query = xquery::compile(&self.query(flow)?).map_err(|e| Failure::new(format!("the query: {e}")))?;
        let envelope = flow.message.envelope()?;
        let payload = soap::payload_of(&envelope).map(|id| envelope.extract(id)).unwrap_or_default();
        let payload: Arc<Document> = Arc::new(payload);
        let mut given = vec![("payload".to_owned(), Value::Xml(Arc::clone(&payload)))];
        for variable in &self.variables {
            let value = match (&variable.source, &variable.key) {
                (Some(source), _) => convert(&value_of(source, variable.kind, flow)?, variable.kind)?,
                (None, Some(key)) => flow.exchange.configuration.entry_value(key).unwrap_or(Value::Null),
                (None, None) => Value::Xml(Arc::clone(&payload)),
            };
            given.retain(|(name, _)| *name != variable.name);
            given.push((variable.name.clone(), value));
        }
        let exchange = Arc::clone(&flow.exchange);
        let result = Arc::new(query.transform(payload, &given, &exchange.budget)?);
        let places = match &self.target {
            Some(target) => target.places(flow)?,
            None => Places::Xml(Vec::new()),
        };
        match places {
            Places::Xml(nodes) if !nodes.is_empty() => {
                let envelope = flow.message.envelope_mut()?;
                if let Some((id, _)) = nodes.first()
                    && let Some(parent) = envelope.parent(*id)
                {
                    envelope.insert_copy(parent, Some(*id), &result, NodeId::DOCUMENT);
                    envelope.detach(*id);
                    envelope.compact();
                }
                Ok(())
            }
            _ => enrich::set_body(flow, &Value::Xml(result)),
        }
    }
}

impl Run for XQuery {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.transform(flow))
    }
}
