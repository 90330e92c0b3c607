//! Making a backup.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Clock, Rng};
use store::{Database, Migration};
use vault::Keyring;

use super::archive::{FORMAT, Header, Writer};
use super::{PREFIX, SUFFIX, directory};
use crate::config::{self, Config};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::master_key_file;

/// Most files of the home that are taken beside the database.
const MAX_FILES: usize = 10_000;

/// Largest of them in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Directories of the home that are left out: they are made again, or hold only what has happened.
const LEFT_OUT: &[&str] = &["logs", "run"];

/// What a backup is made of.
pub(crate) struct Source<'a> {
    /// The home.
    pub(crate) home: &'a Home,
    /// Its configuration.
    pub(crate) config: &'a Config,
    /// Its database, open.
    pub(crate) database: &'a Database,
    /// The keys that seal.
    pub(crate) keyring: Arc<Keyring>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) rng: Arc<dyn Rng>,
}

/// Makes a backup; answers the file. Blocks while it writes, so call it where that is allowed.
///
/// # Errors
/// Nothing is left behind of a backup that could not be finished.
pub(crate) async fn create(source: &Source<'_>) -> Outcome<PathBuf> {
    let now = source.clock.now();
    let folder = directory(source.home, source.config)?;
    let stamp: String = now.rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let path = folder.join(format!("{PREFIX}{stamp}{SUFFIX}"));
    let unfinished = Unfinished(folder.join(format!("{PREFIX}{stamp}.part")));
    let file = private(&unfinished.0)?;
    let keyring_path = source.home.security().join("keyring.toml");
    let header = Header {
        format: FORMAT.to_owned(),
        id: source.rng.uuid().to_string(),
        created: now.rfc3339(),
        created_ms: now.millis(),
        database: if source.database.is_postgres() { "postgresql" } else { "sqlite" }.to_owned(),
        schema: Migration::all().last().map_or(0, |m| m.version),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        keyring: std::fs::read_to_string(&keyring_path).map_err(|e| Failure::io(&keyring_path, "read", &e))?,
    };
    let failed = |e: std::io::Error| Failure::io(&unfinished.0, "write", &e);
    let mut writer = Writer::begin(file, &header, &source.keyring, source.rng.as_ref()).map_err(failed)?;
    if source.database.is_postgres() {
        rows(source, &plain(source.home)?, &stamp, &mut writer).await?;
    } else {
        let copy = Unfinished(plain(source.home)?.join(format!("{PREFIX}{stamp}.db.part")));
        // SQLite fills an empty file that is there, so the mode is right from the first byte.
        private(&copy.0)?;
        source.database.copy_to(&copy.0).await?;
        add(&mut writer, "database.sqlite", &copy.0)?;
    }
    for (name, path) in files(source, &folder)? {
        add(&mut writer, &format!("home/{name}"), &path)?;
    }
    writer.finish().map_err(failed)?;
    std::fs::rename(&unfinished.0, &path).map_err(|e| Failure::io(&path, "rename", &e))?;
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.map_err(|e| Failure::io(&folder, "write", &e))?;
    Ok(path)
}

/// Where plain copies wait to be sealed: beside the server's own run-time files, never in the folder that people copy
/// elsewhere. What a process that was killed has left there goes with the next backup.
fn plain(home: &Home) -> Outcome<PathBuf> {
    let folder = home.root().join("run").join("backup");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| Failure::io(&folder, "empty", &e))?;
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|e| Failure::io(&folder, "create", &e))?;
    Ok(folder)
}

/// A file that is deleted unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn private(path: &Path) -> Outcome<File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|e| Failure::io(path, "create", &e))
}

fn add(writer: &mut Writer<'_>, name: &str, path: &Path) -> Outcome {
    let read = |e: std::io::Error| Failure::io(path, "read", &e);
    let mut file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    let mode = metadata.permissions().mode() & 0o777;
    // A file that is being replaced has one length here and another below; what was opened is what is copied.
    writer.entry(name, mode, metadata.len(), &mut file).map_err(|e| Failure::io(path, "back up", &e))
}

/// The tables of PostgreSQL: an entry each, a row to a line. The rows of a table wait in a file, because an entry begins
/// with its length.
async fn rows(source: &Source<'_>, folder: &Path, stamp: &str, writer: &mut Writer<'_>) -> Outcome {
    let mut open: BTreeMap<usize, (String, Unfinished, File)> = BTreeMap::new();
    let mut failure = None;
    let mut sink = |table: &str, batch: Vec<String>| {
        let next = open.len();
        if open.last_key_value().is_none_or(|(_, (name, ..))| name != table) {
            let path = folder.join(format!("{PREFIX}{stamp}.{next}.part"));
            match private(&path) {
                Ok(file) => open.insert(next, (table.to_owned(), Unfinished(path), file)),
                Err(error) => {
                    failure = Some(error);
                    return Err("the rows cannot be written".to_owned());
                }
            };
        }
        let Some(mut entry) = open.last_entry() else { return Err("no file for the rows".to_owned()) };
        batch.iter().try_for_each(|row| writeln!(entry.get_mut().2, "{row}")).map_err(|e| e.to_string())
    };
    let exported = source.database.export(&mut sink).await;
    if let Some(failure) = failure {
        return Err(failure);
    }
    exported?;
    for (index, (table, path, _)) in &open {
        add(writer, &format!("rows/{index:04}-{table}"), &path.0)?;
    }
    Ok(())
}

/// Files of the home beside the database and the master key, by their names below it.
fn files(source: &Source<'_>, backups: &Path) -> Outcome<BTreeMap<String, PathBuf>> {
    let root = source.home.root();
    let database = match &source.config.database {
        config::Database::Sqlite { path: Some(path) } => root.join(path),
        _ => source.home.database_file(),
    };
    // The key that opens the backup is not put inside: whoever has the file would have everything.
    let master = master_key_file(source.home, source.config);
    let skipped = |path: &Path| {
        path == backups
            || master.as_deref() == Some(path)
            || path.to_string_lossy().starts_with(&*database.to_string_lossy())
            || LEFT_OUT.iter().any(|name| path == root.join(name))
    };
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let failed = |e: std::io::Error| Failure::io(&folder, "read", &e);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Links are not followed: what they lead to is not ours.
            let metadata = std::fs::symlink_metadata(&path).map_err(|e| Failure::io(&path, "look at", &e))?;
            let Ok(name) = path.strip_prefix(root) else { continue };
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if skipped(&path) || hidden || metadata.len() > MAX_FILE {
                continue;
            }
            if metadata.is_dir() {
                waiting.push(path);
            } else if metadata.is_file() {
                found.insert(name.to_string_lossy().into_owned(), path.clone());
            }
        }
        if found.len() > MAX_FILES {
            return Err(Failure::usage(
                format!("{} holds more than {MAX_FILES} files", root.display()),
                "move what does not belong to the installation out of its home",
            ));
        }
    }
    Ok(found)
}

/// Reads a text file with a cap; for rows that are read back.
pub(super) fn text(path: &Path) -> Outcome<String> {
    let mut text = String::new();
    let opened = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    opened.map_err(|e| Failure::io(path, "read", &e))?;
    Ok(text)
}
