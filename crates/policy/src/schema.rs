//! Requests and answers against the API's own contract: OpenAPI 3.0 and 3.1, Swagger 2.0 (WSO2: schema validation).
//!
//! Compiled once, when the API is deployed. Schemas never reach outside their document, patterns are matched in linear
//! time, and schemas that would refer to themselves for ever are refused. Answers name the place and the rule that was
//! broken, never a value.

mod document;
mod mock;
mod parameter;
mod reference;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, Method};
use jsonschema::Validator;
use serde_json::Value;

use crate::{Decision, Message, Step};
use document::{Contract, Dialect};
pub use mock::{Mock, MockAnswer};
use parameter::Parameter;

/// Most violations that one answer names.
const MAX_REPORTED: usize = 3;

/// Why a contract cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Neither `openapi: 3.x` nor `swagger: "2.0"`.
    #[error("the definition is neither OpenAPI 3.0, OpenAPI 3.1 nor Swagger 2.0")]
    Version,
    /// A `$ref` outside the document, or to nothing in it.
    #[error("the reference {0} cannot be resolved; only references inside the definition can")]
    Reference(String),
    /// A schema that refers to itself without taking a step into the value.
    #[error("the schema {0} refers to itself without end")]
    Endless(String),
    /// More schemas than one operation may use.
    #[error("one operation uses more than {0} schemas")]
    TooMany(usize),
    /// Not a JSON schema.
    #[error("{0} is not a valid schema: {1}")]
    Schema(String, String),
}

/// What one resource of an API checks.
#[derive(Debug)]
pub struct Validation {
    /// Runs before all policies of the request.
    pub request: Box<dyn Step>,
    /// Runs before all policies of the answer; `None` when the contract says nothing about bodies of answers.
    pub response: Option<Box<dyn Step>>,
}

impl Validation {
    /// Compiles what a document says about a path and method; `None` when it has no such operation.
    ///
    /// # Errors
    /// [`SchemaError`]: the first part that cannot be used.
    pub fn compile(document: &Value, template: &str, method: &Method) -> Result<Option<Self>, SchemaError> {
        let contract = Contract::new(document)?;
        let Some(operation) = contract.operation(template, method) else { return Ok(None) };
        let parameters = contract.parameters(&operation)?;
        let body = contract.request_body(&operation)?;
        let request = Request { template: template.to_owned(), parameters, body };
        let answers = contract.answers(&operation)?;
        let described = answers.iter().any(|(_, content)| content.iter().any(|media| media.schema.is_some()));
        let response = described.then(|| Box::new(Response { answers }) as Box<dyn Step>);
        Ok(Some(Self { request: Box::new(request), response }))
    }
}

/// A media type with the schema of its bodies.
#[derive(Debug)]
struct Media {
    /// Lower case, without parameters; may be a range such as `application/*`.
    range: String,
    schema: Option<Validator>,
}

impl Media {
    fn fits(&self, kind: &str) -> bool {
        match self.range.split_once('/') {
            Some(("*", "*")) => true,
            Some((group, "*")) => kind.split_once('/').is_some_and(|(own, _)| own == group),
            _ => self.range == kind,
        }
    }
}

#[derive(Debug)]
struct BodyRule {
    required: bool,
    content: Vec<Media>,
}

#[derive(Debug)]
struct Request {
    template: String,
    parameters: Vec<Parameter>,
    body: Option<BodyRule>,
}

#[derive(Debug)]
struct Response {
    /// `200`, `2XX` or `default`, in the order in which they are asked.
    answers: Vec<(String, Vec<Media>)>,
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json") || kind == "text/json"
}

fn request_refused(reason: &str) -> Decision {
    Decision::Respond {
        status: 400,
        code: 400,
        message: "Bad Request".into(),
        description: format!("Schema validation failed in the Request: {reason}").into(),
    }
}

fn response_refused(reason: &str) -> Decision {
    Decision::Respond {
        status: 500,
        code: 500,
        message: "Internal Server Error".into(),
        description: format!("Schema validation failed in the Response: {reason}").into(),
    }
}

/// The rules that a value breaks, by place.
fn violations(schema: &Validator, value: &Value, place: &str) -> Option<String> {
    if schema.is_valid(value) {
        return None;
    }
    let mut text = String::new();
    for error in schema.iter_errors(value).take(MAX_REPORTED) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let path = error.instance_path().to_string();
        text.push_str(&format!("{place}{path} breaks the rule {}", error.kind().keyword()));
    }
    Some(text)
}

fn check_body(content: &[Media], headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    let kind = media_type(headers).unwrap_or_default();
    // The most precise range decides.
    let exact = content.iter().find(|media| media.range == kind);
    let Some(media) = exact.or_else(|| content.iter().find(|media| media.fits(&kind))) else {
        return Err("the content type is not one of the contract".to_owned());
    };
    let Some(schema) = media.schema.as_ref().filter(|_| is_json(&kind)) else { return Ok(()) };
    let value: Value = serde_json::from_slice(body).map_err(|_| "the body is not well-formed JSON".to_owned())?;
    violations(schema, &value, "body").map_or(Ok(()), Err)
}

impl Step for Request {
    fn needs_body(&self) -> bool {
        self.body.is_some()
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        for parameter in &self.parameters {
            if let Err(reason) = parameter.check(&self.template, message) {
                return request_refused(&reason);
            }
        }
        let Some(rule) = &self.body else { return Decision::Continue };
        let body = message.body.as_deref().map_or(&[][..], Vec::as_slice);
        if body.is_empty() {
            let reason = "the body is missing";
            return if rule.required { request_refused(reason) } else { Decision::Continue };
        }
        match check_body(&rule.content, message.headers, body) {
            Ok(()) => Decision::Continue,
            Err(reason) => request_refused(&reason),
        }
    }
}

impl Step for Response {
    fn needs_body(&self) -> bool {
        true
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        let Some(status) = message.status else { return Decision::Continue };
        let (own, class) = (status.as_str(), format!("{}XX", status.as_u16() / 100));
        let found = |name: &str| self.answers.iter().find(|(code, _)| code.eq_ignore_ascii_case(name));
        let Some((_, content)) = found(own).or_else(|| found(&class)).or_else(|| found("default")) else {
            return response_refused("the status is not one of the contract");
        };
        let body = message.body.as_deref().map_or(&[][..], Vec::as_slice);
        if body.is_empty() || content.is_empty() {
            return Decision::Continue;
        }
        match check_body(content, message.headers, body) {
            Ok(()) => Decision::Continue,
            Err(reason) => {
                // The length was that of the refused body.
                message.headers.remove(CONTENT_LENGTH);
                message.headers.remove(TRANSFER_ENCODING);
                response_refused(&reason)
            }
        }
    }
}

impl Dialect {
    /// Compiles a schema that holds all it refers to.
    fn compile(self, schema: &Value, place: &str) -> Result<Validator, SchemaError> {
        let draft = match self {
            Self::Swagger2 | Self::OpenApi30 => jsonschema::Draft::Draft4,
            Self::OpenApi31 => jsonschema::Draft::Draft202012,
        };
        let patterns = jsonschema::PatternOptions::regex().size_limit(1 << 20);
        let options = jsonschema::options().with_draft(draft).with_pattern_options(patterns).offline();
        let built = options.build(schema);
        built.map_err(|error| SchemaError::Schema(place.to_owned(), error.masked().to_string()))
    }
}

#[cfg(test)]
mod tests;
