//! The keyring: the versioned keys that seal secrets, and its file, itself sealed under the master key.

mod follow;

use crate::envelope::{self, Envelope, OpenError, SealError};
use crate::master::{KeyringLock, MasterKeyError, MasterKeySource};
use crate::private_file::{self, PrivateFileError};
use aws_lc_rs::digest::{SHA256, digest};
use model::{Rng, Secret, Timestamp};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

const FILE_CAP: u64 = 256 * 1024;
const MAX_KEYS: usize = 1000;

/// The name of a sealing key: its version and the first bytes of a hash of it, as in `3-9f3c1a2b`.
///
/// The hash part tells two installations apart, so a value sealed elsewhere is recognised instead of looking damaged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    version: u32,
    mark: [u8; 4],
}

impl KeyId {
    /// The version: 1 for the first key of an installation, one more with each rotation.
    pub fn version(&self) -> u32 {
        self.version
    }

    fn of(version: u32, key: &Secret<[u8; 32]>) -> Self {
        Self { version, mark: fingerprint(b"portcullis-vault-key\0", key) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.version, u32::from_be_bytes(self.mark))
    }
}

/// A public mark of a key: the start of a hash, from which 256 random bits cannot be found.
pub(crate) fn fingerprint(purpose: &[u8], key: &Secret<[u8; 32]>) -> [u8; 4] {
    let input = Secret::new([purpose, key.expose().as_slice()].concat());
    digest(&SHA256, input.expose()).as_ref().first_chunk().copied().unwrap_or_default()
}

#[derive(Clone)]
struct DataKey {
    id: KeyId,
    created: String,
    key: Secret<[u8; 32]>,
}

/// Why a keyring could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The master key cannot be had.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// The keyring was sealed under another master key.
    #[error(
        "the master key is not the one that {path} is sealed under. Fix: give the master key of this installation \
         (from its backup); a keyring cannot be opened without it", path = path.display()
    )]
    WrongMasterKey {
        /// The keyring.
        path: PathBuf,
    },
    /// The file is not a keyring any more.
    #[error("{path} is damaged ({reason}). Fix: restore it from a backup", path = path.display())]
    Damaged {
        /// The keyring.
        path: PathBuf,
        /// What is wrong; no key material.
        reason: String,
    },
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The key may not be removed from the keyring.
    #[error(
        "key version {version} is the current one or does not exist. Fix: run `portcullis vault rotate` first, or list the versions with `portcullis vault list`"
    )]
    CannotRetire {
        /// The version asked for.
        version: u32,
    },
}

/// The sealing keys of an installation, oldest first; new values are sealed under the newest.
#[derive(Clone)]
pub struct Keyring {
    older: Vec<DataKey>,
    current: DataKey,
    /// Where newer keys come from, see [`Keyring::following`].
    follow: Option<Arc<follow::Follow>>,
}

impl Keyring {
    /// A keyring with one fresh random key.
    pub fn generate(now: Timestamp, rng: &dyn Rng) -> Self {
        Self { older: Vec::new(), current: DataKey::generate(1, now, rng), follow: None }
    }

    /// A keyring with one more key, which becomes the current one. Values sealed before can still be opened.
    #[must_use]
    pub fn rotated(&self, now: Timestamp, rng: &dyn Rng) -> Self {
        let mut older = self.older.clone();
        older.push(self.current.clone());
        let version = self.current.id.version.saturating_add(1);
        Self { older, current: DataKey::generate(version, now, rng), follow: None }
    }

    /// A keyring without an old key. Call it when nothing sealed under that version is left.
    ///
    /// # Errors
    /// [`KeyringError::CannotRetire`] for the current version and for one that is not there.
    pub fn without(&self, version: u32) -> Result<Self, KeyringError> {
        let older: Vec<_> = self.older.iter().filter(|k| k.id.version != version).cloned().collect();
        if older.len() == self.older.len() {
            return Err(KeyringError::CannotRetire { version });
        }
        Ok(Self { older, current: self.current.clone(), follow: None })
    }

    /// The same keys, and from now on those that another process puts into the file: it is looked at whenever something is
    /// sealed, or was sealed under a key that is not known. Not with a passphrase: it would have to stay in memory.
    #[must_use]
    pub fn following(self, path: &Path, master: MasterKeySource) -> Self {
        if matches!(master, MasterKeySource::Passphrase(_)) {
            return self;
        }
        Self { follow: Some(Arc::new(follow::Follow::new(path.to_owned(), master))), ..self }
    }

