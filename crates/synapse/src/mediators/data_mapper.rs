//! `datamapper`

mod shape;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use self::shape::Shape;
use super::set_property;
use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::json;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::script::Script;
use crate::soap;
use crate::value::Value;
use crate::xml::Element;

pub(super) const DATA_MAPPER: Mediator = Mediator {
    name: "datamapper",
    summary: "Maps the message to another shape with a data mapper's JavaScript.",
    compile,
};

/// What a side of the mapping is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Xml,
    Json,
    Csv,
}

#[derive(Debug)]
struct DataMapper {
    config: Template,
    input: (Template, Format),
    output: (Template, Format),
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let config = compiler.required(element, "config");
    let side = |compiler: &mut Compiler, schema: &str, kind: &str| {
        let key = compiler.required(element, schema)?;
        let format = match element.given(kind).unwrap_or("XML").to_ascii_uppercase().as_str() {
            "XML" => Format::Xml,
            "JSON" => Format::Json,
            "CSV" => Format::Csv,
            other => {
                compiler.fault(element, format!("{kind} is XML, JSON or CSV, not {other:?}"), "");
                return None;
            }
        };
        Some((compiler.value(element, &key)?, format))
    };
    let input = side(compiler, "inputSchema", "inputType");
    let output = side(compiler, "outputSchema", "outputType");
    let config = compiler.value(element, &config?)?;
    Some(Box::new(DataMapper { config, input: input?, output: output? }))
}

fn load(key: &Template, flow: &mut Flow) -> Result<String, Failure> {
    let name = key.text(flow)?;
    let configuration = Arc::clone(&flow.exchange.configuration);
    let text = configuration
        .text_of(name.trim())
        .or_else(|| flow.host().resource(name.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    text.ok_or_else(|| Failure::new(format!("{name} of the data mapper is not deployed")))
}

fn schema(key: &Template, flow: &mut Flow) -> Result<Json, Failure> {
    let text = load(key, flow)?;
    json::parse(&text).map_err(|error| Failure::new(format!("a schema of the data mapper: {error}")))
}

impl DataMapper {
    fn map(&self, flow: &mut Flow) -> Result<(), Failure> {
        let config = load(&self.config, flow)?;
        let (from, to) = (schema(&self.input.0, flow)?, schema(&self.output.0, flow)?);
        let (from, to) = (Shape::new(&from, &config), Shape::new(&to, &config));
        let input = read(self.input.1, &from, flow)?;
        let script = Script::new(&config).map_err(Failure::new)?;
        let call = format!("map_S_{}_S_{}", from.last_name(), to.last_name());
        let names = [(from.variable(), input), ("DM_PROPERTIES".to_owned(), properties(&config, flow))];
        let output = script.evaluate(&names, &format!("{call}()"), flow)?;
        match self.output.1 {
            Format::Json => flow.message.set_body(Body::from_json(output)),
            Format::Csv => flow.message.set_body(Body::Text(csv(&output).into())),
            Format::Xml => {
                let document = to.to_xml(&output)?;
                let envelope = document.root().is_some_and(|root| {
                    document.local_name(root) == "Envelope" && soap::is_envelope(document.namespace(root))
                });
                if envelope {
                    flow.message.set_body(Body::Xml(Arc::new(document)));
                } else {
                    flow.message.set_xml_payload(&document)?;
                }
            }
        }
        let media = match self.output.1 {
            Format::Json => "application/json",
            Format::Xml => "application/xml",
            Format::Csv => "text/plain",
        };
        set_property(flow, PropertyScope::Axis2, "messageType", Some(Value::text(media)));
        Ok(())
    }
}

/// The message as the input of a mapping.
fn read(format: Format, shape: &Shape<'_>, flow: &mut Flow) -> Result<Json, Failure> {
    Ok(match format {
        Format::Json => (*flow.message.json()?).clone(),
        Format::Csv => rows(&flow.message.text()?),
        Format::Xml => {
            let envelope = flow.message.envelope()?;
            let root = if shape.is_envelope() { envelope.root() } else { soap::payload_of(&envelope) };
            let root = root.ok_or_else(|| Failure::new("the message has no XML for the data mapper"))?;
            shape.read_xml(&envelope, root)
        }
    })
}

/// `DM_PROPERTIES.SCOPE['name']` of a mapping: the values that it reads.
fn properties(config: &str, flow: &mut Flow) -> Json {
    let mut scopes: Map<String, Json> = Map::new();
    for (at, mark) in config.match_indices("DM_PROPERTIES.") {
        let rest = config.get(at + mark.len()..).unwrap_or_default();
        let Some((scope, rest)) = rest.split_once('[') else { continue };
        let Some(quote @ ('\'' | '"')) = rest.chars().next() else { continue };
        let Some(name) = rest.get(1..).and_then(|rest| rest.split(quote).next()) else { continue };
        let known = match scope.to_ascii_uppercase().as_str() {
            "DEFAULT" | "SYNAPSE" => PropertyScope::Synapse,
            "AXIS2" => PropertyScope::Axis2,
            "AXIS2_CLIENT" => PropertyScope::Axis2Client,
            "TRANSPORT" => PropertyScope::Transport,
            "OPERATION" => PropertyScope::Operation,
            _ => continue,
        };
        let value = flow.property(known, name).as_json();
        if let Json::Object(members) = scopes.entry(scope.to_owned()).or_insert_with(|| Json::Object(Map::new())) {
            members.insert(name.to_owned(), value);
        }
    }
    Json::Object(scopes)
}

/// Lines with quoted fields (RFC 4180) as a list of lists.
fn rows(text: &str) -> Json {
    let mut rows: Vec<Json> = Vec::new();
    let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(Json::String(std::mem::take(&mut field))),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(Json::String(std::mem::take(&mut field)));
                rows.push(Json::Array(std::mem::take(&mut row)));
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(Json::String(field));
        rows.push(Json::Array(row));
    }
    Json::Array(rows)
}

/// A list of objects or lists as lines. A field that a spreadsheet would take for more than text is quoted.
fn csv(value: &Json) -> String {
    let line = |row: &Json| {
        let fields: Vec<&Json> = match row {
            Json::Array(items) => items.iter().collect(),
            Json::Object(members) => members.values().collect(),
            other => vec![other],
        };
        let written = fields.into_iter().map(|field| {
            let text = if field.is_null() { String::new() } else { json::text_of(field) };
            let plain = !text.contains(['"', ',', '\n', '\r']);
            if plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
        });
        written.collect::<Vec<_>>().join(",")
    };
    let rows: Vec<String> = match value {
        Json::Array(rows) => rows.iter().map(line).collect(),
        other => vec![line(other)],
    };
    rows.join("\n")
}

impl Run for DataMapper {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.map(flow))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{csv, rows};

    #[test]
    fn lines_with_quotes() {
        let text = "a,\"b,\"\"c\"\"\"\r\n1,\n\"x\ny\",z";
        let read = rows(text);
        assert_eq!(read, json!([["a", "b,\"c\""], ["1", ""], ["x\ny", "z"]]));
        assert_eq!(rows(&csv(&read)), read);
        assert_eq!(csv(&json!([{"a": 1, "b": null}])), "1,");
    }
}
