//! One worker: a thread with its own runtime, listeners, upstream pool, token cache, counters and log buffer.
//!
//! The mutexes here are taken by the tasks of one thread only and never across an await: they are never contended.

use arc_swap::ArcSwap;
use model::{Clock, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::access_log::{Fields, Lines, LogBuffer};
use crate::answer_cache::Answers;
use crate::binding::Replays;
use crate::compile::{Carried, Compiled};
use crate::connection::{self, Connection, Stop};
use crate::counters::{Counter, Counters};
use crate::inquiry::Inquiries;
use crate::pool::Pool;
use crate::resolve::Resolver;
use crate::series::Tally;
use crate::settings::GatewaySettings;
use crate::token_cache::{Digest, Principal, TokenCache};
use crate::traffic::health;
use crate::upstream::streams::{Link, Links};
use crate::upstream::wire::Wire;
use crate::usage::Usage;

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) settings: GatewaySettings,
    /// TLS to upstreams that HTTP/2 is spoken with.
    pub(crate) streams_tls: Arc<rustls::ClientConfig>,
    pub(crate) egress: model::EgressRules,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) carried: Carried,
    /// Answers that are kept.
    pub(crate) answers: Answers,
    /// What others said of credentials.
    pub(crate) inquiries: Inquiries,
    /// DPoP proofs that were used.
    pub(crate) replays: Replays,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) current: ArcSwap<Compiled>,
    /// Grows with every published snapshot; workers compare it on every call.
    pub(crate) generation: AtomicU64,
    pub(crate) ready: AtomicBool,
}

impl Shared {
    /// Whether a snapshot was published.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// A worker's own handle of the current snapshot: cloning it touches no memory that other cores write.
pub(crate) struct Local {
    /// Which of the published snapshots it is.
    pub(crate) generation: u64,
    pub(crate) compiled: Arc<Compiled>,
}

/// State of one worker.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) counters: Counters,
    /// Calls for usage analytics, where the settings ask for it.
    pub(crate) usage: Mutex<Usage>,
    /// Calls by API, where the settings ask for it.
    pub(crate) series: Mutex<Tally>,
    /// Seconds since the worker started, from 1.
    pub(crate) tick: Arc<AtomicU64>,
    /// Whether this is the first of the workers.
    is_first: bool,
    local: Mutex<Arc<Local>>,
    tokens: Mutex<TokenCache>,
    pool: Mutex<Pool>,
    links: Mutex<Links>,
    log: Mutex<LogBuffer>,
    watched: Mutex<Vec<(Arc<Connection>, AbortHandle)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Counts an answer of an API.
    pub(crate) fn count(&self, api: model::ApiId, answer: (u16, u64), most: usize) {
        lock(&self.series).count(api, answer, most);
    }

    /// Counts an answer for usage analytics.
    pub(crate) fn count_usage(&self, key: model::UsageKey, add: impl FnOnce(&mut model::UsageTotals)) {
        lock(&self.usage).count(key, add);
    }

    pub(crate) fn new(shared: Arc<Shared>, writer: SyncSender<Lines>, seed: u64, is_first: bool) -> Self {
        let generation = shared.generation.load(Ordering::Acquire);
        let local = Arc::new(Local { generation, compiled: shared.current.load_full() });
        let tokens = TokenCache::new(shared.settings.caps.cached_tokens);
        Self {
            shared,
            counters: Counters::new(),
            usage: Mutex::default(),
            series: Mutex::default(),
            tick: Arc::new(AtomicU64::new(1)),
            is_first,
            local: Mutex::new(local),
            tokens: Mutex::new(tokens),
            pool: Mutex::default(),
            links: Mutex::default(),
            log: Mutex::new(LogBuffer::new(writer, seed)),
            watched: Mutex::default(),
        }
    }

    /// The current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The current snapshot.
    pub(crate) fn local(&self) -> Arc<Local> {
        let mut local = lock(&self.local);
        let generation = self.shared.generation.load(Ordering::Acquire);
        if local.generation != generation {
            *local = Arc::new(Local { generation, compiled: self.shared.current.load_full() });
        }
        Arc::clone(&local)
    }

    /// What is known about a token.
    pub(crate) fn cached_token(&self, digest: &Digest, issuers_epoch: u64) -> Option<Arc<Principal>> {
        lock(&self.tokens).get(digest, issuers_epoch)
    }

    /// Remembers a verified token.
    pub(crate) fn remember_token(&self, digest: Digest, principal: &Arc<Principal>) {
        lock(&self.tokens).insert(digest, Arc::clone(principal));
    }

