//! What the parameters of a processor say.

use std::sync::Arc;
use std::time::Duration;

use synapse::Sequence;
use synapse::artifact::{Artifact, MessageProcessor, ProcessorKind, compile};

use crate::deployment::Deployment;
use crate::schedule::{Cron, Schedule};
use crate::store::Stores;

/// Deliveries that are tried when the artifact does not say; Synapse's default.
const ATTEMPTS: u32 = 4;

/// What happens with a message.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// It is sent to an endpoint: the program that does it.
    Send(Arc<Sequence>),
    /// A sequence works on it.
    Run(String),
    /// It goes to another store.
    Move(String),
}

/// A processor.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) store: String,
    pub(super) work: Work,
    pub(super) schedule: Schedule,
    /// Messages of one run; none for all that wait.
    pub(super) batch: Option<usize>,
    pub(super) retry: Duration,
    /// Deliveries that are tried; none for ever.
    pub(super) attempts: Option<u32>,
    /// True when a message that cannot be delivered is dropped, instead of stopping the processor.
    pub(super) drops: bool,
    /// Where dropped messages go.
    pub(super) failed: Option<String>,
    pub(super) active: bool,
    /// Statuses that are failures, and are not tried again.
    pub(super) final_statuses: Vec<u16>,
    pub(super) reply: Option<String>,
    pub(super) fault: Option<String>,
    pub(super) deactivate: Option<String>,
    endpoint: String,
}

impl Plan {
    pub(super) fn of(artifact: &MessageProcessor) -> Result<Self, String> {
        let text = |name: &str| {
            let mut all = artifact.parameters.iter();
            all.find(|(known, _)| known == name)
                .map(|(_, value)| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let number = |name: &str| match text(name) {
            None => Ok(None),
            Some(value) => value.parse::<i64>().map(Some).map_err(|_| format!("{name} is not a number: {value:?}")),
        };
        let millis = |name: &str, otherwise: u64| {
            number(name).map(|given| {
                Duration::from_millis(given.and_then(|given| u64::try_from(given).ok()).unwrap_or(otherwise))
            })
        };
        let interval = millis("interval", 1000)?;
        let (schedule, batch) = match text("cronExpression") {
            Some(cron) => (Schedule::Cron(Cron::parse(&cron)?), None),
            None => (Schedule::Every(interval), Some(1)),
        };
        let work = match artifact.kind {
            ProcessorKind::Forwarding => Work::Send(program(&artifact.endpoint)?),
            ProcessorKind::Sampling => Work::Run(text("sequence").ok_or("the parameter sequence is missing")?),
            ProcessorKind::Failover => Work::Move(
                text("message.target.store.name").ok_or("the parameter message.target.store.name is missing")?,
            ),
        };
        let batch = match work {
            Work::Run(_) => {
                Some(number("concurrency")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).clamp(1, 1000))
            }
            Work::Send(_) | Work::Move(_) => batch,
        };
        let attempts = match number("max.delivery.attempts")? {
            None => Some(ATTEMPTS),
            Some(given) => u32::try_from(given).ok().filter(|given| *given > 0),
        };
        let statuses = text("non.retry.status.codes").unwrap_or_default();
        let final_statuses = statuses
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.trim().parse::<u16>().map_err(|_| format!("non.retry.status.codes holds {part:?}")));
        Ok(Self {
            name: artifact.name.clone(),
            store: artifact.store.clone(),
            work,
            schedule,
            batch,
            retry: millis("client.retry.interval", 1000)?.max(Duration::from_millis(1)),
            attempts,
            drops: text("max.delivery.drop").is_some_and(|drop| drop.eq_ignore_ascii_case("enabled") || drop == "true"),
            failed: text("message.processor.failMessagesStore").or_else(|| text("store.failover.message.store.name")),
            active: text("is.active").is_none_or(|active| !active.eq_ignore_ascii_case("false")),
            final_statuses: final_statuses.collect::<Result<_, _>>()?,
            reply: text("message.processor.reply.sequence"),
            fault: text("message.processor.fault.sequence"),
            deactivate: text("message.processor.deactivate.sequence"),
            endpoint: artifact.endpoint.clone(),
        })
    }

    /// What the processor names and is not deployed.
    pub(super) fn missing(&self, deployment: &Deployment) -> Option<String> {
        let moved = match &self.work {
            Work::Move(store) => Some(store),
            Work::Send(_) | Work::Run(_) => None,
        };
        for store in [Some(&self.store), self.failed.as_ref(), moved].into_iter().flatten() {
            if Stores::find(deployment, store).is_none() {
                return Some(format!("the message store {store} is not deployed"));
            }
        }
        let run = match &self.work {
            Work::Run(sequence) => Some(sequence),
            Work::Send(_) | Work::Move(_) => None,
        };
        let sequences = [run, self.reply.as_ref(), self.fault.as_ref(), self.deactivate.as_ref()];
        for sequence in sequences.into_iter().flatten() {
            if deployment.configuration.sequence(sequence).is_none() {
                return Some(format!("the sequence {sequence} is not deployed"));
            }
        }
        let sends = matches!(self.work, Work::Send(_));
        (sends && deployment.configuration.endpoint(&self.endpoint).is_none())
            .then(|| format!("the endpoint {} is not deployed", self.endpoint))
    }
}

/// A sequence that sends a message to an endpoint and waits for the answer.
fn program(endpoint: &str) -> Result<Arc<Sequence>, String> {
    let valid = !endpoint.is_empty() && !endpoint.contains(['<', '&', '"', '{', '$']);
    if !valid {
        return Err("targetEndpoint names no endpoint".to_owned());
    }
    let text = format!(
        r#"<sequence xmlns="http://ws.apache.org/ns/synapse" name="processor"><call><endpoint key="{endpoint}"/></call></sequence>"#
    );
    match compile(&text).result {
        Ok(Artifact::Sequence(sequence)) => Ok(Arc::new(sequence)),
        _ => Err(format!("{endpoint:?} is not the name of an endpoint")),
    }
}
