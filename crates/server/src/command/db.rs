//! `portcullis db`

use serde_json::json;
use store::{Migration, SchemaState};

use crate::cli::DbCommand;
use crate::config;
use crate::environment::variable;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{DatabaseRole, Secrets, load_config, open_database, open_keys, read_secret_file, world};
use crate::terminal::Terminal;

/// Holds the owner role's password for `db migrate`.
const OWNER_PASSWORD: &str = "PORTCULLIS_DB_OWNER_PASSWORD";

pub(super) async fn run(home: &Home, command: DbCommand, terminal: Terminal) -> Outcome {
    match command {
        DbCommand::Migrate { url, username, password_file } => {
            let password = match password_file {
                Some(file) => Some(read_secret_file(&file)?),
                None => variable(OWNER_PASSWORD).map(model::Secret::new),
            };
            migrate(home, url, username, password, terminal).await
        }
        DbCommand::Status => status(home, terminal).await,
    }
}

async fn migrate(
    home: &Home,
    url: Option<String>,
    username: Option<String>,
    password: Option<model::Secret<String>>,
    terminal: Terminal,
) -> Outcome {
    let (clock, rng) = world();
    home.prepare()?;
    let mut loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, &loaded.config, &keys);
    let runtime_role = match &loaded.config.database {
        config::Database::Postgres(postgres) => {
            postgres.username.as_ref().map(|source| secrets.text(source)).transpose()?
        }
        config::Database::Sqlite { .. } => None,
    };
    if let Some(url) = url {
        loaded.config.database = database_of(&url)?;
    }
    let role = match username {
        Some(username) => DatabaseRole::Owner { username, password },
        None => DatabaseRole::Runtime,
    };
    let database = open_database(home, &loaded.config, &secrets, role).await?;
    let report = database.migrate(Migration::all(), runtime_role.as_deref(), clock.now()).await?;
    database.close().await;
    terminal.result(&json!({ "applied": report.applied, "version": report.version }), || {
        match report.applied.as_slice() {
            [] => format!("The schema is at version {}; nothing was pending.", report.version),
            applied => format!("The schema is at version {} now. Applied: {}.", report.version, applied.join(", ")),
        }
    });
    Ok(())
}

/// The same parser that reads the configuration reads the URL of the command line.
fn database_of(url: &str) -> Outcome<config::Database> {
    let quoted = toml_edit::Value::from(url);
    let text = format!("[database.apim_db]\ntype = \"postgresql\"\nurl = {quoted}\nusername = \"owner\"\n");
    let loaded = config::load_texts(&[("--url".to_owned(), text)], &variable).map_err(Failure::configuration)?;
    Ok(loaded.config.database)
}

async fn status(home: &Home, terminal: Terminal) -> Outcome {
    let (clock, rng) = world();
    let loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, &loaded.config, &keys);
    let database = open_database(home, &loaded.config, &secrets, DatabaseRole::Runtime).await?;
    let needed = Migration::all().last().map_or(0, |m| m.version);
    let (state, found) = match database.schema_state(Migration::all()).await? {
        SchemaState::Empty => ("empty", 0),
        SchemaState::Current => ("current", needed),
        SchemaState::Older { found, .. } => ("older", found),
        SchemaState::Newer { found, .. } => ("newer", found),
    };
    let kind = if database.is_postgres() { "postgresql" } else { "sqlite" };
    database.close().await;
    terminal.result(&json!({ "database": kind, "state": state, "version": found, "needed": needed }), || {
        let next = match state {
            "current" => "Nothing is pending.",
            "newer" => "Start the newer program that wrote it.",
            _ => "Run `portcullis db migrate`.",
        };
        format!("{kind}: schema version {found}, this program needs {needed}. {next}")
    });
    Ok(())
}
