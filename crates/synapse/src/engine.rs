//! Running programs: a message comes in, mediators work, the client is answered.

mod dispatch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::stream::{FuturesUnordered, StreamExt as _};

pub(crate) use dispatch::answer;
pub use dispatch::{Arrival, Unserved, dispatch, dispatch_to, run_sequence};

use crate::configuration::Configuration;
use crate::endpoint::{Answer, Member, receive, send};
use crate::flow::{Budget, Failure, Flow};
use crate::host::{Host, Level, Reply, Waiting};
use crate::mediator::{Next, Sequence, run_steps};
use crate::mediators::Collecting;
use crate::message::Headers;
use crate::value::Value;

/// Messages that one message may send out.
const JOBS: usize = 10_000;

/// A client's message and all that comes of it.
pub struct Exchange {
    /// What is deployed.
    pub configuration: Arc<Configuration>,
    /// The world.
    pub host: Arc<dyn Host>,
    /// What it may cost.
    pub budget: Budget,
    pub(crate) replied: AtomicBool,
    pub(crate) jobs: Mutex<Vec<Job>>,
    pub(crate) aggregates: Mutex<HashMap<String, Collecting>>,
    /// Where responses of `send` go.
    pub(crate) paths: Paths,
    turns: AtomicU64,
    /// Things that are given back when the exchange ends.
    held: Mutex<Vec<Box<dyn Send + Sync>>>,
}

/// Sequences of the API resource or proxy that serves the exchange.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    pub(crate) out: Out,
    pub(crate) fault: Option<Arc<Sequence>>,
}

/// What happens with a response.
#[derive(Debug, Default)]
pub(crate) enum Out {
    /// It is the client's answer.
    #[default]
    Reply,
    /// A sequence works on it.
    Sequence(Arc<Sequence>),
}

/// Work that a mediator left for after the sequence that it stands in.
pub(crate) struct Job {
    pub(crate) flow: Flow,
    pub(crate) work: Work,
}

pub(crate) enum Work {
    /// Send to a member, then run a sequence, or the out path.
    Send { target: Option<JobTarget>, receive: Option<String> },
}

/// An endpoint that outlives the mediator which named it.
pub(crate) type JobTarget = Arc<Member>;

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Exchange {
    pub(crate) fn with_paths(configuration: Arc<Configuration>, host: Arc<dyn Host>, paths: Paths) -> Arc<Self> {
        Arc::new(Self {
            configuration,
            host,
            budget: Budget::default(),
            replied: AtomicBool::new(false),
            jobs: Mutex::new(Vec::new()),
            aggregates: Mutex::new(HashMap::new()),
            paths,
            turns: AtomicU64::new(0),
            held: Mutex::new(Vec::new()),
        })
    }

    /// An exchange without a client, for expressions that are evaluated by themselves.
    pub(crate) fn detached(configuration: Arc<Configuration>, host: Arc<dyn Host>) -> Arc<Self> {
        Self::with_paths(configuration, host, Paths::default())
    }

    /// Counts mediators, to let others have their turn now and then.
    pub(crate) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Keeps something until the exchange ends.
    pub(crate) fn hold(&self, thing: Box<dyn Send + Sync>) {
        if let Ok(mut held) = self.held.lock() {
            held.push(thing);
        }
    }

    /// True once the client has its answer.
    pub fn is_replied(&self) -> bool {
        self.replied.load(Ordering::Acquire)
    }

    /// Leaves work for later.
    pub(crate) fn later(&self, job: Job) -> Result<(), Failure> {
        let Ok(mut jobs) = self.jobs.lock() else { return Err(Failure::new("the exchange has ended")) };
        if jobs.len() >= JOBS {
            return Err(Failure::new(format!("one message may not send more than {JOBS} others")));
        }
        jobs.push(job);
        Ok(())
    }

    fn take_jobs(&self) -> Vec<Job> {
        self.jobs.lock().map(|mut jobs| std::mem::take(&mut *jobs)).unwrap_or_default()
    }
}

/// Answers the client with the flow's message; later answers are dropped, as Synapse does.
pub(crate) fn reply(flow: &mut Flow) -> Result<(), Failure> {
    let status = flow
        .axis2
        .get("HTTP_SC")
        .or_else(|| flow.properties.get("HTTP_SC"))
        .map(Value::as_text)
        .and_then(|text| text.trim().parse::<u16>().ok())
        .filter(|status| (200..=599).contains(status));
    // Some artifacts set the status in the scope transport, where it is a header that means the same.
    let in_header = flow.message.headers.get("HTTP_SC").and_then(|text| text.parse().ok());
    flow.message.headers.remove("HTTP_SC");
    let fault = flow.message.is_fault();
    let status = status.or(in_header).unwrap_or(if fault { 500 } else { 200 });
    let no_body = flow.axis2.get("NO_ENTITY_BODY").is_some_and(Value::as_boolean);
    let message_type = flow.message_type();
    let rendered = flow.message.render(&message_type)?;
    let mut headers: Headers = flow.message.headers.clone();
    for name in ["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Host", "Content-Type"] {
        headers.remove(name);
    }
    // A request that is sent back must not hand out what the client authenticated with.
    if !flow.response {
        for name in ["Authorization", "Cookie", "Accept", "Accept-Encoding", "User-Agent", "Expect", "SOAPAction"] {
            headers.remove(name);
        }
    }
    let body = if no_body { bytes::Bytes::new() } else { rendered.bytes };
    if let Some(content_type) = rendered.content_type.filter(|_| !body.is_empty()) {
        headers.set("Content-Type", content_type);
    }
    if !flow.exchange.replied.swap(true, Ordering::AcqRel) {
        flow.host().reply(Reply { status, headers, body });
    }
    Ok(())
}

