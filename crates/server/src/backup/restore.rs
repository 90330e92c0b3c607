//! From a backup to a directory, and from there to an installation.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use store::{Database, Migration, SchemaState};
use vault::{KeyDirectory, MasterKeySource};

use super::archive::Locked;
use super::create::text;
use super::damaged;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// What a backup held, unpacked and looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    /// When it was made.
    pub(crate) created: String,
    /// `sqlite` or `postgresql`.
    pub(crate) database: String,
    /// Files of the home.
    pub(crate) files: usize,
    /// Rows of PostgreSQL; of the embedded database the file was checked as a whole.
    pub(crate) rows: usize,
    /// Whether this program can use the schema as it is.
    pub(crate) schema: String,
}

/// Unpacks a backup into an empty directory and looks whether all of it is whole.
///
/// # Errors
/// Names the first thing that is not as it was written.
pub(crate) async fn unpack(path: &Path, master: MasterKeySource, into: &Path) -> Outcome<Restored> {
    let locked = Locked::open(path)?;
    let header = locked.header.clone();
    let keys = into.join("keys");
    let write = |path: &Path, bytes: &[u8]| {
        vault::create_private(path, bytes)
            .map_err(|e| Failure::from_text(Exit::Io, "BAK004", "the backup cannot be unpacked", &e.to_string()))
    };
    private_directory(&keys)?;
    write(&keys.join("keyring.toml"), header.keyring.as_bytes())?;
    let keyring = KeyDirectory::new(&keys).with_master_key(master).open_keyring();
    let keyring = keyring.map_err(|e| crate::installation::keyring_failure(&e))?;
    let mut reader = locked.unlock(&keyring);
    let mut restored = Restored {
        created: header.created.clone(),
        database: header.database.clone(),
        files: 0,
        rows: 0,
        schema: String::new(),
    };
    let broken = |e: std::io::Error| damaged(path, e.to_string());
    while let Some(entry) = reader.next().map_err(broken)? {
        let target = into.join(&entry.name);
        if let Some(folder) = target.parent() {
            private_directory(folder)?;
        }
        let mode = entry.mode & 0o777;
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&target);
        let mut file = opened.map_err(|e| Failure::io(&target, "create", &e))?;
        reader.copy(&entry, &mut file).map_err(broken)?;
        file.sync_all().map_err(|e| Failure::io(&target, "write", &e))?;
        if entry.name.starts_with("home/") {
            restored.files += 1;
        }
    }
    if !into.join("home").join(crate::home::CONFIG_FILE).is_file() {
        return Err(damaged(path, "it holds no configuration"));
    }
    restored.schema = match header.database.as_str() {
        "sqlite" => check_file(path, &into.join("database.sqlite")).await?,
        _ => {
            let all = tables(into)?;
            restored.rows = all.iter().map(|(_, rows)| rows.len()).sum();
            if all.is_empty() {
                return Err(damaged(path, "it holds no tables"));
            }
            let needed = Migration::all().last().map_or(0, |m| m.version);
            if header.schema == needed { "current" } else { "other" }.to_owned()
        }
    };
    Ok(restored)
}

/// Opens the copy of the embedded database: SQLite's own check, and the version of the schema.
async fn check_file(backup: &Path, path: &Path) -> Outcome<String> {
    if !path.is_file() {
        return Err(damaged(backup, "it holds no database"));
    }
    let database = Database::open_sqlite(path).await?;
    let damage = database.damage().await?;
    let state = database.schema_state(Migration::all()).await?;
    database.close().await;
    if let Some(damage) = damage {
        return Err(damaged(backup, format!("its database is not whole: {damage}")));
    }
    match state {
        SchemaState::Current => Ok("current".to_owned()),
        SchemaState::Older { found, .. } => Ok(format!("older: {found}, will be migrated at the start")),
        SchemaState::Newer { found, .. } => {
            Err(damaged(backup, format!("a newer program wrote it (schema version {found})")))
        }
        SchemaState::Empty => Err(damaged(backup, "its database is empty")),
    }
}

/// The rows of PostgreSQL, table by table in the order of the export.
pub(crate) fn tables(unpacked: &Path) -> Outcome<Vec<(String, Vec<String>)>> {
    let folder = unpacked.join("rows");
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let mut all = Vec::new();
    for path in names {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let table = name.split_once('-').map_or(name.clone(), |(_, table)| table.to_owned());
        let rows: Vec<String> = text(&path)?.lines().map(str::to_owned).collect();
        if let Some(row) = rows.iter().find(|row| serde_json::from_str::<serde_json::Value>(row).is_err()) {
            return Err(damaged(&path, format!("a row of {} bytes is not JSON", row.len())));
        }
        all.push((table, rows));
    }
    Ok(all)
}

/// Moves an unpacked backup to where an installation is: the files of the home and the embedded database.
///
/// `home` must be empty or not exist. The database of PostgreSQL is put back by [`Database::import`].
pub(crate) fn put_back(unpacked: &Path, home: &Path, database: &Path) -> Outcome {
    if std::fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(
            Exit::Refused,
            "BAK005",
            format!("{} is not empty", home.display()),
            "a restore never overwrites an installation",
            format!("move it away first: mv {0} {0}.before-restore", home.display()),
        ));
    }
    private_directory(home)?;
    copy_tree(&unpacked.join("home"), home)?;
    let keys = home.join("security");
    private_directory(&keys)?;
    // The keyring of the first line and that of the files are the same unless keys were rotated in between; both open it.
    if !keys.join("keyring.toml").exists() {
        copy(&unpacked.join("keys").join("keyring.toml"), &keys.join("keyring.toml"))?;
    }
    let file = unpacked.join("database.sqlite");
    if file.is_file() {
        if let Some(folder) = database.parent() {
            private_directory(folder)?;
        }
        copy(&file, database)?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Outcome {
    let failed = |e: std::io::Error| Failure::io(from, "read", &e);
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            private_directory(&target)?;
            copy_tree(&path, &target)?;
        } else {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

/// With the permissions of the original.
fn copy(from: &Path, to: &Path) -> Outcome {
    let copied = std::fs::copy(from, to).and_then(|_| std::fs::File::open(to)).and_then(|file| file.sync_all());
    copied.map_err(|e| Failure::io(to, "write", &e))
}

fn private_directory(path: &Path) -> Outcome {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|e| Failure::io(path, "create", &e))
}
