//! A host for tests: mock services in place of backends, everything else in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use model::{Clock, Rng, Timestamp};

use super::compare::same;
use super::suite::{MockResource, MockService};
use crate::configuration::Configuration;
use crate::engine::{Arrival, dispatch};
use crate::host::{Host, HostError, Inbound, Level, Outbound, Query, Reply, Rows, Stored, TransportError, Waiting};
use crate::message::{Headers, Message};

/// What tests take from outside.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Values of `configs`, by name.
    pub settings: Arc<BTreeMap<String, String>>,
    /// Mock services beside those of the suites.
    pub mocks: Arc<Vec<MockService>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// A call that a program made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Body.
    pub body: String,
    /// True when a mock service answered.
    pub answered: bool,
}

/// The host of one case.
pub struct MockHost {
    mocks: Vec<MockService>,
    configuration: Arc<Configuration>,
    world: World,
    depth: u32,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    reply: Option<Reply>,
    log: Vec<String>,
    exchanged: Vec<Exchanged>,
    cache: BTreeMap<String, Reply>,
    counts: BTreeMap<String, (Timestamp, u32)>,
}

impl std::fmt::Debug for MockHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockHost").finish_non_exhaustive()
    }
}

/// Lines of the log that a case keeps.
const LINES: usize = 10_000;

impl MockHost {
    /// A host with mock services.
    pub fn new(mocks: Vec<MockService>, configuration: Arc<Configuration>, world: World) -> Self {
        Self { mocks, configuration, world, depth: 0, seen: Mutex::new(Seen::default()) }
    }

    /// What the client was answered.
    pub fn reply_given(&self) -> Option<Reply> {
        self.seen.lock().ok().and_then(|seen| seen.reply.clone())
    }

    /// Lines of the log.
    pub fn lines(&self) -> Vec<String> {
        self.seen.lock().map(|seen| seen.log.clone()).unwrap_or_default()
    }

    /// Calls to backends, in order.
    pub fn exchanged(&self) -> Vec<Exchanged> {
        self.seen.lock().map(|seen| seen.exchanged.clone()).unwrap_or_default()
    }

    fn note(&self, request: &Outbound, answered: bool) {
        if let Ok(mut seen) = self.seen.lock()
            && seen.exchanged.len() < LINES
        {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            seen.exchanged.push(Exchanged { method: request.method.clone(), url: request.url.clone(), body, answered });
        }
    }

    /// The answer of a mock service. One that is named like no endpoint of the artifacts stands for the address that
    /// its context and path fit, since connections of connectors are no endpoints.
    fn answer(&self, request: &Outbound) -> Option<Inbound> {
        let path = path_of(&request.url);
        let services = self.mocks.iter().chain(self.world.mocks.iter());
        for service in services {
            let named = service.name == request.endpoint;
            let known = self.configuration.endpoint_names().any(|name| name == service.name);
            if !named && known {
                continue;
            }
            for resource in &service.resources {
                let fits =
                    if named { ends_with(path, &resource.path) } else { is_at(path, &service.context, &resource.path) };
                if fits && accepts(resource, request) {
                    let headers: Headers = resource.headers.iter().cloned().collect();
                    return Some(Inbound {
                        status: resource.status,
                        headers,
                        body: Bytes::from(resource.body.clone()),
                    });
                }
            }
        }
        None
    }

