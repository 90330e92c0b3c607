//! Files that only their owner may read: atomic writing, and reading that refuses loose permissions.

use model::Secret;
use rustix::fs::{CWD, RenameFlags, fchown, renameat_with};
use rustix::process::{Gid, Uid, geteuid};
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a private file could not be read or written. The text names the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried: "read", "write", "create".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error(
        "{path} has mode {mode:04o}, so other users of this machine can read or change it. \
         Fix: chmod {wanted:o} {path}", path = path.display()
    )]
    TooOpen {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it should have.
        wanted: u32,
    },
    /// The file belongs to somebody else.
    #[error(
        "{path} belongs to user id {owner}, but Portcullis runs as user id {us}. Fix: chown {us} {path}",
        path = path.display()
    )]
    NotOurs {
        /// The file or directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// A directory, socket or device stands where a file should be, or a file where a directory should be.
    #[error("{path} is not a {wanted}. Fix: move it away, or name another path", path = path.display())]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// What was wanted there: "regular file" or "directory".
        wanted: &'static str,
    },
    /// The file is longer than its kind can be.
    #[error("{path} is longer than {cap} bytes, which no file of its kind is. Fix: name the right file", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        cap: u64,
    },
}

impl PrivateFileError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// True when the file is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// True when a file that must not be overwritten is already there.
    pub fn already_exists(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

/// Who may own a private file besides its reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Owned by us, no access for group or others.
    OwnerOnly,
    /// As systemd lays out credentials: owned by us or root, the group bits are the mask of an access list.
    Credential,
}

/// Reads a file that holds a secret, at most `cap` bytes.
///
/// The file must be a regular file, owned by the user that runs the process, with no permission for group or others.
///
/// # Errors
/// [`PrivateFileError`], each with the command that repairs it.
pub fn read_private(path: &Path, cap: u64) -> Result<Secret<Vec<u8>>, PrivateFileError> {
    read_checked(path, cap, Strictness::OwnerOnly)
}

pub(crate) fn read_checked(path: &Path, cap: u64, rule: Strictness) -> Result<Secret<Vec<u8>>, PrivateFileError> {
    let (mut file, metadata) = open_regular(path)?;
    check_owner_and_mode(path, &metadata, rule)?;
    read_capped(path, &mut file, &metadata, cap).map(Secret::new)
}

/// Reads a file without secrets (a certificate), at most `cap` bytes.
pub(crate) fn read_public(path: &Path, cap: u64) -> Result<Vec<u8>, PrivateFileError> {
    let (mut file, metadata) = open_regular(path)?;
    read_capped(path, &mut file, &metadata, cap)
}

fn open_regular(path: &Path) -> Result<(File, Metadata), PrivateFileError> {
    // NONBLOCK: opening a FIFO by mistake must not hang the start.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|e| PrivateFileError::io("read", path, e))?;
    // Checked on the open file, so the answer cannot change between check and use.
    let metadata = file.metadata().map_err(|e| PrivateFileError::io("read", path, e))?;
    if !metadata.is_file() {
        return Err(PrivateFileError::WrongKind { path: path.to_owned(), wanted: "regular file" });
    }
    Ok((file, metadata))
}

fn read_capped(path: &Path, file: &mut File, metadata: &Metadata, cap: u64) -> Result<Vec<u8>, PrivateFileError> {
    // One allocation of the right size: growing would leave copies of the secret behind.
    let capacity = usize::try_from(metadata.len().min(cap)).unwrap_or(0).saturating_add(1);
    let mut bytes = Vec::with_capacity(capacity);
    let read = file.take(cap.saturating_add(1)).read_to_end(&mut bytes);
    let length = read.map_err(|e| PrivateFileError::io("read", path, e))?;
    if u64::try_from(length).unwrap_or(u64::MAX) > cap {
        return Err(PrivateFileError::TooLong { path: path.to_owned(), cap });
    }
    Ok(bytes)
}

fn check_owner_and_mode(path: &Path, metadata: &Metadata, rule: Strictness) -> Result<(), PrivateFileError> {
    let us = geteuid().as_raw();
    let owner = metadata.uid();
    if owner != us && !(rule == Strictness::Credential && owner == 0) {
        return Err(PrivateFileError::NotOurs { path: path.to_owned(), owner, us });
    }
    let mode = metadata.mode() & 0o7777;
    let forbidden = match rule {
        Strictness::OwnerOnly => 0o077,
        Strictness::Credential => 0o027,
    };
    if mode & forbidden != 0 {
        let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
        return Err(PrivateFileError::TooOpen { path: path.to_owned(), mode, wanted });
    }
    Ok(())
}

