//! `enrich`

use std::sync::Arc;

use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::expression::{Expression, Places, as_element};
use crate::flow::{Failure, Flow};
use crate::json;
use crate::jsonpath::{Key, at_mut};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::soap;
use crate::value::Value;
use crate::xml::{Document, Element, Limits, Name, NodeId};

pub(super) const ENRICH: Mediator =
    Mediator { name: "enrich", summary: "Copies one part of the message to another.", compile };

/// What is copied.
#[derive(Debug)]
pub(super) enum Source {
    Body,
    Envelope,
    Property(String),
    Variable(String),
    Custom(Expression),
    Inline(Value),
    Key(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Replace,
    Child,
    Sibling,
    Remove,
}

#[derive(Debug)]
enum Place {
    Body,
    Envelope,
    Property(String),
    Variable(String),
    Custom(Expression),
    /// `type="key"`: renames a member of JSON.
    Key(Expression),
    None,
}

/// Where it goes.
#[derive(Debug)]
pub(super) struct Target {
    place: Place,
    action: Action,
}

#[derive(Debug)]
struct Enrich {
    source: Source,
    target: Target,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let (Some(from), Some(to)) = (element.child("source"), element.child("target")) else {
        compiler.fault(element, "source and target are needed", "");
        return None;
    };
    let of_source = matches!(from.given("type"), None | Some("custom")) && to.given("type") == Some("body");
    if of_source && to.given("action") == Some("remove") {
        return removal(compiler, from);
    }
    let (source, target) = (source(compiler, from), target(compiler, to));
    Some(Box::new(Enrich { source: source?, target: target? }))
}

/// `<source xpath=".."/><target type="body" action="remove"/>`: takes out of the body what the source selects.
#[derive(Debug)]
struct Removal(Vec<Target>);

fn removal(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let text = element.given("xpath").map_or_else(|| element.text().trim().to_owned(), str::to_owned);
    let paths = match text.strip_prefix("json-eval(").and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => separate(inner).into_iter().map(|path| format!("json-eval({path})")).collect(),
        None => vec![text],
    };
    let mut targets = Vec::new();
    for path in paths {
        let place = Place::Custom(compiler.expression(element, &path)?);
        targets.push(Target { place, action: Action::Remove });
    }
    Some(Box::new(Removal(targets)))
}

/// The parts of a list of paths: commas inside of brackets, parentheses and quotes belong to a path.
fn separate(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut begin, mut parts) = (0_i32, None, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text.get(begin..at).unwrap_or_default().trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap_or_default().trim());
    parts
}

impl Run for Removal {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.0.iter().try_for_each(|target| write(target, Value::Null, flow)))
    }
}

/// Reads a source.
pub(super) fn source(compiler: &mut Compiler, element: Element<'_>) -> Option<Source> {
    let kind = element.given("type").unwrap_or("custom");
    Some(match kind {
        "body" => Source::Body,
        "envelope" => Source::Envelope,
        "property" => Source::Property(compiler.required(element, "property")?),
        "variable" => Source::Variable(element.given("variable").or_else(|| element.given("property"))?.to_owned()),
        "custom" => {
            let text = element.given("xpath").map(str::to_owned).unwrap_or_else(|| element.text().trim().to_owned());
            if text.is_empty() {
                compiler.fault(element, "the attribute xpath is missing", "");
                return None;
            }
            Source::Custom(compiler.expression(element, &text)?)
        }
        "inline" => match (element.children().next(), element.given("key")) {
            (_, Some(key)) => Source::Key(key.to_owned()),
            (Some(child), None) => Source::Inline(Value::Xml(Arc::new(child.document.extract(child.id)))),
            (None, None) => {
                let text = element.text().trim().to_owned();
                Source::Inline(json::parse(&text).map_or_else(|_| Value::text(text.as_str()), Value::from_json))
            }
        },
        other => {
            compiler.fault(
                element,
                format!("the type {other} is not known"),
                "custom, envelope, body, property or inline",
            );
            return None;
        }
    })
}

