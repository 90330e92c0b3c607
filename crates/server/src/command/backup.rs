//! `portcullis backup`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::backup::{self, Source};
use crate::cli::BackupCommand;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{DatabaseRole, Secrets, load_config, master_key_source, open_database, open_keys, world};
use crate::terminal::{Terminal, table};

pub(super) async fn run(home: &Home, command: BackupCommand, terminal: Terminal) -> Outcome {
    match command {
        BackupCommand::Create => {
            let path = create(home).await?;
            terminal.result(&json!({ "file": path }), || {
                format!(
                    "{}\nOnly the vault's master key opens it: keep a copy of that key somewhere else.",
                    path.display()
                )
            });
            Ok(())
        }
        BackupCommand::List => list(home, terminal),
        BackupCommand::Drill => drill(home, terminal).await,
    }
}

async fn create(home: &Home) -> Outcome<PathBuf> {
    let (clock, rng) = world();
    let loaded = load_config(home, None)?;
    let keys = open_keys(home, &loaded.config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, &loaded.config, &keys);
    let database = open_database(home, &loaded.config, &secrets, DatabaseRole::Runtime).await?;
    let source =
        Source { home, config: &loaded.config, database: &database, keyring: Arc::clone(&keys.keyring), clock, rng };
    let made = backup::create(&source).await;
    database.close().await;
    made
}

fn list(home: &Home, terminal: Terminal) -> Outcome {
    let loaded = load_config(home, None)?;
    let found = backup::list(&backup::directory(home, &loaded.config)?)?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|one| {
            let of = |field: fn(&backup::Header) -> String| {
                one.header.as_ref().map_or_else(|| "not readable".to_owned(), field)
            };
            vec![
                one.path.display().to_string(),
                of(|h| h.created.clone()),
                of(|h| h.database.clone()),
                one.size.to_string(),
            ]
        })
        .collect();
    let data: Vec<_> = found
        .iter()
        .map(|one| {
            let header = one.header.as_ref();
            json!({
                "file": one.path, "created": header.map(|h| &h.created), "database": header.map(|h| &h.database),
                "schema": header.map(|h| h.schema), "program": header.map(|h| &h.program), "bytes": one.size,
            })
        })
        .collect();
    terminal.result(&json!(data), || match rows.as_slice() {
        [] => format!("There is no backup yet. Make one: {}", home.command("backup create")),
        rows => table(&["file", "created", "database", "bytes"], rows),
    });
    Ok(())
}

/// A backup that was never restored is a hope: this one is, as far as a scratch directory goes.
async fn drill(home: &Home, terminal: Terminal) -> Outcome {
    let (clock, rng) = world();
    let path = create(home).await?;
    let loaded = load_config(home, None)?;
    let scratch = Scratch::make(&home.root().join("data"), rng.as_ref())?;
    let restored = backup::unpack(&path, master_key_source(home, &loaded.config)?, scratch.path()).await;
    backup::remember_drill(home, clock.now(), &path, restored.is_ok())?;
    let restored = restored?;
    terminal.result(&json!({ "file": path, "restored": restored }), || {
        format!(
            "{} can be restored: {} files, {}, schema {}.",
            path.display(),
            restored.files,
            contents(&restored),
            restored.schema
        )
    });
    Ok(())
}

/// What a restored backup held of the database.
pub(super) fn contents(restored: &backup::Restored) -> String {
    match restored.database.as_str() {
        "sqlite" => "the embedded database, whole".to_owned(),
        _ => format!("{} rows of PostgreSQL", restored.rows),
    }
}

/// A directory that is deleted with everything in it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one that nobody else can enter.
    pub(super) fn make(below: &Path, rng: &dyn model::Rng) -> Outcome<Self> {
        let path = below.join(format!("restore-{}", rng.uuid()));
        vault::ensure_private_directory(&path).map_err(|e| {
            Failure::from_text(
                crate::exit::Exit::Io,
                "BAK006",
                "there is no place to unpack the backup",
                &e.to_string(),
            )
        })?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
