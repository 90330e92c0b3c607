//! What a configuration is once it is parsed: types that cannot be wrong.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::database::Database;
use super::integrator::{IntegratorDataSourceSection, IntegratorSection};
use super::portals::{ApiPropertySection, ApplicationAttributeSection};
use super::secret::{SecretRef, TextSource};
use super::section::Section as _;
use super::sections::{
    BackendTokenSection, BackupSection, ConsoleSection, CorsSection, DevportalSection, EgressSection, EnvironmentType,
    GatewayHttpSection, GatewayHttpsSection, GatewaySection, GatewayTokenSection, KeystoreType, LoggingSection,
    MutualTlsSection, OauthSection, ProcessSection, StatusSection, ThrottlingSection, UpdatesSection, UsageSection,
    WorkflowSection,
};
use super::sign_in::SignIn;
use super::user_store::Directory;
use super::values::{EgressRule, HeaderText, HostName};

/// The whole configuration. Paths are as written; relative ones are below the home directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names.
    pub server: Server,
    /// The administrator to create at the first start; `None` = print the set-up link.
    pub first_admin: Option<FirstAdmin>,
    /// Where to listen, with `[server] offset` added.
    pub listeners: Listeners,
    /// Certificate and key of the TLS listeners; `None` = generated.
    pub tls_keystore: Option<Keystore>,
    /// Key that signs tokens; `None` = generated.
    pub signing_keystore: Option<Keystore>,
    /// Further certificate authorities.
    pub truststore: Option<Truststore>,
    /// The database.
    pub database: Database,
    /// Directories that are user stores beside the embedded one.
    pub directories: Vec<Directory>,
    /// How people sign in.
    pub sign_in: SignIn,
    /// Removal of expired data.
    pub cleanup: Cleanup,
    /// Token endpoints.
    pub oauth: OauthSection,
    /// Tokens at the gateway.
    pub gateway_token: GatewayTokenSection,
    /// Tokens for backends.
    pub backend_token: BackendTokenSection,
    /// Client certificates.
    pub mutual_tls: MutualTlsSection,
    /// Cross-origin calls.
    pub cors: CorsSection,
    /// Plans and limits.
    pub throttling: ThrottlingSection,
    /// Developer Portal.
    pub devportal: DevportalSection,
    /// Attributes of applications; names unique.
    pub application_attributes: Vec<ApplicationAttributeSection>,
    /// Properties of APIs; names unique.
    pub api_properties: Vec<ApiPropertySection>,
    /// Requests that wait for an administrator.
    pub workflow: WorkflowSection,
    /// Gateway environments beside or instead of the built-in `Default`; names unique.
    pub environments: Vec<Environment>,
    /// Logs.
    pub logging: LoggingSection,
    /// Connections to other systems.
    pub egress: EgressSection,
    /// The process.
    pub process: ProcessSection,
    /// Backups.
    pub backup: BackupSection,
    /// Signed updates.
    pub updates: UpdatesSection,
    /// Usage analytics.
    pub usage: UsageSection,
    /// Where the vault's key comes from.
    pub vault: VaultKey,
    /// Limits of the gateway.
    pub gateway: GatewaySection,
    /// The integrator.
    pub integrator: IntegratorSection,
    /// Databases of its artifacts.
    pub integrator_data_sources: Vec<IntegratorDataSourceSection>,
    /// `[secrets]`: alias to sealed text.
    pub secrets: BTreeMap<String, String>,
}

impl Config {
    /// Whether any listener can be reached from another machine: then every `must` guideline is a condition of
    /// starting (product principle 1).
    #[must_use]
    pub fn exposed(&self) -> bool {
        self.listeners.all().any(|(_, address)| !is_loopback(address.ip()))
    }

    /// Whether the Developer Portal calls APIs from their pages (X02).
    #[must_use]
    pub fn try_it(&self) -> bool {
        self.devportal.enable_try_it.unwrap_or(!self.exposed())
    }

    /// Where the gateway and the control plane may connect to beside public addresses: what `[egress] allow` lists,
    /// and this machine as long as nothing is exposed (A23).
    #[must_use]
    pub fn egress_rules(&self) -> Vec<EgressRule> {
        let mut rules = self.egress.allow.clone();
        if !self.exposed() {
            let loopback = [(IpAddr::from([127, 0, 0, 0]), 8), (IpAddr::from(std::net::Ipv6Addr::LOCALHOST), 128)];
            rules.extend(
                loopback
                    .into_iter()
                    .filter_map(|(address, bits)| ipnet::IpNet::new(address, bits).ok().map(EgressRule::Network)),
            );
        }
        rules
    }
}

