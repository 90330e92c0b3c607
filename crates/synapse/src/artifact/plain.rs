//! Artifacts that the host runs: tasks, stores, processors, inbound endpoints, the registry.

use std::time::Duration;

use crate::compile::Compiler;
use crate::xml::Element;

/// When a task runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Every so often, a number of times or for ever.
    Interval {
        /// Time between runs.
        every: Duration,
        /// Number of runs; none for ever.
        count: Option<u32>,
    },
    /// Once, after the start.
    Once,
    /// A cron expression of Quartz: seconds first.
    Cron(String),
}

/// A scheduled task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Name.
    pub name: String,
    /// When it runs.
    pub trigger: Trigger,
    /// Properties of the message injector: text, or XML for `message`.
    pub properties: Vec<(String, String)>,
}

/// The one task class that needs no Java.
const INJECTOR: &str = "org.apache.synapse.startup.tasks.MessageInjector";

pub(super) fn task(compiler: &mut Compiler, element: Element<'_>) -> Option<Task> {
    let name = compiler.required(element, "name");
    match element.given("class") {
        Some(INJECTOR) => {}
        Some(class) => compiler.fault(
            element,
            format!("the task class {class} cannot be run"),
            format!("Java classes cannot be loaded; use {INJECTOR}, which sends a message to a sequence or proxy"),
        ),
        None => compiler.fault(element, "the attribute class is missing", INJECTOR),
    }
    let trigger = match element.child("trigger") {
        Some(child) => trigger(compiler, child),
        None => {
            compiler.fault(element, "the trigger is missing", "add a trigger element");
            None
        }
    };
    let properties = element
        .children_named("property")
        .filter_map(|property| {
            let name = compiler.required(property, "name")?;
            let value = match property.attribute("value") {
                Some(value) => value.to_owned(),
                None => property.document.write_inner(property.id).trim().to_owned(),
            };
            Some((name, value))
        })
        .collect();
    Some(Task { name: name?, trigger: trigger?, properties })
}

fn trigger(compiler: &mut Compiler, element: Element<'_>) -> Option<Trigger> {
    if let Some(cron) = element.given("cron") {
        let fields = cron.split_whitespace().count();
        if !(6..=7).contains(&fields) {
            compiler.fault(element, format!("the cron expression {cron:?} has {fields} fields, not 6 or 7"), "");
            return None;
        }
        return Some(Trigger::Cron(cron.to_owned()));
    }
    if element.given("once").is_some_and(|once| once.eq_ignore_ascii_case("true")) {
        return Some(Trigger::Once);
    }
    let every = compiler.required(element, "interval")?;
    // Seconds, as WSO2 documents; a fraction is allowed.
    let every: f64 = compiler.number(element, "interval", &every)?;
    let count = match element.given("count") {
        None | Some("-1") => None,
        Some(text) => Some(compiler.number(element, "count", text)?),
    };
    let every = Duration::try_from_secs_f64(every).ok();
    if every.is_none() {
        compiler.fault(element, "the interval is negative", "");
    }
    Some(Trigger::Interval { every: every?, count })
}

/// A message store.
#[derive(Clone, Debug)]
pub struct MessageStore {
    /// Name.
    pub name: String,
    /// What keeps the messages.
    pub kind: StoreKind,
    /// Parameters.
    pub parameters: Vec<(String, String)>,
}

/// What keeps messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// The integrator's own store. WSO2 calls it in-memory; here it survives a restart.
    Memory,
    /// A database table.
    Jdbc,
    /// RabbitMQ.
    RabbitMq,
    /// In-memory, in the order of a number in the message.
    Resequence,
}

pub(super) fn store(compiler: &mut Compiler, element: Element<'_>) -> Option<MessageStore> {
    let name = compiler.required(element, "name");
    let class = element.given("class").unwrap_or("org.apache.synapse.message.store.impl.memory.InMemoryStore");
    let kind = match class.rsplit('.').next().unwrap_or_default() {
        "InMemoryStore" | "InMemoryMessageStore" => StoreKind::Memory,
        "JDBCMessageStore" => StoreKind::Jdbc,
        "RabbitMQStore" | "RabbitmqStore" => StoreKind::RabbitMq,
        "JmsStore" | "JMSMessageStore" => {
            compiler.note(
                element,
                "JMS is not spoken: messages are kept in the integrator's own store, which survives a restart",
                "programs outside of the integrator do not see them; use the RabbitMQ store to share messages",
            );
            StoreKind::Memory
        }
        "ResequenceMessageStore" | "ResequencingMessageStore" => StoreKind::Resequence,
        other => {
            compiler.fault(
                element,
                format!("the message store class {other} is not available"),
                "use the in-memory, JDBC or RabbitMQ store",
            );
            return None;
        }
    };
    Some(MessageStore { name: name?, kind, parameters: parameters(compiler, element) })
}