/// Reads a target.
pub(super) fn target(compiler: &mut Compiler, element: Element<'_>) -> Option<Target> {
    let action = match element.given("action") {
        None | Some("replace") => Action::Replace,
        Some("child") => Action::Child,
        Some("sibling") => Action::Sibling,
        Some("remove") => Action::Remove,
        Some(other) => {
            compiler.fault(element, format!("the action {other} is not known"), "replace, child, sibling or remove");
            return None;
        }
    };
    let place = match element.given("type").unwrap_or("custom") {
        "body" => Place::Body,
        "envelope" => Place::Envelope,
        "property" => Place::Property(compiler.required(element, "property")?),
        "variable" => Place::Variable(
            element
                .given("variable")
                .or_else(|| element.given("name"))
                .or_else(|| element.given("property"))?
                .to_owned(),
        ),
        "none" => Place::None,
        kind @ ("custom" | "key") => {
            let text = match element.given("xpath") {
                Some(text) => text.to_owned(),
                None => element.text().trim().to_owned(),
            };
            if text.is_empty() {
                compiler.fault(element, "the attribute xpath is missing", "");
                return None;
            }
            let expression = compiler.expression(element, &text)?;
            if kind == "key" { Place::Key(expression) } else { Place::Custom(expression) }
        }
        other => {
            let known = "custom, envelope, body, property, variable, key or none";
            compiler.fault(element, format!("the type {other} is not known"), known);
            return None;
        }
    };
    Some(Target { place, action })
}

/// The value of a source.
pub(super) fn read(source: &Source, flow: &mut Flow) -> Result<Value, Failure> {
    Ok(match source {
        Source::Body => match flow.message.build()? {
            Body::Json(json) => Value::Json(Arc::clone(json)),
            Body::Xml(document) => match soap::payload_of(document) {
                Some(payload) => Value::Xml(Arc::new(document.extract(payload))),
                None => Value::Null,
            },
            Body::Empty => Value::Null,
            _ => Value::text(flow.message.text()?),
        },
        Source::Envelope => Value::Xml(flow.message.envelope()?),
        Source::Property(name) => flow.property(crate::flow::PropertyScope::Synapse, name),
        Source::Variable(name) => flow.variables.get(name).cloned().unwrap_or(Value::Null),
        Source::Custom(expression) => expression.value(flow)?,
        Source::Inline(value) => value.clone(),
        Source::Key(key) => {
            let Some(value) = flow.exchange.configuration.entry_value(key) else {
                return Err(Failure::new(format!("the local entry {key} is not deployed")));
            };
            value
        }
    })
}

/// Makes a value the body.
pub(super) fn set_body(flow: &mut Flow, value: &Value) -> Result<(), Failure> {
    match value {
        Value::Xml(document) => {
            let envelope = document.root().is_some_and(|root| {
                document.local_name(root) == "Envelope" && soap::is_envelope(document.namespace(root))
            });
            if envelope {
                flow.message.set_body(Body::Xml(Arc::clone(document)));
            } else if soap::has_elements(document) {
                flow.message.set_xml_payload(document)?;
            } else {
                flow.message.set_body(Body::Text(value.as_text().into()));
            }
        }
        Value::Json(json) => flow.message.set_body(Body::Json(Arc::clone(json))),
        Value::Null => flow.message.set_body(Body::Empty),
        Value::Text(text) => {
            let trimmed = text.trim_start();
            if trimmed.starts_with('<')
                && let Ok(document) = Document::parse(text, Limits::MESSAGE)
            {
                flow.message.set_body(Body::from_xml(document));
            } else if trimmed.starts_with(['{', '['])
                && let Ok(json) = json::parse(text)
            {
                flow.message.set_body(Body::from_json(json));
            } else {
                flow.message.set_body(Body::Text(Arc::clone(text)));
            }
        }
        scalar => flow.message.set_body(Body::from_json(scalar.as_json())),
    }
    Ok(())
}

