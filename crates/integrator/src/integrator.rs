//! The integrator: a deployment, and what serves it.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use web::{ListenerLimits, TlsSource};

use crate::context::Context;
use crate::deploy::{DeployError, DeployReport, Deployer};
use crate::deployment::Deployment;
use crate::listener::{self, Entrance};
use crate::settings::{Settings, World};
use crate::watch as hot;

/// An integrator.
pub struct Integrator {
    context: Arc<Context>,
    deployer: Arc<Deployer>,
}

impl Integrator {
    /// An integrator with nothing deployed. Call it inside of a runtime.
    pub fn new(settings: Settings, world: World) -> Arc<Self> {
        let context = Context::new(settings, world);
        let deployer = Arc::new(Deployer::new(Arc::clone(&context)));
        Arc::new(Self { context, deployer })
    }

    /// Deploys what is on disk. What is faulty is not deployed; the report says why.
    pub async fn start(&self) -> DeployReport {
        self.rescan().await
    }

    /// Deploys what has changed on disk.
    pub async fn rescan(&self) -> DeployReport {
        let report = self.deployer.rescan().await;
        hot::log(&report);
        report
    }

    /// Deploys what changes on disk, from now on. `told` hears what happened.
    pub fn watch(&self, told: impl Fn(&DeployReport) + Send + Sync + 'static) {
        let (context, deployer) = (Arc::clone(&self.context), Arc::clone(&self.deployer));
        self.context.spawn(hot::watch(context, deployer, move |report| {
            hot::log(report);
            told(report);
        }));
    }

    /// Deploys a Carbon application and keeps its file; one with the same name of the file is replaced.
    ///
    /// # Errors
    /// [`DeployError`]; what was deployed is deployed still.
    pub async fn deploy(&self, file_name: &str, bytes: &[u8]) -> Result<DeployReport, DeployError> {
        self.deployer.upload(file_name, bytes).await
    }

    /// Removes a Carbon application, by its name or that of its file.
    ///
    /// # Errors
    /// [`DeployError::Unknown`], [`DeployError::Storage`].
    pub async fn undeploy(&self, name: &str) -> Result<DeployReport, DeployError> {
        self.deployer.remove(name).await
    }

    /// What is deployed now.
    pub fn current(&self) -> Arc<Deployment> {
        self.context.current()
    }

    /// Serves messages on a listener until `stop` turns true; without `tls` it is plain HTTP.
    pub async fn serve(&self, listener: TcpListener, tls: Option<TlsSource>, stop: watch::Receiver<bool>) {
        let handler = listener::handler(Arc::clone(&self.context), Entrance::All);
        web::serve_traffic(listener, tls, handler, limits(), stop).await;
    }

    /// Ends tasks, processors and inbound endpoints, then what still runs.
    pub async fn stop(&self) {
        self.context.stop().await;
    }

    /// What parts of this crate share.
    pub(crate) const fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

/// Bounds of listeners for messages: backends of one machine come with many connections.
pub(crate) fn limits() -> ListenerLimits {
    ListenerLimits { connections: 8192, connections_per_address: 4096, ..ListenerLimits::default() }
}
