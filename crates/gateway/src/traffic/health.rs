//! Asking targets how they are, for endpoints that want it. One worker asks for all.

use http::{HeaderMap, HeaderValue, Method};
use model::TenantId;
use model::snapshot::HealthCheck;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::state::TargetState;
use crate::body::RequestBody;
use crate::compile::Compiled;
use crate::forward::connect;
use crate::upstream::Peer;
use crate::upstream::wire::{RequestHead, Wire};
use crate::worker::Worker;

/// Questions at a time.
const AT_A_TIME: usize = 32;

/// One target that is asked.
struct Patient {
    tenant: TenantId,
    peer: Arc<Peer>,
    check: Arc<HealthCheck>,
    state: Arc<TargetState>,
    /// Tick of the worker at which it is asked next.
    due: u64,
}

/// Asks until the task is ended.
pub(crate) async fn run(worker: Arc<Worker>) {
    let (mut patients, mut generation) = (Vec::new(), 0);
    let mut asked = JoinSet::new();
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let current = worker.shared.generation.load(Ordering::Acquire);
        let tick = worker.tick.load(Ordering::Relaxed);
        if current != generation {
            generation = current;
            patients = find(&worker.local().compiled, &patients, tick);
        }
        while asked.try_join_next().is_some() {}
        for patient in patients.iter_mut().filter(|p| p.due <= tick) {
            if asked.len() >= AT_A_TIME {
                break;
            }
            patient.due = tick + u64::from(patient.check.interval_seconds.max(1));
            asked.spawn(ask(Arc::clone(&worker), patient.tenant, Arc::clone(&patient.peer), {
                (Arc::clone(&patient.check), Arc::clone(&patient.state))
            }));
        }
    }
}

/// The targets of a snapshot that want to be asked; those that were asked before keep their turn.
fn find(compiled: &Compiled, before: &[Patient], tick: u64) -> Vec<Patient> {
    let known: HashMap<*const TargetState, u64> = before.iter().map(|p| (Arc::as_ptr(&p.state), p.due)).collect();
    let mut patients = Vec::new();
    for api in compiled.apis() {
        for endpoint in api.production.iter().chain(&api.sandbox) {
            let Some(balance) = &endpoint.endpoint.balance else { continue };
            let Some(check) = &balance.health else { continue };
            let check = Arc::new(check.clone());
            for (index, member) in balance.members.iter().enumerate() {
                let Some(target) = endpoint.endpoint.target(index) else { continue };
                patients.push(Patient {
                    tenant: api.deployed.tenant,
                    peer: Arc::clone(&target.peer),
                    check: Arc::clone(&check),
                    state: Arc::clone(&member.state),
                    due: known.get(&Arc::as_ptr(&member.state)).copied().unwrap_or(tick),
                });
            }
        }
    }
    patients
}

async fn ask(
    worker: Arc<Worker>,
    tenant: TenantId,
    peer: Arc<Peer>,
    (check, state): (Arc<HealthCheck>, Arc<TargetState>),
) {
    let good = is_well(&worker, tenant, &peer, &check).await;
    if !good {
        tracing::debug!(host = %peer.host, port = peer.port, "a target did not answer its health check well");
    }
    state.heard(good, &check);
}

async fn is_well(worker: &Worker, tenant: TenantId, peer: &Peer, check: &HealthCheck) -> bool {
    let deadline = Instant::now() + Duration::from_millis(u64::from(check.timeout_ms.max(1)));
    let Ok(transport) = connect(worker, tenant, peer, (deadline, None)).await else { return false };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::USER_AGENT, HeaderValue::from_static("health-check"));
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("*/*"));
    let target = check.path.as_bytes();
    let head = RequestHead { method: &Method::GET, target, host: &peer.authority, headers: &headers };
    match Wire::new(transport).call(&head, &mut RequestBody::Empty, deadline).await {
        Ok(answer) if check.statuses.is_empty() => (200..400).contains(&answer.status.as_u16()),
        Ok(answer) => check.statuses.contains(&answer.status.as_u16()),
        Err(_) => false,
    }
}
