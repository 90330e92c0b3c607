//! Variables and functions that Synapse adds to XPath.

use std::sync::Arc;

use crate::flow::{Failure, Flow, PropertyScope};
use crate::soap;
use crate::text;
use crate::value::Value;
use crate::xml::{Document, NodeId};
use crate::xpath::{Context, Environment, NodeRef, XValue};

pub(super) struct FlowEnvironment<'a> {
    flow: &'a mut Flow,
}

impl<'a> FlowEnvironment<'a> {
    pub(super) fn new(flow: &'a mut Flow) -> Self {
        Self { flow }
    }
}

/// The value of the attribute that a reference names.
pub(super) fn attribute(document: &Document, node: NodeRef) -> Option<String> {
    let index = node.attribute.checked_sub(1)?;
    document.element(node.id)?.attributes.get(index as usize).map(|attribute| attribute.value.to_string())
}

/// A value as XPath sees it; XML joins the documents of the evaluation.
fn to_xpath(value: Value, documents: &mut Vec<Arc<Document>>) -> XValue {
    match value {
        Value::Xml(document) => {
            let index = u32::try_from(documents.len()).unwrap_or(u32::MAX);
            let nodes = document.children(NodeId::DOCUMENT).map(|id| NodeRef::node(index, id)).collect();
            documents.push(document);
            XValue::Nodes(nodes)
        }
        Value::Boolean(value) => XValue::Boolean(value),
        Value::Integer(_) => XValue::Text(value.as_text()),
        Value::Double(value) => XValue::Number(value),
        other => XValue::Text(other.as_text()),
    }
}

impl Environment for FlowEnvironment<'_> {
    fn variable(&mut self, documents: &mut Vec<Arc<Document>>, prefix: &str, name: &str) -> Result<XValue, Failure> {
        let scope = match prefix {
            "" => {
                let Some(envelope) = documents.first() else { return Ok(XValue::Nodes(Vec::new())) };
                let node = match name {
                    "body" => soap::body_of(envelope),
                    "header" => soap::header_of(envelope),
                    "env" => envelope.root(),
                    _ => {
                        // A parameter of a template may be read without its prefix.
                        let value = self.flow.parameter(name);
                        if matches!(value, Value::Null) {
                            return Err(Failure::new(format!("there is no variable ${name}")));
                        }
                        return Ok(to_xpath(value, documents));
                    }
                };
                return Ok(XValue::Nodes(node.map(|id| NodeRef::node(0, id)).into_iter().collect()));
            }
            "ctx" | "synapse" => PropertyScope::Synapse,
            "axis2" => PropertyScope::Axis2,
            "trp" => PropertyScope::Transport,
            "operation" => PropertyScope::Operation,
            "url" => {
                let value = self.flow.property(PropertyScope::Synapse, &format!("query.param.{name}"));
                return Ok(to_xpath(value, documents));
            }
            "func" => return Ok(to_xpath(self.flow.parameter(name), documents)),
            other => return Err(Failure::new(format!("there is no variable ${other}:{name}"))),
        };
        Ok(to_xpath(self.flow.property(scope, name), documents))
    }

    fn function(
        &mut self,
        documents: &mut Vec<Arc<Document>>,
        _: Context,
        name: &str,
        arguments: &[XValue],
    ) -> Result<Option<XValue>, Failure> {
        let of = |index: usize| arguments.get(index).map(|value| text_of(value, documents)).unwrap_or_default();
        let answer = match name {
            "get-property" => {
                let value = self.get_property(&of(0), (arguments.len() > 1).then(|| of(1)))?;
                return Ok(Some(to_xpath(value, documents)));
            }
            "base64Encode" => text::base64(of(0).as_bytes()),
            "base64Decode" => match text::unbase64(&of(0)) {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => return Err(Failure::new("base64Decode() is given something else")),
            },
            "url-encode" | "encode" => text::encode_form(&of(0)),
            "url-decode" | "decode" => text::decode_form(&of(0)),
            "vault-lookup" => {
                let alias = of(0);
                let secret = self.flow.host().secret(&alias);
                secret.ok_or_else(|| Failure::new(format!("the vault has no secret {alias}")))?
            }
            "json-eval" => {
                let expression = super::Expression::compile_json(&of(0), &Vec::new())
                    .map_err(|e| Failure::new(format!("{}: {e}", of(0))))?;
                return Ok(Some(to_xpath(expression.value(self.flow)?, documents)));
            }
            "current-dateTime" => crate::calendar::default_date(self.flow.host().now()),
            "current-date" => crate::calendar::format(self.flow.host().now(), "yyyy-MM-dd"),
            "current-time" => crate::calendar::format(self.flow.host().now(), "HH:mm:ss.SSSXXX"),
            "parse-xml" => {
                let document = Document::parse(&of(0), crate::xml::Limits::MESSAGE)
                    .map_err(|e| Failure::new(format!("parse-xml(): {e}")))?;
                return Ok(Some(to_xpath(Value::Xml(Arc::new(document)), documents)));
            }
            _ => return Ok(None),
        };
        self.flow.spend(answer.len() as u64 / 64)?;
        Ok(Some(XValue::Text(answer)))
    }

    fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        self.flow.spend(steps)
    }
}

impl FlowEnvironment<'_> {
    fn get_property(&mut self, first: &str, second: Option<String>) -> Result<Value, Failure> {
        let Some(second) = second else { return Ok(self.flow.property(PropertyScope::Synapse, first)) };
        match first {
            "SYSTEM_DATE" | "SYSTEM_TIME" => {
                return Ok(Value::text(crate::calendar::format(self.flow.host().now(), &second)));
            }
            _ => {}
        }
        match PropertyScope::parse(first) {
            Some(scope) => Ok(self.flow.property(scope, &second)),
            None => Err(Failure::new(format!("there is no scope {first}"))),
        }
    }
}

fn text_of(value: &XValue, documents: &[Arc<Document>]) -> String {
    match value {
        XValue::Text(text) => text.clone(),
        XValue::Number(number) => crate::value::number_text(*number),
        XValue::Boolean(value) => value.to_string(),
        XValue::Nodes(nodes) => {
            let Some(node) = nodes.first() else { return String::new() };
            let Some(document) = documents.get(node.document as usize) else { return String::new() };
            attribute(document, *node).unwrap_or_else(|| document.text(node.id))
        }
    }
}
