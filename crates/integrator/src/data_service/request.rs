//! What a request asks of a data service: SOAP, XML, JSON, forms, paths and queries.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use synapse::artifact::{DataCall, DataResource, DataService};
use synapse::soap;
use synapse::xml::{Document, NodeId};
use synapse::{Body, Message, media_type};

use super::Problem;

/// Requests of one batch or box.
const REQUESTS: usize = 10_000;
/// Values of one request.
const VALUES: usize = 100_000;

/// Values by name; nothing is NULL.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Inputs(Vec<(String, Option<String>)>);

impl Inputs {
    /// The values of a name; empty when it was not given.
    pub(super) fn all(&self, name: &str) -> Vec<Option<&str>> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_deref()).collect()
    }

    pub(super) fn add(&mut self, name: &str, value: Option<String>) -> Result<(), Problem> {
        if self.0.len() >= VALUES {
            return Err(Problem::request(format!("a request has at most {VALUES} values")));
        }
        self.0.push((name.to_owned(), value));
        Ok(())
    }

    /// Adds a value unless the name is there.
    pub(super) fn offer(&mut self, name: &str, value: Option<String>) -> Result<(), Problem> {
        if self.0.iter().any(|(known, _)| known == name) { Ok(()) } else { self.add(name, value) }
    }
}

/// One operation or resource with its values.
#[derive(Debug)]
pub(super) struct Invocation<'s> {
    pub(super) calls: &'s [DataCall],
    pub(super) status: bool,
    pub(super) inputs: Inputs,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Asked<'s> {
    One(Invocation<'s>),
    /// `<operation>_batch_req`: the same operation again and again, in one transaction.
    Batch(Vec<Invocation<'s>>),
    /// `request_box`: operations in order, in one transaction; later ones see what earlier ones export.
    Box(Vec<Invocation<'s>>),
}

/// Reads a request.
pub(super) fn read<'s>(
    service: &'s DataService,
    method: &str,
    target: &str,
    message: &mut Message,
) -> Result<Asked<'s>, Problem> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let below = path.strip_prefix("/services/").unwrap_or(path);
    let rest = below.split_once('/').map_or("", |(_, rest)| rest).trim_matches('/');
    // Names with slashes: the rest of the name is no path.
    let inner = service.name.split_once('/').map_or("", |(_, inner)| inner);
    let rest = rest.strip_prefix(inner).unwrap_or(rest).trim_matches('/');
    let body = body(message)?;
    if rest.is_empty() {
        return from_body(service, body, soap_action(message).as_deref());
    }
    let mut given = Inputs::default();
    for (name, value) in pairs(query) {
        given.add(&name, Some(value))?;
    }
    let segments: Vec<String> = rest.split('/').map(decode).collect();
    if let Some((resource, values)) = find(service, method, &segments) {
        return from_resource(service, resource, values, given, body);
    }
    let [name] = &segments[..] else { return Err(Problem::unknown(format!("there is no resource {method} /{rest}"))) };
    match body {
        Given::Nothing => Ok(Asked::One(invocation(service, name, given)?)),
        Given::Members(members) => {
            // The body may repeat the name of the operation, or be its values.
            let whole = match &members[..] {
                [(only, Given::Members(_) | Given::List(_))] => {
                    only == name || only.strip_suffix("_batch_req") == Some(name)
                }
                _ => false,
            };
            if whole {
                return from_body(service, Given::Members(members), None);
            }
            flatten(Given::Members(members), &mut given)?;
            Ok(Asked::One(invocation(service, name, given)?))
        }
        Given::List(_) | Given::Text(_) | Given::Null => Err(Problem::request("the body names no values".to_owned())),
    }
}

/// A body, whatever it was written in.
#[derive(Clone, Debug)]
enum Given {
    Nothing,
    Null,
    Text(String),
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
}

