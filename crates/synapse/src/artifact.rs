//! Artifacts: what one file holds, by the name of its root element.

mod api;
mod data_service;
mod definitions;
mod entry;
mod plain;
mod proxy;
mod template;

pub(crate) use api::Target;
pub use api::{Api, Mapping, Resource, UriTemplate, VersionType};
pub use data_service::{
    Column, DataCall, DataField, DataOperation, DataParameter, DataQuery, DataResource, DataResult, DataService, Piece,
    Source as DataSource, SourceKind, Statement, Validator,
};
pub use entry::{LocalEntry, Source};
pub use plain::{InboundEndpoint, MessageProcessor, MessageStore, ProcessorKind, Registry, StoreKind, Task, Trigger};
pub(crate) use proxy::TargetEndpoint;
pub use proxy::{Proxy, Wsdl};
pub use template::{EndpointTemplate, SequenceTemplate, TemplateParameter};

use crate::compile::{Compiler, Fault};
use crate::endpoint::{self, Endpoint};
use crate::mediator::Sequence;
use crate::mediators;
use crate::xml::{Document, Element, Limits};

/// A compiled artifact.
#[derive(Debug)]
pub enum Artifact {
    /// `api`
    Api(Box<Api>),
    /// `proxy`
    Proxy(Box<Proxy>),
    /// `sequence`
    Sequence(Sequence),
    /// `endpoint`
    Endpoint(Endpoint),
    /// `template` with a sequence
    SequenceTemplate(SequenceTemplate),
    /// `template` with an endpoint
    EndpointTemplate(EndpointTemplate),
    /// `localEntry`
    LocalEntry(LocalEntry),
    /// `task`
    Task(Task),
    /// `messageStore`
    MessageStore(MessageStore),
    /// `messageProcessor`
    MessageProcessor(MessageProcessor),
    /// `inboundEndpoint`
    InboundEndpoint(InboundEndpoint),
    /// `registry`
    Registry(Registry),
    /// `data`
    DataService(Box<DataService>),
    /// `definitions`: everything in one file.
    Definitions(Vec<Artifact>),
}

impl Artifact {
    /// Name of the kind, as reports use it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Api(_) => "api",
            Self::Proxy(_) => "proxy",
            Self::Sequence(_) => "sequence",
            Self::Endpoint(_) => "endpoint",
            Self::SequenceTemplate(_) | Self::EndpointTemplate(_) => "template",
            Self::LocalEntry(_) => "localEntry",
            Self::Task(_) => "task",
            Self::MessageStore(_) => "messageStore",
            Self::MessageProcessor(_) => "messageProcessor",
            Self::InboundEndpoint(_) => "inboundEndpoint",
            Self::Registry(_) => "registry",
            Self::DataService(_) => "data-service",
            Self::Definitions(_) => "definitions",
        }
    }

    /// Name or key.
    pub fn name(&self) -> &str {
        match self {
            Self::Api(api) => &api.name,
            Self::Proxy(proxy) => &proxy.name,
            Self::Sequence(sequence) => &sequence.name,
            Self::Endpoint(endpoint) => &endpoint.name,
            Self::SequenceTemplate(template) => &template.name,
            Self::EndpointTemplate(template) => &template.name,
            Self::LocalEntry(entry) => &entry.key,
            Self::Task(task) => &task.name,
            Self::MessageStore(store) => &store.name,
            Self::MessageProcessor(processor) => &processor.name,
            Self::InboundEndpoint(inbound) => &inbound.name,
            Self::DataService(service) => &service.name,
            Self::Registry(_) | Self::Definitions(_) => "",
        }
    }
}

/// A file that was looked at: what kind it is, and the artifact or its faults.
#[derive(Debug)]
pub struct Compiled {
    /// Name of the kind; the root element's name when it is unknown.
    pub kind: String,
    /// The artifact, or everything that is wrong with it.
    pub result: Result<Artifact, Vec<Fault>>,
    /// What the operator should know about an artifact that loads.
    pub notes: Vec<Fault>,
}

/// Namespaces of artifacts: of Synapse, of its early releases, and none.
const NAMESPACES: [&str; 3] =
    ["http://ws.apache.org/ns/synapse", "http://synapse.apache.org/ns/2010/04/configuration", ""];

/// Parses and compiles the text of an artifact.
pub fn compile(text: &str) -> Compiled {
    let document = match Document::parse(text, Limits::ARTIFACT) {
        Ok(document) => document,
        Err(error) => {
            let fault = Fault {
                line: error.line,
                mediator: "xml".to_owned(),
                reason: error.reason,
                hint: "the file has to be well-formed XML without DTD".to_owned(),
            };
            return Compiled { kind: "unreadable".to_owned(), result: Err(vec![fault]), notes: Vec::new() };
        }
    };
    let Some(root) = Element::root(&document) else {
        return Compiled { kind: "unreadable".to_owned(), result: Err(Vec::new()), notes: Vec::new() };
    };
    let mut compiler = Compiler::new();
    let artifact = one(&mut compiler, root);
    let kind = artifact.as_ref().map_or_else(|| kind_of(root.name()).to_owned(), |artifact| artifact.kind().to_owned());
    let result = match artifact {
        Some(artifact) if compiler.faults.is_empty() => Ok(artifact),
        _ => Err(compiler.faults),
    };
    Compiled { kind, result, notes: compiler.notes }
}

fn kind_of(name: &str) -> &str {
    if name == "data" { "data-service" } else { name }
}

/// Compiles one element.
fn one(compiler: &mut Compiler, root: Element<'_>) -> Option<Artifact> {
    if root.name() != "data" && !NAMESPACES.contains(&root.namespace()) {
        compiler.fault(root, format!("the namespace {} is not the one of Synapse", root.namespace()), NAMESPACES[0]);
        return None;
    }
    Some(match root.name() {
        "api" => Artifact::Api(Box::new(api::compile(compiler, root)?)),
        "proxy" => Artifact::Proxy(Box::new(proxy::compile(compiler, root)?)),
        "sequence" => {
            compiler.required(root, "name")?;
            Artifact::Sequence(compiler.sequence(root))
        }
        "endpoint" => {
            let endpoint = endpoint::compile(compiler, root)?;
            if endpoint.name.is_empty() {
                compiler.note(
                    root,
                    "the endpoint has no name",
                    "it can be used as a registry resource or local entry only",
                );
            }
            Artifact::Endpoint(endpoint)
        }
        "template" => template::compile(compiler, root)?,
        "localEntry" => Artifact::LocalEntry(entry::compile(compiler, root)?),
        "task" => Artifact::Task(plain::task(compiler, root)?),
        "messageStore" => Artifact::MessageStore(plain::store(compiler, root)?),
        "messageProcessor" => Artifact::MessageProcessor(plain::processor(compiler, root)?),
        "inboundEndpoint" => Artifact::InboundEndpoint(plain::inbound(compiler, root)?),
        "registry" => Artifact::Registry(plain::registry(compiler, root)?),
        "data" => Artifact::DataService(Box::new(data_service::compile(compiler, root)?)),
        "definitions" => Artifact::Definitions(definitions::compile(compiler, root)),
        other => {
            let hint = if mediators::find(other).is_some() {
                "a mediator stands inside of a sequence, proxy or API".to_owned()
            } else {
                "artifacts are api, proxy, sequence, endpoint, template, localEntry, task, messageStore, messageProcessor, \
                 inboundEndpoint, registry, data and definitions"
                    .to_owned()
            };
            compiler.fault(root, format!("{other} is not an artifact"), hint);
            return None;
        }
    })
}
