//! The functions.

use std::ops::RangeInclusive;

use model::Timestamp;
use serde_json::Value as Json;

use super::Node;
use super::evaluate::{evaluate, is_text, number, truth};
use crate::calendar;
use crate::flow::{Failure, Flow};
use crate::json;
use crate::pattern::Pattern;
use crate::text;
use crate::value::{Value, number_text};

/// How many arguments a function takes; none when there is no such function.
pub(super) fn signature(name: &str) -> Option<RangeInclusive<usize>> {
    Some(match name {
        "length" | "toUpper" | "toLower" | "trim" | "abs" | "floor" | "ceil" | "sqrt" | "urlDecode" => 1..=1,
        "isString" | "isNumber" | "isArray" | "isObject" | "isBoolean" | "string" | "boolean" => 1..=1,
        "object" | "array" | "exists" | "not" | "wso2-vault" | "avg" | "sum" => 1..=1,
        "integer" | "float" | "round" | "base64encode" | "base64decode" | "urlEncode" | "log" => 1..=2,
        "startsWith" | "endsWith" | "contains" | "split" | "charAt" | "pow" => 2..=2,
        "subString" | "indexOf" | "formatDateTime" => 2..=3,
        "replace" => 3..=3,
        "now" => 0..=1,
        "max" | "min" => 1..=64,
        "hashicorp-vault" => 2..=3,
        _ => return None,
    })
}

pub(super) fn call(name: &str, arguments: &[Node], flow: &mut Flow) -> Result<Value, Failure> {
    if name == "exists" {
        // A path that leads nowhere is the answer, not a failure.
        let value = arguments.first().map(|node| evaluate(node, flow));
        return Ok(Value::Boolean(matches!(value, Some(Ok(value)) if !matches!(value, Value::Null))));
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(evaluate(argument, flow)?);
    }
    let given = Given(&values);
    match name {
        "now" => Ok(match values.first() {
            Some(pattern) => Value::text(calendar::format(flow.host().now(), &pattern.as_text())),
            None => Value::Integer(flow.host().now().millis()),
        }),
        "wso2-vault" | "hashicorp-vault" => {
            let alias = given.text(values.len().saturating_sub(1));
            flow.host()
                .secret(&alias)
                .map(Value::text)
                .ok_or_else(|| Failure::new(format!("the vault has no secret {alias}")))
        }
        _ => match mathematics(name, &given)? {
            Some(value) => Ok(value),
            None => match conversion(name, &given)? {
                Some(value) => Ok(value),
                None => strings(name, &given),
            },
        },
    }
}

struct Given<'a>(&'a [Value]);

impl Given<'_> {
    fn value(&self, index: usize) -> &Value {
        self.0.get(index).unwrap_or(&Value::Null)
    }

    fn text(&self, index: usize) -> String {
        self.value(index).as_text()
    }

    fn number(&self, index: usize) -> Result<f64, Failure> {
        number(self.value(index))
    }

    fn index(&self, index: usize) -> Result<usize, Failure> {
        let number = self.number(index)?;
        if number < 0.0 || number.fract() != 0.0 {
            return Err(Failure::new(format!("{} is not an index", number_text(number))));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above; saturates")]
        Ok(number as usize)
    }
}

fn whole(value: f64) -> Value {
    match json::number(value) {
        Json::Number(number) => number.as_i64().map_or(Value::Double(value), Value::Integer),
        _ => Value::Double(value),
    }
}

fn mathematics(name: &str, given: &Given<'_>) -> Result<Option<Value>, Failure> {
    let all = || -> Result<Vec<f64>, Failure> {
        match given.value(0) {
            Value::Json(json) if json.is_array() => {
                json.as_array().into_iter().flatten().map(|item| number(&Value::from_json(item.clone()))).collect()
            }
            _ => given.0.iter().map(number).collect(),
        }
    };
    Ok(Some(match name {
        "abs" => match given.value(0) {
            Value::Integer(value) => Value::Integer(value.saturating_abs()),
            _ => Value::Double(given.number(0)?.abs()),
        },
        "floor" => whole(given.number(0)?.floor()),
        "ceil" => whole(given.number(0)?.ceil()),
        "round" if given.0.len() == 2 => {
            let scale = 10_f64.powf(given.number(1)?);
            Value::Double((given.number(0)? * scale).round() / scale)
        }
        "round" => whole(given.number(0)?.round()),
        "sqrt" => Value::Double(given.number(0)?.sqrt()),
        "log" if given.0.len() == 2 => Value::Double(given.number(0)?.log(given.number(1)?)),
        "log" => Value::Double(given.number(0)?.ln()),
        "pow" => Value::Double(given.number(0)?.powf(given.number(1)?)),
        "max" => whole(all()?.into_iter().fold(f64::NAN, f64::max)),
        "min" => whole(all()?.into_iter().fold(f64::NAN, f64::min)),
        "sum" => whole(all()?.into_iter().sum()),
        "avg" => {
            let all = all()?;
            Value::Double(all.iter().sum::<f64>() / all.len().max(1) as f64)
        }
        _ => return Ok(None),
    }))
}