/// Runs a flow's first sequence, then everything that it left for later, then what waits in aggregates.
pub(crate) async fn drive(first: &[crate::mediator::Step], flow: &mut Flow) -> Result<(), Failure> {
    let exchange = Arc::clone(&flow.exchange);
    let outcome = run_steps(first, flow).await;
    settle(outcome, flow).await;
    loop {
        let jobs = exchange.take_jobs();
        if jobs.is_empty() {
            let rest = crate::mediators::overdue(&exchange);
            if rest.is_empty() {
                return Ok(());
            }
            for (mut flow, sequence) in rest {
                let outcome = match sequence {
                    Some(sequence) => sequence.run(&mut flow).await,
                    None => Ok(Next::Continue),
                };
                settle(outcome, &mut flow).await;
            }
            continue;
        }
        let mut running: FuturesUnordered<Waiting<'_, ()>> = FuturesUnordered::new();
        for job in jobs {
            running.push(Box::pin(work(job)));
        }
        while running.next().await.is_some() {}
    }
}

async fn work(job: Job) {
    let Job { mut flow, work } = job;
    let outcome = match work {
        Work::Send { target, receive: sequence } => sent(&mut flow, target.as_deref(), sequence.as_deref()).await,
    };
    if let Err(failure) = outcome {
        fail(failure, &mut flow).await;
    }
}

async fn sent(flow: &mut Flow, target: Option<&Member>, sequence: Option<&str>) -> Result<(), Failure> {
    let out_only = flow.properties.get("OUT_ONLY").is_some_and(Value::as_boolean);
    let answers = match send(target, flow).await? {
        Answer::Nothing => return Ok(()),
        Answer::Message(answer) => vec![answer],
        Answer::Many(answers) => answers,
    };
    if out_only {
        return Ok(());
    }
    for answer in answers {
        let mut response = flow.clone();
        receive(&mut response, answer);
        let outcome = respond_with(&mut response, sequence).await;
        settle(outcome, &mut response).await;
    }
    Ok(())
}

async fn respond_with(flow: &mut Flow, sequence: Option<&str>) -> crate::mediator::Outcome {
    if let Some(name) = sequence {
        let Some(found) = flow.exchange.configuration.sequence(name) else {
            return Err(Failure::new(format!("the sequence {name} is not deployed")));
        };
        return found.run(flow).await;
    }
    out_path(flow).await
}

/// Runs what the API or proxy does with responses.
pub(crate) async fn out_path(flow: &mut Flow) -> crate::mediator::Outcome {
    let exchange = Arc::clone(&flow.exchange);
    match &exchange.paths.out {
        Out::Reply => {
            reply(flow)?;
            Ok(Next::Stop)
        }
        Out::Sequence(sequence) => sequence.run(flow).await,
    }
}

/// Takes a failure to the fault sequence.
async fn settle(outcome: crate::mediator::Outcome, flow: &mut Flow) {
    if let Err(failure) = outcome {
        fail(failure, flow).await;
    }
}

/// Runs the fault sequence of the API or proxy, else the one named `fault`; the last resort is an answer with 500.
pub(crate) async fn fail(failure: Failure, flow: &mut Flow) {
    let place = if failure.at.is_empty() { String::new() } else { format!(" at {}", failure.at) };
    flow.host().log(Level::Error, format!("{failure}{place}"));
    flow.set_error(&failure);
    let exchange = Arc::clone(&flow.exchange);
    let handler = exchange.paths.fault.clone().or_else(|| exchange.configuration.sequence("fault"));
    if let Some(handler) = handler {
        flow.nesting = 0;
        if let Err(second) = handler.run(flow).await {
            flow.host().log(Level::Error, format!("the fault sequence failed: {second}"));
        }
    }
    if exchange.take_jobs_left() {
        return;
    }
    if !exchange.replied.swap(true, Ordering::AcqRel) {
        let body = serde_json::json!({ "code": failure.code, "message": "The message could not be processed." });
        let mut headers = Headers::new();
        headers.set("Content-Type", "application/json");
        flow.host().reply(Reply { status: 500, headers, body: body.to_string().into() });
    }
}

impl Exchange {
    /// True when work is left that may still answer the client.
    fn take_jobs_left(&self) -> bool {
        self.jobs.lock().is_ok_and(|jobs| !jobs.is_empty())
    }
}
