//! The world of one message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use model::Timestamp;
use synapse::Host;
use synapse::engine::{self, Arrival, Unserved};
use synapse::host::{HostError, Inbound, Level, Outbound, Query, Reply, Rows, Stored, TransportError, Waiting};
use synapse::{Headers, Message};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::registry;
use crate::service::Local;

/// Local calls inside of one another: a proxy that calls itself ends here.
const DEPTH: u32 = 16;
/// Longest wait of a mediator.
const SLEEP: Duration = Duration::from_secs(3600);
/// Most of a log line that is written, bytes.
const LINE: usize = 64 * 1024;

/// Host of one exchange.
pub(crate) struct ExchangeHost {
    context: Arc<Context>,
    exchange: u64,
    depth: u32,
    waiting: Mutex<Option<oneshot::Sender<Reply>>>,
    reply: Mutex<Option<Reply>>,
}

impl ExchangeHost {
    /// A host; `client` is told the answer, without one it is kept.
    pub(crate) fn new(context: Arc<Context>, depth: u32, client: Option<oneshot::Sender<Reply>>) -> Arc<Self> {
        let exchange = context.next_exchange();
        Arc::new(Self { context, exchange, depth, waiting: Mutex::new(client), reply: Mutex::default() })
    }

    /// The answer that the message got.
    pub(crate) fn take_reply(&self) -> Option<Reply> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A call of a service of this integrator.
    async fn local(&self, request: Outbound) -> Result<Inbound, TransportError> {
        let failed = |detail: &str| TransportError {
            code: 101_503,
            message: "Error connecting to the back end".to_owned(),
            detail: format!("{}: {detail}", request.url),
        };
        if self.depth >= DEPTH {
            return Err(failed("services call one another too deeply"));
        }
        let target = local_target(&request.url);
        let message = Message::raw(request.headers.clone(), request.body.clone());
        let time = request.timeout.unwrap_or(self.context.settings().limits.answer);
        let serving = serve(&self.context, self.depth + 1, (request.method.clone(), target, message));
        match tokio::time::timeout(time, serving).await {
            Ok(Some(reply)) => Ok(Inbound { status: reply.status, headers: reply.headers, body: reply.body }),
            Ok(None) => Err(failed("there is no such service")),
            Err(_) => Err(TransportError {
                code: 101_504,
                message: "Send timeout".to_owned(),
                detail: format!("no answer in time from {}", request.url),
            }),
        }
    }
}

/// `local:///services/A`, `local://services/A` and `local:/services/A` are `/services/A`.
fn local_target(url: &str) -> String {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest).trim_start_matches('/');
    format!("/{rest}")
}

/// Serves a message inside of this process.
async fn serve(
    context: &Arc<Context>,
    depth: u32,
    (method, target, message): (String, String, Message),
) -> Option<Reply> {
    let host = ExchangeHost::new(Arc::clone(context), depth, None);
    let shared: Arc<dyn Host> = Arc::clone(&host) as Arc<dyn Host>;
    let local = Local { method, target, message, peer: "127.0.0.1".to_owned() };
    for service in context.services() {
        if let Some(serving) = service.serve(&local) {
            return Some(serving.await);
        }
    }
    let Local { method, target, message, peer } = local;
    let arrival = Arrival { method, target, scheme: "local".to_owned(), peer, message };
    // Boxed: the future of a message holds that of the messages that it causes.
    let dispatched: Waiting<'_, Result<(), Unserved>> = {
        let configuration = Arc::clone(&context.current().configuration);
        Box::pin(async move { engine::dispatch(&configuration, &shared, arrival).await })
    };
    match dispatched.await {
        Ok(()) => host.take_reply(),
        Err(_) => None,
    }
}

impl Host for ExchangeHost {
    fn now(&self) -> Timestamp {
        self.context.world().clock.now()
    }

    fn uuid(&self) -> String {
        self.context.world().rng.uuid().to_string()
    }

