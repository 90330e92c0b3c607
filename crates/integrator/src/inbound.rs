//! Inbound endpoints: listeners and pollers that give messages to a sequence.

mod file;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use synapse::Pattern;
use synapse::artifact::{Artifact, InboundEndpoint};
use synapse::host::Waiting;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::context::Context;
use crate::deployment::{Deployed, Deployment};
use crate::integrator::limits;
use crate::listener::{Entrance, handler};
use crate::service::{DeployFault, Service};
use crate::settings::{Settings, World};

/// Between two attempts to get a port.
const AGAIN: Duration = Duration::from_secs(5);

/// Everything that comes in beside the listeners.
pub(crate) struct InboundEndpoints {
    settings: Settings,
    tls: bool,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    digest: u64,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<()>,
}

impl InboundEndpoints {
    pub(crate) fn new(settings: &Settings, world: &World) -> Self {
        Self { settings: settings.clone(), tls: world.server_tls.is_some(), running: Mutex::default() }
    }

    /// What an endpoint does, or why it cannot.
    fn plan(&self, endpoint: &InboundEndpoint) -> Result<Option<Plan>, (String, String)> {
        match endpoint.protocol.as_str() {
            "http" | "https" => {
                let secure = endpoint.protocol == "https";
                if secure && !self.tls {
                    let hint = "use http, or run the server, which has a certificate".to_owned();
                    return Err(("there is no certificate for https".to_owned(), hint));
                }
                let text = parameter(endpoint, "inbound.http.port");
                let port = text.and_then(|text| text.parse::<u16>().ok()).filter(|port| *port > 0);
                let port = port.ok_or_else(|| {
                    (
                        "inbound.http.port is not a port".to_owned(),
                        "set the parameter to a number below 65536".to_owned(),
                    )
                })?;
                if self.settings.inbound_ports.as_ref().is_some_and(|ports| !ports.contains(&port)) {
                    let hint = "name it under [integrator] inbound_ports in deployment.toml".to_owned();
                    return Err((format!("port {port} is not open for inbound endpoints"), hint));
                }
                let to_all = match parameter(endpoint, "dispatch.filter.pattern") {
                    Some(text) if !text.is_empty() => {
                        let pattern =
                            Pattern::new(text).map_err(|e| (format!("dispatch.filter.pattern: {e}"), String::new()))?;
                        Some(Arc::new(pattern))
                    }
                    _ => None,
                };
                Ok(Some(Plan::Listen { port, secure, to_all }))
            }
            "file" => file::Folder::new(endpoint, &self.settings).map(|folder| Some(Plan::Poll(Arc::new(folder)))),
            // The note at its compilation says that it does not listen.
            _ => Ok(None),
        }
    }
}

enum Plan {
    Listen { port: u16, secure: bool, to_all: Option<Arc<Pattern>> },
    Poll(Arc<file::Folder>),
}

/// A parameter of an endpoint.
fn parameter<'a>(endpoint: &'a InboundEndpoint, name: &str) -> Option<&'a str> {
    endpoint.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
}

fn endpoints(deployment: &Deployment) -> impl Iterator<Item = (&InboundEndpoint, Option<&Deployed>)> {
    deployment.configuration.others.iter().filter_map(|other| match other.as_ref() {
        Artifact::InboundEndpoint(endpoint) => Some((endpoint, deployment.find("inboundEndpoint", &endpoint.name))),
        _ => None,
    })
}

impl Service for InboundEndpoints {
    fn check(&self, candidate: &Deployment) -> Vec<DeployFault> {
        let mut ports: HashMap<u16, String> = HashMap::new();
        let mut faults = Vec::new();
        for (endpoint, deployed) in endpoints(candidate) {
            let mut fault = |what: String, hint: String| {
                faults.push(DeployFault {
                    path: deployed.map(|deployed| deployed.path.clone()).unwrap_or_default(),
                    line: 1,
                    part: "inboundEndpoint".to_owned(),
                    what,
                    hint,
                });
            };
            match self.plan(endpoint) {
                Err((what, hint)) => fault(what, hint),
                Ok(Some(Plan::Listen { port, .. })) => {
                    let own = [self.settings.http_port, self.settings.https_port].contains(&Some(port));
                    if own {
                        fault(format!("port {port} is the integrator's own"), "choose another port".to_owned());
                    } else if let Some(other) = ports.insert(port, endpoint.name.clone()) {
                        fault(format!("port {port} is that of {other} already"), "choose another port".to_owned());
                    }
                }
                Ok(_) => {}
            }
        }
        faults
    }

    fn apply<'a>(&'a self, context: &'a Arc<Context>, deployment: &'a Arc<Deployment>) -> Waiting<'a, ()> {
        Box::pin(async move {
            let wanted: HashMap<&str, u64> = endpoints(deployment)
                .filter(|(endpoint, _)| !endpoint.suspended)
                .map(|(endpoint, deployed)| (endpoint.name.as_str(), deployed.map_or(0, |deployed| deployed.digest)))
                .collect();
            let gone: Vec<Running> = {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                let gone: Vec<String> = running
                    .iter()
                    .filter(|(name, running)| wanted.get(name.as_str()) != Some(&running.digest))
                    .map(|(name, _)| name.clone())
                    .collect();
                gone.iter().filter_map(|name| running.remove(name)).collect()
            };
            end(gone).await;
            for (endpoint, deployed) in endpoints(deployment).filter(|(endpoint, _)| !endpoint.suspended) {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                if running.contains_key(&endpoint.name) {
                    continue;
                }
                let Ok(Some(plan)) = self.plan(endpoint) else { continue };
                let (stop, stopped) = watch::channel(false);
                let (held, ended) = watch::channel(());
                let (context, own) = (Arc::clone(context), endpoint.clone());
                let address = self.settings.inbound_address;
                context.clone().spawn(async move {
                    match plan {
                        Plan::Listen { port, secure, to_all } => {
                            listen(context, &own, (SocketAddr::new(address, port), secure, to_all), stopped).await;
                        }
                        Plan::Poll(folder) => folder.poll(&context, stopped).await,
                    }
                    drop(held);
                });
                let digest = deployed.map_or(0, |deployed| deployed.digest);
                running.insert(endpoint.name.clone(), Running { digest, stop, ended });
            }
        })
    }

    fn stop(&self) -> Waiting<'_, ()> {
        let all: Vec<Running> =
            self.running.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, running)| running).collect();
        Box::pin(end(all))
    }
}

/// Ends endpoints, so that their ports are free for what comes next.
async fn end(running: Vec<Running>) {
    for running in &running {
        running.stop.send_replace(true);
    }
    for mut running in running {
        let _ = tokio::time::timeout(Duration::from_secs(3), async { while running.ended.changed().await.is_ok() {} })
            .await;
    }
}

async fn listen(
    context: Arc<Context>,
    endpoint: &InboundEndpoint,
    (address, secure, to_all): (SocketAddr, bool, Option<Arc<Pattern>>),
    mut stop: watch::Receiver<bool>,
) {
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                tracing::error!(endpoint = %endpoint.name, %address, reason = %error, "the inbound endpoint has no port; it tries again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
    };
    let entrance = Entrance::Sequence {
        sequence: endpoint.sequence.as_str().into(),
        on_error: endpoint.on_error.as_str().into(),
        to_all,
    };
    let tls = if secure { context.world().server_tls.clone() } else { None };
    tracing::info!(endpoint = %endpoint.name, %address, "the inbound endpoint listens");
    let mut limits = limits();
    limits.drain = Duration::from_secs(2);
    web::serve_traffic(listener, tls, handler(context, entrance), limits, stop).await;
}
