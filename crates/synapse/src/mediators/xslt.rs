//! `xslt`, `fastXSLT`

use std::sync::{Arc, Mutex};

use super::enrich;
use super::property::{Source, source_of, value_of};
use crate::compile::Compiler;
use crate::expression::{Expression, Places, Template};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::soap;
use crate::value::Value;
use crate::xml::{Document, Element, NodeId};
use crate::xslt::Stylesheet;

pub(super) const XSLT: Mediator =
    Mediator { name: "xslt", summary: "Transforms the message with a stylesheet (XSLT 1.0).", compile };
pub(super) const FAST_XSLT: Mediator =
    Mediator { name: "fastXSLT", summary: "Transforms the message with a stylesheet (XSLT 1.0).", compile };

#[derive(Debug)]
struct Xslt {
    key: Template,
    source: Option<Expression>,
    target: Option<String>,
    properties: Vec<(String, Source)>,
    /// The stylesheet that was compiled last, with the text it came from.
    compiled: Mutex<Option<(String, Arc<Stylesheet>)>>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let key = compiler.required(element, "key").and_then(|key| compiler.value(element, &key));
    let source = match element.given("source") {
        Some(text) => Some(compiler.expression(element, text)?),
        None => None,
    };
    let mut properties = Vec::new();
    for child in element.children_named("property") {
        let name = compiler.required(child, "name")?;
        properties.push((name, source_of(compiler, child, None)?));
    }
    Some(Box::new(Xslt {
        key: key?,
        source,
        target: element.given("target").map(str::to_owned),
        properties,
        compiled: Mutex::new(None),
    }))
}

impl Xslt {
    fn stylesheet(&self, flow: &mut Flow) -> Result<Arc<Stylesheet>, Failure> {
        let key = self.key.text(flow)?;
        let configuration = Arc::clone(&flow.exchange.configuration);
        let text = configuration
            .text_of(key.trim())
            .or_else(|| flow.host().resource(key.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
            .ok_or_else(|| Failure::new(format!("the stylesheet {key} is not deployed")))?;
        if let Ok(known) = self.compiled.lock()
            && let Some((source, sheet)) = &*known
            && *source == text
        {
            return Ok(Arc::clone(sheet));
        }
        let sheet =
            Arc::new(Stylesheet::compile(&text).map_err(|e| Failure::new(format!("the stylesheet {key}: {e}")))?);
        if let Ok(mut known) = self.compiled.lock() {
            *known = Some((text, Arc::clone(&sheet)));
        }
        Ok(sheet)
    }

    fn transform(&self, flow: &mut Flow) -> Result<(), Failure> {
        let sheet = self.stylesheet(flow)?;
        let mut parameters = Vec::with_capacity(self.properties.len());
        for (name, source) in &self.properties {
            parameters.push((name.clone(), value_of(source, None, flow)?));
        }
        let (document, place) = self.subject(flow)?;
        let exchange = Arc::clone(&flow.exchange);
        let mut result = sheet.transform(Arc::new(document), &parameters, &exchange.budget)?;
        if let Some(target) = &self.target {
            flow.properties.insert(target.clone(), Value::Xml(Arc::new(result)));
            return Ok(());
        }
        if !soap::has_elements(&result) {
            flow.message.set_body(Body::Text(result.text(NodeId::DOCUMENT).into()));
            return Ok(());
        }
        match place {
            // A part of the message is replaced in its place.
            Some(id) => {
                let envelope = flow.message.envelope_mut()?;
                if let Some(parent) = envelope.parent(id) {
                    envelope.insert_copy(parent, Some(id), &result, NodeId::DOCUMENT);
                    envelope.detach(id);
                    envelope.compact();
                }
                Ok(())
            }
            None => {
                result.compact();
                enrich::set_body(flow, &Value::Xml(Arc::new(result)))
            }
        }
    }

    /// What is transformed, and where it stands when it is not the whole payload.
    fn subject(&self, flow: &mut Flow) -> Result<(Document, Option<NodeId>), Failure> {
        let envelope = flow.message.envelope()?;
        let Some(source) = &self.source else {
            let payload = soap::payload_of(&envelope).ok_or_else(|| Failure::new("there is no XML to transform"))?;
            return Ok((envelope.extract(payload), None));
        };
        if let Ok(Places::Xml(nodes)) = source.places(flow)
            && let Some((id, _)) = nodes.first()
        {
            let whole = envelope.local_name(*id) == "Body" && soap::is_envelope(envelope.namespace(*id));
            if whole {
                let payload =
                    soap::payload_of(&envelope).ok_or_else(|| Failure::new("there is no XML to transform"))?;
                return Ok((envelope.extract(payload), None));
            }
            let place = (Some(*id) != envelope.root()).then_some(*id);
            return Ok((envelope.extract(*id), place));
        }
        match source.value(flow)? {
            Value::Xml(document) => Ok(((*document).clone(), None)),
            _ => Err(Failure::new("the source selects no XML to transform")),
        }
    }
}

impl Run for Xslt {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.transform(flow))
    }
}
