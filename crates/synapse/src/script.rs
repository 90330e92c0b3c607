//! JavaScript for `script`: QuickJS under caps, with the message as data and nothing of the host.
//!
//! A script gets a copy of the message and gives back what it changed; it cannot reach files, sockets, modules, Java or
//! other messages (guideline X03). Each run has a fresh engine.

mod e4x;

use std::time::Duration;

use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt as _, Context, Runtime};
use serde_json::{Map, Value as Json, json};

use crate::flow::{Failure, Flow, PropertyScope};
use crate::message::Body;
use crate::value::Value;
use crate::xml::{Document, Kind, Limits, NodeId};

const MEMORY: usize = 32 << 20;
const STACK: usize = 256 << 10;
/// Turns of the engine's own counter, 10,000 operations each.
const TURNS: u32 = 3_000;
const LONGEST: usize = 1 << 20;

const PRELUDE: &str = include_str!("script/prelude.js");

/// Calls of Java that artifacts use and that need no Java, with what stands for them in the prelude.
const OFFERED: [(&str, &str); 3] = [
    ("java.lang.Thread.sleep(", "$sleep("),
    ("java.lang.System.currentTimeMillis(", "$millis("),
    ("java.util.UUID.randomUUID(", "$uuid("),
];

/// A script that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Script(String);

/// Words by which scripts of WSO2 reach Java.
const JAVA: [&str; 6] = ["java.", "javax.", "Packages.", "importPackage(", "importClass(", "JavaImporter("];

impl Script {
    /// Reads a script and checks its syntax.
    ///
    /// # Errors
    /// What is wrong, with the line inside of the script.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("the script is longer than {LONGEST} bytes"));
        }
        let plain = OFFERED.iter().fold(source.to_owned(), |text, (java, own)| text.replace(java, own));
        if let Some(word) = JAVA.iter().find(|word| reaches(&plain, word)) {
            return Err(format!("the script reaches Java by {word}"));
        }
        let text = e4x::translate(&plain)?;
        let wrapped = format!("(function(mc) {{{text}\n}})");
        with_engine(|context| {
            context.with(|context| {
                match context.eval_with_options::<rquickjs::Value<'_>, _>(wrapped, as_written()).catch(&context) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(first_line(&error.to_string())),
                }
            })
        })?;
        Ok(Self(text))
    }

    /// Runs the script on a message. With a function, the script defines it, and it is called. Gives how long the script
    /// wanted to sleep, which is waited for behind it.
    pub(crate) fn run(&self, function: Option<&str>, flow: &mut Flow) -> Result<Duration, Failure> {
        let input = input(flow)?;
        let call = match function {
            Some(name) if name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$') => {
                format!("{}\n;{name}(mc);", self.0)
            }
            Some(name) => return Err(Failure::new(format!("{name:?} is not the name of a function"))),
            None => self.0.clone(),
        };
        let source = format!("{PRELUDE}\n$run({input}, function(mc) {{{call}\n}})");
        flow.spend(1000)?;
        let result = with_engine(|context| {
            context.with(|context| match context.eval_with_options::<String, _>(source, as_written()).catch(&context) {
                Ok(text) => Ok(text),
                Err(error) => Err(first_line(&error.to_string())),
            })
        });
        let text = result.map_err(|error| Failure::new(format!("the script failed: {error}")))?;
        apply(flow, &text)
    }

    /// Runs the script with values under names, and gives what an expression is behind it.
    ///
    /// # Errors
    /// A script that fails or does not end, and a value that is not JSON.
    pub(crate) fn evaluate(&self, names: &[(String, Json)], expression: &str, flow: &Flow) -> Result<Json, Failure> {
        let identifier = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_$".contains(c));
        let mut source = String::from("(function() {\n");
        for (name, value) in names {
            if !identifier(name) {
                return Err(Failure::new(format!("{name:?} cannot be the name of a value of a script")));
            }
            source.push_str(&format!("var {name} = {};\n", literal(value)));
        }
        if !expression.strip_suffix("()").is_some_and(identifier) {
            return Err(Failure::new(format!("{expression:?} is not a call of a script's function")));
        }
        source.push_str(&format!("{}\n;return JSON.stringify({expression});\n}})()", self.0));
        flow.spend(1000)?;
        let text = with_engine(|context| {
            context.with(|context| {
                match context.eval_with_options::<Option<String>, _>(source, as_written()).catch(&context) {
                    Ok(text) => Ok(text.unwrap_or_else(|| "null".to_owned())),
                    Err(error) => Err(first_line(&error.to_string())),
                }
            })
        });
        let text = text.map_err(|error| Failure::new(format!("the script failed: {error}")))?;
        crate::json::parse(&text).map_err(Failure::new)
    }
}

/// JSON as a script's text: without what JSON allows and a script does not.
fn literal(value: &Json) -> String {
    value.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn reaches(source: &str, word: &str) -> bool {
    source.match_indices(word).any(|(at, _)| {
        let before = source.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "_.$'\"/".contains(c))
    })
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it did not say why").chars().take(400).collect()
}

/// Scripts of Rhino and Nashorn are not strict: they assign to names that they never declare.
fn as_written() -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options
}