fn conversion(name: &str, given: &Given<'_>) -> Result<Option<Value>, Failure> {
    let value = given.value(0);
    let parsed = || match value {
        Value::Json(json) => Ok((**json).clone()),
        other => json::parse(&other.as_text()).map_err(Failure::new),
    };
    Ok(Some(match name {
        "isString" => Value::Boolean(is_text(value)),
        "isNumber" => Value::Boolean(matches!(value, Value::Integer(_) | Value::Double(_))),
        "isBoolean" => Value::Boolean(matches!(value, Value::Boolean(_))),
        "isArray" => Value::Boolean(matches!(value, Value::Json(json) if json.is_array())),
        "isObject" => Value::Boolean(matches!(value, Value::Json(json) if json.is_object())),
        "string" => Value::text(value.as_text()),
        "boolean" => Value::Boolean(truth(value)),
        "not" => Value::Boolean(!truth(value)),
        "integer" => match (number(value), given.0.get(1)) {
            (Ok(number), _) => whole(number.trunc()),
            (Err(_), Some(fallback)) => fallback.clone(),
            (Err(failure), None) => return Err(failure),
        },
        "float" => match (number(value), given.0.get(1)) {
            (Ok(number), _) => Value::Double(number),
            (Err(_), Some(fallback)) => fallback.clone(),
            (Err(failure), None) => return Err(failure),
        },
        "object" => match parsed()? {
            json @ Json::Object(_) => Value::from_json(json),
            _ => return Err(Failure::new("object() is given something else than an object")),
        },
        "array" => match parsed()? {
            json @ Json::Array(_) => Value::from_json(json),
            _ => return Err(Failure::new("array() is given something else than an array")),
        },
        _ => return Ok(None),
    }))
}

fn strings(name: &str, given: &Given<'_>) -> Result<Value, Failure> {
    let subject = given.text(0);
    Ok(match name {
        "length" => Value::Integer(match given.value(0) {
            Value::Json(json) => match &**json {
                Json::Array(items) => items.len() as i64,
                Json::Object(members) => members.len() as i64,
                other => json::text_of(other).chars().count() as i64,
            },
            _ => subject.chars().count() as i64,
        }),
        "toUpper" => Value::text(subject.to_uppercase()),
        "toLower" => Value::text(subject.to_lowercase()),
        "trim" => Value::text(subject.trim()),
        "startsWith" => Value::Boolean(subject.starts_with(&given.text(1))),
        "endsWith" => Value::Boolean(subject.ends_with(&given.text(1))),
        "contains" => Value::Boolean(match given.value(0) {
            Value::Json(json) if json.is_array() => {
                let wanted = given.value(1).as_json();
                json.as_array().is_some_and(|items| items.contains(&wanted))
            }
            _ => subject.contains(&given.text(1)),
        }),
        "subString" => {
            let begin = given.index(1)?;
            let end = if given.0.len() > 2 { given.index(2)? } else { usize::MAX };
            let length = subject.chars().count();
            if begin > length || end != usize::MAX && (end > length || end < begin) {
                return Err(Failure::new(format!("subString() goes beyond the text of {length} characters")));
            }
            Value::text(subject.chars().take(end).skip(begin).collect::<String>())
        }
        "charAt" => {
            let index = given.index(1)?;
            let found = subject.chars().nth(index).ok_or_else(|| Failure::new("charAt() goes beyond the text"))?;
            Value::text(found.to_string())
        }
        "indexOf" => {
            let from = if given.0.len() > 2 { given.index(2)? } else { 0 };
            let skipped: String = subject.chars().skip(from).collect();
            Value::Integer(match skipped.find(&given.text(1)) {
                Some(at) => (skipped.get(..at).unwrap_or_default().chars().count() + from) as i64,
                None => -1,
            })
        }
        "replace" => Value::text(subject.replace(&given.text(1), &given.text(2))),
        "split" => {
            let pattern = Pattern::new(&given.text(1)).map_err(Failure::new)?;
            let parts = pattern.split(&subject).map_err(Failure::new)?;
            Value::from_json(Json::Array(parts.into_iter().map(Json::String).collect()))
        }
        "base64encode" => Value::text(text::base64(subject.as_bytes())),
        "base64decode" => {
            let bytes =
                text::unbase64(&subject).ok_or_else(|| Failure::new("base64decode() is given something else"))?;
            Value::text(String::from_utf8_lossy(&bytes).into_owned())
        }
        "urlEncode" => Value::text(text::encode_form(&subject)),
        "urlDecode" => Value::text(text::decode_form(&subject)),
        "formatDateTime" => format_date(given)?,
        other => return Err(Failure::new(format!("there is no function {other}"))),
    })
}

/// `formatDateTime(time, pattern)`, or `formatDateTime(text, pattern of the text, pattern)`.
fn format_date(given: &Given<'_>) -> Result<Value, Failure> {
    let wanted = given.text(given.0.len() - 1);
    let at = match given.value(0) {
        Value::Integer(millis) => Timestamp::from_millis(*millis),
        other => {
            let text = other.as_text();
            match text.parse() {
                Ok(millis) => Timestamp::from_millis(millis),
                Err(_) => calendar::parse(&text).ok_or_else(|| Failure::new(format!("{text} is not a date")))?,
            }
        }
    };
    Ok(Value::text(calendar::format(at, &wanted)))
}
