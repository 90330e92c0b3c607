//! An installation opened: configuration read, keys at hand, secrets resolvable, database connected.
//!
//! The steps are separate, because commands need different ones; each says what to do when it fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Clock, Rng, Secret};
use store::{Database, Migration, PostgresSettings, SchemaState};
use vault::{
    KeyDirectory, KeyDirectoryError, KeyMaterial, KeyringError, MasterKeySource, SecretSource as _, SecretTable,
};

use crate::clock::SystemClock;
use crate::config::{self, Config, Loaded, PostgresHost, PostgresTls, SecretRef, TextSource, VaultKey};
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;

/// Reads the configuration of a home, with an optional overlay.
pub(crate) fn load_config(home: &Home, overlay: Option<&Path>) -> Outcome<Loaded> {
    home.require_initialised()?;
    config::load(&home.config_file(), overlay, &variable).map_err(Failure::configuration)
}

/// The clock and the generator of the process.
pub(crate) fn world() -> (Arc<dyn Clock>, Arc<dyn Rng>) {
    (Arc::new(SystemClock), Arc::new(vault::SystemRng))
}

/// The directory of keys, with the master key from where the configuration says.
pub(crate) fn key_directory(home: &Home, config: &Config) -> Outcome<KeyDirectory> {
    if let Some(present) = master_key_file(home, config) {
        finish_master_change(home, &present)?;
    }
    let directory = KeyDirectory::new(home.security());
    Ok(match &config.vault {
        // The directory makes this one at the first start.
        VaultKey::File(None) => directory,
        _ => directory.with_master_key(master_key_source(home, config)?),
    })
}

/// Where the configuration says that the master key is.
pub(crate) fn master_key_source(home: &Home, config: &Config) -> Outcome<MasterKeySource> {
    let lost = |what: String, fix: &str| Failure::new(Exit::Vault, "VLT001", what, "the vault's key is not there", fix);
    Ok(match &config.vault {
        VaultKey::File(None) => MasterKeySource::File(home.security().join("master.key")),
        VaultKey::File(Some(path)) => MasterKeySource::File(home.root().join(path)),
        VaultKey::Env(name) => {
            MasterKeySource::Value(Secret::new(variable(name).ok_or_else(|| {
                lost(format!("the environment variable {name} is not set"), "set it before the start")
            })?))
        }
        VaultKey::Systemd(name) => MasterKeySource::SystemdCredential {
            directory: PathBuf::from(variable("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                lost(
                    "systemd passed no credentials".into(),
                    "add LoadCredential= to the unit and start it by systemctl",
                )
            })?),
            name: name.clone(),
        },
        VaultKey::Passphrase(place) => MasterKeySource::Passphrase(plain_reference(home, place)?),
    })
}

/// The file of the master key, when it is in one.
pub(crate) fn master_key_file(home: &Home, config: &Config) -> Option<PathBuf> {
    match &config.vault {
        VaultKey::File(None) => Some(home.security().join("master.key")),
        VaultKey::File(Some(path)) => Some(home.root().join(path)),
        VaultKey::Env(_) | VaultKey::Systemd(_) | VaultKey::Passphrase(_) => None,
    }
}

/// Where a new master key waits until the keyring is locked with it.
pub(crate) fn next_master_key(present: &Path) -> PathBuf {
    let mut name = present.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

/// Puts a new master key into its place when the change was interrupted after the keyring had been locked with it.
/// One that the keyring does not need yet is left alone: its change may be under way.
pub(crate) fn finish_master_change(home: &Home, present: &Path) -> Outcome {
    let next = next_master_key(present);
    if !next.exists() {
        return Ok(());
    }
    let directory = KeyDirectory::new(home.security()).with_master_key(MasterKeySource::File(next.clone()));
    if directory.open_keyring().is_err() {
        return Ok(());
    }
    match std::fs::rename(&next, present) {
        // Another process was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io(&next, "rename", &error)),
        Ok(()) => {
            let folder = present.parent().unwrap_or(present);
            let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|e| Failure::io(folder, "write", &e))
        }
    }
}

/// Names for the generated certificate: the configured host name, this machine's loopback names and addresses, and the
/// addresses of exposed listeners.
pub(crate) fn certificate_names(config: &Config) -> Vec<String> {
    let mut names = vec![config.server.hostname.as_str().to_owned()];
    let mut add = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for name in ["localhost", "127.0.0.1", "::1"] {
        add(name.to_owned());
    }
    for (_, address) in config.listeners.all() {
        if !address.ip().is_unspecified() {
            add(address.ip().to_string());
        }
    }
    names
}

/// Reads the keys of an installation, making those that are missing.
pub(crate) fn open_keys(home: &Home, config: &Config, clock: &dyn Clock, rng: &dyn Rng) -> Outcome<KeyMaterial> {
    let directory = key_directory(home, config)?;
    directory.open_or_create(&certificate_names(config), clock, rng).map_err(|e| key_failure(&e))
}

/// A key directory's fault as the operator reads it.
pub(crate) fn key_failure(error: &KeyDirectoryError) -> Failure {
    Failure::from_error(Exit::Vault, "VLT002", "the keys of this installation cannot be used", error)
}

/// A keyring's fault as the operator reads it.
pub(crate) fn keyring_failure(error: &KeyringError) -> Failure {
    Failure::from_error(Exit::Vault, "VLT003", "the vault cannot be opened", error)
}

/// Resolves references to secrets.
pub(crate) struct Secrets {
    home: Home,
    table: SecretTable,
}