/// What takes messages out of a store.
#[derive(Clone, Debug)]
pub struct MessageProcessor {
    /// Name.
    pub name: String,
    /// The store.
    pub store: String,
    /// What happens with the messages.
    pub kind: ProcessorKind,
    /// Endpoint of a forwarding processor.
    pub endpoint: String,
    /// Parameters.
    pub parameters: Vec<(String, String)>,
}

/// What a processor does with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessorKind {
    /// Sends them to an endpoint, again until it answers.
    Forwarding,
    /// Gives them to a sequence.
    Sampling,
    /// Moves them to another store.
    Failover,
}

pub(super) fn processor(compiler: &mut Compiler, element: Element<'_>) -> Option<MessageProcessor> {
    let name = compiler.required(element, "name");
    let store = compiler.required(element, "messageStore");
    let class = compiler.required(element, "class")?;
    let kind = match class.rsplit('.').next().unwrap_or_default() {
        "ScheduledMessageForwardingProcessor" => ProcessorKind::Forwarding,
        "SamplingProcessor" => ProcessorKind::Sampling,
        "FailoverScheduledMessageForwardingProcessor" => ProcessorKind::Failover,
        other => {
            compiler.fault(
                element,
                format!("the message processor class {other} is not available"),
                "use the scheduled forwarding, sampling or failover processor",
            );
            return None;
        }
    };
    let endpoint = element.given("targetEndpoint").unwrap_or_default().to_owned();
    Some(MessageProcessor { name: name?, store: store?, kind, endpoint, parameters: parameters(compiler, element) })
}

/// A listener or poller that gives messages to a sequence.
#[derive(Clone, Debug)]
pub struct InboundEndpoint {
    /// Name.
    pub name: String,
    /// `http`, `https`, `rabbitmq`, `kafka`, `file`.
    pub protocol: String,
    /// Sequence.
    pub sequence: String,
    /// Error sequence.
    pub on_error: String,
    /// True for one that waits to be started.
    pub suspended: bool,
    /// Parameters.
    pub parameters: Vec<(String, String)>,
}

pub(super) fn inbound(compiler: &mut Compiler, element: Element<'_>) -> Option<InboundEndpoint> {
    let name = compiler.required(element, "name");
    let protocol = match (element.given("protocol"), element.given("class")) {
        (Some(protocol), _) => protocol.to_ascii_lowercase(),
        (None, Some(class)) => {
            compiler.fault(
                element,
                format!("the inbound endpoint class {class} cannot be run"),
                "Java classes cannot be loaded; use a protocol",
            );
            return None;
        }
        (None, None) => {
            compiler.fault(element, "the attribute protocol is missing", "");
            return None;
        }
    };
    const KNOWN: [&str; 5] = ["http", "https", "rabbitmq", "kafka", "file"];
    if !KNOWN.contains(&protocol.as_str()) {
        let known = KNOWN.join(", ");
        let reason = format!("the endpoint does not listen: the protocol {protocol} is not available");
        compiler.note(element, reason, format!("available are {known}"));
    }
    let holder = element.child("parameters");
    let parameters = holder.map(|holder| parameters(compiler, holder)).unwrap_or_default();
    Some(InboundEndpoint {
        name: name?,
        protocol,
        sequence: element.given("sequence").unwrap_or_default().to_owned(),
        on_error: element.given("onError").unwrap_or_default().to_owned(),
        suspended: compiler.flag(element, "suspend", false),
        parameters,
    })
}

/// The registry of a configuration.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Parameters.
    pub parameters: Vec<(String, String)>,
}

pub(super) fn registry(compiler: &mut Compiler, element: Element<'_>) -> Option<Registry> {
    const PROVIDERS: [&str; 4] = ["WSO2Registry", "MicroIntegratorRegistry", "SimpleURLRegistry", "ESBRegistry"];
    let provider = compiler.required(element, "provider")?;
    let class = provider.rsplit('.').next().unwrap_or_default();
    if !PROVIDERS.contains(&class) {
        compiler.fault(
            element,
            format!("the registry provider {provider} is not available"),
            "resources come from the registry folder of the artifacts",
        );
    }
    Some(Registry { parameters: parameters(compiler, element) })
}

fn parameters(compiler: &mut Compiler, element: Element<'_>) -> Vec<(String, String)> {
    element
        .children_named("parameter")
        .filter_map(|child| {
            let name = compiler.required(child, "name")?;
            let value = child.attribute("value").map_or_else(|| child.text(), str::to_owned);
            Some((name, value.trim().to_owned()))
        })
        .collect()
}
