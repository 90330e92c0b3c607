//! Evaluation.

use serde_json::Value as Json;

use super::functions;
use super::{Node, Operator, Root};
use crate::flow::{Failure, Flow, PropertyScope};
use crate::json;
use crate::jsonpath::{JsonPath, Outside};
use crate::value::Value;

pub(super) fn evaluate(node: &Node, flow: &mut Flow) -> Result<Value, Failure> {
    flow.spend(1)?;
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Not(inner) => Ok(Value::Boolean(!truth(&evaluate(inner, flow)?))),
        Node::Negate(inner) => match evaluate(inner, flow)? {
            Value::Integer(value) => Ok(Value::Integer(value.saturating_neg())),
            other => Ok(Value::Double(-number(&other)?)),
        },
        Node::Choice(condition, yes, no) => {
            let chosen = if truth(&evaluate(condition, flow)?) { yes } else { no };
            evaluate(chosen, flow)
        }
        Node::Binary(operator, left, right) => binary(*operator, left, right, flow),
        Node::Path { root, name, path } => follow(root, name.as_deref(), path, flow),
        Node::Call(name, arguments) => functions::call(name, arguments, flow),
        Node::XPath(xpath, variable) => crate::expression::evaluate_xpath(xpath, variable.as_deref(), flow),
    }
}

/// Paths inside of filters may name `vars`, `params` and the like.
impl Outside for Flow {
    fn root(&mut self, name: &str) -> Result<Json, Failure> {
        let object = |scope: &crate::flow::Scope| {
            Json::Object(scope.iter().map(|(name, value)| (name.clone(), value.as_json())).collect())
        };
        Ok(match name {
            "vars" | "variables" => object(&self.variables),
            "payload" => (*self.message.json()?).clone(),
            "headers" => {
                Json::Object(self.message.headers.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
            }
            "properties" | "props" => serde_json::json!({
                "synapse": object(&self.properties), "axis2": object(&self.axis2)
            }),
            "params" => {
                let of = |prefix: &str| {
                    let all = self.properties.iter();
                    let own =
                        all.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.as_json())));
                    Json::Object(own.collect())
                };
                serde_json::json!({
                    "queryParams": of("query.param."),
                    "pathParams": of("uri.var."),
                    "functionParams": self.frames.last().map(object).unwrap_or_default()
                })
            }
            other => return Err(Failure::new(format!("{other} is not known in a filter"))),
        })
    }

    fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        Flow::spend(self, steps)
    }
}

fn follow(root: &Root, name: Option<&str>, path: &JsonPath, flow: &mut Flow) -> Result<Value, Failure> {
    let name = name.unwrap_or_default();
    let base = match root {
        Root::Payload => return payload(path, flow),
        Root::Variables => flow.variables.get(name).cloned().unwrap_or(Value::Null),
        Root::Headers => flow.property(PropertyScope::Transport, name),
        Root::Properties(scope) => flow.property(*scope, name),
        Root::QueryParameters => flow.property(PropertyScope::Synapse, &format!("query.param.{name}")),
        Root::PathParameters => flow.property(PropertyScope::Synapse, &format!("uri.var.{name}")),
        Root::FunctionParameters => flow.parameter(name),
        Root::Settings => match flow.host().setting("config", name) {
            Some(value) => Value::text(value),
            None => return Err(Failure::new(format!("there is no setting {name} in configs"))),
        },
        Root::Registry(node, property) => {
            let mut path = evaluate(node, flow)?.as_text();
            if let Some(property) = property {
                path = format!("{path}@{property}");
            }
            let value = flow.property(PropertyScope::Registry, &path);
            match json::parse(&value.as_text()) {
                Ok(parsed) => Value::from_json(parsed),
                Err(_) => value,
            }
        }
    };
    if path.segments.is_empty() {
        return Ok(base);
    }
    let json = match &base {
        Value::Json(json) => (**json).clone(),
        Value::Text(text) => json::parse(text).unwrap_or_else(|_| Json::String(text.to_string())),
        other => other.as_json(),
    };
    Ok(path.value(&json, flow)?.map_or(Value::Null, Value::from_json))
}

