//! One processor at work.

use std::sync::Arc;

use synapse::engine;
use synapse::host::Stored;
use synapse::{Failure, Flow, Host, Value};
use tokio::sync::watch;

use super::keep;
use super::plan::{Plan, Work};
use crate::context::Context;
use crate::sql::{Databases, SqlError};
use crate::store::{Store, Stores, Waiting, read};

/// A processor at work.
pub(super) struct Worker {
    pub(super) context: Arc<Context>,
    pub(super) databases: Arc<Databases>,
    pub(super) stores: Arc<Stores>,
    pub(super) plan: Plan,
    pub(super) active: Arc<watch::Sender<bool>>,
    pub(super) stopped: watch::Receiver<bool>,
}

/// What became of a message.
enum Fate {
    Done,
    /// It waits, and so do those behind it.
    Stays,
}

impl Worker {
    pub(super) async fn run(mut self) {
        let mut first = true;
        loop {
            let Some(wait) = self.plan.schedule.wait(self.context.world().clock.now(), first) else { return };
            first = false;
            if !self.pause(wait).await {
                return;
            }
            if !*self.active.borrow() {
                let mut active = self.active.subscribe();
                tokio::select! {
                    _ = active.wait_for(|active| *active) => {}
                    _ = self.stopped.wait_for(|stopped| *stopped) => return,
                }
            }
            if let Err(error) = self.turn().await {
                tracing::error!(target: "integrator::processor", processor = self.plan.name, reason = %error, "the store cannot be read");
                if !self.pause(self.plan.retry).await {
                    return;
                }
            }
        }
    }

    /// Waits; false when the processor ends.
    async fn pause(&mut self, time: std::time::Duration) -> bool {
        if *self.stopped.borrow() {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            _ = self.stopped.wait_for(|stopped| *stopped) => false,
        }
    }

    fn store(&self, name: &str) -> Result<Store, SqlError> {
        match Stores::find(&self.context.current(), name) {
            Some(Ok(store)) => Ok(store),
            _ => Err(SqlError::Source(format!("the message store {name} is not deployed"))),
        }
    }

    /// Deals with the messages of one run.
    async fn turn(&mut self) -> Result<(), SqlError> {
        let store = self.store(&self.plan.store)?;
        let mut left = self.plan.batch.unwrap_or(usize::MAX);
        while left > 0 && *self.active.borrow() && !*self.stopped.borrow() {
            let Some(waiting) = store.first(&self.databases, 1).await?.pop() else { return Ok(()) };
            left -= 1;
            match self.handle(&waiting).await? {
                Fate::Done => store.remove(&self.databases, waiting.index).await?,
                Fate::Stays => return Ok(()),
            }
        }
        Ok(())
    }

    async fn handle(&mut self, waiting: &Waiting) -> Result<Fate, SqlError> {
        let stored = match read(&waiting.bytes) {
            Ok(stored) => stored,
            Err(reason) => {
                // It would stop everything behind it for ever, and nobody can read it.
                tracing::error!(target: "integrator::processor", processor = self.plan.name, message = waiting.id, reason, "a message is left out");
                return Ok(Fate::Done);
            }
        };
        match &self.plan.work {
            Work::Send(_) => self.deliver(waiting, &stored).await,
            Work::Run(sequence) => {
                let ran = self.context.run_sequence(sequence, prepare(&stored)).await;
                if let Err(failure) = ran {
                    tracing::error!(target: "integrator::processor", processor = self.plan.name, message = waiting.id, reason = %failure, "the sequence failed");
                }
                Ok(Fate::Done)
            }
            Work::Move(target) => {
                let target = self.store(target)?;
                match self.stores.push(target, stored).await {
                    Ok(()) => Ok(Fate::Done),
                    Err(_) => Ok(Fate::Stays),
                }
            }
        }
    }