    /// A service of the same artifacts, by `local:` or by an address of this machine.
    async fn inside(&self, request: &Outbound) -> Option<Inbound> {
        let local = request.url.starts_with("local:");
        let here =
            ["http://localhost:8290", "http://localhost:8280", "https://localhost:8253", "https://localhost:8243"];
        if self.depth > 8 || !local && !here.iter().any(|base| request.url.starts_with(base)) {
            return None;
        }
        let inner = Arc::new(Self {
            mocks: self.mocks.clone(),
            configuration: Arc::clone(&self.configuration),
            world: self.world.clone(),
            depth: self.depth + 1,
            seen: Mutex::new(Seen::default()),
        });
        let message = Message::raw(request.headers.clone(), request.body.clone());
        let arrival = Arrival {
            method: request.method.clone(),
            target: path_of(&request.url).to_owned(),
            scheme: "http".to_owned(),
            peer: "127.0.0.1".to_owned(),
            message,
        };
        let host: Arc<dyn Host> = Arc::clone(&inner) as Arc<dyn Host>;
        let served: Waiting<'_, _> = Box::pin(dispatch(&self.configuration, &host, arrival));
        served.await.ok()?;
        let reply = inner.reply_given()?;
        Some(Inbound { status: reply.status, headers: reply.headers, body: reply.body })
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn ends_with(path: &str, resource: &str) -> bool {
    let resource = resource.trim();
    trimmed(resource).is_empty()
        || resource == "/*"
        || trimmed(path).ends_with(trimmed(resource))
        || trimmed(path.split('?').next().unwrap_or_default()).ends_with(trimmed(resource))
}

fn is_at(path: &str, context: &str, resource: &str) -> bool {
    let full = format!("{}/{}", trimmed(context), resource.trim_start_matches('/'));
    trimmed(path) == trimmed(&full)
}

fn accepts(resource: &MockResource, request: &Outbound) -> bool {
    let method = resource.method.is_empty() || resource.method == request.method;
    let headers = resource.request_headers.iter().all(|(name, value)| request.headers.get(name) == Some(value));
    let body = resource.request.as_ref().is_none_or(|wanted| same(&String::from_utf8_lossy(&request.body), wanted));
    method && headers && body
}

impl Host for MockHost {
    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn uuid(&self) -> String {
        self.world.rng.uuid().to_string()
    }

    fn call(&self, request: Outbound) -> Waiting<'_, Result<Inbound, TransportError>> {
        Box::pin(async move {
            let answer = match self.answer(&request) {
                Some(answer) => Some(answer),
                None => self.inside(&request).await,
            };
            self.note(&request, answer.is_some());
            answer.ok_or_else(|| TransportError {
                code: 101_503,
                message: "Error connecting to the back end".to_owned(),
                detail: format!("no mock service answers {} {}", request.method, request.url),
            })
        })
    }

    fn reply(&self, reply: Reply) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.reply = Some(reply);
        }
    }

    fn log(&self, level: Level, text: String) {
        if let Ok(mut seen) = self.seen.lock()
            && seen.log.len() < LINES
        {
            seen.log.push(format!("{} {text}", format!("{level:?}").to_uppercase()));
        }
    }

    fn sleep(&self, _: Duration) -> Waiting<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn store(&self, _: &str, _: Stored) -> Waiting<'_, Result<(), HostError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn query(&self, query: Query) -> Waiting<'_, Result<Rows, HostError>> {
        let error = HostError(format!("a unit test has no database ({})", query.source));
        Box::pin(std::future::ready(Err(error)))
    }

    fn setting(&self, kind: &str, name: &str) -> Option<String> {
        if kind == "config" { self.world.settings.get(name).cloned() } else { None }
    }

    fn secret(&self, _: &str) -> Option<String> {
        None
    }

    fn resource(&self, _: &str) -> Option<Bytes> {
        None
    }

    fn registry_property(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn admit(&self, key: &str, limit: u32, window: Duration) -> bool {
        let now = self.now();
        let Ok(mut seen) = self.seen.lock() else { return false };
        let entry = seen.counts.entry(key.to_owned()).or_insert((now, 0));
        if now.since(entry.0) >= window {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        entry.1 <= limit
    }

    fn cached(&self, key: &str) -> Option<Reply> {
        self.seen.lock().ok()?.cache.get(key).cloned()
    }

    fn cache(&self, key: &str, reply: Reply, _: Duration) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.cache.insert(key.to_owned(), reply);
        }
    }

    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        self.world.rng.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}