/// Puts a value where the target says.
pub(super) fn write(target: &Target, value: Value, flow: &mut Flow) -> Result<(), Failure> {
    match &target.place {
        Place::None => Ok(()),
        Place::Envelope => set_body(flow, &value),
        Place::Body => match target.action {
            Action::Replace => set_body(flow, &value),
            Action::Remove => {
                flow.message.set_body(Body::Empty);
                Ok(())
            }
            action => beside_body(flow, &value, action),
        },
        Place::Property(name) => {
            let value = if target.action == Action::Child { into_property(flow, name, &value) } else { value };
            flow.properties.insert(name.clone(), value);
            Ok(())
        }
        Place::Variable(name) => {
            flow.variables.insert(name.clone(), value);
            Ok(())
        }
        Place::Custom(expression) => match expression.places(flow)? {
            Places::Xml(nodes) => change_xml(flow, &nodes, &value, target.action),
            Places::Json(places) => change_json(flow, &places, &value, target.action, expression),
        },
        Place::Key(expression) => match expression.places(flow)? {
            Places::Json(places) => rename(flow, &places, &value.as_text()),
            Places::Xml(_) => Err(Failure::new("a target of type key is a JSONPath")),
        },
    }
}

fn into_property(flow: &Flow, name: &str, value: &Value) -> Value {
    match flow.properties.get(name) {
        Some(Value::Xml(known)) => {
            let mut document = (**known).clone();
            if let Some(root) = document.root() {
                document.append_copy(root, &as_element(value, "text"), NodeId::DOCUMENT);
                document.compact();
            }
            Value::Xml(Arc::new(document))
        }
        Some(Value::Json(known)) => {
            let mut json = (**known).clone();
            add_child(&mut json, value);
            Value::Json(Arc::new(json))
        }
        _ => value.clone(),
    }
}

fn beside_body(flow: &mut Flow, value: &Value, action: Action) -> Result<(), Failure> {
    if let (Body::Json(json), true) = (flow.message.build()?, matches!(value, Value::Json(_))) {
        let mut json = (**json).clone();
        add_child(&mut json, value);
        flow.message.set_body(Body::from_json(json));
        return Ok(());
    }
    let addition = as_element(value, "text");
    let envelope = flow.message.envelope_mut()?;
    let Some(payload) = soap::payload_of(envelope).or_else(|| soap::body_of(envelope)) else { return Ok(()) };
    let parent = if action == Action::Sibling { envelope.parent(payload).unwrap_or(payload) } else { payload };
    envelope.append_copy(parent, &addition, NodeId::DOCUMENT);
    envelope.compact();
    fits(envelope)
}

fn change_xml(flow: &mut Flow, nodes: &[(NodeId, u32)], value: &Value, action: Action) -> Result<(), Failure> {
    if nodes.is_empty() {
        return Err(Failure::new("the target does not exist in the message"));
    }
    let content = match value {
        Value::Xml(document) => Some(Arc::clone(document)),
        Value::Json(json) => Some(Arc::new(json::to_xml(json))),
        Value::Text(text) if text.trim_start().starts_with('<') => {
            Document::parse(text, Limits::MESSAGE).ok().map(Arc::new)
        }
        _ => None,
    };
    let text = value.as_text();
    let envelope = flow.message.envelope_mut()?;
    for (id, attribute) in nodes {
        if *attribute > 0 {
            if let Some(element) = envelope.element_mut(*id)
                && let Some(found) = element.attributes.get_mut(*attribute as usize - 1)
            {
                found.value = Arc::from(text.as_str());
            }
            continue;
        }
        let (parent, next) = (envelope.parent(*id), envelope.next_sibling(*id));
        match (action, &content, parent) {
            (Action::Remove, _, _) => envelope.detach(*id),
            (Action::Replace, Some(content), Some(parent)) => {
                envelope.insert_copy(parent, Some(*id), content, NodeId::DOCUMENT);
                envelope.detach(*id);
            }
            (Action::Replace, None, Some(parent)) => {
                if envelope.element(*id).is_some() {
                    envelope.set_text(*id, &text);
                } else {
                    envelope.set_text(parent, &text);
                }
            }
            (Action::Child, Some(content), _) => {
                envelope.append_copy(*id, content, NodeId::DOCUMENT);
            }
            (Action::Child, None, _) => envelope.append_text(*id, &text),
            (Action::Sibling, Some(content), Some(parent)) => {
                envelope.insert_copy(parent, next, content, NodeId::DOCUMENT);
            }
            (Action::Sibling, None, Some(parent)) => {
                let mut addition = Document::new();
                addition.append_leaf(NodeId::DOCUMENT, Name::local("text"), &text);
                envelope.insert_copy(parent, next, &addition, NodeId::DOCUMENT);
            }
            (_, _, None) => {}
        }
    }
    envelope.compact();
    fits(envelope)
}

