//! All artifacts that are deployed together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::artifact::{Api, Artifact, EndpointTemplate, LocalEntry, Proxy, SequenceTemplate, Source};
use crate::endpoint::Endpoint;
use crate::mediator::Sequence;
use crate::value::Value;

/// Compiled artifacts by kind and name. Immutable; a new one replaces it whole.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    sequences: HashMap<String, Arc<Sequence>>,
    endpoints: HashMap<String, Arc<Endpoint>>,
    sequence_templates: HashMap<String, Arc<SequenceTemplate>>,
    endpoint_templates: HashMap<String, Arc<EndpointTemplate>>,
    entries: HashMap<String, LocalEntry>,
    /// APIs; those with the longest context first.
    pub apis: Vec<Arc<Api>>,
    /// Proxies by name.
    pub proxies: BTreeMap<String, Arc<Proxy>>,
    resources: HashMap<String, Bytes>,
    /// Tasks, message stores, message processors, inbound endpoints and data services, for the host.
    pub others: Vec<Arc<Artifact>>,
}

impl Configuration {
    /// Nothing deployed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an artifact; one of the same kind and name is replaced.
    pub fn add(&mut self, artifact: Artifact) {
        match artifact {
            Artifact::Definitions(parts) => parts.into_iter().for_each(|part| self.add(part)),
            Artifact::Sequence(sequence) => {
                self.sequences.insert(sequence.name.clone(), Arc::new(sequence));
            }
            Artifact::Endpoint(endpoint) => {
                self.endpoints.insert(endpoint.name.clone(), Arc::new(endpoint));
            }
            Artifact::SequenceTemplate(template) => {
                self.sequence_templates.insert(template.name.clone(), Arc::new(template));
            }
            Artifact::EndpointTemplate(template) => {
                self.endpoint_templates.insert(template.name.clone(), Arc::new(template));
            }
            Artifact::LocalEntry(entry) => {
                self.entries.insert(entry.key.clone(), entry);
            }
            Artifact::Api(api) => {
                self.apis.retain(|known| known.name != api.name);
                self.apis.push(Arc::new(*api));
                self.apis.sort_by_key(|api| std::cmp::Reverse(api.context.len()));
            }
            Artifact::Proxy(proxy) => {
                self.proxies.insert(proxy.name.clone(), Arc::new(*proxy));
            }
            other => self.others.push(Arc::new(other)),
        }
    }

    /// Removes an artifact by kind and name, as [`Artifact::kind`] and [`Artifact::name`] give them. What else is there
    /// stays the same object, with what it remembers.
    pub fn remove(&mut self, kind: &str, name: &str) {
        match kind {
            "sequence" => drop(self.sequences.remove(name)),
            "endpoint" => drop(self.endpoints.remove(name)),
            "template" => {
                self.sequence_templates.remove(name);
                self.endpoint_templates.remove(name);
            }
            "localEntry" => drop(self.entries.remove(name)),
            "api" => self.apis.retain(|api| api.name != name),
            "proxy" => drop(self.proxies.remove(name)),
            _ => self.others.retain(|other| other.kind() != kind || other.name() != name),
        }
    }

    /// Replaces every registry resource.
    pub fn clear_resources(&mut self) {
        self.resources.clear();
    }

    /// Adds a registry resource, such as `gov:/xslt/a.xslt`.
    pub fn add_resource(&mut self, path: &str, bytes: Bytes) {
        self.resources.insert(canonical(path), bytes);
    }

    /// A sequence.
    pub fn sequence(&self, key: &str) -> Option<Arc<Sequence>> {
        self.sequences.get(key).cloned()
    }

    /// An endpoint.
    pub fn endpoint(&self, key: &str) -> Option<Arc<Endpoint>> {
        self.endpoints.get(key).cloned()
    }

    /// Names of all endpoints.
    pub fn endpoint_names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    pub(crate) fn sequence_template(&self, key: &str) -> Option<Arc<SequenceTemplate>> {
        self.sequence_templates.get(key).cloned()
    }

    pub(crate) fn endpoint_template(&self, key: &str) -> Option<Arc<EndpointTemplate>> {
        self.endpoint_templates.get(key).cloned()
    }

    /// A local entry.
    pub fn entry(&self, key: &str) -> Option<&LocalEntry> {
        self.entries.get(key)
    }

    /// The value of a local entry, as `get-property` gives it.
    pub(crate) fn entry_value(&self, key: &str) -> Option<Value> {
        match &self.entries.get(key)?.source {
            Source::Text(text) => Some(Value::text(text.as_str())),
            Source::Xml(document) => Some(Value::Xml(Arc::clone(document))),
            Source::Url(url) => {
                self.resource(url).map(|bytes| Value::text(String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }

    /// A registry resource by path.
    pub fn resource(&self, path: &str) -> Option<Bytes> {
        self.resources.get(&canonical(path)).cloned()
    }

    /// Text of a local entry or registry resource: schemas, stylesheets, scripts, payload formats.
    pub fn text_of(&self, key: &str) -> Option<String> {
        match self.entry_value(key) {
            Some(value) => Some(value.as_text()),
            None => self.resource(key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// `conf:a`, `conf:/a` and `/_system/config/a` are one path.
fn canonical(path: &str) -> String {
    let path = path.trim();
    for (long, short) in
        [("/_system/config/", "conf:"), ("/_system/governance/", "gov:"), ("resources:", "gov:mi-resources/")]
    {
        if let Some(rest) = path.strip_prefix(long) {
            return format!("{short}{}", rest.trim_start_matches('/'));
        }
    }
    match path.split_once(':') {
        Some((scheme @ ("conf" | "gov"), rest)) => format!("{scheme}:{}", rest.trim_start_matches('/')),
        _ => path.trim_start_matches('/').to_owned(),
    }
}