fn with_engine<T>(work: impl FnOnce(&Context) -> Result<T, String>) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|e| format!("no engine: {e}"))?;
    runtime.set_memory_limit(MEMORY);
    runtime.set_max_stack_size(STACK);
    let mut turns = 0_u32;
    runtime.set_interrupt_handler(Some(Box::new(move || {
        turns += 1;
        turns > TURNS
    })));
    let context = Context::full(&runtime).map_err(|e| format!("no engine: {e}"))?;
    work(&context)
}

fn input(flow: &mut Flow) -> Result<String, Failure> {
    flow.message.build()?;
    let is_json = matches!(flow.message.body(), Body::Json(_));
    let payload = if is_json || matches!(flow.message.body(), Body::Empty) {
        Json::Null
    } else {
        let envelope = flow.message.envelope()?;
        crate::soap::payload_of(&envelope).map_or(Json::Null, |id| tree(&envelope, id))
    };
    let scope = |scope: &crate::flow::Scope| {
        Json::Object(scope.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
    };
    let headers: Map<String, Json> =
        flow.message.headers.iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect();
    let to = flow.property(PropertyScope::Synapse, "To").as_text();
    let json = if is_json || !matches!(flow.message.body(), Body::Empty) {
        (*flow.message.json()?).clone()
    } else {
        Json::Null
    };
    Ok(literal(&json!({
        "json": json,
        "xml": payload,
        "default": scope(&flow.properties),
        "axis2": scope(&flow.axis2),
        "operation": scope(&flow.operation),
        "variables": scope(&flow.variables),
        "transport": headers,
        "to": to,
        "millis": flow.host().now().millis(),
        "uuid": flow.host().uuid(),
        "response": flow.response,
    })))
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Xml(document) => match document.root() {
            Some(root) => json!({ "$xml": tree(document, root) }),
            None => Json::String(value.as_text()),
        },
        other => other.as_json(),
    }
}

/// An element as the script's library takes it: name, namespace, attributes, children, and its text.
fn tree(document: &Document, id: NodeId) -> Json {
    enum Open {
        Enter(NodeId),
        Leave,
    }
    let mut pending = vec![Open::Enter(id)];
    let mut stack: Vec<(Json, Vec<Json>)> = Vec::new();
    let mut result = Json::Null;
    while let Some(open) = pending.pop() {
        match open {
            Open::Enter(id) => match document.kind(id) {
                Kind::Element(element) => {
                    let attributes: Map<String, Json> = element
                        .attributes
                        .iter()
                        .map(|attribute| (attribute.name.local.to_string(), Json::from(&*attribute.value)))
                        .collect();
                    let head = json!({
                        "n": &*element.name.local, "p": &*element.name.prefix, "u": &*element.name.namespace, "a": attributes
                    });
                    stack.push((head, Vec::new()));
                    pending.push(Open::Leave);
                    let mut at = document.last_child(id);
                    while let Some(child) = at {
                        pending.push(Open::Enter(child));
                        at = document.previous_sibling(child);
                    }
                }
                Kind::Text(text) => {
                    if let Some((_, children)) = stack.last_mut() {
                        children.push(Json::from(&**text));
                    }
                }
                _ => {}
            },
            Open::Leave => {
                let Some((mut head, children)) = stack.pop() else { continue };
                if let Some(members) = head.as_object_mut() {
                    members.insert("c".to_owned(), Json::Array(children));
                }
                match stack.last_mut() {
                    Some((_, siblings)) => siblings.push(head),
                    None => result = head,
                }
            }
        }
    }
    result
}

fn apply(flow: &mut Flow, text: &str) -> Result<Duration, Failure> {
    let mut sleep = Duration::ZERO;
    let changes: Json = crate::json::parse(text).map_err(Failure::new)?;
    for change in changes.as_array().into_iter().flatten() {
        let word = |name: &str| change.get(name).and_then(Json::as_str).unwrap_or_default();
        match word("do") {
            "json" => {
                let body = change.get("value").cloned().unwrap_or_default();
                flow.message.set_body(Body::from_json(body));
                flow.axis2.insert("messageType".to_owned(), Value::text("application/json"));
            }
            "xml" => {
                let document = Document::parse(word("value").trim(), Limits::MESSAGE)
                    .map_err(|e| Failure::new(format!("setPayloadXML(): {e}")))?;
                flow.message.set_xml_payload(&document)?;
            }
            "set" | "remove" => {
                let scope = PropertyScope::parse(word("scope")).unwrap_or(PropertyScope::Synapse);
                let value = match change.get("value") {
                    Some(Json::Object(members)) if members.contains_key("$text") => {
                        let text = members.get("$text").and_then(Json::as_str).unwrap_or_default();
                        Document::parse(text, Limits::MESSAGE)
                            .map_or_else(|_| Value::text(text), |document| Value::Xml(document.into()))
                    }
                    Some(value) => Value::from_json(value.clone()),
                    None => Value::Null,
                };
                let value = (word("do") == "set").then_some(value);
                crate::mediators::set_property(flow, scope, word("name"), value);
            }
            "variable" => {
                let value = change.get("value").cloned().map_or(Value::Null, Value::from_json);
                flow.variables.insert(word("name").to_owned(), value);
            }
            "sleep" => {
                let millis = change.get("value").and_then(Json::as_u64).unwrap_or_default();
                sleep = sleep.saturating_add(Duration::from_millis(millis));
            }
            "to" => flow.set_addressing("To", Some(word("value").to_owned())),
            "log" => flow.host().log(crate::host::Level::Info, word("value").replace(['\n', '\r'], " ")),
            _ => {}
        }
    }
    Ok(sleep)
}
