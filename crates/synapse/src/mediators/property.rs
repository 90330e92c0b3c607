//! `property`

use std::sync::Arc;

use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow, PropertyScope};
use crate::json;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::pattern::Pattern;
use crate::value::Value;
use crate::xml::{Document, Element, Limits};

pub(super) const PROPERTY: Mediator =
    Mediator { name: "property", summary: "Sets or removes a property of the message.", compile };

/// Types that a value is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Boolean,
    Integer,
    Double,
    Xml,
    Json,
}

impl Type {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "STRING" => Self::Text,
            "BOOLEAN" => Self::Boolean,
            "INTEGER" | "LONG" | "SHORT" => Self::Integer,
            "DOUBLE" | "FLOAT" => Self::Double,
            "OM" | "XML" => Self::Xml,
            "JSON" => Self::Json,
            _ => return None,
        })
    }
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Source {
    Literal(Value),
    Template(Template),
    Expression(Expression),
}

#[derive(Debug)]
struct Property {
    name: Template,
    scope: PropertyScope,
    kind: Option<Type>,
    /// None removes the property.
    source: Option<Source>,
    pattern: Option<(Pattern, usize)>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    Some(Box::new(property(compiler, element)?))
}

/// Reads `type`.
pub(super) fn kind_of(compiler: &mut Compiler, element: Element<'_>) -> Option<Type> {
    let name = element.given("type")?;
    let kind = Type::parse(name);
    if kind.is_none() {
        let known = "STRING, BOOLEAN, INTEGER, LONG, SHORT, DOUBLE, FLOAT, OM, XML or JSON";
        compiler.fault(element, format!("the type {name} is not known"), known);
    }
    kind
}

/// Reads `value`, `expression` or inline XML.
pub(super) fn source_of(compiler: &mut Compiler, element: Element<'_>, kind: Option<Type>) -> Option<Source> {
    if let Some(text) = element.given("expression") {
        return compiler.expression(element, text).map(Source::Expression);
    }
    if let Some(text) = element.attribute("value") {
        let dynamic = text.trim().starts_with("${") && text.trim().ends_with('}');
        if dynamic {
            return compiler.expression(element, text).map(Source::Expression);
        }
        return match convert(&Value::text(text), kind) {
            Ok(value) => Some(Source::Literal(value)),
            Err(failure) => {
                compiler.fault(element, failure.message, "");
                None
            }
        };
    }
    if let Some(child) = element.children().find(|child| child.name() != "description") {
        return Some(Source::Literal(Value::Xml(Arc::new(child.document.extract(child.id)))));
    }
    let text = element.text();
    if text.trim().is_empty() {
        compiler.fault(element, "value, expression or inline XML is missing", "");
        return None;
    }
    compiler.inline(element, text.trim()).map(Source::Template)
}

fn property(compiler: &mut Compiler, element: Element<'_>) -> Option<Property> {
    let name = compiler.required(element, "name")?;
    let name = compiler.value(element, &name);
    let scope_name = element.given("scope").unwrap_or_default();
    let scope = PropertyScope::parse(scope_name);
    if scope.is_none() {
        let known = "default, axis2, axis2-client, transport, operation or registry";
        compiler.fault(element, format!("the scope {scope_name} is not known"), known);
    }
    if matches!(scope, Some(PropertyScope::System | PropertyScope::Environment | PropertyScope::File)) {
        compiler.fault(
            element,
            format!("the scope {scope_name} cannot be changed by a message"),
            "settings belong to the configuration of the server",
        );
    }
    let removes = match element.given("action") {
        None | Some("set") => false,
        Some("remove") => true,
        Some(other) => {
            compiler.fault(element, format!("the action {other} is not known"), "set or remove");
            false
        }
    };
    let kind = kind_of(compiler, element);
    let source = if removes { None } else { Some(source_of(compiler, element, kind)?) };
    let pattern = match element.given("pattern") {
        Some(text) => {
            let group = element.given("group").and_then(|text| compiler.number(element, "group", text)).unwrap_or(0);
            Some((compiler.pattern(element, text)?, group))
        }
        None => None,
    };
    Some(Property { name: name?, scope: scope?, kind, source, pattern })
}