    fn newest(&self) -> Option<Self> {
        self.follow.as_ref()?.newest()
    }

    /// How a text that was sealed under an older key begins, for each of them.
    pub fn stale_beginnings(&self) -> Vec<String> {
        self.older.iter().map(|key| envelope::beginning(&key.id.to_string())).collect()
    }

    /// The id of the key that new values are sealed under.
    pub fn current(&self) -> &KeyId {
        &self.current.id
    }

    /// All key ids with the time each was made (RFC 3339), oldest first.
    pub fn key_ids(&self) -> impl Iterator<Item = (&KeyId, &str)> {
        self.keys().map(|k| (&k.id, k.created.as_str()))
    }

    fn keys(&self) -> impl Iterator<Item = &DataKey> {
        self.older.iter().chain(std::iter::once(&self.current))
    }

    /// Seals bytes for one place. `context` names that place (`endpoint/<id>/password`), is not secret, and must be
    /// given again to [`Keyring::open`].
    ///
    /// # Errors
    /// [`SealError::TooLong`] above [`envelope::MAX_PLAINTEXT`].
    pub fn seal(&self, plain: &[u8], context: &str, rng: &dyn Rng) -> Result<String, SealError> {
        if let Some(newest) = self.newest() {
            return newest.seal(plain, context, rng);
        }
        envelope::seal(&self.current.key, &self.current.id.to_string(), plain, context, rng)
    }

    /// Opens what [`Keyring::seal`] made, under whichever version of the key sealed it.
    ///
    /// # Errors
    /// [`OpenError`] tells apart: not sealed, unknown key, moved from another place, damaged.
    pub fn open(&self, sealed: &str, context: &str) -> Result<Secret<Vec<u8>>, OpenError> {
        let envelope = Envelope::parse(sealed)?;
        let Some(key) = self.keys().find(|k| k.id.to_string() == envelope.key_id) else {
            if let Some(newest) = self.newest() {
                return newest.open(sealed, context);
            }
            let known: Vec<_> = self.keys().map(|k| k.id.to_string()).collect();
            return Err(OpenError::UnknownKey { key_id: envelope.key_id.to_owned(), known: known.join(", ") });
        };
        envelope::open(&key.key, &envelope, context)
    }

    /// Whether a sealed value should be sealed again because a newer key exists. False for a text that is not sealed.
    pub fn is_stale(&self, sealed: &str) -> bool {
        if let Some(newest) = self.newest() {
            return newest.is_stale(sealed);
        }
        Envelope::parse(sealed).is_ok_and(|e| e.key_id != self.current.id.to_string())
    }

    /// Seals a value again under the current key; `None` when it already is.
    ///
    /// # Errors
    /// [`ResealError`] when it cannot be opened or sealed.
    pub fn reseal(&self, sealed: &str, context: &str, rng: &dyn Rng) -> Result<Option<String>, ResealError> {
        let plain = self.open(sealed, context)?;
        if !self.is_stale(sealed) {
            return Ok(None);
        }
        Ok(Some(self.seal(plain.expose(), context, rng)?))
    }

    /// Reads the keyring file.
    ///
    /// # Errors
    /// [`KeyringError`]: unreadable or too open file, no master key, another master key, damage.
    pub fn load(path: &Path, master: &MasterKeySource) -> Result<Self, KeyringError> {
        let damaged = |reason: &str| KeyringError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
        let bytes = private_file::read_private(path, FILE_CAP)?;
        let text = std::str::from_utf8(bytes.expose()).map_err(|_| damaged("it is not text"))?;
        let document: DocumentMut = text.parse().map_err(|_| damaged("it is not TOML"))?;
        if document.get("format").and_then(Item::as_integer) != Some(1) {
            return Err(damaged("its format is not 1; a newer Portcullis may have written it"));
        }
        let table = document.get("master").and_then(Item::as_table).ok_or_else(|| damaged("[master] is missing"))?;
        let lock = KeyringLock::reopen(table, master)?;
        let lock = lock.ok_or_else(|| KeyringError::WrongMasterKey { path: path.to_owned() })?;
        let tables =
            document.get("key").and_then(Item::as_array_of_tables).ok_or_else(|| damaged("[[key]] is missing"))?;
        if tables.len() > MAX_KEYS {
            return Err(damaged("it holds too many keys"));
        }
        let mut keys = tables
            .iter()
            .map(|t| DataKey::read(t, &lock).map_err(|reason| damaged(&reason)))
            .collect::<Result<Vec<_>, _>>()?;
        if !keys.windows(2).all(|w| matches!(w, [a, b] if a.id.version < b.id.version)) {
            return Err(damaged("its keys are not in order"));
        }
        let current = keys.pop().ok_or_else(|| damaged("it holds no key"))?;
        Ok(Self { older: keys, current, follow: None })
    }

