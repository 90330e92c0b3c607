//! Tasks: messages that a schedule gives to a sequence, a proxy or the main sequence.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use synapse::artifact::{Artifact, Task, Trigger};
use synapse::engine::Arrival;
use synapse::xml::{Document, Limits};
use synapse::{Body, Headers, Message, Value};
use tokio::sync::watch;

use crate::context::Context;
use crate::deployment::Deployment;
use crate::schedule::{Cron, Schedule};
use crate::service::DeployFault;

/// What a task does when it runs.
#[derive(Clone, Debug)]
struct Plan {
    name: String,
    schedule: Schedule,
    /// Runs; none for ever.
    count: Option<u32>,
    target: Target,
    message: Option<Arc<Document>>,
    headers: Headers,
}

#[derive(Clone, Debug)]
enum Target {
    Main,
    Sequence(String),
    Proxy(String),
}

impl Plan {
    fn of(task: &Task) -> Result<Self, String> {
        let property = |name: &str| {
            let mut all = task.properties.iter();
            all.find(|(known, _)| known == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let target = match property("injectTo").map(str::to_ascii_lowercase).as_deref() {
            None | Some("main") => Target::Main,
            Some("sequence") => Target::Sequence(property("sequenceName").ok_or("sequenceName is missing")?.to_owned()),
            Some("proxy") => Target::Proxy(property("proxyName").ok_or("proxyName is missing")?.to_owned()),
            Some(other) => return Err(format!("injectTo is main, sequence or proxy, not {other:?}")),
        };
        let message = match property("message") {
            None => None,
            Some(text) => {
                let parsed = Document::parse(text, Limits::ARTIFACT);
                Some(Arc::new(parsed.map_err(|error| format!("the message is not XML: {}", error.reason))?))
            }
        };
        let mut headers = Headers::new();
        for (name, header) in [("to", "To"), ("soapAction", "SOAPAction")] {
            if let Some(value) = property(name) {
                headers.set(header, value);
            }
        }
        let (schedule, count) = match &task.trigger {
            Trigger::Interval { every, count } => (Schedule::Every(*every), *count),
            Trigger::Once => (Schedule::Every(Duration::ZERO), Some(1)),
            Trigger::Cron(text) => (Schedule::Cron(Cron::parse(text)?), None),
        };
        Ok(Self { name: task.name.clone(), schedule, count, target, message, headers })
    }
}

/// A task that is scheduled.
struct Running {
    digest: u64,
    stop: watch::Sender<bool>,
    paused: Arc<watch::Sender<bool>>,
    runs: Arc<AtomicU64>,
    done: tokio::task::JoinHandle<()>,
}

/// All tasks.
#[derive(Default)]
pub(crate) struct Tasks {
    running: Mutex<HashMap<String, Running>>,
}

fn tasks(deployment: &Deployment) -> impl Iterator<Item = &Task> {
    deployment.configuration.others.iter().filter_map(|artifact| match artifact.as_ref() {
        Artifact::Task(task) => Some(task),
        _ => None,
    })
}

impl Tasks {
    /// Faults of tasks that cannot be scheduled.
    pub(crate) fn check(deployment: &Deployment, faults: &mut Vec<DeployFault>) {
        for task in tasks(deployment) {
            let plan = Plan::of(task);
            let missing = match &plan {
                Ok(Plan { target: Target::Sequence(name), .. })
                    if deployment.configuration.sequence(name).is_none() =>
                {
                    Some(format!("the sequence {name} is not deployed"))
                }
                Ok(Plan { target: Target::Proxy(name), .. })
                    if !deployment.configuration.proxies.contains_key(name) =>
                {
                    Some(format!("the proxy {name} is not deployed"))
                }
                Ok(_) => None,
                Err(reason) => Some(reason.clone()),
            };
            if let Some(what) = missing {
                faults.push(DeployFault {
                    path: deployment.find("task", &task.name).map(|known| known.path.clone()).unwrap_or_default(),
                    line: 1,
                    part: "task".to_owned(),
                    what,
                    hint: "properties are injectTo, sequenceName, proxyName, message, to and soapAction".to_owned(),
                });
            }
        }
    }

    /// Starts what is new, ends what is gone.
    pub(crate) fn apply(&self, context: &Arc<Context>, deployment: &Arc<Deployment>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = |name: &str| deployment.find("task", name).map_or(0, |known| known.digest);
        let wanted: HashMap<String, &Task> = tasks(deployment).map(|task| (task.name.clone(), task)).collect();
        running.retain(|name, task| {
            let keep = wanted.contains_key(name) && task.digest == digest(name);
            if !keep {
                task.stop.send_replace(true);
            }
            keep
        });
        for (name, task) in wanted {
            if running.contains_key(&name) {
                continue;
            }
            // A task that cannot be planned was refused by the check.
            if let Ok(plan) = Plan::of(task) {
                running.insert(name.clone(), start(context, plan, digest(&name)));
            }
        }
    }

    /// Ends all; a run that has begun has a few seconds.
    pub(crate) async fn stop(&self) {
        let all: Vec<Running> =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, task)| task).collect();
        for task in &all {
            task.stop.send_replace(true);
        }
        for task in all {
            let _ = tokio::time::timeout(Duration::from_secs(3), task.done).await;
        }
    }

