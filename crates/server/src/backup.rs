//! Backups: database, keys and configuration in one sealed file, made while the server runs (guideline O09).
//!
//! `archive` is the format, `create` fills one, `restore` reads it back. Only the master key of the vault opens a
//! backup; it is never inside, so keep a copy of it apart from the backups.

mod archive;
mod create;
mod restore;

use std::path::{Path, PathBuf};

use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;

pub(crate) use archive::Header;
pub(crate) use create::{Source, create};
pub(crate) use restore::{Restored, put_back, tables, unpack};

/// End of the name of a whole backup.
const SUFFIX: &str = ".backup";

/// Beginning of its name.
const PREFIX: &str = "portcullis-";

/// Where backups of a home go; made when it is not there.
pub(crate) fn directory(home: &Home, config: &Config) -> Outcome<PathBuf> {
    let path = home.root().join(&config.backup.directory);
    vault::ensure_private_directory(&path)
        .map_err(|e| Failure::from_text(Exit::Io, "BAK001", "the backup directory cannot be used", &e.to_string()))?;
    Ok(path)
}

/// A backup file, as its first line describes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    /// The file.
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
    /// What it says of itself; `None` when it is no backup of ours.
    pub(crate) header: Option<Header>,
}

/// The backups of a directory, oldest first.
pub(crate) fn list(directory: &Path) -> Outcome<Vec<Listed>> {
    let failed = |e: std::io::Error| Failure::io(directory, "read", &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) || !name.ends_with(SUFFIX) {
            continue;
        }
        let size = entry.metadata().map_err(failed)?.len();
        let header = archive::header_of(&entry.path()).ok();
        found.push(Listed { path: entry.path(), size, header });
    }
    // Names begin with the time.
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Deletes the oldest backups beyond `keep`. Files that are no backups are left alone.
pub(crate) fn prune(directory: &Path, keep: usize) -> Outcome<Vec<PathBuf>> {
    let mut whole: Vec<Listed> = list(directory)?.into_iter().filter(|b| b.header.is_some()).collect();
    let surplus = whole.len().saturating_sub(keep.max(1));
    let mut deleted = Vec::new();
    for old in whole.drain(..surplus) {
        std::fs::remove_file(&old.path).map_err(|e| Failure::io(&old.path, "delete", &e))?;
        deleted.push(old.path);
    }
    Ok(deleted)
}

/// What is remembered of the last drill.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Drill {
    /// When, milliseconds since 1970.
    pub(crate) at: i64,
    /// Which backup.
    pub(crate) file: String,
    /// Whether it could be restored.
    pub(crate) passed: bool,
}

fn drill_file(home: &Home) -> PathBuf {
    home.root().join("data").join("backup-drill.json")
}

/// The last drill, if there was one.
pub(crate) fn last_drill(home: &Home) -> Option<Drill> {
    serde_json::from_slice(vault::read_private(&drill_file(home), 64 * 1024).ok()?.expose()).ok()
}

/// Remembers a drill.
pub(crate) fn remember_drill(home: &Home, at: Timestamp, file: &Path, passed: bool) -> Outcome {
    let drill = Drill { at: at.millis(), file: file.display().to_string(), passed };
    let text = serde_json::to_vec(&drill).map_err(|e| Failure::internal(e.to_string()))?;
    vault::write_private(&drill_file(home), &text)
        .map_err(|e| Failure::from_text(Exit::Io, "BAK002", "the drill cannot be noted", &e.to_string()))
}

/// A fault of a backup file.
fn damaged(path: &Path, why: impl Into<String>) -> Failure {
    Failure::new(
        Exit::Vault,
        "BAK003",
        format!("{} cannot be used as a backup", path.display()),
        why,
        "take another backup: portcullis backup list",
    )
}
