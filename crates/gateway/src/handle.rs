//! Starting, feeding, watching and stopping a gateway.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::snapshot::{Delta, Snapshot};
use model::{ApplicationId, Clock, UsageKey, UsageTotals};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::access_log::{self, Lines, LogSink};
use crate::answer_cache::Answers;
use crate::binding::Replays;
use crate::compile::{Carried, Compiled, SnapshotFault, WrongVersion};
use crate::counters::Metrics;
use crate::denial::qualified;
use crate::inquiry::Inquiries;
use crate::resolve::Resolver;
use crate::series::{Series, Tally};
use crate::settings::{GatewaySettings, Listener};
use crate::worker::{self, Shared, Worker};

/// Connections that wait for `accept`, per worker and listener.
const BACKLOG: i32 = 1024;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No listener or no worker is configured.
    #[error("the gateway needs at least one listener and one worker")]
    Nothing,
    /// A listener cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A thread or runtime cannot be made.
    #[error("cannot start a worker: {0}")]
    Worker(#[from] std::io::Error),
}

/// Why a change is not served, or not in whole.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is a change of another snapshot.
    #[error(transparent)]
    Version(#[from] WrongVersion),
    /// These parts are not served; all others are.
    #[error("the gateway refuses a part of the change")]
    Refused(Vec<SnapshotFault>),
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Opens the listeners and starts the workers. Without a snapshot every call is answered with 503 until
    /// [`Handle::publish`]; with one, its faults are to be had from [`Handle::publish`] of the same snapshot.
    ///
    /// # Errors
    /// [`StartError`]; nothing keeps running then.
    pub fn start(
        settings: GatewaySettings,
        clock: Arc<dyn Clock>,
        log: Arc<dyn LogSink>,
    ) -> Result<Handle, StartError> {
        if settings.listeners.is_empty() || settings.workers == 0 {
            return Err(StartError::Nothing);
        }
        let mut addresses: Vec<SocketAddr> = settings.listeners.iter().map(|l| l.address).collect();
        for address in addresses.iter().filter(|a| a.port() != 0) {
            // SO_REUSEPORT would silently share the port with another gateway of the same user: look first.
            bind(*address, false).map_err(|source| StartError::Listen { address: *address, source })?;
        }
        let mut sockets = Vec::with_capacity(settings.workers);
        for _ in 0..settings.workers {
            let mut own = Vec::with_capacity(settings.listeners.len());
            for (listener, address) in settings.listeners.iter().zip(&mut addresses) {
                let socket = bind(*address, true).map_err(|source| StartError::Listen { address: *address, source })?;
                // Port 0: the other workers share the port that the first one got.
                *address = socket.local_addr()?;
                own.push((socket, listener.clone()));
            }
            sockets.push(own);
        }
        let (writer, writing) = access_log::start(log)?;
        let shared = Arc::new(Shared {
            egress: settings.egress.clone(),
            streams_tls: streams_tls(&settings.upstream_tls),
            resolver: Resolver::system(),
            inquiries: Inquiries::new(settings.caps.cached_tokens),
            settings,
            carried: Carried::default(),
            answers: Answers::default(),
            replays: Replays::default(),
            clock,
            current: arc_swap::ArcSwap::from_pointee(Compiled::default()),
            generation: AtomicU64::new(0),
            ready: AtomicBool::new(false),
        });
        let (stop, stopped) = watch::channel(false);
        let mut handle = Handle {
            addresses,
            shared: Arc::clone(&shared),
            workers: Vec::new(),
            threads: vec![writing],
            stop,
            publishing: Mutex::new(()),
        };
        for (index, own) in sockets.into_iter().enumerate() {
            let (worker, thread) = spawn(index, own, &shared, writer.clone(), stopped.clone())?;
            handle.workers.push(worker);
            handle.threads.push(thread);
        }
        Ok(handle)
    }
}

/// A running gateway. Dropping it tells the workers to stop without waiting for them.
pub struct Handle {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    workers: Vec<Arc<Worker>>,
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    publishing: Mutex<()>,
}

