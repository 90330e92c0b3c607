//! The master key: where it comes from, and how it locks the keyring file.

use crate::keyring::fingerprint;
use crate::private_file::{self, PrivateFileError, Strictness};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use model::{Rng, Secret};
use std::path::{Path, PathBuf};
use toml_edit::{Item, Table, value};
use zeroize::Zeroize;

/// The shortest passphrase that may lock a keyring, in characters.
pub const MIN_PASSPHRASE: usize = 12;

const KEY_FILE_CAP: u64 = 4096;
/// RFC 9106 section 4, second recommended option, on one lane because the start of the server has one thread.
const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;
const ARGON2_LANES: u32 = 1;
/// What a keyring file may ask for at most, so that a forged one cannot exhaust the machine: one gibibyte.
const ARGON2_MEMORY_CAP_KIB: u32 = 1024 * 1024;
const ARGON2_PASSES_CAP: u32 = 32;
const ARGON2_LANES_CAP: u32 = 16;

/// Where the master key of the vault comes from. It never leaves this module; it only locks the keyring.
pub enum MasterKeySource {
    /// A file with the key, mode 0600 or 0400, owned by the user that runs Portcullis.
    File(PathBuf),
    /// The key as text, which the caller took from an environment variable.
    Value(Secret<String>),
    /// A systemd credential: a file in the directory that systemd names in `CREDENTIALS_DIRECTORY`.
    SystemdCredential {
        /// The credentials directory.
        directory: PathBuf,
        /// The name of the credential, as in `LoadCredential=<name>:..`.
        name: String,
    },
    /// A passphrase; the key is derived from it with Argon2id, salt and parameters are in the keyring file.
    Passphrase(Secret<String>),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be used.
    #[error("the master key: {0}")]
    File(#[from] PrivateFileError),
    /// The text is not a key.
    #[error(
        "the master key from {origin} is not 256 bits in base64 or hexadecimal. \
         Fix: make one with: head -c 32 /dev/urandom | base64"
    )]
    Malformed {
        /// Where it came from.
        origin: String,
    },
    /// The passphrase is too short to protect anything.
    #[error("the passphrase has {length} characters. Fix: use at least {MIN_PASSPHRASE}, best several random words")]
    ShortPassphrase {
        /// Its length in characters.
        length: usize,
    },
    /// The credential's name is a path.
    #[error(
        "'{name}' is not the name of a systemd credential. Fix: use the name of LoadCredential=, without any slash"
    )]
    BadCredentialName {
        /// The name.
        name: String,
    },
    /// The keyring is locked by the other kind of master key.
    #[error("the keyring is locked with a {locked}, but a {given} was given. Fix: give the {locked}")]
    OtherKind {
        /// What the keyring needs.
        locked: &'static str,
        /// What was given.
        given: &'static str,
    },
    /// The keyring asks for a key derivation that we refuse or do not know.
    #[error(
        "the keyring's passphrase parameters are damaged or beyond the limits. Fix: restore the keyring from a backup"
    )]
    BadDerivation,
}

impl MasterKeySource {
    fn kind(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => PASSPHRASE,
            _ => KEY,
        }
    }

    /// The file the key is read from, if it is one.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::SystemdCredential { directory, name } => Some(directory.join(name)),
            Self::Value(_) | Self::Passphrase(_) => None,
        }
    }

    /// The 256-bit key; `None` for a passphrase, from which the caller derives.
    fn key(&self) -> Result<Option<Secret<[u8; 32]>>, MasterKeyError> {
        match self {
            Self::File(path) => read_key(path, Strictness::OwnerOnly).map(Some),
            Self::Value(text) => parse_key(text.expose(), "the environment").map(Some),
            Self::SystemdCredential { directory, name } => {
                if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
                    return Err(MasterKeyError::BadCredentialName { name: name.clone() });
                }
                read_key(&directory.join(name), Strictness::Credential).map(Some)
            }
            Self::Passphrase(_) => Ok(None),
        }
    }
}

fn read_key(path: &Path, rule: Strictness) -> Result<Secret<[u8; 32]>, MasterKeyError> {
    let bytes = private_file::read_checked(path, KEY_FILE_CAP, rule)?;
    let origin = path.display().to_string();
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| MasterKeyError::Malformed { origin: origin.clone() })?;
    parse_key(text, &origin)
}

fn parse_key(text: &str, origin: &str) -> Result<Secret<[u8; 32]>, MasterKeyError> {
    // Comment lines let the generated file say what it is.
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let malformed = || MasterKeyError::Malformed { origin: origin.to_owned() };
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(malformed()) };
    let decoded = if line.len() == 64 {
        decode_hex(line)
    } else {
        let bare = line.trim_end_matches('=');
        STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()
    };
    let decoded = Secret::new(decoded.ok_or_else(malformed)?);
    let mut bytes: [u8; 32] = decoded.expose().as_slice().try_into().map_err(|_| malformed())?;
    let key = Secret::new(bytes);
    bytes.zeroize();
    // A file of zeros or one repeated character is a mistake, not a key.
    if key.expose().iter().all(|b| Some(b) == key.expose().first()) {
        return Err(malformed());
    }
    Ok(key)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<Vec<_>>>()?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |value, digit| value << 4 | digit)).collect())
}