    /// Pauses a task or lets it run on; false when there is none.
    pub(crate) fn pause(&self, name: &str, paused: bool) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(name).map(|task| task.paused.send_replace(paused)).is_some()
    }

    /// Whether a task is paused, and how often it has run; none when there is none.
    pub(crate) fn state(&self, name: &str) -> Option<(bool, u64)> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(name).map(|task| (*task.paused.borrow(), task.runs.load(Ordering::Relaxed)))
    }
}

fn start(context: &Arc<Context>, plan: Plan, digest: u64) -> Running {
    let (stop, stopped) = watch::channel(false);
    let paused = Arc::new(watch::Sender::new(false));
    let runs = Arc::new(AtomicU64::new(0));
    let running = run(Arc::clone(context), plan, stopped, Arc::clone(&paused), Arc::clone(&runs));
    Running { digest, stop, paused, runs, done: tokio::spawn(running) }
}

async fn run(
    context: Arc<Context>,
    plan: Plan,
    mut stopped: watch::Receiver<bool>,
    paused: Arc<watch::Sender<bool>>,
    runs: Arc<AtomicU64>,
) {
    let mut left = plan.count;
    let mut first = true;
    while left != Some(0) {
        let Some(wait) = plan.schedule.wait(context.world().clock.now(), first) else { return };
        first = false;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        if *paused.borrow() {
            continue;
        }
        left = left.map(|left| left.saturating_sub(1));
        runs.fetch_add(1, Ordering::Relaxed);
        // One run after the other: a slow one delays the next, and never piles up.
        if let Err(reason) = inject(&context, &plan).await {
            tracing::error!(target: "integrator::task", task = plan.name, reason, "a task failed");
        }
        if *stopped.borrow() {
            return;
        }
    }
}

async fn inject(context: &Arc<Context>, plan: &Plan) -> Result<(), String> {
    let mut message = Message::new(plan.headers.clone(), Body::Empty);
    if let Some(document) = &plan.message {
        message.set_body(Body::from_xml((**document).clone()));
    }
    let target = match &plan.target {
        Target::Sequence(name) => {
            let run = context.run_sequence(name, |flow| {
                flow.message = message;
                flow.properties.insert("isInbound".to_owned(), Value::Boolean(true));
            });
            return run.await.map(|_| ()).map_err(|failure| failure.to_string());
        }
        Target::Proxy(name) => format!("/services/{name}"),
        Target::Main => "/".to_owned(),
    };
    let arrival = Arrival {
        method: "POST".to_owned(),
        target,
        scheme: "local".to_owned(),
        peer: "127.0.0.1".to_owned(),
        message,
    };
    context.inject(arrival).await.map(|_| ()).map_err(|unserved| format!("nothing serves it: {unserved:?}"))
}
