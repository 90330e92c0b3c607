//! `payloadFactory`

use std::sync::Arc;

use serde_json::Value as Json;

use super::log::{Given, given};
use crate::compile::Compiler;
use crate::expression::{Expression, Namespaces, Template};
use crate::flow::{Failure, Flow, LARGEST, too_large};
use crate::json;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::value::Value;
use crate::xml::{Document, Element, Kind, Limits, NodeId, escape_text};

pub(super) const PAYLOAD_FACTORY: Mediator =
    Mediator { name: "payloadFactory", summary: "Replaces the body by a filled-in format.", compile };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Xml,
    Json,
    Text,
}

#[derive(Debug)]
enum Argument {
    Given(Given),
    Json(Expression),
}

#[derive(Debug)]
enum Format {
    Inline(Vec<Piece>),
    Key(Template),
}

/// A part of a format.
#[derive(Debug)]
enum Piece {
    Text(String),
    /// `$1`
    Argument(usize),
    /// `${..}`
    Expression(Expression),
}

#[derive(Debug)]
struct PayloadFactory {
    media: Media,
    freemarker: bool,
    format: Format,
    arguments: Vec<Argument>,
    namespaces: Namespaces,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let media = match element.given("media-type").map(str::to_ascii_lowercase).as_deref() {
        None | Some("xml") => Media::Xml,
        Some("json") => Media::Json,
        Some("text") => Media::Text,
        Some(other) => {
            compiler.fault(element, format!("the media-type {other} is not known"), "xml, json or text");
            return None;
        }
    };
    let freemarker = match element.given("template-type").map(str::to_ascii_lowercase).as_deref() {
        None | Some("default") => false,
        Some("freemarker") => true,
        Some(other) => {
            compiler.fault(element, format!("the template-type {other} is not known"), "default or freemarker");
            return None;
        }
    };
    let mut arguments = Vec::new();
    for argument in element.child("args").into_iter().flat_map(|args| args.children_named("arg")) {
        let compiled = match (argument.given("evaluator"), argument.given("expression")) {
            (Some(evaluator), Some(text)) if evaluator.eq_ignore_ascii_case("json") => {
                compiler.json_expression(argument, text).map(Argument::Json)
            }
            _ => given(compiler, argument).map(Argument::Given),
        };
        arguments.push(compiled?);
    }
    let Some(format) = element.child("format") else {
        compiler.fault(element, "format is missing", "");
        return None;
    };
    let namespaces = format.namespaces();
    let format = match format.given("key") {
        Some(key) => Format::Key(compiler.value(format, key)?),
        None => {
            let text = inline_text(format, media);
            let parsed = pieces(&text, &namespaces, freemarker);
            Format::Inline(parsed.map_err(|reason| compiler.fault(format, reason, "")).ok()?)
        }
    };
    if let Format::Inline(pieces) = &format {
        let highest =
            pieces.iter().filter_map(|piece| if let Piece::Argument(n) = piece { Some(*n) } else { None }).max();
        if let Some(highest) = highest.filter(|highest| !arguments.is_empty() && *highest > arguments.len()) {
            let count = arguments.len();
            compiler.note(
                element,
                format!("the format uses ${highest}, and there are {count} arguments"),
                "it stays as text",
            );
        }
    }
    Some(Box::new(PayloadFactory { media, freemarker, format, arguments, namespaces }))
}

/// The format as text: XML is written out, with the artifact's own namespace left away.
fn inline_text(format: Element<'_>, media: Media) -> String {
    let document = format.document;
    if media != Media::Xml || document.elements(format.id).next().is_none() {
        return document.text(format.id).trim().to_owned();
    }
    let mut copy = Document::new();
    for child in document.children(format.id) {
        if !matches!(document.kind(child), Kind::Comment(_)) {
            copy.append_copy(NodeId::DOCUMENT, document, child);
        }
    }
    strip_default(&mut copy);
    copy.write(NodeId::DOCUMENT).trim().to_owned()
}