/// The content of a fresh master key file: 256 random bits, with a line that says what they are.
pub fn generate_key_text(rng: &dyn Rng) -> Secret<String> {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let text = format!(
        "# The master key of this Portcullis installation. Whoever has it can open every sealed secret.\n{}\n",
        base64::engine::general_purpose::STANDARD.encode(bytes)
    );
    bytes.zeroize();
    Secret::new(text)
}

const KEY: &str = "key";
const PASSPHRASE: &str = "passphrase";

/// The key that wraps the keys of a keyring file, with what the file says about it.
pub(crate) struct KeyringLock {
    id: String,
    key: Secret<[u8; 32]>,
    derivation: Option<Derivation>,
}

struct Derivation {
    salt: Vec<u8>,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Derivation {
    fn derive(&self, passphrase: &str) -> Result<Secret<[u8; 32]>, MasterKeyError> {
        let within = self.memory_kib <= ARGON2_MEMORY_CAP_KIB
            && self.passes <= ARGON2_PASSES_CAP
            && self.lanes <= ARGON2_LANES_CAP
            && self.salt.len() >= 16;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok().filter(|_| within);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.ok_or(MasterKeyError::BadDerivation)?);
        let mut bytes = [0; 32];
        let done = argon2.hash_password_into(passphrase.as_bytes(), &self.salt, &mut bytes);
        let key = Secret::new(bytes);
        bytes.zeroize();
        done.map(|()| key).map_err(|_| MasterKeyError::BadDerivation)
    }
}

impl KeyringLock {
    /// A lock for a file about to be written.
    pub(crate) fn create(source: &MasterKeySource, rng: &dyn Rng) -> Result<Self, MasterKeyError> {
        let MasterKeySource::Passphrase(passphrase) = source else {
            let key = source.key()?.ok_or(MasterKeyError::BadDerivation)?;
            return Ok(Self { id: lock_id(&key), key, derivation: None });
        };
        let length = passphrase.expose().chars().count();
        if length < MIN_PASSPHRASE {
            return Err(MasterKeyError::ShortPassphrase { length });
        }
        let mut salt = vec![0; 16];
        rng.fill(&mut salt);
        let derivation = Derivation { salt, memory_kib: ARGON2_MEMORY_KIB, passes: ARGON2_PASSES, lanes: ARGON2_LANES };
        let key = derivation.derive(passphrase.expose())?;
        Ok(Self { id: lock_id(&key), key, derivation: Some(derivation) })
    }

    /// The lock of a file that was read; `None` when it is locked by another key or passphrase.
    pub(crate) fn reopen(table: &Table, source: &MasterKeySource) -> Result<Option<Self>, MasterKeyError> {
        let locked = match table.get("kind").and_then(Item::as_str) {
            Some(KEY) => KEY,
            Some(PASSPHRASE) => PASSPHRASE,
            _ => return Err(MasterKeyError::BadDerivation),
        };
        if source.kind() != locked {
            return Err(MasterKeyError::OtherKind { locked, given: source.kind() });
        }
        let (key, derivation) = match source {
            MasterKeySource::Passphrase(passphrase) => {
                let derivation = read_derivation(table).ok_or(MasterKeyError::BadDerivation)?;
                (derivation.derive(passphrase.expose())?, Some(derivation))
            }
            _ => (source.key()?.ok_or(MasterKeyError::BadDerivation)?, None),
        };
        let lock = Self { id: lock_id(&key), key, derivation };
        Ok((table.get("id").and_then(Item::as_str) == Some(lock.id.as_str())).then_some(lock))
    }

    /// The `[master]` table of the keyring file.
    pub(crate) fn describe(&self) -> Table {
        let mut table = Table::new();
        table.insert("kind", value(if self.derivation.is_some() { PASSPHRASE } else { KEY }));
        table.insert("id", value(self.id.as_str()));
        if let Some(derivation) = &self.derivation {
            table.insert("algorithm", value("argon2id"));
            table.insert("salt", value(URL_SAFE_NO_PAD.encode(&derivation.salt)));
            table.insert("memory_kib", value(i64::from(derivation.memory_kib)));
            table.insert("passes", value(i64::from(derivation.passes)));
            table.insert("lanes", value(i64::from(derivation.lanes)));
        }
        table
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn key(&self) -> &Secret<[u8; 32]> {
        &self.key
    }
}

fn read_derivation(table: &Table) -> Option<Derivation> {
    let number = |name: &str| table.get(name).and_then(Item::as_integer).and_then(|n| u32::try_from(n).ok());
    table.get("algorithm").and_then(Item::as_str).filter(|a| *a == "argon2id")?;
    let salt = URL_SAFE_NO_PAD.decode(table.get("salt").and_then(Item::as_str)?).ok()?;
    Some(Derivation { salt, memory_kib: number("memory_kib")?, passes: number("passes")?, lanes: number("lanes")? })
}

fn lock_id(key: &Secret<[u8; 32]>) -> String {
    format!("m-{:08x}", u32::from_be_bytes(fingerprint(b"portcullis-master-key\0", key)))
}

#[cfg(test)]
mod tests;
