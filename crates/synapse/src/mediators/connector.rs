//! `http.get` and the like: the HTTP connector of MI, built in.

use std::time::Duration;

use super::enrich;
use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::host::Outbound;
use crate::json;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::message::{Headers, Message};
use crate::value::Value;
use crate::xml::Element;

macro_rules! operation {
    ($constant:ident, $name:literal, $method:literal) => {
        #[doc = concat!("`", $name, "`")]
        pub(super) const $constant: Mediator = Mediator {
            name: $name,
            summary: concat!("Sends ", $method, " through a connection of the HTTP connector."),
            compile: |compiler, element| compile(compiler, element, $method),
        };
    };
}

operation!(HTTP_GET, "http.get", "GET");
operation!(HTTP_POST, "http.post", "POST");
operation!(HTTP_PUT, "http.put", "PUT");
operation!(HTTP_DELETE, "http.delete", "DELETE");
operation!(HTTP_PATCH, "http.patch", "PATCH");
operation!(HTTP_HEAD, "http.head", "HEAD");
operation!(HTTP_OPTIONS, "http.options", "OPTIONS");

/// `http.init`: the connection is the local entry that holds it.
pub(super) const HTTP_INIT: Mediator =
    Mediator { name: "http.init", summary: "Names a connection of the HTTP connector.", compile: init };

#[derive(Debug)]
struct Http {
    method: &'static str,
    connection: Template,
    path: Template,
    headers: Option<Template>,
    body: Option<Template>,
    variable: Option<String>,
    overwrite: bool,
}

#[derive(Debug)]
struct Init(String, Option<Template>);

fn init(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let name = element.child_text("name").unwrap_or_default();
    let base = match element.child("baseUrl") {
        Some(child) => Some(compiler.value(child, child.text().trim())?),
        None => None,
    };
    Some(Box::new(Init(name, base)))
}

impl Run for Init {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        let Some(base) = &self.1 else { return Running::Ready(Ok(Next::Continue)) };
        Running::done(base.text(flow).map(|base| {
            flow.properties.insert(format!("http.connection.{}", self.0), Value::text(base));
        }))
    }
}

fn compile(compiler: &mut Compiler, element: Element<'_>, method: &'static str) -> Option<Boxed> {
    let connection = compiler.required(element, "configKey").and_then(|key| compiler.value(element, &key));
    let mut text = |name: &str| -> Option<Option<Template>> {
        let Some(child) = element.child(name) else { return Some(None) };
        let source = child.text().trim().to_owned();
        if source.is_empty() { Some(None) } else { compiler.value(child, &source).map(Some) }
    };
    let path = text("relativePath")?.unwrap_or(Template::inline("", &Vec::new()).ok()?);
    let headers = text("headers")?;
    let body = match text("requestBodyJson")? {
        Some(body) => Some(body),
        None => match text("requestBodyXml")? {
            Some(body) => Some(body),
            None => text("requestBodyText")?,
        },
    };
    let variable = element.child_text("responseVariable").filter(|name| !name.is_empty());
    let overwrite = element.child_text("overwriteBody").is_none_or(|text| text != "false");
    Some(Box::new(Http { method, connection: connection?, path, headers, body, variable, overwrite }))
}

