//! The composition root: from a home directory to a running server, and back down in order.

mod background;
mod backups;
pub(crate) mod checkpoints;
pub(crate) mod confine;
mod data_plane;
pub(crate) mod directories;
pub(crate) mod egress;
mod integrator;
mod key_manager;
mod limit_state;
mod listeners;
mod operations;
pub(crate) mod sealer;
mod sign_in;
mod signals;
mod status;
mod tls;
mod usage;
mod workflows;

use std::path::Path;
use std::sync::Arc;

use control::{
    ApiProperty, ApplicationAttribute, ConfiguredEnvironment, ConfiguredHost, Control, ControlSettings, PortalSettings,
    Ports, WorkflowSettings,
};
use identity::{Identity, IdentitySettings, KeyPolicy, TokenKeys};
use model::{Clock, Rng};
use store::Database;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vault::KeyMaterial;
use vault::tls::ServerIdentity;
use web::Egress;

pub(crate) use self::integrator::runtime as integrator_runtime;
use crate::command::initialise;
use crate::config::{
    ApiPropertySection, ApplicationAttributeSection, Config, Environment, EnvironmentType, LogFormat, SigningAlgorithm,
    VirtualHost,
};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::first_boot::{self, FirstBoot, console_url, gateway_url};
use crate::home::{Home, HomeLock};
use crate::installation::{DatabaseRole, Secrets, ensure_schema, load_config, open_database, open_keys, world};
use crate::logs::{self, LogCounters, LogGuard, Rotation, Sink, Style};
use crate::posture;
use crate::terminal::Terminal;
use data_plane::DataPlane;
use listeners::Sockets;
pub(crate) use listeners::{ListedOperation, operations};
pub(crate) use sign_in::equip;
pub(crate) use signals::Signals;

/// Threads of the management side. The gateway has its own.
const MANAGEMENT_THREADS: usize = 2;

/// `portcullis serve`
pub(crate) fn run(home: &Home, overlay: Option<&Path>, terminal: Terminal) -> Outcome {
    // Before the first thread: what starts later is inside.
    let confinement = confine::enter(home, overlay, &[])?;
    runtime()?.block_on(async {
        let signals = Signals::listen()?;
        let server = Server::start(home, overlay, LogPlace::Configured, terminal).await?;
        tracing::info!(
            files = confinement.files, system_calls = confinement.system_calls, capabilities = ?confinement.capabilities,
            "the process is locked in"
        );
        crate::host::note(home, &confinement);
        server.announce(terminal);
        signals.until_told_to_stop(&server.reload).await;
        server.stop().await;
        Ok(())
    })
}

/// The management runtime.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(MANAGEMENT_THREADS).thread_name("management").enable_all().build();
    built.map_err(|e| Failure::internal(format!("no runtime: {e}")))
}

/// Where log records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogPlace {
    /// As the configuration says.
    Configured,
    /// To the file in the home, so that the terminal stays readable (`quickstart`).
    HomeFile,
}

/// A running server.
pub(crate) struct Server {
    home: Home,
    config: Config,
    first_boot: FirstBoot,
    data_plane: Arc<DataPlane>,
    database: Database,
    stop: watch::Sender<bool>,
    reload: Arc<tokio::sync::Notify>,
    tasks: JoinSet<()>,
    /// Ends with the server; the last counts are written when the gateway has ended.
    usage: Option<tokio::task::JoinHandle<usage::Usage>>,
    integrator: Option<integrator::Role>,
    _lock: HomeLock,
    // Last, so that everything above can still log while it is dropped.
    _logs: LogGuard,
}

/// The use cases of the control plane, over this server's gateway and key manager.
fn control_plane(
    identity: &Arc<Identity>,
    data_plane: &Arc<DataPlane>,
    (database, egress, keyring): (Database, Egress, &Arc<vault::Keyring>),
    (clock, rng): (&Arc<dyn Clock>, &Arc<dyn Rng>),
    settings: ControlSettings,
) -> Arc<Control> {
    let ports = Ports {
        gateway: Arc::clone(data_plane) as Arc<dyn control::GatewayPublisher>,
        key_manager: Arc::new(key_manager::ResidentKeyManager::new(Arc::clone(identity))),
        sealer: Arc::new(sealer::VaultSealer::new(Arc::clone(keyring), Arc::clone(rng))),
    };
    let (clock, rng) = (Arc::clone(clock), Arc::clone(rng));
    let control = Control::new(database, clock, rng, egress, ports, settings);
    Arc::new(
        control
            .with_internal_keys(Arc::new(key_manager::TestKeys(Arc::clone(identity))))
            .with_approvals(Arc::new(sign_in::SignUps(Arc::clone(identity)))),
    )
}