/// Whether an address is of this machine only; `::ffff:127.0.0.1` is, `0.0.0.0` is not.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Names of this installation.
#[derive(Clone, Debug)]
pub struct Server {
    /// Host name in links, issuer and generated certificate.
    pub hostname: HostName,
    /// Added to every port; already part of [`Listeners`].
    pub offset: u16,
}

/// The administrator of a headless set-up.
#[derive(Clone, Debug)]
pub struct FirstAdmin {
    /// Name.
    pub username: TextSource,
    /// Password, which must pass the policy and not be a known one ([`super::is_known_password`]).
    pub password: SecretRef,
}

/// Where to listen. No two are on one address and port.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// Consoles, REST APIs, token endpoints; TLS.
    pub console: SocketAddr,
    /// Value of the `Server` header of the console and status listeners; `None` = not sent.
    pub server_header: Option<HeaderText>,
    /// Gateway with TLS.
    pub gateway_https: Option<SocketAddr>,
    /// Gateway without TLS.
    pub gateway_http: Option<SocketAddr>,
    /// Health and metrics, TLS.
    pub status: Option<SocketAddr>,
    /// Integrator with TLS.
    pub integrator_https: Option<SocketAddr>,
    /// Integrator without TLS.
    pub integrator_http: Option<SocketAddr>,
    /// Management API of the integrator.
    pub integrator_management: Option<SocketAddr>,
}

impl Listeners {
    /// Every listener with the path of its section.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        [
            (ConsoleSection::NAME, Some(self.console)),
            (GatewayHttpsSection::NAME, self.gateway_https),
            (GatewayHttpSection::NAME, self.gateway_http),
            (StatusSection::NAME, self.status),
            (IntegratorSection::NAME, self.integrator_https),
            (IntegratorSection::NAME, self.integrator_http),
            (IntegratorSection::NAME, self.integrator_management),
        ]
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
    }
}

/// A key and its certificates.
#[derive(Clone, Debug)]
pub struct Keystore {
    /// Where they are.
    pub file: KeystoreFile,
    /// Which of several keys.
    pub alias: Option<String>,
}

/// Form of a key store.
#[derive(Clone, Debug)]
pub enum KeystoreFile {
    /// Two PEM files.
    Pem {
        /// Certificate chain.
        chain: PathBuf,
        /// Private key.
        key: PathBuf,
        /// Password of an encrypted private key.
        password: Option<SecretRef>,
    },
    /// PKCS#12.
    Pkcs12 {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: SecretRef,
    },
    /// Java key store.
    Jks {
        /// The file.
        path: PathBuf,
        /// Its password.
        password: SecretRef,
        /// Password of the key; `None` = the same.
        key_password: Option<SecretRef>,
    },
}

/// Further certificate authorities.
#[derive(Clone, Debug)]
pub struct Truststore {
    /// The file.
    pub path: PathBuf,
    /// Its form.
    pub kind: KeystoreType,
    /// Its password; always there unless the form is PEM.
    pub password: Option<SecretRef>,
}

/// Removal of expired tokens, revocations and client secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// Whether they are removed.
    pub enabled: bool,
    /// How often.
    pub every: Duration,
    /// Most rows of one kind in one transaction.
    pub chunk: u32,
}

/// A gateway environment.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Unique name.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Which keys consumers are told to use there.
    pub kind: EnvironmentType,
    /// Host names, at least one, the first is the default.
    pub virtual_hosts: Vec<VirtualHost>,
}

/// A host name under which an environment is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualHost {
    /// The name.
    pub host: HostName,
    /// Port in `http://` links; 0 = none.
    pub http_port: u16,
    /// Path before every context, empty or beginning with a slash.
    pub http_context: String,
    /// Port in `https://` links; 0 = none.
    pub https_port: u16,
}

/// Where the vault's key comes from.
#[derive(Clone, Debug)]
pub enum VaultKey {
    /// A file; `None` = the generated one.
    File(Option<PathBuf>),
    /// An environment variable of this name.
    Env(String),
    /// A systemd credential of this name.
    Systemd(String),
    /// A passphrase; never [`SecretRef::Vault`].
    Passphrase(SecretRef),
}
