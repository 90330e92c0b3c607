//! Names of upstreams to addresses.
//!
//! The system's resolver blocks a thread for as long as the name's server likes. So lookups run on threads of their own:
//! one at a time for a tenant's name, a few at a time for a tenant, a bounded number in all; whoever waits has a deadline of its
//! own. A tenant whose names are slow to resolve takes its own turns, never another tenant's.

use model::TenantId;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Lookups at a time in all.
const THREADS: usize = 64;
/// Lookups at a time for one tenant.
const TENANT_THREADS: usize = 8;
/// Names of one tenant that may wait for a thread.
const TENANT_QUEUE: usize = 1024;
/// How long anybody waits for one lookup. It may run longer; then its answer serves later calls.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(5);
/// How long addresses are used. The system gives no lifetime with them; this follows a change soon enough.
const FOUND: Duration = Duration::from_secs(10);
/// How long a failure is repeated.
const NOT_FOUND: Duration = Duration::from_secs(2);
/// Remembered names; expired ones are dropped when there are more.
const NAMES: usize = 4096;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 16;

/// Why a name has no address now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The resolver says so.
    #[error("the name does not resolve")]
    Failed,
    /// No answer in time.
    #[error("the resolver does not answer in time")]
    Slow,
    /// The tenant has too many names waiting.
    #[error("too many names of the tenant wait for the resolver")]
    Busy,
}

type Outcome = Result<Arc<[IpAddr]>, ResolveError>;
type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// The resolver that all workers share.
pub(crate) struct Resolver {
    state: Mutex<State>,
    lookup: Box<Lookup>,
}

#[derive(Default)]
struct State {
    /// By tenant as well: a name that waits behind a tenant's slow names must not make another tenant wait.
    names: HashMap<(TenantId, Arc<str>), Entry>,
    running: usize,
    tenants: HashMap<TenantId, Turns>,
}

enum Entry {
    Known { outcome: Outcome, until: Instant },
    Pending { since: Instant, told: watch::Sender<Option<Outcome>> },
}

/// Lookups of a tenant.
#[derive(Default)]
struct Turns {
    running: usize,
    waiting: VecDeque<Arc<str>>,
}

impl Resolver {
    /// With the system's resolver.
    pub(crate) fn system() -> Arc<Self> {
        Self::new(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).take(ADDRESSES).collect()))
    }

    fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), lookup: Box::new(lookup) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of a host on behalf of a tenant. Addresses written out need no lookup.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub(crate) async fn resolve(self: &Arc<Self>, tenant: TenantId, host: &str) -> Outcome {
        if let Ok(address) = host.parse() {
            return Ok(Arc::new([address]));
        }
        let (since, mut told) = match self.ask(tenant, host) {
            Ok(pending) => pending,
            Err(known) => return known,
        };
        let outcome = timeout_at(since + LOOKUP_DEADLINE, told.wait_for(Option::is_some)).await;
        match outcome {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(ResolveError::Failed)),
            Ok(Err(_gone)) => Err(ResolveError::Failed),
            Err(_late) => Err(ResolveError::Slow),
        }
    }

    /// Joins the lookup of a name or starts one; `Err` is what is known already.
    fn ask(
        self: &Arc<Self>,
        tenant: TenantId,
        host: &str,
    ) -> Result<(Instant, watch::Receiver<Option<Outcome>>), Outcome> {
        let now = Instant::now();
        let name: Arc<str> = host.into();
        let mut state = self.state();
        match state.names.get(&(tenant, Arc::clone(&name))) {
            Some(Entry::Known { outcome, until }) if *until > now => return Err(outcome.clone()),
            Some(Entry::Pending { since, told }) => return Ok((*since, told.subscribe())),
            Some(Entry::Known { .. }) | None => {}
        }
        let turns = state.tenants.entry(tenant).or_default();
        if turns.waiting.len() >= TENANT_QUEUE {
            return Err(Err(ResolveError::Busy));
        }
        turns.waiting.push_back(Arc::clone(&name));
        if state.names.len() >= NAMES {
            state.names.retain(|_, entry| !matches!(entry, Entry::Known { until, .. } if *until <= now));
        }
        let (told, hears) = watch::channel(None);
        state.names.insert((tenant, name), Entry::Pending { since: now, told });
        self.start_next(&mut state);
        Ok((now, hears))
    }

    /// Starts lookups while there are threads for them, from the tenant that uses the fewest.
    fn start_next(self: &Arc<Self>, state: &mut State) {
        while state.running < THREADS {
            let turn = state.tenants.iter_mut().filter(|(_, t)| !t.waiting.is_empty() && t.running < TENANT_THREADS);
            let Some((tenant, turns)) = turn.min_by_key(|(_, t)| t.running) else { return };
            let Some(name) = turns.waiting.pop_front() else { return };
            // Whoever asked may have given up: the thread is for those who still wait.
            let key = (*tenant, Arc::clone(&name));
            if matches!(state.names.get(&key), Some(Entry::Pending { told, .. }) if told.receiver_count() == 0) {
                state.names.remove(&key);
                state.forget(key.0);
                continue;
            }
            turns.running += 1;
            state.running += 1;
            let (tenant, own) = (key.0, Arc::clone(self));
            let asked = Arc::clone(&name);
            let run = move || {
                let outcome = match (own.lookup)(&asked) {
                    Ok(addresses) if !addresses.is_empty() => Ok(addresses.into()),
                    Ok(_) | Err(_) => Err(ResolveError::Failed),
                };
                own.finish(tenant, &asked, outcome);
            };
            if let Err(error) = std::thread::Builder::new().name("resolver".into()).spawn(run) {
                tracing::error!(%error, "no thread for a name lookup");
                state.settle(tenant, &name, Err(ResolveError::Failed));
            }
        }
    }

    fn finish(self: &Arc<Self>, tenant: TenantId, name: &Arc<str>, outcome: Outcome) {
        let mut state = self.state();
        state.settle(tenant, name, outcome);
        self.start_next(&mut state);
    }
}

impl State {
    fn settle(&mut self, tenant: TenantId, name: &Arc<str>, outcome: Outcome) {
        self.running = self.running.saturating_sub(1);
        if let Some(turns) = self.tenants.get_mut(&tenant) {
            turns.running = turns.running.saturating_sub(1);
        }
        self.forget(tenant);
        let until = Instant::now() + if outcome.is_ok() { FOUND } else { NOT_FOUND };
        let known = Entry::Known { outcome: outcome.clone(), until };
        if let Some(Entry::Pending { told, .. }) = self.names.insert((tenant, Arc::clone(name)), known) {
            told.send_replace(Some(outcome));
        }
    }

    fn forget(&mut self, tenant: TenantId) {
        if self.tenants.get(&tenant).is_some_and(|t| t.running == 0 && t.waiting.is_empty()) {
            self.tenants.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests;