    /// An idle connection to a peer.
    pub(crate) fn take_connection(&self, peer: usize) -> Option<Box<Wire>> {
        lock(&self.pool).take(peer)
    }

    /// Gives a connection back after its answer.
    pub(crate) fn give_connection(&self, peer: usize, wire: Box<Wire>) {
        let tick = self.tick.load(Ordering::Relaxed);
        lock(&self.pool).give(peer, wire, self.shared.settings.caps.pooled_per_target, tick);
    }

    /// An HTTP/2 connection to a peer with room for a call.
    pub(crate) fn take_link(&self, peer: usize) -> Option<Link> {
        lock(&self.links).take(peer, self.tick.load(Ordering::Relaxed))
    }

    /// Lets other calls use an HTTP/2 connection.
    pub(crate) fn give_link(&self, peer: usize, link: &Link) {
        lock(&self.links).give(peer, link, self.tick.load(Ordering::Relaxed));
    }

    /// Writes an access record.
    pub(crate) fn log(&self, fields: &Fields<'_>) {
        let lost = lock(&self.log).append(fields);
        self.counters.add_many(Counter::LogLost, lost);
    }

    /// Writes a line about a call of a single API.
    pub(crate) fn log_api(&self, line: &str) {
        let lost = lock(&self.log).append_api(line);
        self.counters.add_many(Counter::LogLost, lost);
    }

    /// An id for a call that came without one.
    pub(crate) fn call_id(&self, at: Timestamp) -> String {
        lock(&self.log).call_id(at)
    }

    /// Cuts overdue connections and closes idle upstream connections; once a second.
    fn sweep(&self, now: u64) {
        let caps = &self.shared.settings.caps;
        lock(&self.watched).retain(|(connection, task)| {
            if task.is_finished() {
                return false;
            }
            let overdue = connection.is_overdue(now, caps);
            if overdue {
                self.counters.add(Counter::Cut);
                task.abort();
            }
            !overdue
        });
        lock(&self.pool).prune(now.saturating_sub(caps.pool_idle_timeout.as_secs()));
        lock(&self.links).prune(now.saturating_sub(caps.pool_idle_timeout.as_secs()));
        let lost = lock(&self.log).flush();
        self.counters.add_many(Counter::LogLost, lost);
    }
}

async fn tick(worker: Arc<Worker>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let now = worker.tick.fetch_add(1, Ordering::Relaxed) + 1;
        worker.sweep(now);
    }
}

async fn accept(worker: Arc<Worker>, listener: TcpListener, tls: Option<TlsAcceptor>, mut stop: Stop) {
    let mut open = JoinSet::new();
    let cap = worker.shared.settings.caps.connections_per_worker;
    let ended = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = open.join_next() => {
                worker.counters.add(Counter::Closed);
                continue;
            }
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, as a rule: existing connections must end first.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if open.len() >= cap {
            worker.counters.add(Counter::ConnectionsRefused);
            continue;
        }
        worker.counters.add(Counter::Connections);
        let _slower = stream.set_nodelay(true);
        let connection = Arc::new(Connection::new(peer.ip(), tls.is_some(), Arc::clone(&worker.tick)));
        let serving = connection::run(Arc::clone(&worker), Arc::clone(&connection), stream, tls.clone(), ended.clone());
        let task = open.spawn(serving);
        lock(&worker.watched).push((connection, task));
    }
    drop(listener);
    // Each connection bounds its own draining.
    while open.join_next().await.is_some() {
        worker.counters.add(Counter::Closed);
    }
}

/// Accepts connections until told to stop, then waits for the open ones.
pub(crate) async fn run(worker: Arc<Worker>, listeners: Vec<(TcpListener, Option<TlsAcceptor>)>, mut stop: Stop) {
    let mut accepting = JoinSet::new();
    for (listener, tls) in listeners {
        accepting.spawn(accept(Arc::clone(&worker), listener, tls, stop.clone()));
    }
    let ticking = tokio::spawn(tick(Arc::clone(&worker)));
    // One worker asks for all how targets are.
    let asking = worker.is_first.then(|| tokio::spawn(health::run(Arc::clone(&worker))));
    let _stopped = stop.wait_for(|stop| *stop).await;
    while accepting.join_next().await.is_some() {}
    ticking.abort();
    if let Some(asking) = asking {
        asking.abort();
    }
    let lost = lock(&worker.log).flush();
    worker.counters.add_many(Counter::LogLost, lost);
}
