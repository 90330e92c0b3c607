//! A keyring that follows its file: a rotation by another process reaches the one that serves without a restart.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use super::Keyring;
use crate::master::MasterKeySource;

/// What tells one content of a file from the next. The file is only ever replaced whole, so the inode alone would do; one may
/// be used again.
type Stamp = (u64, u64, i64, i64);

/// The file of a keyring, and what it held when it was last read.
pub(super) struct Follow {
    path: PathBuf,
    master: MasterKeySource,
    seen: Mutex<(Option<Stamp>, Option<Keyring>)>,
}

impl Follow {
    pub(super) fn new(path: PathBuf, master: MasterKeySource) -> Self {
        let stamp = stamp(&path);
        Self { path, master, seen: Mutex::new((stamp, None)) }
    }

    /// The keyring of the file if it was replaced since the start. One that cannot be read leaves the keys as they are: what
    /// they sealed still opens, and the next change of the file is looked at again.
    pub(super) fn newest(&self) -> Option<Keyring> {
        let mut seen = self.seen.lock().ok()?;
        let now = stamp(&self.path);
        if now.is_some() && now != seen.0 {
            seen.0 = now;
            if let Ok(read) = Keyring::load(&self.path, &self.master) {
                seen.1 = Some(read);
            }
        }
        seen.1.clone()
    }
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