/// The pages, with what they show of the installation.
fn pages(
    identity: &Arc<Identity>,
    control: &Arc<Control>,
    installation: operations::Installation,
    calls: Option<Egress>,
) -> portal::Portal {
    let config = &installation.config;
    let portal = portal::Portal::new(
        Arc::clone(identity),
        Arc::clone(control),
        Arc::new(first_boot::SetUpPort(Arc::clone(identity))),
        (Arc::clone(&installation.clock), Arc::clone(&installation.rng)),
        console_url(config),
        gateway_url(config),
    );
    let portal = portal.with_operations(Arc::new(installation));
    match calls {
        Some(calls) => portal.with_calls(calls),
        None => portal,
    }
}

/// Starts what writes down from time to time and at the stop: the seals of the audit log, the counters of limits, and usage
/// where it is counted.
fn keep_records(
    tasks: &mut JoinSet<()>,
    (home, config): (&Home, &Config),
    (data_plane, control): (&Arc<DataPlane>, &Arc<Control>),
    stopped: &watch::Receiver<bool>,
) -> Option<tokio::task::JoinHandle<usage::Usage>> {
    tasks.spawn(checkpoints::keep(home.clone(), Arc::clone(control), stopped.clone()));
    tasks.spawn(limit_state::keep(home.clone(), Arc::clone(data_plane), stopped.clone()));
    let counting = usage::Usage::new(Arc::clone(data_plane), Arc::clone(control), &config.usage);
    config.usage.enable.then(|| tokio::spawn(counting.run(stopped.clone())))
}

impl Server {
    /// Starts everything; returns when the listeners answer and the gateway has its snapshot.
    pub(crate) async fn start(
        home: &Home,
        overlay: Option<&Path>,
        log_place: LogPlace,
        terminal: Terminal,
    ) -> Outcome<Self> {
        let started = std::time::Instant::now();
        if !home.is_initialised() {
            initialise(home)?;
        }
        home.prepare()?;
        let lock = home.lock()?;
        let died = lock.died();
        let loaded = load_config(home, overlay)?;
        let mut config = loaded.config;
        let workflows = workflows::apply(home, &mut config)?;
        let effective = loaded.effective;
        let (clock, rng) = world();
        // Ports first: the most likely reason not to start should be said before anything is touched.
        let mut sockets = Sockets::bind(home, &lock, &config)?;
        let logs = start_logs(home, &config, log_place, terminal, Arc::clone(&clock), Arc::clone(&rng))?;
        note_before(died, &loaded.notes);
        let Foundation { keys, server_identity, database, identity, first_boot, outbound, clients } =
            Foundation::lay(home, &config, &clock, &rng).await?;
        let rules = egress::rules(&config)?;
        let data_plane = Arc::new(DataPlane::start(
            home,
            &config,
            tls::gateway_config(&server_identity)?,
            (Arc::clone(&outbound), rules.clone()),
            Arc::clone(&clock),
            Arc::clone(&identity),
        )?);
        limit_state::restore(home, &data_plane);
        let shared = integrator::Shared {
            rules: rules.clone(),
            outbound: Arc::clone(&outbound),
            tls: tls::listener_config(&server_identity)?,
            sockets: std::mem::take(&mut sockets.integrator),
        };
        let integrator = integrator::start(home, &config, &keys, shared).await?;
        let egress = Egress::new(rules, outbound);
        let calls =
            config.try_it().then(|| egress::calls(home, &config, &server_identity, egress.clone())).transpose()?;
        let parts = (database.clone(), egress, &keys.keyring);
        let control =
            control_plane(&identity, &data_plane, parts, (&clock, &rng), control_settings(&config, workflows));
        control.index_apis().await.map_err(|e| Failure::internal(format!("the APIs could not be indexed: {e}")))?;
        checkpoints::restore(home, &control);
        control.publish_changes().await.map_err(|e| Failure::internal(format!("the gateway got no snapshot: {e}")))?;
        let ((stop, stopped), mut tasks) = (watch::channel(false), JoinSet::new());
        let reload = Arc::new(tokio::sync::Notify::new());
        let backups = backups::Backups::of(home, &config, &database, &keys.keyring);
        let installation = operations::Installation::new(
            (home, &config, effective),
            (&data_plane, &server_identity),
            (&backups, logs.counters()),
            (&clock, &rng),
        );
        let site = listeners::Site {
            identity: Arc::clone(&identity),
            control: Arc::clone(&control),
            portal: Arc::new(pages(&identity, &control, installation, calls)),
            status: Arc::new(status::Status::new(Arc::clone(&data_plane), logs.counters(), Arc::clone(&clock))),
        };
        sockets.serve(&site, tls::listener_config(&server_identity)?, clients, &config, &stopped, &mut tasks)?;
        background::spawn(
            &mut tasks,
            background::Jobs {
                identity: Arc::clone(&identity),
                control: Arc::clone(&control),
                server_identity,
                clock,
                cleanup: config.cleanup,
                reload: Arc::clone(&reload),
                backups: backups.are_scheduled().then_some(backups),
            },
            &stopped,
        );
        let usage = keep_records(&mut tasks, (home, &config), (&data_plane, &control), &stopped);
        data_plane.open();
        tracing::info!(
            console = %console_url(&config), gateway = %gateway_url(&config),
            milliseconds = started.elapsed().as_millis(), "the server is ready"
        );
        Ok(Self {
            home: home.clone(),
            config,
            first_boot,
            data_plane,
            database,
            stop,
            reload,
            tasks,
            usage,
            integrator,
            _lock: lock,
            _logs: logs,
        })
    }