/// Elements of a format that have no namespace of their own would be in the one of the artifact.
fn strip_default(copy: &mut Document) {
    const SYNAPSE: &str = "http://ws.apache.org/ns/synapse";
    let empty: Arc<str> = Arc::from("");
    for id in copy.descendants(NodeId::DOCUMENT).collect::<Vec<_>>() {
        let Some(element) = copy.element_mut(id) else { continue };
        if &*element.name.namespace == SYNAPSE && element.name.prefix.is_empty() {
            element.name.namespace = Arc::clone(&empty);
        }
        element.declarations.retain(|(prefix, uri)| !(prefix.is_empty() && &**uri == SYNAPSE));
    }
}

fn pieces(text: &str, namespaces: &Namespaces, freemarker: bool) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        literal.push_str(before);
        let after = tail.get(1..).unwrap_or_default();
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        if !digits.is_empty() && !freemarker {
            out.push(Piece::Text(std::mem::take(&mut literal)));
            out.push(Piece::Argument(digits.parse().unwrap_or(usize::MAX)));
            rest = after.get(digits.len()..).unwrap_or_default();
        } else if after.starts_with('{') {
            let (source, used) = expression_at(tail).ok_or("a brace is not closed")?;
            let source = source.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&").replace("&quot;", "\"");
            out.push(Piece::Text(std::mem::take(&mut literal)));
            out.push(
                match source.strip_prefix("args.arg").and_then(|n| n.trim().parse().ok()).filter(|_| freemarker) {
                    Some(number) => Piece::Argument(number),
                    None => {
                        let source = if freemarker { freemarker_name(&source) } else { source };
                        let text = format!("${{{source}}}");
                        Piece::Expression(Expression::compile(&text, namespaces).map_err(|e| format!("{text}: {e}"))?)
                    }
                },
            );
            rest = tail.get(used..).unwrap_or_default();
        } else {
            literal.push('$');
            rest = after;
        }
    }
    literal.push_str(rest);
    if freemarker
        && (literal.contains("<#") || out.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains("<#"))))
    {
        return Err("directives of FreeMarker are not available; build lists with foreach or script".to_owned());
    }
    out.push(Piece::Text(literal));
    out.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    Ok(out)
}

/// FreeMarker's names of what `${..}` calls otherwise.
fn freemarker_name(source: &str) -> String {
    let source = source.trim();
    for (from, to) in [("ctx.", "properties.synapse."), ("axis2.", "properties.axis2."), ("trp.", "headers.")] {
        if let Some(rest) = source.strip_prefix(from) {
            return format!("{to}{rest}");
        }
    }
    source.to_owned()
}

fn expression_at(text: &str) -> Option<(String, usize)> {
    let mut depth = 0;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some((text.get(2..at)?.to_owned(), at + 1));
                }
            }
            _ => {}
        }
    }
    None
}

