//! Message processors: they take messages out of stores, in order, and forget each only when it is dealt with.

mod plan;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use synapse::artifact::{Artifact, MessageProcessor};
use tokio::sync::watch;

use self::plan::Plan;
use crate::context::Context;
use crate::deployment::Deployment;
use crate::service::DeployFault;
use crate::sql::{Cell, Command, Databases, Kind, OWN, Part, SqlError, Wanted};
use crate::store::Stores;

/// A processor that runs.
struct Running {
    digest: u64,
    stop: watch::Sender<bool>,
    active: Arc<watch::Sender<bool>>,
    done: tokio::task::JoinHandle<()>,
}

/// All processors.
pub(crate) struct Processors {
    databases: Arc<Databases>,
    stores: Arc<Stores>,
    running: Mutex<HashMap<String, Running>>,
}

fn processors(deployment: &Deployment) -> impl Iterator<Item = &MessageProcessor> {
    deployment.configuration.others.iter().filter_map(|artifact| match artifact.as_ref() {
        Artifact::MessageProcessor(processor) => Some(processor),
        _ => None,
    })
}

impl Processors {
    pub(crate) fn new(databases: Arc<Databases>, stores: Arc<Stores>) -> Self {
        Self { databases, stores, running: Mutex::default() }
    }

    /// Faults of processors that cannot work.
    pub(crate) fn check(deployment: &Deployment, faults: &mut Vec<DeployFault>) {
        for processor in processors(deployment) {
            let wrong = match Plan::of(processor) {
                Ok(plan) => plan.missing(deployment),
                Err(reason) => Some(reason),
            };
            if let Some(what) = wrong {
                let known = deployment.find("messageProcessor", &processor.name);
                faults.push(DeployFault {
                    path: known.map(|known| known.path.clone()).unwrap_or_default(),
                    line: 1,
                    part: "messageProcessor".to_owned(),
                    what,
                    hint: String::new(),
                });
            }
        }
    }

    /// Starts what is new, ends what is gone.
    pub(crate) async fn apply(&self, context: &Arc<Context>, deployment: &Arc<Deployment>) {
        let digest = |name: &str| deployment.find("messageProcessor", name).map_or(0, |known| known.digest);
        let wanted: HashMap<String, &MessageProcessor> =
            processors(deployment).map(|processor| (processor.name.clone(), processor)).collect();
        let mut ended = Vec::new();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let gone: Vec<String> = running
                .iter()
                .filter(|(name, known)| !wanted.contains_key(*name) || known.digest != digest(name))
                .map(|(name, _)| name.clone())
                .collect();
            ended.extend(gone.iter().filter_map(|name| running.remove(name)));
        }
        // The old one has ended before its successor begins: two would send the same message.
        end(ended).await;
        for (name, processor) in wanted {
            let known = self.running.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&name);
            let Some(plan) = Plan::of(processor).ok().filter(|_| !known) else { continue };
            let active = match self.kept(&name).await {
                Ok(kept) => kept.unwrap_or(plan.active),
                Err(error) => {
                    tracing::error!(target: "integrator::processor", processor = name, reason = %error, "the state of a processor cannot be read");
                    plan.active
                }
            };
            let started = self.start(context, plan, active, digest(&name));
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(name, started);
        }
    }

    fn start(&self, context: &Arc<Context>, plan: Plan, active: bool, digest: u64) -> Running {
        let (stop, stopped) = watch::channel(false);
        let active = Arc::new(watch::Sender::new(active));
        let worker = work::Worker {
            context: Arc::clone(context),
            databases: Arc::clone(&self.databases),
            stores: Arc::clone(&self.stores),
            plan,
            active: Arc::clone(&active),
            stopped,
        };
        Running { digest, stop, active, done: tokio::spawn(worker.run()) }
    }

    /// Ends all. A message under way is sent again after the next start.
    pub(crate) async fn stop(&self) {
        let all: Vec<Running> =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, known)| known).collect();
        end(all).await;
    }

    /// Whether a processor is active; none when there is none.
    pub(crate) fn state(&self, name: &str) -> Option<bool> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(name).map(|known| *known.active.borrow())
    }

    /// Activates or deactivates a processor, also for the next start; false when there is none.
    pub(crate) async fn activate(&self, name: &str, active: bool) -> Result<bool, SqlError> {
        if self.state(name).is_none() {
            return Ok(false);
        }
        keep(&self.databases, name, active).await?;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = running.get(name) {
            known.active.send_replace(active);
        }
        Ok(true)
    }

    /// The state that an operator, or a message that could not be delivered, left.
    async fn kept(&self, name: &str) -> Result<Option<bool>, SqlError> {
        let mut session = self.databases.session();
        session.run(&own(), &Command::new(vec![Part::Text(STATES.to_owned())])).await?;
        let parts = vec![Part::Text("SELECT active FROM processors WHERE name = ".to_owned()), text(name)];
        let outcome = session.run(&own(), &Command::new(parts)).await?;
        session.commit().await?;
        Ok(match outcome.rows.first().and_then(|row| row.first()) {
            Some(Cell::Integer(active)) => Some(*active == 1),
            _ => None,
        })
    }
}

const STATES: &str = "CREATE TABLE IF NOT EXISTS processors (name TEXT PRIMARY KEY, active INTEGER NOT NULL)";

const fn own() -> Wanted<'static> {
    Wanted { source: OWN, user: "", password: "" }
}

fn text(text: &str) -> Part {
    Part::Value(Cell::Text(text.to_owned()), Kind::Text)
}

/// Remembers whether a processor is active.
async fn keep(databases: &Databases, name: &str, active: bool) -> Result<(), SqlError> {
    let mut session = databases.session();
    session.run(&own(), &Command::new(vec![Part::Text(STATES.to_owned())])).await?;
    let parts = vec![
        Part::Text("INSERT INTO processors (name, active) VALUES (".to_owned()),
        text(name),
        Part::Text(", ".to_owned()),
        Part::Value(Cell::Integer(i64::from(active)), Kind::Integer),
        Part::Text(") ON CONFLICT (name) DO UPDATE SET active = excluded.active".to_owned()),
    ];
    session.run(&own(), &Command::new(parts)).await?;
    session.commit().await
}

/// Ends processors: each finishes the message that it has, if that does not take long.
async fn end(all: Vec<Running>) {
    for known in &all {
        known.stop.send_replace(true);
    }
    for mut known in all {
        if tokio::time::timeout(Duration::from_secs(5), &mut known.done).await.is_err() {
            known.done.abort();
        }
    }
}