    /// The configuration it runs with.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// The set-up link, the one time it can be shown.
    pub(crate) fn set_up_link(&self) -> Option<String> {
        self.first_boot.link(&self.config)
    }

    /// Whether nobody can sign in yet.
    pub(crate) fn is_set_up_pending(&self) -> bool {
        self.first_boot.is_pending()
    }

    /// Woken by SIGHUP.
    pub(crate) const fn reload(&self) -> &Arc<tokio::sync::Notify> {
        &self.reload
    }

    /// Tells the operator where things are.
    fn announce(&self, terminal: Terminal) {
        terminal.say(&format!("Portcullis serves {}", self.home.root().display()));
        terminal.say(&format!("  console  {}", console_url(&self.config)));
        terminal.say(&format!("  gateway  {}", gateway_url(&self.config)));
        if let Some(status) = self.config.listeners.status {
            terminal.say(&format!("  status   https://{status}/readyz"));
        }
        if let Some(address) = self.config.listeners.integrator_https {
            terminal.say(&format!("  integrator  https://{address}"));
        }
        if let Some(address) = self.config.listeners.integrator_management {
            terminal.say(&format!("  management  https://{address}/management"));
        }
        match self.set_up_link() {
            Some(link) => terminal
                .say(&format!("\nChoose the first administrator within 24 hours; the link works once:\n  {link}")),
            None if self.is_set_up_pending() => {
                let lost = self.home.command("setup-link");
                terminal.say(&format!("\nThe set-up is not finished; the link was printed before. Lost? {lost}"));
            }
            None => {}
        }
    }

    /// Ends listeners, lets open requests finish, closes the database.
    pub(crate) async fn stop(mut self) {
        tracing::info!("the server is stopping");
        self.data_plane.close();
        let _ = self.stop.send(true);
        if let Some(integrator) = self.integrator {
            integrator.stop().await;
        }
        limit_state::save(&self.home, &self.data_plane);
        let data_plane = Arc::clone(&self.data_plane);
        // Stopping the gateway joins its threads, so it must not hold up the runtime.
        let gateway = tokio::task::spawn_blocking(move || data_plane.stop());
        while self.tasks.join_next().await.is_some() {}
        let _ = gateway.await;
        if let Some(usage) = self.usage
            && let Ok(mut usage) = usage.await
        {
            usage.flush().await;
        }
        self.database.close().await;
        self.home.remove_socket();
        tracing::info!("the server has stopped");
    }
}

/// Says what was noticed before there was a log.
fn note_before(died: Option<u32>, notes: &[crate::config::Diagnostic]) {
    if let Some(process) = died {
        tracing::warn!(
            process,
            "the server before this one did not stop by itself: it was killed, or the machine lost power; \
             every acknowledged change is kept, others were undone"
        );
    }
    for note in notes {
        tracing::info!(code = note.code, place = %note.place(), key = %note.path, why = %note.reason, "note about the configuration");
    }
}

