//! `portcullis harden`: files that harden the machine around this installation, made from its actual configuration.

mod container;
mod firewall;
mod profile;
mod unit;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Hardening;
use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::load_config;
use crate::terminal::Terminal;

/// Where the program is when it was not started from an installed place.
const INSTALLED: &str = "/usr/bin/portcullis";

pub(super) fn run(home: &Home, what: Hardening, terminal: Terminal) -> Outcome {
    let loaded = load_config(home, None)?;
    let facts = Facts::of(home, &loaded.config)?;
    let (file, text) = match what {
        Hardening::Systemd => ("/etc/systemd/system/portcullis.service", unit::text(&facts)),
        Hardening::Nftables => ("/etc/nftables.d/portcullis.nft", firewall::text(&facts)),
        Hardening::Container => ("Containerfile", container::image(&facts)),
        Hardening::Kubernetes => ("portcullis.yaml", container::manifests(&facts)),
        Hardening::Apparmor => ("/etc/apparmor.d/portcullis", profile::text(&facts)),
    };
    terminal.result(&json!({ "file": file, "text": text }), || text.clone());
    Ok(())
}

/// What the files are made of.
#[derive(Clone, Debug)]
struct Facts {
    /// The home, absolute.
    home: PathBuf,
    /// The program.
    program: PathBuf,
    /// The account that the server runs as.
    user: String,
    /// Listeners by section.
    listeners: Vec<(&'static str, SocketAddr)>,
    /// Directories outside the home that are written.
    written: Vec<PathBuf>,
    /// Files outside the home that are read.
    read: Vec<PathBuf>,
    /// Port of PostgreSQL, unless it is reached over a socket or not used.
    database: Option<(String, u16)>,
    /// Name of the systemd credential with the master key.
    credential: Option<String>,
}

impl Facts {
    fn of(home: &Home, config: &Config) -> Outcome<Self> {
        let root = std::path::absolute(home.root()).map_err(|e| Failure::io(home.root(), "find", &e))?;
        let outside = |path: &Path| {
            let path = root.join(path);
            (!path.starts_with(&root)).then_some(path)
        };
        let mut written = Vec::new();
        let mut read = Vec::new();
        written.extend(outside(&config.backup.directory));
        if let Some(file) = &config.logging.file {
            written.extend(outside(file).and_then(|f| f.parent().map(Path::to_path_buf)));
        }
        let database = match &config.database {
            config::Database::Sqlite { path } => {
                let folder = path.as_ref().and_then(|p| outside(p)).and_then(|p| p.parent().map(Path::to_path_buf));
                written.extend(folder);
                None
            }
            config::Database::Postgres(postgres) => match &postgres.host {
                config::PostgresHost::Tcp(host, port) => Some((host.to_string(), *port)),
                config::PostgresHost::Socket(..) => None,
            },
        };
        if let Some(truststore) = &config.truststore {
            read.extend(outside(&truststore.path));
        }
        let credential = match &config.vault {
            config::VaultKey::Systemd(name) => Some(name.clone()),
            config::VaultKey::File(Some(path)) => {
                read.extend(outside(path));
                None
            }
            _ => None,
        };
        let installed = |path: &PathBuf| ["/usr", "/opt"].iter().any(|place| path.starts_with(place));
        Ok(Self {
            home: root,
            program: std::env::current_exe().ok().filter(installed).unwrap_or_else(|| PathBuf::from(INSTALLED)),
            user: config.process.user.clone().unwrap_or_else(|| "portcullis".to_owned()),
            listeners: config.listeners.all().collect(),
            written,
            read,
            database,
            credential,
        })
    }

    /// Listeners that other machines can reach.
    fn exposed(&self) -> impl Iterator<Item = &(&'static str, SocketAddr)> {
        self.listeners.iter().filter(|(_, address)| !address.ip().to_canonical().is_loopback())
    }

    /// Whether a port needs the right to bind below 1024.
    fn low_port(&self) -> bool {
        self.listeners.iter().any(|(_, address)| address.port() < 1024)
    }
}

#[cfg(test)]
mod tests;