    /// Writes the keyring file whole or not at all, sealed under `master`. With another master key than before, this
    /// is the change of the master key.
    ///
    /// # Errors
    /// [`KeyringError`]; an old file is then untouched.
    pub fn save(&self, path: &Path, master: &MasterKeySource, rng: &dyn Rng) -> Result<(), KeyringError> {
        let text = self.to_text(master, rng)?;
        Ok(private_file::write_private(path, text.as_bytes())?)
    }

    /// As [`Keyring::save`] for a file that must not exist yet.
    pub(crate) fn create(&self, path: &Path, master: &MasterKeySource, rng: &dyn Rng) -> Result<(), KeyringError> {
        let text = self.to_text(master, rng)?;
        Ok(private_file::create_private(path, text.as_bytes())?)
    }

    fn to_text(&self, master: &MasterKeySource, rng: &dyn Rng) -> Result<String, KeyringError> {
        let mut document = DocumentMut::new();
        document.insert("format", value(1));
        let lock = KeyringLock::create(master, rng)?;
        document.insert("master", Item::Table(lock.describe()));
        let mut keys = ArrayOfTables::new();
        for key in self.keys() {
            keys.push(key.write(&lock, rng)?);
        }
        document.insert("key", Item::ArrayOfTables(keys));
        Ok(format!("{HEADER}{document}"))
    }
}

const HEADER: &str = "# The vault keyring of this installation, sealed under its master key. Back both up, apart from each other.\n\
# Changed by `portcullis vault rotate`; not meant to be edited.\n";

impl DataKey {
    fn generate(version: u32, now: Timestamp, rng: &dyn Rng) -> Self {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        let key = Secret::new(bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        Self { id: KeyId::of(version, &key), created: now.rfc3339(), key }
    }

    fn write(&self, lock: &KeyringLock, rng: &dyn Rng) -> Result<Table, SealError> {
        let id = self.id.to_string();
        let mut table = Table::new();
        table.insert("version", value(i64::from(self.id.version)));
        table.insert("created", value(self.created.as_str()));
        table.insert("sealed", value(envelope::seal(lock.key(), lock.id(), self.key.expose(), &place(&id), rng)?));
        table.insert("id", value(id));
        Ok(table)
    }

    fn read(table: &Table, lock: &KeyringLock) -> Result<Self, String> {
        let text = |name: &str| table.get(name).and_then(Item::as_str).ok_or(format!("a [[key]] lacks {name}"));
        let version = table.get("version").and_then(Item::as_integer).and_then(|v| u32::try_from(v).ok());
        let version = version.ok_or("a [[key]] has no usable version")?;
        let id = text("id")?;
        let broken = |e: OpenError| format!("key {id}: {e}");
        let envelope = Envelope::parse(text("sealed")?).map_err(broken)?;
        let plain = envelope::open(lock.key(), &envelope, &place(id)).map_err(broken)?;
        let bytes: [u8; 32] = plain.expose().as_slice().try_into().map_err(|_| format!("key {id} is not 256 bits"))?;
        let key = Secret::new(bytes);
        let computed = KeyId::of(version, &key);
        if computed.to_string() != id {
            return Err(format!("key {id} does not have the id that its content gives"));
        }
        Ok(Self { id: computed, created: text("created")?.to_owned(), key })
    }
}

fn place(key_id: &str) -> String {
    format!("keyring/{key_id}")
}

/// Why a value could not be moved to the current key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResealError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

#[cfg(test)]
mod tests;