/// What everything else stands on: keys, database, users, and a posture that may be served.
struct Foundation {
    keys: KeyMaterial,
    server_identity: Arc<ServerIdentity>,
    database: Database,
    identity: Arc<Identity>,
    first_boot: FirstBoot,
    outbound: Arc<rustls::ClientConfig>,
    /// TLS of the console, where it asks clients for certificates.
    clients: Option<(Arc<rustls::ServerConfig>, web::CertificateTrust)>,
}

impl Foundation {
    async fn lay(home: &Home, config: &Config, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>) -> Outcome<Self> {
        let keys = open_keys(home, config, clock.as_ref(), rng.as_ref())?;
        let secrets = Secrets::new(home, config, &keys);
        let outbound = egress::client_tls(home, config, &secrets)?;
        let server_identity = tls::server_identity(home, config, &secrets, clock.now())?;
        let keys = tls::with_configured_signing_key(home, config, &secrets, keys)?;
        let database = open_database(home, config, &secrets, DatabaseRole::Runtime).await?;
        ensure_schema(&database, clock.as_ref()).await?;
        let world = (Arc::clone(clock), Arc::clone(rng));
        let identity = assemble_identity(config, &keys, database.clone(), world, Some(key_policy(config)))?;
        let identity = equip(identity, home, config, &secrets)?;
        identity.initialise().await.map_err(|e| first_boot::failure(&e))?;
        let state = posture::collect(home, config, &server_identity, &database, &identity, clock.now()).await?;
        posture::enforce(&state)?;
        let first_boot = first_boot::prepare(&identity, config, &secrets).await?;
        let outbound = outbound.await?;
        let clients = if config.oauth.client_certificates {
            let authorities = egress::private_roots(home, config, &secrets)?;
            Some(tls::with_client_certificates(&server_identity, authorities, Arc::clone(clock))?)
        } else {
            None
        };
        let identity = identity.with_directories(directories::assemble(config, &secrets, &outbound)?);
        let identity = identity.with_egress(Egress::new(egress::rules(config)?, Arc::clone(&outbound)));
        Ok(Self { keys, server_identity, database, identity: Arc::new(identity), first_boot, outbound, clients })
    }
}

/// TLS of outgoing connections for a command that makes one.
pub(crate) async fn outbound_tls(
    home: &Home,
    config: &Config,
    secrets: &Secrets,
) -> Outcome<Arc<rustls::ClientConfig>> {
    egress::client_tls(home, config, secrets)?.await
}

/// When signing keys change. A configured key is its operator's to change.
fn key_policy(config: &Config) -> KeyPolicy {
    KeyPolicy {
        algorithm: match config.oauth.signing_algorithm {
            SigningAlgorithm::Rs256 => jose::Algorithm::Rs256,
            SigningAlgorithm::Ps256 => jose::Algorithm::Ps256,
            SigningAlgorithm::Es256 => jose::Algorithm::Es256,
            SigningAlgorithm::EdDsa => jose::Algorithm::EdDsa,
        },
        rotate_every: config.oauth.rotate_every.get(),
        publish_ahead: config.oauth.publish_ahead.get(),
        installed_stays: config.signing_keystore.is_some(),
    }
}

/// The user store and key manager over an open database. Commands, which sign nothing, give no policy: they change no
/// signing keys.
pub(crate) fn assemble_identity(
    config: &Config,
    keys: &KeyMaterial,
    database: Database,
    (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>),
    policy: Option<KeyPolicy>,
) -> Outcome<Identity> {
    let base = console_url(config);
    let issuer = format!("{base}/oauth2/token");
    let mut settings = IdentitySettings::new(issuer.clone(), base);
    settings.password_grant = config.oauth.password_grant;
    settings.access_token_lifetime = std::time::Duration::from_secs(config.oauth.app_access_token_validity.get());
    settings.user_token_lifetime = std::time::Duration::from_secs(config.oauth.user_access_token_validity.get());
    settings.code_lifetime = std::time::Duration::from_secs(config.oauth.authorization_code_validity.get());
    settings.client_certificates = config.oauth.client_certificates;
    settings.cleanup_chunk = config.cleanup.chunk;
    sign_in::settings(config, &mut settings);
    settings.refresh_token_lifetime = std::time::Duration::from_secs(config.oauth.refresh_token_validity.get());
    let unusable = |e: jose::KeyError| {
        Failure::new(
            Exit::Vault,
            "KEY002",
            "the signing key cannot be used",
            e.to_string(),
            "portcullis keystore check",
        )
    };
    let signing = jose::SigningKey::from_pkcs8(keys.signing_key.pkcs8_der().expose()).map_err(unusable)?;
    let tokens = TokenKeys::new(&issuer, signing, &[]).map_err(unusable)?;
    let tokens = match policy {
        Some(policy) => tokens.with_rotation(policy),
        None => tokens,
    };
    Ok(Identity::new(database, clock, rng, settings, tokens).with_keyring(Arc::clone(&keys.keyring)))
}

