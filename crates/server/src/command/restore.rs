//! `portcullis restore`

use std::path::{Path, PathBuf};

use serde_json::json;
use store::Migration;
use vault::MasterKeySource;

use super::backup::{Scratch, contents};
use crate::backup::{self, Restored};
use crate::cli::RestoreArguments;
use crate::config;
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{
    DatabaseRole, Secrets, load_config, master_key_source, open_database, open_keys, read_secret_file, world,
};
use crate::terminal::Terminal;

/// Holds the owner role's password.
const OWNER_PASSWORD: &str = "PORTCULLIS_DB_OWNER_PASSWORD";

pub(super) async fn run(home: &Home, arguments: RestoreArguments, terminal: Terminal) -> Outcome {
    let (_, rng) = world();
    let master = master(home, &arguments)?;
    let scratch = Scratch::make(&scratch_place(home, arguments.verify), rng.as_ref())?;
    let restored = backup::unpack(&arguments.file, master, scratch.path()).await?;
    if !arguments.verify {
        put_back(home, &arguments, &scratch, &restored).await?;
    }
    let what = contents(&restored);
    let verdict = if arguments.verify {
        format!(
            "{} can be restored: {} files, {what}, schema {}.",
            arguments.file.display(),
            restored.files,
            restored.schema
        )
    } else {
        format!(
            "{} holds what was saved on {}: {} files, {what}. Start it: {}",
            home.root().display(),
            restored.created,
            restored.files,
            home.command("serve")
        )
    };
    terminal.result(&json!({ "verified": true, "restored": !arguments.verify, "backup": restored }), || verdict);
    Ok(())
}

/// On the same file system as the home where something is moved there; else where temporary files go.
fn scratch_place(home: &Home, verify: bool) -> PathBuf {
    match home.root().parent() {
        Some(parent) if !verify && parent.is_dir() => parent.to_path_buf(),
        _ => std::env::temp_dir(),
    }
}

fn master(home: &Home, arguments: &RestoreArguments) -> Outcome<MasterKeySource> {
    if let Some(file) = &arguments.master_key_file {
        return Ok(MasterKeySource::File(file.clone()));
    }
    if let Some(file) = &arguments.passphrase_file {
        return Ok(MasterKeySource::Passphrase(read_secret_file(file)?));
    }
    if home.is_initialised() {
        return master_key_source(home, &load_config(home, None)?.config);
    }
    Err(Failure::usage(
        "a backup is opened by the master key of the vault, and there is no installation here to take it from",
        "name it: --master-key-file FILE, or --passphrase-file FILE",
    ))
}

async fn put_back(home: &Home, arguments: &RestoreArguments, scratch: &Scratch, restored: &Restored) -> Outcome {
    if home.is_served() {
        return Err(Failure::new(
            Exit::Occupied,
            "BAK007",
            format!("{} is being served", home.root().display()),
            "a restore needs the installation to itself",
            "stop the server first",
        ));
    }
    let unpacked = scratch.path();
    let embedded = unpacked.join("home").join(crate::home::CONFIG_FILE);
    let text = std::fs::read_to_string(&embedded).map_err(|e| Failure::io(&embedded, "read", &e))?;
    let texts = [(crate::home::CONFIG_FILE.to_owned(), text)];
    let config = config::load_texts(&texts, &variable).map_err(Failure::configuration)?.config;
    let database = match &config.database {
        config::Database::Sqlite { path: Some(path) } => home.root().join(path),
        _ => home.database_file(),
    };
    if matches!(config.database, config::Database::Postgres(_)) && arguments.username.is_none() {
        return Err(Failure::usage(
            "rows are put back into PostgreSQL by the owner role, after `portcullis db migrate`",
            "add --username ROLE and --password-file FILE",
        ));
    }
    backup::put_back(unpacked, home.root(), &database)?;
    keep_master(home, arguments, &config)?;
    home.prepare()?;
    if restored.database == "postgresql" {
        rows(home, arguments, unpacked, &config).await?;
    }
    Ok(())
}

/// The restored installation finds its master key where its configuration looks for it.
fn keep_master(home: &Home, arguments: &RestoreArguments, config: &config::Config) -> Outcome {
    let (Some(file), config::VaultKey::File(None)) = (&arguments.master_key_file, &config.vault) else { return Ok(()) };
    let failed = |e: vault::PrivateFileError| {
        Failure::from_text(Exit::Vault, "BAK008", "the master key cannot be put into the installation", &e.to_string())
    };
    let key = vault::read_private(file, 4096).map_err(failed)?;
    vault::write_private(&home.security().join("master.key"), key.expose()).map_err(failed)
}

async fn rows(home: &Home, arguments: &RestoreArguments, unpacked: &Path, config: &config::Config) -> Outcome {
    let (clock, rng) = world();
    let keys = open_keys(home, config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, config, &keys);
    let password = match &arguments.password_file {
        Some(file) => Some(read_secret_file(file)?),
        None => variable(OWNER_PASSWORD).map(model::Secret::new),
    };
    let username = arguments.username.clone().unwrap_or_default();
    let role = DatabaseRole::Owner { username, password };
    let database = open_database(home, config, &secrets, role).await?;
    let needed = Migration::all().last().map_or(0, |m| m.version);
    database.schema_state(Migration::all()).await?.require_current(needed)?;
    let imported = database.import(&backup::tables(unpacked)?).await;
    database.close().await;
    Ok(imported?)
}