    /// Sends until the endpoint takes it, or it is given up.
    async fn deliver(&mut self, waiting: &Waiting, stored: &Stored) -> Result<Fate, SqlError> {
        let mut tried = 0_u32;
        loop {
            match self.send(stored).await {
                Ok(flow) => {
                    self.after(self.plan.reply.as_deref(), |next| take(next, &flow)).await;
                    return Ok(Fate::Done);
                }
                Err(Refused { failure, answer }) => {
                    tried = tried.saturating_add(1);
                    tracing::warn!(target: "integrator::processor", processor = self.plan.name, message = waiting.id, attempt = tried, reason = %failure, "a message was not delivered");
                    let status = answer.as_deref().map_or(0, status_of);
                    self.after(self.plan.fault.as_deref(), |next| {
                        match &answer {
                            Some(flow) => take(next, flow),
                            None => prepare(stored)(next),
                        }
                        next.set_error(&failure);
                    })
                    .await;
                    if self.plan.final_statuses.contains(&status) {
                        return self.give_up(stored).await;
                    }
                }
            }
            if self.plan.attempts.is_some_and(|most| tried >= most) {
                if self.plan.drops {
                    return self.give_up(stored).await;
                }
                keep(&self.databases, &self.plan.name, false).await?;
                self.active.send_replace(false);
                tracing::error!(target: "integrator::processor", processor = self.plan.name, message = waiting.id, "the processor is deactivated: the message could not be delivered");
                self.after(self.plan.deactivate.as_deref(), prepare(stored)).await;
                return Ok(Fate::Stays);
            }
            if !self.pause(self.plan.retry).await || !*self.active.borrow() {
                return Ok(Fate::Stays);
            }
        }
    }

    /// A message that is not tried again goes to the store for such messages, or is dropped as the artifact says.
    async fn give_up(&self, stored: &Stored) -> Result<Fate, SqlError> {
        let Some(name) = &self.plan.failed else { return Ok(Fate::Done) };
        let store = self.store(name)?;
        match self.stores.push(store, stored.clone()).await {
            Ok(()) => Ok(Fate::Done),
            Err(_) => Ok(Fate::Stays),
        }
    }

    async fn send(&self, stored: &Stored) -> Result<Flow, Refused> {
        let Work::Send(program) = &self.plan.work else {
            return Err(Refused { failure: Failure::new("the processor sends nothing"), answer: None });
        };
        let deployment = self.context.current();
        let host: Arc<dyn Host> = self.context.host();
        let sent = engine::run_sequence(&deployment.configuration, &host, program, prepare(stored)).await;
        let flow = sent.map_err(|failure| Refused { failure, answer: None })?;
        let status = status_of(&flow);
        if flow.response && status >= 400 {
            let failure = Failure::with_code(i64::from(status), format!("the endpoint answered {status}"), "");
            return Err(Refused { failure, answer: Some(Box::new(flow)) });
        }
        Ok(flow)
    }

    /// Runs a sequence of the artifact on what became of a message.
    async fn after(&self, sequence: Option<&str>, prepare: impl FnOnce(&mut Flow) + Send) {
        let Some(sequence) = sequence else { return };
        if let Err(failure) = self.context.run_sequence(sequence, prepare).await {
            tracing::error!(target: "integrator::processor", processor = self.plan.name, sequence, reason = %failure, "a sequence failed");
        }
    }
}

/// Why a message was not delivered, and the answer when there was one.
struct Refused {
    failure: Failure,
    answer: Option<Box<Flow>>,
}

fn prepare(stored: &Stored) -> impl FnOnce(&mut Flow) + Send + use<> {
    let stored = stored.clone();
    move |flow| {
        flow.message = stored.message;
        flow.properties = stored.properties;
        flow.axis2 = stored.axis2;
    }
}

/// The next flow begins with what this one ended with.
fn take(next: &mut Flow, flow: &Flow) {
    next.message = flow.message.clone();
    next.properties = flow.properties.clone();
    next.axis2 = flow.axis2.clone();
    next.response = flow.response;
}

fn status_of(flow: &Flow) -> u16 {
    flow.axis2.get("HTTP_SC").map(Value::as_text).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