/// The OpenAPI document of the identity endpoints.
pub(crate) fn identity_openapi() -> Option<serde_json::Value> {
    let routes = Identity::routes();
    Some(control::openapi::of_routes("Identity", "", routes.operations()))
}

fn control_settings(config: &Config, workflows: WorkflowSettings) -> ControlSettings {
    ControlSettings {
        hostname: config.server.hostname.as_str().to_owned(),
        console_url: console_url(config),
        anonymous_devportal: config.devportal.enable_anonymous_mode,
        gateway_https_port: config.listeners.gateway_https.map_or(0, |a| a.port()),
        gateway_http_port: config.listeners.gateway_http.map_or(0, |a| a.port()),
        environments: config.environments.iter().map(environment).collect(),
        keys_stale_limit: config.gateway.jwks_stale_limit.get(),
        portal: PortalSettings {
            unlimited_tier: config.throttling.enable_unlimited_tier,
            grant_types: grant_types(config),
            cross_tenant_subscriptions: config.devportal.enable_cross_tenant_subscriptions,
            application_sharing: config.devportal.enable_application_sharing,
            empty_attributes: config.devportal.enable_empty_values_in_application_attributes,
            application_attributes: config.application_attributes.iter().map(attribute).collect(),
            api_properties: config.api_properties.iter().map(property).collect(),
            ..PortalSettings::default()
        },
        workflows,
        decide_own_requests: config.workflow.decide_own_requests,
    }
}

fn attribute(configured: &ApplicationAttributeSection) -> ApplicationAttribute {
    ApplicationAttribute {
        name: configured.name.clone(),
        description: configured.description.clone().unwrap_or_default(),
        required: configured.required,
        hidden: configured.hidden,
        default: configured.default.clone(),
    }
}

fn property(configured: &ApiPropertySection) -> ApiProperty {
    ApiProperty {
        name: configured.name.clone(),
        description: configured.description.clone().unwrap_or_default(),
        required: configured.required,
    }
}

fn environment(configured: &Environment) -> ConfiguredEnvironment {
    let host = |host: &VirtualHost| ConfiguredHost {
        host: host.host.as_str().to_owned(),
        http_port: host.http_port,
        context: host.http_context.trim_matches('/').to_owned(),
        https_port: host.https_port,
    };
    ConfiguredEnvironment {
        name: configured.name.clone(),
        display_name: configured.display_name.clone(),
        description: configured.description.clone(),
        kind: match configured.kind {
            EnvironmentType::Hybrid => "hybrid",
            EnvironmentType::Production => "production",
            EnvironmentType::Sandbox => "sandbox",
        },
        hosts: configured.virtual_hosts.iter().map(host).collect(),
    }
}

/// The grant types that applications can choose: the password grant only where it is switched on.
fn grant_types(config: &Config) -> Vec<String> {
    let all = PortalSettings::default().grant_types;
    all.into_iter().filter(|grant| grant != "password" || config.oauth.password_grant).collect()
}

fn start_logs(
    home: &Home,
    config: &Config,
    place: LogPlace,
    terminal: Terminal,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Outcome<LogGuard> {
    let logging = &config.logging;
    let file = match (place, &logging.file) {
        (_, Some(file)) => Some(home.root().join(file)),
        (LogPlace::HomeFile, None) => Some(home.logs().join("server.log")),
        (LogPlace::Configured, None) => None,
    };
    let style = match (logging.format, file.is_some()) {
        (LogFormat::Json, _) | (LogFormat::Auto, true) => Style::Json,
        (LogFormat::Auto, false) if !terminal.is_terminal() => Style::Json,
        (_, to_file) => Style::Human { colour: terminal.has_colour() && !to_file },
    };
    let sink = file.map_or(Sink::Standard, |path| {
        Sink::File(Rotation {
            path,
            size: logging.rotate_size.bytes(),
            interval: logging.rotate_interval.get(),
            keep: usize::try_from(logging.keep.get()).unwrap_or(usize::MAX),
        })
    });
    logs::start(sink, style, logging.level.as_str(), clock, rng)
}

/// Counters of the log, for the status listener.
pub(crate) type SharedLogCounters = Arc<LogCounters>;

#[cfg(test)]
mod tests;