    fn call(&self, request: Outbound) -> Waiting<'_, Result<Inbound, TransportError>> {
        if self.context.switches().is_off(&request.endpoint) {
            // Synapse's code for an endpoint that is not ready.
            let error = TransportError {
                code: 303_001,
                message: "Endpoint is not ready".to_owned(),
                detail: format!("the endpoint {} is deactivated", request.endpoint),
            };
            return Box::pin(std::future::ready(Err(error)));
        }
        if request.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("local:")) {
            return Box::pin(self.local(request));
        }
        Box::pin(self.context.client().call(request))
    }

    fn reply(&self, reply: Reply) {
        let client = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        match client {
            // A client that has gone away needs no answer.
            Some(client) => drop(client.send(reply)),
            None => *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply),
        }
    }

    fn log(&self, level: Level, text: String) {
        if !self.context.switches().writes(level) {
            return;
        }
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LINE).last().unwrap_or(0);
        let text = if text.len() > LINE { text.get(..end).unwrap_or_default() } else { &text };
        match level {
            Level::Trace => tracing::trace!(target: "integrator::mediation", "{text}"),
            Level::Debug => tracing::debug!(target: "integrator::mediation", "{text}"),
            Level::Info => tracing::info!(target: "integrator::mediation", "{text}"),
            Level::Warn => tracing::warn!(target: "integrator::mediation", "{text}"),
            Level::Error | Level::Fatal => tracing::error!(target: "integrator::mediation", "{text}"),
        }
    }

    fn sleep(&self, duration: Duration) -> Waiting<'_, ()> {
        Box::pin(tokio::time::sleep(duration.min(SLEEP)))
    }

    fn store(&self, store: &str, message: Stored) -> Waiting<'_, Result<(), HostError>> {
        let store = store.to_owned();
        Box::pin(async move {
            for service in self.context.services() {
                if let Some(storing) = service.store(&store, &message) {
                    return storing.await;
                }
            }
            Err(HostError(format!("the message store {store} is not deployed")))
        })
    }

    fn query(&self, query: Query) -> Waiting<'_, Result<Rows, HostError>> {
        Box::pin(async move {
            for service in self.context.services() {
                if let Some(running) = service.query(self.exchange, &query) {
                    return running.await;
                }
            }
            Err(HostError(format!("the data source {} is not configured", query.source)))
        })
    }

    fn setting(&self, kind: &str, name: &str) -> Option<String> {
        let settings = self.context.settings();
        match kind {
            "system" => match name {
                "carbon.home" => Some(settings.tree.root().display().to_string()),
                "SERVER_IP" | "host.name" | "carbon.local.ip" => Some(settings.host_name.clone()),
                "http.nio.port" => settings.http_port.map(|port| port.to_string()),
                "https.nio.port" => settings.https_port.map(|port| port.to_string()),
                _ => None,
            },
            "env" => (self.context.world().environment)(name),
            "file" => self.context.properties().get(name),
            "config" => {
                let given = (self.context.world().environment)(name);
                given.or_else(|| self.context.properties().get(name))
            }
            _ => None,
        }
    }

    fn secret(&self, alias: &str) -> Option<String> {
        self.context.secret(alias).map(|secret| secret.expose().clone())
    }

    fn resource(&self, path: &str) -> Option<Bytes> {
        registry::read(&self.context.settings().tree, path)
    }

    fn registry_property(&self, path: &str, property: &str) -> Option<String> {
        registry::property(&self.context.settings().tree, path, property)
    }

    fn admit(&self, key: &str, limit: u32, window: Duration) -> bool {
        self.context.admit(key, limit, window)
    }

    fn cached(&self, key: &str) -> Option<Reply> {
        self.context.cache().get(key, self.now())
    }

    fn cache(&self, key: &str, reply: Reply, keep: Duration) {
        self.context.cache().put(key, reply, self.now().plus(keep));
    }

    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        self.context.world().rng.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

impl Drop for ExchangeHost {
    fn drop(&mut self) {
        for service in self.context.services() {
            service.ended(self.exchange);
        }
    }
}

/// An answer without a message: status and a short text for whoever looks.
pub(crate) fn plain(status: u16, text: &str) -> Reply {
    let mut headers = Headers::new();
    headers.set("Content-Type", "application/json");
    // The texts are this crate's own and need no escaping.
    Reply { status, headers, body: format!("{{\"code\":{status},\"message\":\"{text}\"}}").into() }
}

#[cfg(test)]
mod tests {
    use super::local_target;

    #[test]
    fn every_form_of_a_local_address_is_one_path() {
        for url in ["local:///services/A", "local://services/A", "local:/services/A", "LOCAL:services/A"] {
            assert_eq!(local_target(url), "/services/A", "{url}");
        }
    }
}
