//! The integrator beside the other parts: its own runtime, its own directory.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use integrator::management::{ConfiguredUser, Management, ManagementSettings, routes};
use integrator::{DataSource, Integrator, SecretSource, Settings, Tree, World};
use model::{EgressRules, Secret};
use tokio::sync::watch;
use vault::KeyMaterial;
use web::{ListenerLimits, TlsSource};

use crate::config::{Config, SecretRef, VaultKey};
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{Secrets, world};

/// Directories of an integrator that are made when they are not there.
const LAYOUT: [&str; 4] = [
    "repository/deployment/server/synapse-configs/default",
    "repository/deployment/server/carbonapps",
    "repository/deployment/server/dataservices",
    "registry",
];

/// The running integrator.
pub(super) struct Role {
    integrator: Arc<Integrator>,
    runtime: Option<tokio::runtime::Runtime>,
    stop: watch::Sender<bool>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
}

/// What the integrator shares with the rest of the server.
pub(super) struct Shared {
    pub(super) rules: EgressRules,
    pub(super) outbound: Arc<rustls::ClientConfig>,
    pub(super) tls: Arc<rustls::ServerConfig>,
    pub(super) sockets: [Option<TcpListener>; 3],
}

/// Secrets of the installation by alias.
struct Vault(Secrets);

impl SecretSource for Vault {
    fn secret(&self, alias: &str) -> Option<Secret<String>> {
        self.0.resolve(&SecretRef::Vault(alias.to_owned())).ok()
    }
}

/// Makes the directories of an integrator, before the process is locked in.
pub(super) fn lay_out(root: &Path) -> Outcome {
    for folder in LAYOUT {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).map_err(|e| Failure::io(&folder, "create", &e))?;
    }
    Ok(())
}

/// Databases of artifacts, with their passwords.
fn data_sources(config: &Config, secrets: &Secrets) -> Outcome<Vec<DataSource>> {
    let sources = config.integrator_data_sources.iter().map(|source| {
        Ok(DataSource {
            name: source.name.clone(),
            url: source.url.clone(),
            user: source.user.clone().unwrap_or_default(),
            password: source.password.as_ref().map(|password| secrets.resolve(password)).transpose()?,
            ca_file: source.ca_file.clone(),
        })
    });
    sources.collect()
}

/// The super admin of the management API, when there is one (guideline M02).
fn super_admins(config: &Config, secrets: &Secrets) -> Outcome<Vec<ConfiguredUser>> {
    match (&config.integrator.management_user, &config.integrator.management_password) {
        (Some(name), Some(password)) => {
            Ok(vec![ConfiguredUser { name: name.clone(), password: secrets.resolve(password)? }])
        }
        _ => Ok(Vec::new()),
    }
}

/// A runtime for messages: threads of its own, so that an expensive message does not hold up the management side, and one
/// more than there are processors, so that it does not hold up all others.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get) + 1;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(threads).thread_name("integrator").enable_all().build();
    built.map_err(|e| Failure::internal(format!("no runtime: {e}")))
}

/// Starts the integrator when the configuration says so; returns when everything is deployed and served.
pub(super) async fn start(home: &Home, config: &Config, keys: &KeyMaterial, shared: Shared) -> Outcome<Option<Role>> {
    let section = &config.integrator;
    if !section.enable {
        return Ok(None);
    }
    let root = home.root().join(&section.directory);
    let mut settings = Settings::new(Tree::Home(root));
    config.server.hostname.as_str().clone_into(&mut settings.host_name);
    settings.https_port = config.listeners.integrator_https.map(|address| address.port());
    settings.http_port = config.listeners.integrator_http.map(|address| address.port());
    settings.inbound_address = section.bind_address;
    settings.inbound_ports = Some(section.inbound_ports.as_slice().iter().map(|port| port.get()).collect());
    settings.file_directories = section.file_directories.as_slice().to_vec();
    let secrets = Secrets::new(home, config, keys);
    settings.data_sources = data_sources(config, &secrets)?;
    let super_admins = super_admins(config, &secrets)?;
    let (clock, rng) = world();
    let Shared { rules, outbound, tls, sockets } = shared;
    let source: TlsSource = Arc::new(move || Arc::clone(&tls));
    let key_variable = match &config.vault {
        VaultKey::Env(name) => Some(name.clone()),
        _ => None,
    };
    let world = World {
        clock,
        rng,
        secrets: Arc::new(Vault(secrets)),
        // What opens the vault is not for artifacts.
        environment: Arc::new(move |name| {
            let own = name.starts_with("PORTCULLIS_") || key_variable.as_deref() == Some(name);
            if own { None } else { variable(name) }
        }),
        egress: rules,
        tls: outbound,
        server_tls: Some(Arc::clone(&source)),
    };
    let runtime = runtime()?;
    let integrator = Integrator::new(settings, world);
    let management =
        Management::new(Arc::clone(&integrator), &ManagementSettings { super_admins }).map_err(|weak| {
            Failure::from_text(Exit::Refused, "M02", "a password of the integrator can be guessed", &weak.to_string())
        })?;
    let (stop, stopped) = watch::channel(false);
    let (own, watches) = (Arc::clone(&integrator), section.hot_deployment);
    let deployed = runtime.spawn(async move {
        own.start().await;
        if watches {
            own.watch(|_| {});
        }
    });
    deployed.await.map_err(|e| Failure::internal(format!("the integrator did not start: {e}")))?;
    let [secure, plain, managed] = sockets;
    let mut listeners = Vec::new();
    if let Some(socket) = managed {
        let router = routes().into_router(Arc::clone(&management), management);
        let (source, stopped) = (Arc::clone(&source), stopped.clone());
        listeners.push(runtime.spawn(async move {
            match tokio::net::TcpListener::from_std(socket) {
                Ok(listener) => web::serve_tls(listener, source, router, ListenerLimits::default(), stopped).await,
                Err(error) => tracing::error!(reason = %error, "a socket of the integrator cannot be served"),
            }
        }));
    }
    for (socket, tls) in [(secure, Some(source)), (plain, None)] {
        let Some(socket) = socket else { continue };
        let (own, stopped) = (Arc::clone(&integrator), stopped.clone());
        listeners.push(runtime.spawn(async move {
            match tokio::net::TcpListener::from_std(socket) {
                Ok(listener) => own.serve(listener, tls, stopped).await,
                Err(error) => tracing::error!(reason = %error, "a socket of the integrator cannot be served"),
            }
        }));
    }
    Ok(Some(Role { integrator, runtime: Some(runtime), stop, listeners }))
}

impl Role {
    /// Lets messages that are worked on finish, then ends everything.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        for listener in self.listeners.drain(..) {
            let _ = listener.await;
        }
        self.integrator.stop().await;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Role {
    /// A runtime must not be dropped by a task of another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
