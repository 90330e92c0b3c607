//! What an integrator is made with.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, EgressRules, Rng, Secret};
use web::TlsSource;

/// Where artifacts are.
#[derive(Clone, Debug)]
pub enum Tree {
    /// The layout of WSO2's Micro Integrator below this directory: `repository/deployment/server/synapse-configs/default`,
    /// `repository/deployment/server/carbonapps`, `registry`.
    Home(PathBuf),
    /// A developer's folder or file: every `.xml`, `.dbs` and `.car` below it.
    Folder(PathBuf),
}

impl Tree {
    /// Directory of the Carbon applications that are uploaded.
    pub fn applications(&self) -> PathBuf {
        match self {
            Self::Home(home) => home.join("repository/deployment/server/carbonapps"),
            Self::Folder(folder) => folder.clone(),
        }
    }

    /// The directory itself.
    pub fn root(&self) -> &PathBuf {
        match self {
            Self::Home(root) | Self::Folder(root) => root,
        }
    }
}

/// Settings of an integrator.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where artifacts are.
    pub tree: Tree,
    /// Name of this host in addresses that are printed and published.
    pub host_name: String,
    /// Port of the HTTP listener, for addresses; none without one.
    pub http_port: Option<u16>,
    /// Port of the HTTPS listener, for addresses; none without one.
    pub https_port: Option<u16>,
    /// Address that inbound endpoints of kind `http` and `https` listen on.
    pub inbound_address: IpAddr,
    /// Ports that inbound endpoints may listen on; none for every port.
    pub inbound_ports: Option<Vec<u16>>,
    /// Directories that inbound endpoints of kind `file` may read, move and delete in.
    pub file_directories: Vec<PathBuf>,
    /// Databases that artifacts name.
    pub data_sources: Vec<DataSource>,
    /// Bounds.
    pub limits: Limits,
}

/// A database that artifacts name, instead of an address of their own.
#[derive(Clone)]
pub struct DataSource {
    /// Name as artifacts write it: of a Carbon data source, a JDBC address that it takes the place of, or
    /// `SERVICE/CONNECTION` for a connection of a data service.
    pub name: String,
    /// `jdbc:postgresql://host:port/database`, or `jdbc:sqlite:file` in the folder of databases.
    pub url: String,
    /// Role; empty for SQLite.
    pub user: String,
    /// Password of the role.
    pub password: Option<Secret<String>>,
    /// Certificate authority of the server (PEM file); without one the server has to be on this machine (guideline A06).
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSource").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings with every bound at its default.
    pub fn new(tree: Tree) -> Self {
        Self {
            tree,
            host_name: "localhost".to_owned(),
            http_port: None,
            https_port: None,
            inbound_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            inbound_ports: None,
            file_directories: Vec::new(),
            data_sources: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Folder of SQLite databases.
    pub fn databases(&self) -> PathBuf {
        self.tree.root().join("databases")
    }
}

/// Bounds of an integrator.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest body of a request, bytes.
    pub request_body: usize,
    /// Largest body of a backend's answer, bytes.
    pub answer_body: usize,
    /// Bytes of request bodies that are being read or worked on, altogether.
    pub bodies: usize,
    /// Longest pause between two pieces of a request's body.
    pub body_pause: Duration,
    /// How long a request's body may take.
    pub body_time: Duration,
    /// Messages at once; further ones are answered with 503.
    pub exchanges: usize,
    /// How long a client waits for its answer; WSO2's `synapse.global_timeout_interval` is the same 120 s.
    pub exchange_time: Duration,
    /// How long a connection to a backend may take to open.
    pub connect: Duration,
    /// How long a backend's answer may take when its endpoint has no timeout.
    pub answer: Duration,
    /// Idle connections to one backend that are kept.
    pub idle_connections: usize,
    /// How long an idle connection is kept.
    pub idle_time: Duration,
    /// Connections to one backend at once; further messages wait.
    pub backend_connections: usize,
    /// Bytes of answers that the mediator `cache` keeps.
    pub cache: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 32 << 20,
            answer_body: 32 << 20,
            bodies: 256 << 20,
            body_pause: Duration::from_secs(30),
            body_time: Duration::from_secs(300),
            exchanges: 4096,
            exchange_time: Duration::from_secs(120),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(120),
            idle_connections: 64,
            idle_time: Duration::from_secs(30),
            backend_connections: 1024,
            cache: 64 << 20,
        }
    }
}

/// Where secrets come from, for `wso2:vault-lookup('alias')` and `$secret{alias}`.
pub trait SecretSource: Send + Sync {
    /// The secret of an alias.
    fn secret(&self, alias: &str) -> Option<Secret<String>>;
}

/// The value of a variable.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What an integrator needs of its process.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// Variables of the environment that artifacts may read.
    pub environment: Environment,
    /// Which addresses may be called (guideline A23).
    pub egress: EgressRules,
    /// TLS of connections to backends: certificates are verified.
    pub tls: Arc<rustls::ClientConfig>,
    /// TLS of inbound endpoints of kind `https`: the server's own certificate; without it there are none.
    pub server_tls: Option<TlsSource>,
}
