//! What the server keeps when it locks itself in, worked out from its configuration.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::integrator::lay_out;
use crate::backup;
use crate::command::initialise;
use crate::config::{self, Config, Effective, Loaded};
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::load_config;
use crate::sandbox::{self, Account, Confinement, Plan, SandboxError};

/// Directories that are never opened as a whole because a configured file lies in them.
const SHARED: &[&str] = &["/", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/var", "/var/lib"];

/// Makes the home if there is none, and locks the process in. Call it before the first thread starts.
///
/// `more` are ports before the offset of listeners that are not in the configuration.
pub(crate) fn enter(home: &Home, overlay: Option<&Path>, more: &[u16]) -> Outcome<Confinement> {
    if !home.is_initialised() {
        make(home)?;
    }
    let loaded = load_config(home, overlay)?;
    let mut ports: Vec<u16> = loaded.config.listeners.all().map(|(_, address)| address.port()).collect();
    if loaded.config.integrator.enable {
        ports.extend(loaded.config.integrator.inbound_ports.as_slice().iter().map(|port| port.get()));
    }
    ports.extend(more.iter().map(|port| port.saturating_add(loaded.config.server.offset)));
    let account = account(&loaded.config)?;
    if let Some(account) = &account {
        owned_by(home, account)?;
    }
    // What is made from now on belongs to the user that will need it.
    let capabilities = sandbox::step_down(account.as_ref(), &ports).map_err(|e| failure(&e))?;
    home.prepare()?;
    if loaded.config.integrator.enable {
        lay_out(&home.root().join(&loaded.config.integrator.directory))?;
    }
    let backups = backup::directory(home, &loaded.config)?;
    let mut plan = plan(home, &loaded, overlay);
    plan.write.push(backups);
    plan.ports = ports;
    sandbox::enter(&plan, capabilities).map_err(|e| failure(&e))
}

/// Makes the home if there is none.
pub(crate) fn make(home: &Home) -> Outcome {
    if !home.is_initialised() {
        initialise(home)?;
    }
    home.prepare()
}

fn plan(home: &Home, loaded: &Loaded, overlay: Option<&Path>) -> Plan {
    let config = &loaded.config;
    let root = home.root();
    let mut plan = Plan::default();
    plan.read.push(root.to_path_buf());
    plan.read.extend(overlay.map(Path::to_path_buf));
    plan.read.extend(variable("CREDENTIALS_DIRECTORY").map(PathBuf::from));
    plan.write.extend(["security", "data", "run", "logs", "audit"].map(|name| root.join(name)));
    if let config::Database::Sqlite { path: Some(path) } = &config.database {
        plan.write.extend(root.join(path).parent().map(Path::to_path_buf));
    }
    if config.integrator.enable {
        // Applications are uploaded to it, and messages of stores are kept in it.
        plan.write.push(root.join(&config.integrator.directory));
        plan.write.extend(config.integrator.file_directories.as_slice().iter().cloned());
    }
    if let Some(file) = &config.logging.file {
        plan.write.extend(root.join(file).parent().map(Path::to_path_buf));
    }
    if let config::Database::Postgres(postgres) = &config.database
        && let config::PostgresTls::VerifyFull { root: Some(authority) } = &postgres.tls
    {
        // Stands inside a URL, where it is not seen as the name of a file.
        plan.read.push(replaceable(root.join(authority)));
    }
    for path in loaded.effective.iter().flat_map(|setting| named_files(setting, root)) {
        // To write in a directory of the configuration, name it above: reading is what most need.
        plan.read.push(if path.is_dir() { path } else { replaceable(path) });
    }
    plan
}

/// Existing files and directories outside the home that a setting names, itself, as `$file{..}`, or in a list.
fn named_files(setting: &Effective, root: &Path) -> Vec<PathBuf> {
    let texts = setting
        .value
        .split('"')
        .map(|text| text.strip_prefix("$file{").and_then(|rest| rest.strip_suffix('}')).unwrap_or(text));
    let named = texts.filter(|text| text.contains(['/', '.']) && !text.contains(['\n', '\0']));
    let paths = named.map(|text| root.join(text));
    let home = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    // A link and what it leads to: renewed certificates are often a link that is changed.
    let both = paths.filter_map(|path| Some([path.canonicalize().ok()?, std::path::absolute(path).ok()?])).flatten();
    let shared = |path: &PathBuf| SHARED.iter().any(|shared| path == Path::new(shared));
    both.filter(|path| path.exists() && !path.starts_with(&home) && !shared(path)).collect()
}

/// Files are replaced by renaming, and a rule holds for the file that is there now: the directory is what is opened.
fn replaceable(file: PathBuf) -> PathBuf {
    match file.parent() {
        Some(parent) if !SHARED.iter().any(|shared| parent == Path::new(shared)) => parent.to_path_buf(),
        _ => file,
    }
}

fn account(config: &Config) -> Outcome<Option<Account>> {
    let Some(name) = &config.process.user else { return Ok(None) };
    let path = Path::new("/etc/passwd");
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io(path, "read", &e))?;
    let account = Account::find(name, &text);
    account.map(Some).ok_or_else(|| {
        Failure::new(
            Exit::Configuration,
            "PRC001",
            format!("there is no user {name}"),
            "[process] user names the account that the server becomes",
            format!("useradd --system --no-create-home --shell /usr/sbin/nologin {name}"),
        )
    })
}

/// A server that gives up root must own its home, or it could not write a line.
fn owned_by(home: &Home, account: &Account) -> Outcome {
    use std::os::unix::fs::MetadataExt as _;
    if !geteuid().is_root() || account.uid == 0 {
        return Ok(());
    }
    let parts = ["security", "data", "logs", "run", "audit"].map(|name| home.root().join(name)).into_iter();
    let present = parts.filter(|path| path.exists());
    for path in [home.root().to_path_buf(), home.config_file()].into_iter().chain(present) {
        let owner = std::fs::metadata(&path).map_err(|e| Failure::io(&path, "look at", &e))?.uid();
        if owner != account.uid {
            return Err(Failure::new(
                Exit::Io,
                "PRC002",
                format!(
                    "{} belongs to uid {owner}, and the server is about to become {}",
                    path.display(),
                    account.name
                ),
                "[process] user is set, and that user could not write its own home",
                format!("chown -R {}: {}", account.name, home.root().display()),
            ));
        }
    }
    Ok(())
}

fn failure(error: &SandboxError) -> Failure {
    Failure::from_text(Exit::Refused, "O01.51", "the server cannot lock itself in", &error.to_string())
}