fn body(message: &mut Message) -> Result<Given, Problem> {
    let wrong = |error: synapse::BodyError| Problem::request(error.to_string());
    let kind = media_type(message.headers.get("Content-Type").unwrap_or_default());
    let built = message.build().map_err(wrong)?;
    if let Body::Json(json) = built {
        return Ok(from_json(json));
    }
    if matches!(built, Body::Empty) {
        return Ok(Given::Nothing);
    }
    if !matches!(built, Body::Xml(_)) {
        return Err(Problem::request(format!("the content type {kind} is not XML, JSON or a form")));
    }
    let envelope = message.envelope().map_err(wrong)?;
    let Some(payload) = soap::payload_of(&envelope) else { return Ok(Given::Nothing) };
    let inner = from_xml(&envelope, payload);
    // A form is values without a name.
    if kind == "application/x-www-form-urlencoded" {
        return Ok(inner);
    }
    Ok(Given::Members(vec![(envelope.local_name(payload).to_owned(), inner)]))
}

fn from_json(json: &Json) -> Given {
    match json {
        Json::Null => Given::Null,
        Json::Array(items) => Given::List(items.iter().map(from_json).collect()),
        Json::Object(members) => {
            Given::Members(members.iter().map(|(name, value)| (name.clone(), from_json(value))).collect())
        }
        scalar => Given::Text(synapse::json::text_of(scalar)),
    }
}

fn from_xml(document: &Document, id: NodeId) -> Given {
    let nil = document.element(id).is_some_and(|element| {
        let mut attributes = element.attributes.iter();
        attributes.any(|one| &*one.name.local == "nil" && !one.name.namespace.is_empty() && &*one.value == "true")
    });
    if nil {
        return Given::Null;
    }
    let members: Vec<(String, Given)> =
        document.elements(id).map(|child| (document.local_name(child).to_owned(), from_xml(document, child))).collect();
    if members.is_empty() {
        let text = document.text(id);
        return if text.is_empty() { Given::Nothing } else { Given::Text(text) };
    }
    Given::Members(members)
}

fn flatten(given: Given, inputs: &mut Inputs) -> Result<(), Problem> {
    let Given::Members(members) = given else {
        return match given {
            Given::Nothing | Given::Null => Ok(()),
            _ => Err(Problem::request("values have names".to_owned())),
        };
    };
    for (name, value) in members {
        let items = match value {
            Given::List(items) => items,
            other => vec![other],
        };
        for item in items {
            let value = match item {
                Given::Null => None,
                Given::Nothing => Some(String::new()),
                Given::Text(text) => Some(text),
                Given::List(_) | Given::Members(_) => {
                    return Err(Problem::request(format!("{name} is not a value")));
                }
            };
            inputs.add(&name, value)?;
        }
    }
    Ok(())
}

/// A body that names what it asks.
fn from_body<'s>(service: &'s DataService, body: Given, action: Option<&str>) -> Result<Asked<'s>, Problem> {
    let (name, inner) = match body {
        Given::Members(mut members) if members.len() == 1 => members.remove(0),
        Given::Nothing => match action {
            Some(action) => (action.to_owned(), Given::Nothing),
            None => return Err(Problem::unknown("the request names no operation".to_owned())),
        },
        // A form with the operation in the header.
        given @ Given::Members(_) => match action {
            Some(action) => (action.to_owned(), given),
            None => return Err(Problem::unknown("the request names no operation".to_owned())),
        },
        _ => return Err(Problem::unknown("the request names no operation".to_owned())),
    };
    if name == "request_box" && service.boxes {
        let requests = each(service, inner, None)?;
        return Ok(Asked::Box(requests));
    }
    if let Some(operation) = name.strip_suffix("_batch_req")
        && service.batches
    {
        return Ok(Asked::Batch(each(service, inner, Some(operation))?));
    }
    let mut inputs = Inputs::default();
    flatten(inner, &mut inputs)?;
    Ok(Asked::One(invocation(service, &name, inputs)?))
}

fn each<'s>(service: &'s DataService, inner: Given, only: Option<&str>) -> Result<Vec<Invocation<'s>>, Problem> {
    let mut found = Vec::new();
    let Given::Members(members) = inner else { return Err(Problem::request("there are no requests".to_owned())) };
    for (name, value) in members {
        if only.is_some_and(|only| only != name) {
            return Err(Problem::request(format!("a batch of another operation holds {name}")));
        }
        let items = match value {
            Given::List(items) => items,
            other => vec![other],
        };
        for item in items {
            if found.len() >= REQUESTS {
                return Err(Problem::request(format!("there are more than {REQUESTS} requests")));
            }
            let mut inputs = Inputs::default();
            flatten(item, &mut inputs)?;
            found.push(invocation(service, &name, inputs)?);
        }
    }
    Ok(found)
}

