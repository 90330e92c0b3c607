//! The functions of Spectral rules. Each reads its options strictly: an option that it does not know is a mistake in the rule.

use jsonschema::Validator;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

/// A function with its options.
#[derive(Debug)]
pub(super) enum Function {
    Truthy,
    Falsy,
    Defined,
    Undefined,
    /// Smallest and largest length of text, list or object, or value of a number.
    Length {
        min: Option<f64>,
        max: Option<f64>,
    },
    /// What a text must match and must not.
    Pattern {
        wanted: Option<Regex>,
        unwanted: Option<Regex>,
    },
    Enumeration(Vec<Value>),
    Casing {
        shape: Regex,
        name: String,
    },
    /// Lists and names of objects in order; lists of objects by a field.
    Alphabetical(Option<String>),
    Schema(Box<Validator>),
    /// Exactly one of these fields.
    Xor(Vec<String>),
    /// At least one of these fields.
    Or(Vec<String>),
    /// Values of `enum` are of the `type` beside it.
    TypedEnum,
}

/// As JavaScript sees it.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|n| n.total_cmp(&0.0).is_ne()),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A regular expression, alone or as `/pattern/flags`.
///
/// # Errors
/// Why it cannot be used; expressions that look around are not possible.
pub(super) fn expression(text: &str) -> Result<Regex, String> {
    let parts = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (body, flags) = parts.filter(|(_, flags)| flags.chars().all(|c| "imsug".contains(c))).unwrap_or((text, ""));
    // JavaScript lets a slash be escaped, which means nothing here.
    let body = body.replace("\\/", "/");
    RegexBuilder::new(&body)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            format!("the pattern {text:?}: {}", reason.lines().last().unwrap_or_default())
        })
}

/// The options of one function.
struct Options<'o> {
    function: &'o str,
    given: Map<String, Value>,
}

impl Options<'_> {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.given.remove(name)
    }

    fn number(&mut self, name: &str) -> Result<Option<f64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(name, "is a number")),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "is text")),
        }
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, String> {
        let list = self.take(name).unwrap_or_default();
        let list = list.as_array().filter(|list| (1..=100).contains(&list.len()));
        let texts = list.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        texts.ok_or_else(|| self.wrong(name, "is a list of names"))
    }

    fn wrong(&self, option: &str, wanted: &str) -> String {
        format!("the option {option} of the function {} {wanted}", self.function)
    }

    fn end<T>(self, made: T) -> Result<T, String> {
        match self.given.keys().next() {
            None => Ok(made),
            Some(option) => Err(format!("the function {} has no option {option}", self.function)),
        }
    }
}

impl Function {
    /// Reads `function` and `functionOptions`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn parse(name: &str, options: Option<&Value>) -> Result<Self, String> {
        let given = match options {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(given)) => given.clone(),
            Some(_) => return Err(format!("functionOptions of the function {name} is an object")),
        };
        let mut options = Options { function: name, given };
        let made = match name {
            "truthy" => Self::Truthy,
            "falsy" => Self::Falsy,
            "defined" => Self::Defined,
            "undefined" => Self::Undefined,
            "typedEnum" => Self::TypedEnum,
            "length" => {
                let (min, max) = (options.number("min")?, options.number("max")?);
                if min.is_none() && max.is_none() {
                    return Err("the function length needs min, max or both".to_owned());
                }
                Self::Length { min, max }
            }
            "pattern" => {
                let wanted = options.text("match")?.map(|text| expression(&text)).transpose()?;
                let unwanted = options.text("notMatch")?.map(|text| expression(&text)).transpose()?;
                if wanted.is_none() && unwanted.is_none() {
                    return Err("the function pattern needs match, notMatch or both".to_owned());
                }
                Self::Pattern { wanted, unwanted }
            }
            "enumeration" => {
                let values = options.take("values").unwrap_or_default();
                let values = values.as_array().filter(|list| !list.is_empty());
                let scalar = |value: &Value| !(value.is_array() || value.is_object());
                let values = values.filter(|list| list.iter().all(scalar));
                let values = values.ok_or("the function enumeration needs values, a list of texts and numbers")?;
                Self::Enumeration(values.clone())
            }
            "casing" => casing(&mut options)?,
            "alphabetical" => Self::Alphabetical(options.text("keyedBy")?),
            "schema" => {
                let schema = options.take("schema").ok_or("the function schema needs schema")?;
                for ignored in ["dialect", "allErrors"] {
                    options.take(ignored);
                }
                let validator = jsonschema::validator_for(&schema).map_err(|error| format!("the schema: {error}"))?;
                Self::Schema(Box::new(validator))
            }
            "xor" => Self::Xor(options.texts("properties")?),
            "or" => Self::Or(options.texts("properties")?),
            other => return Err(format!("the function {other} is not known")),
        };
        options.end(made)
    }

    /// What is wrong with a value, or with its absence.
    pub(super) fn fault(&self, value: Option<&Value>) -> Option<String> {
        let present = value.is_some_and(is_truthy);
        match self {
            Self::Truthy => return (!present).then(|| "it must be there and not be empty".to_owned()),
            Self::Falsy => return present.then(|| "it must not be there".to_owned()),
            Self::Defined => return value.is_none().then(|| "it must be there".to_owned()),
            Self::Undefined => return value.is_some().then(|| "it must not be there".to_owned()),
            _ => {}
        }
        // The others judge what is there.
        let value = value?;
        match self {
            Self::Length { min, max } => length(value, *min, *max),
            Self::Pattern { wanted, unwanted } => {
                let text = value.as_str()?;
                if let Some(wanted) = wanted.as_ref().filter(|wanted| !wanted.is_match(text)) {
                    return Some(format!("{text:?} does not match {wanted}"));
                }
                let unwanted = unwanted.as_ref().filter(|unwanted| unwanted.is_match(text))?;
                Some(format!("{text:?} matches {unwanted}"))
            }
            Self::Enumeration(values) => {
                let scalar = !(value.is_array() || value.is_object());
                (scalar && !values.contains(value)).then(|| format!("{value} is not one of {}", listed(values)))
            }
            Self::Casing { shape, name } => {
                let text = value.as_str().filter(|text| !text.is_empty() && !shape.is_match(text))?;
                Some(format!("{text:?} is not in {name} case"))
            }
            Self::Alphabetical(by) => alphabetical(value, by.as_deref()),
            Self::Schema(validator) => {
                validator.iter_errors(value).next().map(|error| format!("{}: {error}", error.instance_path()))
            }
            Self::Xor(names) => {
                let count = names.iter().filter(|name| value.get(name.as_str()).is_some()).count();
                (value.is_object() && count != 1).then(|| format!("exactly one of {} must be there", names.join(", ")))
            }
            Self::Or(names) => {
                let any = names.iter().any(|name| value.get(name.as_str()).is_some());
                (value.is_object() && !any).then(|| format!("one of {} must be there", names.join(", ")))
            }
            Self::TypedEnum => typed_enum(value),
            Self::Truthy | Self::Falsy | Self::Defined | Self::Undefined => None,
        }
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn length(value: &Value, min: Option<f64>, max: Option<f64>) -> Option<String> {
    let count = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::Number(number) => return between(number.as_f64()?, min, max),
        Value::Null | Value::Bool(_) => return None,
    };
    between(f64::from(u32::try_from(count).unwrap_or(u32::MAX)), min, max)
}