impl Handle {
    /// The bound addresses, in the order of the listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Compiles a snapshot and serves from it at once; no call fails because of the change. Blocks for the
    /// compilation only (milliseconds for thousands of APIs).
    ///
    /// What is named in the faults is not served, the rest is: an API that cannot be compiled answers 404 rather than
    /// in an earlier form, because the change that broke it may have been the one that closed it.
    ///
    /// # Errors
    /// The parts that are not served.
    pub fn publish(&self, snapshot: &Snapshot) -> Result<(), Vec<SnapshotFault>> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = self.shared.current.load_full();
        let (compiled, faults) = Compiled::build(snapshot, &previous, &self.shared.carried, &self.shared.settings);
        self.serve(compiled);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Compiles a change of the snapshot that is served, and serves it at once. Costs what changed, and one pass over
    /// the contexts of all APIs. Faults are those of the changed APIs.
    ///
    /// # Errors
    /// [`ChangeError::Version`] changes nothing; [`ChangeError::Refused`] names the parts that are not served.
    pub fn change(&self, delta: &Delta) -> Result<(), ChangeError> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = self.shared.current.load_full();
        let (compiled, faults) = previous.changed(delta, &self.shared.carried, &self.shared.settings)?;
        self.serve(compiled);
        if faults.is_empty() { Ok(()) } else { Err(ChangeError::Refused(faults)) }
    }

    fn serve(&self, compiled: Compiled) {
        self.shared.current.store(Arc::new(compiled));
        self.shared.generation.fetch_add(1, Ordering::Release);
        self.shared.ready.store(true, Ordering::Release);
    }

    /// Compiles a snapshot as [`Handle::publish`] does, without serving it.
    ///
    /// # Errors
    /// The parts that would not be served.
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), Vec<SnapshotFault>> {
        // Nothing is carried over, so that a snapshot that only asks leaves no counters and no peers behind.
        let (_, faults) = Compiled::build(snapshot, &Compiled::default(), &Carried::default(), &self.shared.settings);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Empties the application-level counters of one user (WSO2: `reset-throttle-policy`): the next call is the first of
    /// its window. `user` is written plain or with the domain of the application's tenant. The owner's name also stands
    /// for the application's own tokens and API keys.
    pub fn reset_application(&self, application: ApplicationId, user: &str) {
        let current = self.shared.current.load();
        let Some(consumer) = current.consumers.get(&application) else { return };
        let domain = current.tenants.get(&consumer.tenant).map_or("", |domain| domain.as_str());
        let meant = qualified(user, domain);
        let is_owner = qualified(&consumer.owner, domain) == meant;
        self.shared.carried.counters.reset_users(application, |name| {
            let own_token = current.keys.get(name).is_some_and(|key| key.application == application);
            if own_token { is_owner } else { qualified(name, domain) == meant }
        });
    }

    /// The counters of windows of an hour or longer, for [`Handle::restore_limits`] of a later gateway. Names of users and
    /// ids of applications are in it, no secrets.
    pub fn limit_state(&self) -> Vec<u8> {
        self.shared.carried.counters.state(self.shared.clock.now())
    }

    /// Takes over the counters of an earlier gateway, before or after the first snapshot; how many. What cannot be read is
    /// no state.
    pub fn restore_limits(&self, state: &[u8]) -> usize {
        self.shared.carried.counters.restore(state, self.shared.clock.now())
    }

    /// Whether a snapshot was published: `/readyz` asks.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// Version of the snapshot that is served; 0 before the first.
    pub fn snapshot_version(&self) -> u64 {
        self.shared.current.load().version
    }

    /// Calls by API, of those that are served now; with what is counted together.
    pub fn series(&self) -> Series {
        let most = self.shared.settings.api_series;
        let mut all = Tally::default();
        for worker in &self.workers {
            all.add(&worker.series.lock().unwrap_or_else(PoisonError::into_inner), most);
        }
        all.named(&self.shared.current.load())
    }

    /// Takes what was counted for usage analytics since the last time, with the number of calls that were not counted
    /// because there were too many APIs and applications.
    pub fn take_usage(&self) -> (HashMap<UsageKey, UsageTotals>, u64) {
        let (mut all, mut lost) = (HashMap::<_, UsageTotals>::new(), 0);
        for worker in &self.workers {
            let (counted, more) = worker.usage.lock().unwrap_or_else(PoisonError::into_inner).take();
            lost += more;
            for (key, totals) in counted {
                all.entry(key).or_default().add(&totals);
            }
        }
        (all, lost)
    }

    /// Counters of all workers together.
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        for worker in &self.workers {
            metrics.merge(&worker.counters);
        }
        metrics
    }

    /// Stops accepting, lets open calls finish within the drain timeout, writes the rest of the access log and returns
    /// when all threads ended; with what [`Handle::take_usage`] would give then. Blocks: call it from a thread that may.
    pub fn stop(mut self) -> (HashMap<UsageKey, UsageTotals>, u64) {
        let _nobody_left = self.stop.send(true);
        let threads = std::mem::take(&mut self.threads);
        let mut threads = threads.into_iter();
        let writing = threads.next();
        threads.for_each(join);
        let usage = self.take_usage();
        // The writer of the log ends when the workers, which hold its senders, are gone.
        self.workers.clear();
        writing.into_iter().for_each(join);
        usage
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a gateway thread panicked");
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _nobody_left = self.stop.send(true);
    }
}

fn bind(address: SocketAddr, shared: bool) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn acceptor(config: &Arc<rustls::ServerConfig>) -> TlsAcceptor {
    let mut config = rustls::ServerConfig::clone(config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// The same trust, for HTTP/2 alone.
fn streams_tls(config: &rustls::ClientConfig) -> Arc<rustls::ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

type Sockets = Vec<(std::net::TcpListener, Listener)>;

fn spawn(
    index: usize,
    sockets: Sockets,
    shared: &Arc<Shared>,
    writer: SyncSender<Lines>,
    stopped: watch::Receiver<bool>,
) -> Result<(Arc<Worker>, JoinHandle<()>), StartError> {
    let mut seed = [0; 8];
    // Record ids need not be secret; without randomness they are still unique within the worker.
    let _predictable = SystemRandom::new().fill(&mut seed);
    let worker = Arc::new(Worker::new(Arc::clone(shared), writer, u64::from_le_bytes(seed), index == 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
    let (started, starting) = sync_channel::<std::io::Result<()>>(1);
    let own = Arc::clone(&worker);
    let thread = std::thread::Builder::new().name(format!("gateway-{index}")).spawn(move || {
        runtime.block_on(async move {
            let listeners: std::io::Result<Vec<_>> = sockets
                .into_iter()
                .map(|(socket, listener)| Ok((TcpListener::from_std(socket)?, listener.tls.as_ref().map(acceptor))))
                .collect();
            let (outcome, listeners) = match listeners {
                Ok(listeners) => (Ok(()), listeners),
                Err(error) => (Err(error), Vec::new()),
            };
            let _starter_waits = started.send(outcome);
            worker::run(own, listeners, stopped).await;
        });
    })?;
    match starting.recv() {
        Ok(Ok(())) => Ok((worker, thread)),
        Ok(Err(error)) => Err(StartError::Worker(error)),
        Err(_) => Err(StartError::Worker(std::io::Error::other("the worker thread ended"))),
    }
}
