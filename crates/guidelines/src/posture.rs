//! The facts that checks look at, gathered beforehand. One file per kind of fact; the collectors are in `server`.

mod access;
mod accounts;
mod connections;
mod database;
mod files;
mod host;
mod keystores;
mod listeners;
mod logs;
mod observed;
mod probes;
mod process;
mod program;
mod secrets;
mod tls;
mod wso2;

pub use access::{Egress, EgressRule, EgressRuleKind, Limits, Tokens};
pub use accounts::{Accounts, Administrator};
pub use connections::{Connection, ConnectionPurpose, Protection};
pub use database::{Cleanup, DatabaseFacts, RoleRights};
pub use files::{FileFacts, FileKind};
pub use host::{Backups, Confinement, Firewall, Kernel, Listening, Monitoring, SecureShell, Software, Updates};
pub use keystores::{CertificateFacts, CertificateFault, CertificateRule, KeystoreFacts, KeystorePurpose};
pub use listeners::ListenerFacts;
pub use logs::{AuditTrail, LogSink};
pub use observed::Observed;
pub use probes::{Attempt, Exchange, ProbedCertificate, TlsProbe};
pub use process::ProcessFacts;
pub use program::Program;
pub use secrets::{PlainSecret, SecretFacts, VaultKeySource};
pub use tls::{TlsEndpoint, TlsRole};
pub use wso2::{
    CallbackPattern, LogConfiguration, Setting, SettingValue, StartScript, WebApplication, Wso2Home, Wso2Product,
    Wso2User,
};

/// Everything known about what is audited. Every part starts as unknown.
#[derive(Clone, Debug, Default)]
pub struct Posture {
    /// When the facts were gathered, milliseconds since 1970, UTC.
    pub taken_at: i64,
    /// What is audited: `false` = an installation of Portcullis, `true` = the home of a WSO2 product.
    pub is_wso2: bool,
    /// Listeners that are configured.
    pub listeners: Observed<Vec<ListenerFacts>>,
    /// Key stores, certificates and trust stores.
    pub keystores: Observed<Vec<KeystoreFacts>>,
    /// Secrets in configuration, and the vault.
    pub secrets: Observed<SecretFacts>,
    /// Files that matter, with owner and mode.
    pub files: Observed<Vec<FileFacts>>,
    /// Connections to other systems.
    pub connections: Observed<Vec<Connection>>,
    /// Rights of the runtime role of the database.
    pub database: Observed<DatabaseFacts>,
    /// Removal of expired data.
    pub cleanup: Observed<Cleanup>,
    /// TLS settings of listeners and senders.
    pub tls: Observed<Vec<TlsEndpoint>>,
    /// Accounts and roles.
    pub accounts: Observed<Accounts>,
    /// Log files and their rotation.
    pub logs: Observed<Vec<LogSink>>,
    /// The tamper-evident audit log.
    pub audit_trail: Observed<AuditTrail>,
    /// Where connections may go.
    pub egress: Observed<Egress>,
    /// Tokens and grants.
    pub tokens: Observed<Tokens>,
    /// Caps on requests.
    pub limits: Observed<Limits>,
    /// Contexts under which APIs are deployed, with a place that tells which API.
    pub api_contexts: Observed<Vec<(String, String)>>,
    /// The process, or the user that would start it.
    pub process: Observed<ProcessFacts>,
    /// The program itself.
    pub program: Observed<Program>,
    /// TLS of every listener, spoken by the byte.
    pub tls_probes: Observed<Vec<TlsProbe>>,
    /// Answers of every listener to all kinds of requests.
    pub exchanges: Observed<Vec<Exchange>>,
    /// Sign-ins with publicly known names and passwords.
    pub default_credentials: Observed<Vec<Attempt>>,
    /// Administrative operations without proof of identity.
    pub anonymous_routes: Observed<Vec<Attempt>>,
    /// Tokens that nobody issued.
    pub forged_tokens: Observed<Vec<Attempt>>,
    /// Payloads that try to make lines of their own in a log.
    pub log_forging: Observed<Vec<Attempt>>,
    /// Secrets searched in files of the installation.
    pub secret_scan: Observed<Vec<Attempt>>,
    /// Statements that the database must refuse.
    pub database_attempts: Observed<Vec<Attempt>>,
    /// Addresses on this machine that the server was asked to fetch.
    pub inward_requests: Observed<Vec<Attempt>>,
    /// Peers with a wrong certificate that clients of the server met.
    pub wrong_peers: Observed<Vec<Attempt>>,
    /// Administrative paths at the gateway.
    pub admin_paths: Observed<Vec<Attempt>>,
    /// Identity endpoints without proof of identity.
    pub anonymous_identity: Observed<Vec<Attempt>>,
    /// Requests for the password grant.
    pub password_grant: Observed<Vec<Attempt>>,
    /// What holds the serving process in.
    pub confinement: Observed<Confinement>,
    /// The secure shell server.
    pub secure_shell: Observed<SecureShell>,
    /// Packages of the machine.
    pub updates: Observed<Updates>,
    /// The machine's firewall.
    pub firewall: Observed<Firewall>,
    /// Sockets that listen on the machine.
    pub listening: Observed<Vec<Listening>>,
    /// What watches the people on the machine.
    pub monitoring: Observed<Monitoring>,
    /// The kernel.
    pub kernel: Observed<Kernel>,
    /// Software of the machine.
    pub software: Observed<Software>,
    /// Backups of the installation.
    pub backups: Observed<Backups>,
    /// What is known of a WSO2 home only.
    pub wso2: Observed<Wso2Home>,
}

impl Posture {
    /// Whether any listener is bound to another address than loopback. Unknown listeners count as exposed.
    pub fn exposed(&self) -> bool {
        self.listeners.known().is_none_or(|all| all.iter().any(ListenerFacts::is_exposed))
    }
}