fn between(length: f64, min: Option<f64>, max: Option<f64>) -> Option<String> {
    if let Some(min) = min.filter(|min| length < *min) {
        return Some(format!("it must not be shorter or less than {min}"));
    }
    max.filter(|max| length > *max).map(|max| format!("it must not be longer or more than {max}"))
}

fn casing(options: &mut Options<'_>) -> Result<Function, String> {
    let name = options.text("type")?.ok_or("the function casing needs type")?;
    let digits = if options.take("disallowDigits").is_some_and(|flag| flag == true) { "" } else { "0-9" };
    let shape = match name.as_str() {
        "flat" => format!("[a-z][a-z{digits}]*"),
        "camel" => format!("[a-z][a-z{digits}]*(?:[A-Z{digits}](?:[a-z{digits}]+|$))*[A-Z]?"),
        "pascal" => format!("[A-Z][a-z{digits}]*(?:[A-Z{digits}](?:[a-z{digits}]+|$))*[A-Z]?"),
        "kebab" => format!("[a-z][a-z{digits}]*(?:-[a-z{digits}]+)*"),
        "cobol" => format!("[A-Z][A-Z{digits}]*(?:-[A-Z{digits}]+)*"),
        "snake" => format!("[a-z][a-z{digits}]*(?:_[a-z{digits}]+)*"),
        "macro" => format!("[A-Z][A-Z{digits}]*(?:_[A-Z{digits}]+)*"),
        _ => {
            return Err(format!(
                "the option type of the function casing is not {name:?}: flat, camel, pascal, kebab, cobol, snake or macro"
            ));
        }
    };
    let shape = match options.take("separator") {
        None => shape,
        Some(separator) => {
            let c = separator.get("char").and_then(Value::as_str).filter(|c| c.chars().count() == 1);
            let c = regex::escape(c.ok_or("separator.char of the function casing is one character")?);
            let leading = separator.get("allowLeading").is_some_and(|flag| flag == true);
            format!("{}{shape}(?:{c}{shape})*", if leading { format!("{c}?") } else { String::new() })
        }
    };
    let shape = Regex::new(&format!("^(?:{shape})$")).map_err(|error| error.to_string())?;
    Ok(Function::Casing { shape, name })
}

fn alphabetical(value: &Value, by: Option<&str>) -> Option<String> {
    let names: Vec<String> = match value {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| by.map_or(item, |by| item.get(by).unwrap_or(&Value::Null)))
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect(),
        _ => return None,
    };
    let pair = names.windows(2).find_map(|pair| match pair {
        [a, b] if a > b => Some((a.clone(), b.clone())),
        _ => None,
    });
    pair.map(|(first, second)| format!("{second:?} must stand before {first:?}"))
}

fn typed_enum(value: &Value) -> Option<String> {
    let kind = value.get("type")?.as_str()?;
    let fits = |value: &Value| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    let wrong = value.get("enum")?.as_array()?.iter().find(|value| !(fits(value) || value.is_null()))?;
    Some(format!("{wrong} is not of the type {kind}"))
}
