//! The facts that checks look at, gathered beforehand.

use std::net::SocketAddr;

/// Everything known about an installation before it starts to serve.
#[derive(Clone, Debug, Default)]
pub struct Posture {
    /// Effective user id of the process.
    pub uid: u32,
    /// Listeners that are configured.
    pub listeners: Vec<ListenerFacts>,
    /// Served certificates.
    pub certificates: Vec<CertificateFacts>,
    /// Files that hold private keys or keys of the vault.
    pub private_files: Vec<PrivateFile>,
    /// Secrets found in plain text in a configuration file.
    pub plain_secrets: Vec<PlainSecret>,
    /// The database.
    pub database: DatabaseFacts,
    /// Administrator accounts.
    pub administrators: Administrators,
}

impl Posture {
    /// Whether any listener is bound to another address than loopback.
    pub fn exposed(&self) -> bool {
        self.listeners.iter().any(ListenerFacts::is_exposed)
    }
}

/// One listener.
#[derive(Clone, Debug)]
pub struct ListenerFacts {
    /// What it is for, as in `management`.
    pub name: &'static str,
    /// The section of the configuration that declares it.
    pub section: &'static str,
    /// Address and port.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl ListenerFacts {
    /// Whether other machines can reach it.
    pub fn is_exposed(&self) -> bool {
        !self.address.ip().is_loopback()
    }
}

/// A served certificate with what the certificate rules say about it.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    /// The file or keystore.
    pub place: String,
    /// Broken rules.
    pub faults: Vec<CertificateFault>,
}

/// A broken certificate rule.
#[derive(Clone, Debug)]
pub struct CertificateFault {
    /// What was observed.
    pub observed: String,
    /// What to do.
    pub fix: String,
}

/// A file that only the service's user may read.
#[derive(Clone, Debug)]
pub struct PrivateFile {
    /// The path as the operator knows it.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub owner: u32,
}

/// A secret in plain text: where, never what.
#[derive(Clone, Debug)]
pub struct PlainSecret {
    /// `file:line`.
    pub place: String,
    /// Dotted path of the key.
    pub key: String,
}

/// The database.
#[derive(Clone, Debug, Default)]
pub enum DatabaseFacts {
    /// A file in the home directory.
    #[default]
    Embedded,
    /// PostgreSQL.
    Server {
        /// Host name or socket directory.
        host: String,
        /// Whether the connection stays on this machine.
        local: bool,
        /// Whether TLS with host name verification is used.
        verified_tls: bool,
        /// Rights of the runtime role.
        role: RoleRights,
    },
}

/// What the runtime role of the database may do beside reading and writing rows.
#[derive(Clone, Debug, Default)]
pub struct RoleRights {
    /// Role name.
    pub name: String,
    /// Is superuser.
    pub superuser: bool,
    /// May create databases.
    pub create_database: bool,
    /// May create roles.
    pub create_role: bool,
    /// May create objects in the schema.
    pub create_in_schema: bool,
    /// Owns tables of the product.
    pub owns_tables: bool,
}

/// Administrator accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Administrators {
    /// Nobody has been set up yet.
    pub set_up_pending: bool,
    /// The configured administrator has a name and password that everybody knows.
    pub known_credentials: bool,
}