/// Makes a directory with mode 0700, or checks that an existing one belongs to us and is closed to everybody else.
///
/// # Errors
/// [`PrivateFileError`] when it cannot be made, is no directory, is too open or belongs to somebody else.
pub fn ensure_private_directory(path: &Path) -> Result<(), PrivateFileError> {
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            return Err(PrivateFileError::WrongKind { path: path.to_owned(), wanted: "directory" });
        }
        Err(e) => return Err(PrivateFileError::io("create", path, e)),
    }
    let metadata = std::fs::metadata(path).map_err(|e| PrivateFileError::io("read", path, e))?;
    check_owner_and_mode(path, &metadata, Strictness::OwnerOnly)
}

/// Writes a private file whole or not at all: temporary file, fsync, rename, fsync of the directory.
///
/// The result has mode 0600; a file that was there keeps its owner. A crash leaves the old content or the new one.
///
/// # Errors
/// [`PrivateFileError::Io`]; the old file is then untouched.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    let target = followed(path);
    let before = std::fs::metadata(&target).ok();
    let staged = Staged::write(&target, bytes, 0o600, before.as_ref())?;
    staged.replace(&target)
}

/// As [`write_private`], for a file that already exists and whose permission bits are its owner's choice, such as
/// `deployment.toml`: mode and owner stay as they were.
///
/// # Errors
/// [`PrivateFileError::Io`]; the old file is then untouched.
pub fn replace_keeping_mode(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    let target = followed(path);
    let before = std::fs::metadata(&target).map_err(|e| PrivateFileError::io("read", path, e))?;
    let staged = Staged::write(&target, bytes, before.mode() & 0o777, Some(&before))?;
    staged.replace(&target)
}

/// Writes a private file that must not exist yet; never overwrites, not even in a race with another process.
///
/// # Errors
/// [`PrivateFileError::Io`], where [`PrivateFileError::already_exists`] tells a loser of the race.
pub fn create_private(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    Staged::write(path, bytes, 0o600, None)?.create(path)
}

/// As [`create_private`] for a file everybody may read, such as a certificate: mode 0644.
pub(crate) fn create_public(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    Staged::write(path, bytes, 0o644, None)?.create(path)
}

fn followed(path: &Path) -> PathBuf {
    // A rename onto a symbolic link would replace the link, not the file it stands for.
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(crate) fn is_staging_name(name: &str) -> bool {
    name.starts_with('.') && name.contains(".staged-")
}

/// A temporary file next to its target; removed when dropped before it was moved into place.
struct Staged {
    path: PathBuf,
    moved: bool,
}

impl Staged {
    fn write(target: &Path, bytes: &[u8], mode: u32, owner: Option<&Metadata>) -> Result<Self, PrivateFileError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".{name}.staged-{}-{count}", std::process::id()));
        let fail = |e| PrivateFileError::io("write", &path, e);
        // A process with our id may have died here before.
        let _ = std::fs::remove_file(&path);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fail)?;
        let staged = Self { path: path.clone(), moved: false };
        if let Some(metadata) = owner {
            let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
            let owned = fchown(&file, Some(uid), Some(gid));
            // A group we are not in is no reason to fail; a root shell taking the server's file away from it is.
            if metadata.uid() != geteuid().as_raw() {
                owned.map_err(|e| fail(e.into()))?;
            }
        }
        file.set_permissions(Permissions::from_mode(mode)).map_err(fail)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
        Ok(staged)
    }

    fn replace(mut self, target: &Path) -> Result<(), PrivateFileError> {
        std::fs::rename(&self.path, target).map_err(|e| PrivateFileError::io("write", target, e))?;
        self.moved = true;
        sync_directory(target)
    }

    fn create(mut self, target: &Path) -> Result<(), PrivateFileError> {
        use rustix::io::Errno;
        match renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => self.moved = true,
            // Some network file systems lack the flag; a hard link has the same promise.
            Err(Errno::INVAL | Errno::NOSYS) => {
                std::fs::hard_link(&self.path, target).map_err(|e| PrivateFileError::io("create", target, e))?;
            }
            Err(e) => return Err(PrivateFileError::io("create", target, e.into())),
        }
        sync_directory(target)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.moved {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn sync_directory(file: &Path) -> Result<(), PrivateFileError> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|d| d.sync_all()).map_err(|e| PrivateFileError::io("write", directory, e))
}

#[cfg(test)]
mod tests;