/// Converts to a type.
pub(super) fn convert(value: &Value, kind: Option<Type>) -> Result<Value, Failure> {
    let text = || value.as_text();
    let wrong = |what: &str| Failure::new(format!("{:?} is not {what}", text().chars().take(80).collect::<String>()));
    Ok(match kind {
        None => value.clone(),
        Some(Type::Text) => Value::text(text()),
        Some(Type::Boolean) => Value::Boolean(value.as_boolean()),
        Some(Type::Integer) => match value {
            Value::Integer(_) => value.clone(),
            _ => {
                let text = text();
                let text = text.trim();
                let whole = text.strip_suffix(".0").unwrap_or(text);
                Value::Integer(whole.parse().map_err(|_| wrong("a whole number"))?)
            }
        },
        Some(Type::Double) => match value {
            Value::Double(_) => value.clone(),
            _ => Value::Double(text().trim().parse().map_err(|_| wrong("a number"))?),
        },
        Some(Type::Xml) => match value {
            Value::Xml(_) => value.clone(),
            _ => Value::Xml(Arc::new(
                Document::parse(&text(), Limits::MESSAGE).map_err(|e| wrong(&format!("XML: {e}")))?,
            )),
        },
        Some(Type::Json) => match value {
            Value::Json(_) => value.clone(),
            Value::Xml(_) => Value::Json(Arc::new(value.as_json())),
            _ => {
                let text = text();
                let parsed = json::parse(&text).or_else(|error| {
                    // Scalars of expressions come without quotes.
                    let structure = text.trim_start().starts_with(['{', '[']);
                    if structure { Err(error) } else { Ok(Json::String(text.clone())) }
                });
                Value::Json(Arc::new(parsed.map_err(|_| wrong("JSON"))?))
            }
        },
    })
}

/// The value of a source, converted.
pub(super) fn value_of(source: &Source, kind: Option<Type>, flow: &mut Flow) -> Result<Value, Failure> {
    let value = match source {
        Source::Literal(value) => return Ok(value.clone()),
        Source::Template(template) => Value::text(template.text(flow)?),
        Source::Expression(expression) if expression.is_xpath() && !matches!(kind, Some(Type::Xml | Type::Json)) => {
            Value::text(expression.text(flow)?)
        }
        Source::Expression(expression) => expression.value(flow)?,
    };
    if matches!(value, Value::Null) || value.is_blank() && kind.is_some_and(|kind| kind != Type::Text) {
        return Ok(Value::Null);
    }
    convert(&value, kind)
}

impl Property {
    fn apply(&self, flow: &mut Flow) -> Result<(), Failure> {
        let name = self.name.text(flow)?;
        let value = match &self.source {
            None => None,
            Some(source) => {
                let mut value = value_of(source, self.kind, flow)?;
                if let Some((pattern, group)) = &self.pattern {
                    let groups = pattern.groups(&value.as_text()).map_err(Failure::new)?;
                    match groups.and_then(|groups| groups.get(*group).cloned()) {
                        Some(found) => value = Value::text(found),
                        None => return Ok(()),
                    }
                }
                Some(value)
            }
        };
        set(flow, self.scope, &name, value);
        Ok(())
    }
}

/// Sets or removes a property of a scope.
pub(crate) fn set(flow: &mut Flow, scope: PropertyScope, name: &str, value: Option<Value>) {
    let map = match scope {
        PropertyScope::Transport => {
            match value {
                Some(value) => flow.message.headers.set(name, clean(&value.as_text())),
                None => flow.message.headers.remove(name),
            }
            return;
        }
        PropertyScope::Axis2 | PropertyScope::Axis2Client => {
            if name == "TRANSPORT_HEADERS" && value.is_none() {
                flow.message.headers.clear();
            }
            &mut flow.axis2
        }
        PropertyScope::Operation => &mut flow.operation,
        _ => &mut flow.properties,
    };
    match value {
        Some(Value::Null) | None => {
            map.remove(name);
        }
        Some(value) => {
            map.insert(name.to_owned(), value);
        }
    }
}

/// A header's value stays one line.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

impl Run for Property {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.apply(flow))
    }
}