fn invocation<'s>(service: &'s DataService, name: &str, inputs: Inputs) -> Result<Invocation<'s>, Problem> {
    if let Some(operation) = service.operations.iter().find(|operation| operation.name == name) {
        return Ok(Invocation { calls: &operation.calls, status: operation.status, inputs });
    }
    // The name that WSO2 gives to the operation of a resource: _getemployee_id.
    let resource = service.resources.iter().find(|resource| request_name(resource) == name);
    match resource {
        Some(resource) => Ok(Invocation { calls: &resource.calls, status: resource.status, inputs }),
        None => Err(Problem::unknown(format!("there is no operation {name}"))),
    }
}

/// `_` method path, slashes as `_`, braces left out.
pub(super) fn request_name(resource: &DataResource) -> String {
    let path: String = resource.path.chars().filter(|c| !matches!(c, '{' | '}')).collect();
    format!("_{}{}", resource.method.to_ascii_lowercase(), path.replace('/', "_"))
}

/// Values that a path gives to parameters.
type PathValues = Vec<(String, String)>;

/// The resource that fits best: words before parameters.
fn find<'s>(service: &'s DataService, method: &str, segments: &[String]) -> Option<(&'s DataResource, PathValues)> {
    // The path of a batch is that of the resource with a suffix.
    let mut trimmed = segments.to_vec();
    if let Some(last) = trimmed.last_mut()
        && let Some(plain) = last.strip_suffix("_batch_req")
    {
        *last = plain.to_owned();
    }
    let mut best: Option<(usize, (&DataResource, PathValues))> = None;
    for resource in service.resources.iter().filter(|resource| resource.method == method) {
        let parts: Vec<&str> = resource.path.split('/').collect();
        if parts.len() != trimmed.len() {
            continue;
        }
        let (mut words, mut values) = (0, Vec::new());
        let fits = parts.iter().zip(&trimmed).all(|(part, segment)| {
            match part.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                Some(name) => {
                    values.push((name.to_owned(), segment.clone()));
                    !segment.is_empty()
                }
                None => {
                    words += 1;
                    part == segment
                }
            }
        });
        if fits && best.as_ref().is_none_or(|(most, ..)| words > *most) {
            best = Some((words, (resource, values)));
        }
    }
    best.map(|(_, found)| found)
}

fn from_resource<'s>(
    service: &'s DataService,
    resource: &'s DataResource,
    values: Vec<(String, String)>,
    inputs: Inputs,
    body: Given,
) -> Result<Asked<'s>, Problem> {
    let name = request_name(resource);
    let mut own = Inputs::default();
    // The path wins over the query, and nothing of the body can replace either.
    for (name, value) in values {
        own.add(&name, Some(value))?;
    }
    let in_path = |name: &str| resource.path.contains(&format!("{{{name}}}"));
    for (name, value) in inputs.0.into_iter().filter(|(name, _)| !in_path(name)) {
        own.add(&name, value)?;
    }
    let inner = match body {
        Given::Members(mut members) if members.len() == 1 => match members.remove(0) {
            (only, given) if only == format!("{name}_batch_req") && service.batches => {
                return Ok(Asked::Batch(each(service, given, Some(&name))?));
            }
            (_, given @ (Given::Members(_) | Given::Nothing)) => given,
            (only, given) => Given::Members(vec![(only, given)]),
        },
        other => other,
    };
    let mut more = Inputs::default();
    flatten(inner, &mut more)?;
    for (name, value) in more.0.into_iter().filter(|(name, _)| !in_path(name)) {
        own.add(&name, value)?;
    }
    Ok(Asked::One(Invocation { calls: &resource.calls, status: resource.status, inputs: own }))
}

fn soap_action(message: &Message) -> Option<String> {
    let action = message.headers.get("SOAPAction")?.trim().trim_matches('"');
    let name = action.strip_prefix("urn:").unwrap_or(action);
    let name = name.rsplit(['/', '#']).next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    })
}