impl Secrets {
    /// Over the sealed values of the configuration.
    pub(crate) fn new(home: &Home, config: &Config, keys: &KeyMaterial) -> Self {
        let sealed = config.secrets.iter().map(|(alias, text)| (alias.clone(), text.clone()));
        Self { home: home.clone(), table: SecretTable::new(sealed, Arc::clone(&keys.keyring)) }
    }

    /// Over the sealed values of the configuration and a keyring that is open already.
    pub(crate) fn over(home: &Home, config: &Config, keyring: Arc<vault::Keyring>) -> Self {
        let sealed = config.secrets.iter().map(|(alias, text)| (alias.clone(), text.clone()));
        Self { home: home.clone(), table: SecretTable::new(sealed, keyring) }
    }

    /// The value of a reference.
    pub(crate) fn resolve(&self, place: &SecretRef) -> Outcome<Secret<String>> {
        match place {
            SecretRef::Vault(alias) => self
                .table
                .resolve(alias)
                .map_err(|e| Failure::from_text(Exit::Vault, "VLT004", "a secret cannot be opened", &e.to_string())),
            other => plain_reference(&self.home, other),
        }
    }

    /// A text that may be a reference.
    pub(crate) fn text(&self, source: &TextSource) -> Outcome<String> {
        match source {
            TextSource::Plain(text) => Ok(text.clone()),
            TextSource::Secret(place) => Ok(self.resolve(place)?.expose().clone()),
        }
    }
}

/// A reference that needs no vault.
fn plain_reference(home: &Home, place: &SecretRef) -> Outcome<Secret<String>> {
    match place {
        SecretRef::Env(name) => variable(name).map(Secret::new).ok_or_else(|| {
            Failure::new(Exit::Vault, "VLT005", format!("the environment variable {name} is not set"), "", "set it")
        }),
        SecretRef::File(path) => read_secret_file(&home.root().join(path)),
        SecretRef::Vault(alias) => Err(Failure::internal(format!("$secret{{{alias}}} cannot unlock the vault itself"))),
    }
}

/// A secret in a file of its own: closed to others, without its last line end.
pub(crate) fn read_secret_file(path: &Path) -> Outcome<Secret<String>> {
    const CAP: u64 = 64 * 1024;
    let bytes = vault::read_private(path, CAP)
        .map_err(|e| Failure::from_text(Exit::Vault, "VLT006", "a secret cannot be read", &e.to_string()))?;
    let text = String::from_utf8(bytes.expose().clone())
        .map_err(|_| Failure::new(Exit::Vault, "VLT007", format!("{} is not text", path.display()), "", ""))?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Which role connects to PostgreSQL.
pub(crate) enum DatabaseRole {
    /// The server's own, from the configuration.
    Runtime,
    /// The owner, for migrations.
    Owner {
        /// Role name.
        username: String,
        /// Password, unless the server trusts the socket's peer.
        password: Option<Secret<String>>,
    },
}

/// Connects to the configured database.
pub(crate) async fn open_database(
    home: &Home,
    config: &Config,
    secrets: &Secrets,
    role: DatabaseRole,
) -> Outcome<Database> {
    match &config.database {
        config::Database::Sqlite { path } => {
            let path = path.as_ref().map_or_else(|| home.database_file(), |p| home.root().join(p));
            let database = Database::open_sqlite(&path).await?;
            restrict(&path)?;
            Ok(database)
        }
        config::Database::Postgres(postgres) => {
            let (host, port) = match &postgres.host {
                PostgresHost::Tcp(host, port) => (host.as_str().to_owned(), *port),
                PostgresHost::Socket(directory, port) => (directory.display().to_string(), *port),
            };
            let (username, password) = match role {
                DatabaseRole::Owner { username, password } => (username, password),
                DatabaseRole::Runtime => {
                    let name = match &postgres.username {
                        Some(source) => secrets.text(source)?,
                        None => rustix_user(),
                    };
                    let password = postgres.password.as_ref().map(|place| secrets.resolve(place)).transpose()?;
                    (name, password)
                }
            };
            let ca_file = match &postgres.tls {
                PostgresTls::VerifyFull { root: Some(root) } => Some(home.root().join(root)),
                PostgresTls::VerifyFull { root: None } => config.truststore.as_ref().map(|t| home.root().join(&t.path)),
                PostgresTls::Local => None,
            };
            let settings = PostgresSettings {
                host,
                port,
                database: postgres.database.clone(),
                username,
                password,
                ca_file,
                max_connections: postgres.max_connections,
                acquire_timeout: postgres.acquire_timeout,
            };
            Ok(Database::connect_postgres(&settings).await?)
        }
    }
}

/// The name of the operating system's user, for peer authentication.
fn rustix_user() -> String {
    variable("USER").unwrap_or_else(|| "portcullis".to_owned())
}

/// The embedded database's files are for the service's user only.
fn restrict(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let set = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    set.map_err(|e| Failure::io(path, "restrict", &e))
}

/// Migrates the embedded database; PostgreSQL must have been migrated by its owner (guideline A07).
pub(crate) async fn ensure_schema(database: &Database, clock: &dyn Clock) -> Outcome {
    let migrations = Migration::all();
    if database.is_postgres() {
        let needed = migrations.last().map_or(0, |m| m.version);
        database.schema_state(migrations).await?.require_current(needed)?;
    } else if database.schema_state(migrations).await? != SchemaState::Current {
        database.migrate(migrations, None, clock.now()).await?;
    }
    Ok(())
}
