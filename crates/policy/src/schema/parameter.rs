//! Query, header and path parameters: texts that have to be read as the values their schema speaks of.

use http::HeaderName;
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Number, Value};

use super::violations;
use crate::Message;

/// Most values of one parameter.
const MAX_VALUES: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Header,
    Path,
}

/// How an array is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Splitting {
    /// One text, cut at a character.
    At(char),
    /// The parameter is repeated.
    Repeated,
}

/// What a text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Integer,
    Number,
    Boolean,
    /// Nothing is said, or an object, whose spelling depends on the style.
    Unknown,
}

impl Form {
    fn of(schema: &Value) -> Self {
        let named = |kind: &str| match kind {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => Self::Unknown,
        };
        match schema.get("type") {
            Some(Value::String(kind)) => named(kind),
            // OpenAPI 3.1: a list, as a rule with "null" besides the type that is meant.
            Some(Value::Array(kinds)) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
                match (kinds.next(), kinds.next()) {
                    (Some(only), None) => named(only),
                    _ => Self::Unknown,
                }
            }
            _ => Self::Unknown,
        }
    }

    /// A text that does not read as its type stays a text, which the schema then refuses.
    fn read(self, text: &str) -> Value {
        let number = || text.parse::<Number>().ok().map(Value::Number);
        let value = match self {
            Self::Integer | Self::Number => number(),
            Self::Boolean => text.parse().ok().map(Value::Bool),
            Self::Text | Self::Unknown => None,
        };
        value.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

/// A compiled parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    name: String,
    place: Place,
    required: bool,
    /// Set when the value is an array: how it is written.
    array: Option<Splitting>,
    form: Form,
    /// Set only when values of this form can be judged.
    schema: Option<Validator>,
}

impl Parameter {
    pub(super) fn new(
        name: String,
        place: Place,
        required: bool,
        splitting: Splitting,
        form: &Value,
        schema: Option<Validator>,
    ) -> Self {
        let is_array = form.get("type").is_some_and(|kind| kind == "array");
        let form = Form::of(if is_array { form.get("items").unwrap_or(&Value::Null) } else { form });
        // An unknown form has many spellings; only its presence is checked.
        let schema = schema.filter(|_| form != Form::Unknown);
        Self { name, place, required, array: is_array.then_some(splitting), form, schema }
    }

    /// Whether two describe the same parameter.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.place == other.place
            && if self.place == Place::Header {
                self.name.eq_ignore_ascii_case(&other.name)
            } else {
                self.name == other.name
            }
    }

    pub(super) fn check(&self, template: &str, message: &Message<'_>) -> Result<(), String> {
        let values = match self.place {
            Place::Query => from_query(message.target.query.as_deref(), &self.name),
            Place::Header => from_headers(message, &self.name),
            Place::Path => from_path(template, &message.target.path, &self.name),
        };
        let Some(first) = values.first() else {
            return if self.required { Err(format!("{} is missing", self.label())) } else { Ok(()) };
        };
        if values.len() > MAX_VALUES {
            return Err(format!("{} occurs too often", self.label()));
        }
        let Some(schema) = &self.schema else { return Ok(()) };
        let value = match self.array {
            Some(Splitting::Repeated) => Value::Array(values.iter().map(|text| self.form.read(text)).collect()),
            Some(Splitting::At(mark)) => Value::Array(first.split(mark).map(|text| self.form.read(text)).collect()),
            None if values.len() > 1 => return Err(format!("{} occurs more than once", self.label())),
            None => self.form.read(first),
        };
        violations(schema, &value, &self.label()).map_or(Ok(()), Err)
    }

    fn label(&self) -> String {
        let place = match self.place {
            Place::Query => "query parameter",
            Place::Header => "header",
            Place::Path => "path parameter",
        };
        format!("{place} {}", self.name)
    }
}

fn from_query(query: Option<&str>, name: &str) -> Vec<String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(value)).collect()
}

fn from_headers(message: &Message<'_>, name: &str) -> Vec<String> {
    let Ok(name) = HeaderName::try_from(name) else { return Vec::new() };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    message.headers.get_all(name).iter().map(text).collect()
}

/// The segment at the place where the template has `{name}`.
fn from_path(template: &str, path: &str, name: &str) -> Vec<String> {
    let is_it = |segment: &str| segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) == Some(name);
    let found = template.split('/').zip(path.split('/')).find(|(segment, _)| is_it(segment));
    found.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned()).into_iter().collect()
}