impl PayloadFactory {
    fn make(&self, flow: &mut Flow) -> Result<(), Failure> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Given(Given::Text(template)) => Value::text(template.text(flow)?),
                Argument::Given(Given::Expression(expression)) | Argument::Json(expression)
                    if !expression.is_xpath() =>
                {
                    expression.value(flow)?
                }
                Argument::Given(Given::Expression(expression)) | Argument::Json(expression) => {
                    Value::text(expression.text(flow)?)
                }
            });
        }
        let text = match &self.format {
            Format::Inline(pieces) => self.fill(pieces, &values, flow)?,
            Format::Key(key) => {
                let name = key.text(flow)?;
                let configuration = Arc::clone(&flow.exchange.configuration);
                let text = configuration
                    .text_of(name.trim())
                    .or_else(|| {
                        flow.host().resource(name.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    })
                    .ok_or_else(|| Failure::new(format!("the format {name} is not deployed")))?;
                let pieces = pieces(text.trim(), &self.namespaces, self.freemarker).map_err(Failure::new)?;
                self.fill(&pieces, &values, flow)?
            }
        };
        self.set(flow, &text)
    }

    fn fill(&self, pieces: &[Piece], values: &[Value], flow: &mut Flow) -> Result<String, Failure> {
        let mut out = String::new();
        let mut skip_quote = false;
        for (index, piece) in pieces.iter().enumerate() {
            let value = match piece {
                Piece::Text(text) => {
                    let text =
                        if std::mem::take(&mut skip_quote) { text.strip_prefix('"').unwrap_or(text) } else { text };
                    out.push_str(text);
                    continue;
                }
                Piece::Argument(number) => match values.get(number.wrapping_sub(1)) {
                    Some(value) => value.clone(),
                    None => {
                        out.push_str(&format!("${number}"));
                        continue;
                    }
                },
                Piece::Expression(expression) => expression.value(flow)?,
            };
            flow.spend(1 + out.len() as u64 / 4096)?;
            if out.len() > LARGEST {
                return Err(too_large());
            }
            match self.media {
                Media::Text => out.push_str(&value.as_text()),
                Media::Xml => out.push_str(&xml_text(&value)),
                Media::Json => {
                    let next = pieces.get(index + 1);
                    let closes = matches!(next, Some(Piece::Text(text)) if text.starts_with('"'));
                    let quoted = out.ends_with('"') && closes && structured(&value);
                    if quoted {
                        out.pop();
                        skip_quote = true;
                    }
                    let inside = !quoted && inside_text(&out);
                    out.push_str(&json_text(&value, inside));
                }
            }
        }
        Ok(out)
    }

    fn set(&self, flow: &mut Flow, text: &str) -> Result<(), Failure> {
        let (body, message_type) = match self.media {
            Media::Text => (Body::Text(Arc::from(text)), "text/plain"),
            Media::Json => {
                let json =
                    json::parse(text).map_err(|e| Failure::new(format!("the format does not make JSON: {e}")))?;
                (Body::from_json(json), "application/json")
            }
            Media::Xml => {
                if text.trim().is_empty() {
                    flow.message.set_body(Body::Empty);
                    return Ok(());
                }
                let document = Document::parse(text, Limits::MESSAGE)
                    .map_err(|e| Failure::new(format!("the format does not make XML: {e}")))?;
                (Body::from_xml(document), "application/xml")
            }
        };
        flow.message.set_body(body);
        flow.axis2.remove("NO_ENTITY_BODY");
        // What is XML stays in the XML type that it had: a SOAP message keeps its envelope.
        let known = crate::message::media_type(&flow.message_type());
        if self.media != Media::Xml || !known.contains("xml") {
            flow.axis2.insert("messageType".to_owned(), Value::text(message_type));
            flow.axis2.remove("ContentType");
        }
        Ok(())
    }
}

fn structured(value: &Value) -> bool {
    match value {
        Value::Json(_) | Value::Xml(_) => true,
        Value::Text(text) => text.trim_start().starts_with(['{', '[']) && json::parse(text).is_ok(),
        _ => false,
    }
}

/// True when the JSON so far ends inside of a text.
fn inside_text(out: &str) -> bool {
    let mut inside = false;
    let mut escaped = false;
    for c in out.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
    }
    inside
}

fn json_text(value: &Value, inside: bool) -> String {
    let text = value.as_text();
    if inside {
        let quoted = Json::String(text).to_string();
        return quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
    }
    match value {
        Value::Xml(document) => json::from_xml(document, NodeId::DOCUMENT).to_string(),
        Value::Text(text) if text.trim_start().starts_with('<') => match Document::parse(text, Limits::MESSAGE) {
            Ok(document) => json::from_xml(&document, NodeId::DOCUMENT).to_string(),
            Err(_) => Json::String(text.to_string()).to_string(),
        },
        // A text that is a number, a list and so on is put as it is; everything else becomes a JSON text.
        Value::Text(text) if json::parse(text).is_ok() => text.to_string(),
        Value::Text(text) => Json::String(text.to_string()).to_string(),
        other => other.as_json().to_string(),
    }
}

fn xml_text(value: &Value) -> String {
    match value {
        Value::Xml(document) => document.write(NodeId::DOCUMENT),
        Value::Json(json) => {
            let document = json::to_xml(json);
            document.root().map(|root| document.write_inner(root)).unwrap_or_default()
        }
        other => {
            let text = other.as_text();
            let markup = text.trim_start().starts_with('<') && Document::parse(&text, Limits::MESSAGE).is_ok();
            if markup { text } else { escape_text(&text).replace('"', "&quot;") }
        }
    }
}

impl Run for PayloadFactory {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.make(flow))
    }
}
