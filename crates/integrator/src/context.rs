//! Everything that lives longer than a deployment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use model::{Secret, Timestamp};
use synapse::engine::{self, Arrival, Unserved};
use synapse::host::Reply;
use synapse::{Failure, Flow, Host};
use tokio::sync::{Semaphore, watch};

use crate::beside::Beside;
use crate::cache::AnswerCache;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::host::ExchangeHost;
use crate::inbound::InboundEndpoints;
use crate::registry::Properties;
use crate::service::Service;
use crate::settings::{Settings, World};
use crate::switches::Switches;

/// Counters of the mediator `throttle`.
const WINDOWS: usize = 100_000;

/// The parts that run beside requests.
fn services(settings: &Settings, world: &World, beside: &Arc<Beside>) -> Vec<Arc<dyn Service>> {
    vec![Arc::new(InboundEndpoints::new(settings, world)), Arc::clone(beside) as Arc<dyn Service>]
}

/// What every part is handed.
pub(crate) struct Context {
    settings: Settings,
    world: World,
    client: Client,
    deployment: ArcSwap<Deployment>,
    services: Vec<Arc<dyn Service>>,
    beside: Arc<Beside>,
    switches: Switches,
    properties: ArcSwap<Properties>,
    cache: AnswerCache,
    windows: Mutex<HashMap<String, Window>>,
    exchanges: AtomicU64,
    /// Places of messages that are worked on.
    pub(crate) places: Arc<Semaphore>,
    /// Kilobytes of bodies.
    pub(crate) bodies: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    /// Open while a task runs that [`Context::spawn`] started.
    running: watch::Sender<()>,
}

/// Events since the start of a window.
struct Window {
    start: Timestamp,
    length: Duration,
    count: u32,
}

impl Context {
    pub(crate) fn new(settings: Settings, world: World) -> Arc<Self> {
        let limits = settings.limits;
        let beside = Arc::new(Beside::new(&settings, &world));
        Arc::new(Self {
            client: Client::new(&world, limits),
            deployment: ArcSwap::default(),
            services: services(&settings, &world, &beside),
            beside,
            switches: Switches::default(),
            properties: ArcSwap::from_pointee(Properties::read(&settings.tree)),
            cache: AnswerCache::new(limits.cache),
            windows: Mutex::default(),
            exchanges: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(limits.exchanges)),
            bodies: Arc::new(Semaphore::new(limits.bodies >> 10)),
            stop: watch::channel(false).0,
            running: watch::channel(()).0,
            settings,
            world,
        })
    }

    /// What is deployed now. Ask for it with each message.
    pub(crate) fn current(&self) -> Arc<Deployment> {
        self.deployment.load_full()
    }

    /// Replaces what is deployed, and tells every service.
    pub(crate) async fn swap(self: &Arc<Self>, next: Arc<Deployment>) {
        self.properties.store(Arc::new(Properties::read(&self.settings.tree)));
        self.deployment.store(Arc::clone(&next));
        for service in &self.services {
            service.apply(self, &next).await;
        }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn cache(&self) -> &AnswerCache {
        &self.cache
    }

    /// What an operator has switched.
    pub(crate) const fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Messages since the start.
    pub(crate) fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// Data services, stores, processors and tasks.
    pub(crate) fn beside(&self) -> &Beside {
        &self.beside
    }

    pub(crate) fn services(&self) -> &[Arc<dyn Service>] {
        &self.services
    }

    pub(crate) fn properties(&self) -> Arc<Properties> {
        self.properties.load_full()
    }

    /// The secret of an alias.
    pub(crate) fn secret(&self, alias: &str) -> Option<Secret<String>> {
        self.world.secrets.secret(alias)
    }

    /// A number for an exchange.
    pub(crate) fn next_exchange(&self) -> u64 {
        self.exchanges.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A host for a message that no client waits for.
    pub(crate) fn host(self: &Arc<Self>) -> Arc<ExchangeHost> {
        ExchangeHost::new(Arc::clone(self), 0, None)
    }

    /// Runs a sequence on a message that is prepared by the caller; the flow is given back.
    ///
    /// # Errors
    /// The failure that no error sequence handled.
    pub(crate) async fn run_sequence(
        self: &Arc<Self>,
        name: &str,
        prepare: impl FnOnce(&mut Flow) + Send,
    ) -> Result<Flow, Failure> {
        let deployment = self.current();
        let Some(sequence) = deployment.configuration.sequence(name) else {
            return Err(Failure::new(format!("the sequence {name} is not deployed")));
        };
        let host: Arc<dyn Host> = self.host();
        engine::run_sequence(&deployment.configuration, &host, &sequence, prepare).await
    }

    /// Serves a message as a listener does: APIs by path, proxies by `/services/NAME`, else the main sequence.
    ///
    /// # Errors
    /// Nothing serves it.
    pub(crate) async fn inject(self: &Arc<Self>, arrival: Arrival) -> Result<Option<Reply>, Unserved> {
        let deployment = self.current();
        let own = self.host();
        let host: Arc<dyn Host> = Arc::clone(&own) as Arc<dyn Host>;
        engine::dispatch(&deployment.configuration, &host, arrival).await?;
        Ok(own.take_reply())
    }

    /// Counts an event against a limit; false when it is over.
    pub(crate) fn admit(&self, key: &str, limit: u32, length: Duration) -> bool {
        let now = self.world.clock.now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS && !windows.contains_key(key) {
            windows.retain(|_, window| now.since(window.start) < window.length);
            if windows.len() >= WINDOWS {
                return false;
            }
        }
        let window = windows.entry(key.to_owned()).or_insert(Window { start: now, length, count: 0 });
        if now.since(window.start) >= window.length {
            *window = Window { start: now, length, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        window.count <= limit
    }

    /// Starts something that ends with the integrator at the latest.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let mut stopped = self.stop.subscribe();
        let running = self.running.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = future => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            drop(running);
        });
    }

    /// Stops services, then whatever still runs.
    pub(crate) async fn stop(&self) {
        for service in &self.services {
            service.stop().await;
        }
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(Duration::from_secs(5), self.running.closed()).await;
    }
}