/// Whether a message that grew is still one: what doubles itself in a recursion ends here.
fn fits(envelope: &Document) -> Result<(), Failure> {
    if envelope.size() > Limits::MESSAGE.nodes {
        return Err(Failure::new(format!("the message has more than {} nodes", Limits::MESSAGE.nodes)));
    }
    Ok(())
}

fn add_child(json: &mut Json, value: &Value) {
    match (json, value.as_json()) {
        (Json::Object(members), Json::Object(more)) => members.extend(more),
        (Json::Array(items), Json::Array(more)) => items.extend(more),
        (Json::Array(items), item) => items.push(item),
        _ => {}
    }
}

fn change_json(
    flow: &mut Flow,
    places: &[Vec<Key>],
    value: &Value,
    action: Action,
    expression: &Expression,
) -> Result<(), Failure> {
    let mut root = (*flow.message.json()?).clone();
    if places.is_empty() {
        if action == Action::Remove {
            return Ok(());
        }
        add_member(&mut root, value, expression)?;
    }
    // From the last to the first, so that removing an item does not move the ones that follow.
    for place in places.iter().rev() {
        match (action, place.split_last()) {
            (Action::Replace, _) => {
                if let Some(at) = at_mut(&mut root, place) {
                    *at = value.as_json();
                }
            }
            (Action::Child, _) => {
                if let Some(at) = at_mut(&mut root, place) {
                    add_child(at, value);
                }
            }
            (Action::Sibling, Some((_, parent))) => {
                if let Some(at) = at_mut(&mut root, parent) {
                    add_child(at, value);
                }
            }
            (Action::Remove, Some((Key::Name(name), parent))) => {
                if let Some(Json::Object(members)) = at_mut(&mut root, parent) {
                    members.shift_remove(name);
                }
            }
            (Action::Remove, Some((Key::Index(index), parent))) => {
                if let Some(Json::Array(items)) = at_mut(&mut root, parent)
                    && *index < items.len()
                {
                    items.remove(*index);
                }
            }
            (Action::Remove | Action::Sibling, None) => root = Json::Object(serde_json::Map::new()),
        }
    }
    flow.message.set_body(Body::from_json(root));
    Ok(())
}

/// A definite path whose last name is missing makes a new member.
fn add_member(root: &mut Json, value: &Value, expression: &Expression) -> Result<(), Failure> {
    let source =
        expression.source().trim_start_matches("json-eval(").trim_start_matches("${").trim_end_matches([')', '}']);
    let missing = || Failure::new("the target does not exist in the message");
    let (parent, name) = source.rsplit_once('.').ok_or_else(missing)?;
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let keys: Vec<Key> = parent
        .trim_start_matches("payload")
        .trim_start_matches('$')
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| Key::Name(part.to_owned()))
        .collect();
    match at_mut(root, &keys) {
        Some(Json::Object(members)) if plain && !name.is_empty() => {
            members.insert(name.to_owned(), value.as_json());
            Ok(())
        }
        _ => Err(missing()),
    }
}

fn rename(flow: &mut Flow, places: &[Vec<Key>], name: &str) -> Result<(), Failure> {
    let mut root = (*flow.message.json()?).clone();
    for place in places {
        if let Some((Key::Name(old), parent)) = place.split_last()
            && let Some(Json::Object(members)) = at_mut(&mut root, parent)
            && let Some(value) = members.shift_remove(old)
        {
            members.insert(name.to_owned(), value);
        }
    }
    flow.message.set_body(Body::from_json(root));
    Ok(())
}

impl Run for Enrich {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        let value = match (&self.source, self.target.action) {
            (_, Action::Remove) => Ok(Value::Null),
            (source, _) => read(source, flow),
        };
        Running::done(value.and_then(|value| write(&self.target, value, flow)))
    }
}