fn payload(path: &JsonPath, flow: &mut Flow) -> Result<Value, Failure> {
    use crate::message::Body;
    if path.segments.is_empty() {
        return match flow.message.build()? {
            Body::Xml(document) => {
                let payload = crate::soap::payload_of(document);
                Ok(payload.map_or(Value::Null, |id| Value::Xml(document.extract(id).into())))
            }
            Body::Json(json) => Ok(Value::from_json((**json).clone())),
            Body::Empty => Ok(Value::Null),
            _ => Ok(Value::text(flow.message.text()?)),
        };
    }
    let json = flow.message.json()?;
    Ok(path.value(&json, flow)?.map_or(Value::Null, Value::from_json))
}

fn binary(operator: Operator, left: &Node, right: &Node, flow: &mut Flow) -> Result<Value, Failure> {
    let first = evaluate(left, flow)?;
    if matches!(operator, Operator::Or | Operator::And) {
        let first = truth(&first);
        if first == (operator == Operator::Or) {
            return Ok(Value::Boolean(first));
        }
        return Ok(Value::Boolean(truth(&evaluate(right, flow)?)));
    }
    let second = evaluate(right, flow)?;
    match operator {
        Operator::Equal => Ok(Value::Boolean(equal(&first, &second))),
        Operator::NotEqual => Ok(Value::Boolean(!equal(&first, &second))),
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            let (first, second) = (number(&first)?, number(&second)?);
            Ok(Value::Boolean(match operator {
                Operator::Less => first < second,
                Operator::LessEqual => first <= second,
                Operator::Greater => first > second,
                _ => first >= second,
            }))
        }
        Operator::Plus if is_text(&first) || is_text(&second) => {
            let joined = first.as_text() + &second.as_text();
            flow.made(joined.len())?;
            Ok(Value::text(joined))
        }
        _ => arithmetic(operator, &first, &second),
    }
}

fn arithmetic(operator: Operator, first: &Value, second: &Value) -> Result<Value, Failure> {
    if let (Value::Integer(a), Value::Integer(b)) = (first, second) {
        let exact = match operator {
            Operator::Plus => a.checked_add(*b),
            Operator::Minus => a.checked_sub(*b),
            Operator::Times => a.checked_mul(*b),
            Operator::Remainder => a.checked_rem(*b),
            _ if *b != 0 && a % b == 0 => a.checked_div(*b),
            _ => None,
        };
        if let Some(exact) = exact {
            return Ok(Value::Integer(exact));
        }
    }
    let (first, second) = (number(first)?, number(second)?);
    if second == 0.0 && matches!(operator, Operator::Divide | Operator::Remainder) {
        return Err(Failure::new("division by zero"));
    }
    Ok(Value::Double(match operator {
        Operator::Plus => first + second,
        Operator::Minus => first - second,
        Operator::Times => first * second,
        Operator::Divide => first / second,
        _ => first % second,
    }))
}

pub(super) fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_) | Value::Xml(_) | Value::Bytes(_))
}

/// A number; text counts when it reads like one, since headers and parameters are text.
pub(super) fn number(value: &Value) -> Result<f64, Failure> {
    let number = match value {
        Value::Integer(_) | Value::Double(_) => value.as_number(),
        Value::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        Value::Xml(_) => value.as_number(),
        _ => f64::NAN,
    };
    if number.is_nan() {
        return Err(Failure::new(format!("{} is not a number", json::text_of(&value.as_json()))));
    }
    Ok(number)
}

pub(super) fn truth(value: &Value) -> bool {
    value.as_boolean()
}

fn equal(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::Null, other) | (other, Value::Null) => matches!(other, Value::Null),
        (Value::Integer(_) | Value::Double(_), Value::Integer(_) | Value::Double(_)) => {
            first.as_number() == second.as_number()
        }
        (Value::Json(a), Value::Json(b)) => a == b,
        _ => first.as_string_value() == second.as_string_value(),
    }
}