impl Http {
    async fn exchange(&self, flow: &mut Flow) -> Outcome {
        let name = self.connection.text(flow)?;
        let configuration = std::sync::Arc::clone(&flow.exchange.configuration);
        let entry = configuration.entry(name.trim());
        let base = entry
            .and_then(|entry| entry.child_text("baseUrl"))
            .or_else(|| flow.properties.get(&format!("http.connection.{name}")).map(Value::as_text));
        let Some(base) = base else {
            return Err(Failure::with_code(305_100, format!("the connection {name} is not deployed"), ""));
        };
        let path = self.path.text_with(flow, |value| crate::text::encode_loose(&value.as_text()))?;
        let mut url = base.trim_end_matches('/').to_owned();
        if !path.is_empty() && !path.starts_with(['/', '?']) {
            url.push('/');
        }
        url.push_str(&path);
        let timeout = entry.and_then(|entry| entry.child_text("timeoutDuration")).and_then(|text| text.parse().ok());
        let mut headers = self.request_headers(flow)?;
        if let Some(auth) = entry.and_then(basic) {
            headers.set("Authorization", auth);
        }
        let body = self.request_body(flow, &mut headers)?;
        let request = Outbound {
            url,
            method: self.method.to_owned(),
            headers,
            body,
            timeout: timeout.map(Duration::from_millis),
            endpoint: name.clone(),
            http10: false,
        };
        let answer = flow.host().call(request).await;
        let answer = answer.map_err(|error| Failure::with_code(error.code, error.message, error.detail))?;
        flow.resumed = true;
        let status = Value::Integer(i64::from(answer.status));
        if let Some(variable) = self.variable.as_ref().filter(|_| !self.overwrite) {
            let mut branch = flow.clone();
            branch.message = Message::raw(answer.headers.clone(), answer.body);
            let payload = enrich::read(&enrich::Source::Body, &mut branch)?;
            let headers: serde_json::Map<String, serde_json::Value> =
                answer.headers.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let value = serde_json::json!({
                "payload": payload.as_json(),
                "headers": headers,
                "attributes": { "statusCode": answer.status }
            });
            flow.variables.insert(variable.clone(), Value::from_json(value));
            return Ok(Next::Continue);
        }
        flow.message = Message::raw(answer.headers, answer.body);
        flow.axis2.insert("HTTP_SC".to_owned(), status);
        flow.axis2.remove("messageType");
        flow.axis2.remove("ContentType");
        Ok(Next::Continue)
    }

    /// Headers come as a list of objects, or as one object.
    fn request_headers(&self, flow: &mut Flow) -> Result<Headers, Failure> {
        let mut headers = Headers::new();
        let Some(template) = &self.headers else { return Ok(headers) };
        let text = template.text(flow)?;
        let parsed = json::parse(&text).map_err(|e| Failure::new(format!("the headers: {e}")))?;
        let list = match parsed {
            serde_json::Value::Array(items) => items,
            other => vec![other],
        };
        for (name, value) in list.iter().filter_map(serde_json::Value::as_object).flatten() {
            headers.set(name, super::property::clean(&json::text_of(value)));
        }
        Ok(headers)
    }

    fn request_body(&self, flow: &mut Flow, headers: &mut Headers) -> Result<bytes::Bytes, Failure> {
        if matches!(self.method, "GET" | "HEAD" | "OPTIONS") {
            return Ok(bytes::Bytes::new());
        }
        if let Some(body) = &self.body {
            let text = body.text(flow)?;
            if headers.get("Content-Type").is_none() {
                headers.set(
                    "Content-Type",
                    if text.trim_start().starts_with('<') { "application/xml" } else { "application/json" },
                );
            }
            return Ok(text.into());
        }
        let message_type = flow.message_type();
        let rendered = flow.message.render(&message_type)?;
        if let (Some(content_type), None) = (rendered.content_type, headers.get("Content-Type")) {
            headers.set("Content-Type", content_type);
        }
        Ok(rendered.bytes)
    }
}

fn basic(entry: &crate::artifact::LocalEntry) -> Option<String> {
    let kind = entry.child_text("authType")?;
    if !kind.eq_ignore_ascii_case("basic auth") && !kind.eq_ignore_ascii_case("basic") {
        return None;
    }
    let user = entry.child_text("basicCredentialsUsername")?;
    let password = entry.child_text("basicCredentialsPassword").unwrap_or_default();
    Some(format!("Basic {}", crate::text::base64(format!("{user}:{password}").as_bytes())))
}

impl Run for Http {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.exchange(flow))
    }
}
