//! `<home>/security`: the keys of an installation, made on the first start and completed after a power cut.
//!
//! Files, in the order they are made: `master.key` (unless the master key comes from elsewhere), `keyring.toml`,
//! `ca-key.pem`, `ca.pem`, `tls-key.pem`, `tls.pem`, `signing-key.pem`. Each appears whole or not at all, a key before
//! its certificate, and none that exists is ever overwritten, except that `tls.pem` is issued again for the same key
//! when it is one of ours and about to end or lacks a name.

use crate::generate::{
    CertificateAuthority, GenerateError, IssuedCertificate, RENEW_BEFORE, certify_ca, certify_server, generate_p256,
};
use crate::keyring::{Keyring, KeyringError};
use crate::keystore::{KeystoreError, encode_pem, read_pem_certificates, read_pem_key};
use crate::master::{MasterKeySource, generate_key_text};
use crate::private_file::{self, PrivateFileError, is_staging_name};
use crate::signing::{SigningKey, SigningKeyError};
use model::{Clock, Rng, Secret, Timestamp};
use rustix::fs::{FlockOperation, flock};
use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

const PEM_CAP: u64 = 256 * 1024;
const CA_NAME: &str = "Portcullis local CA";

/// Why the keys of an installation are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum KeyDirectoryError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The keyring cannot be opened.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A certificate cannot be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The signing key cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: SigningKeyError,
    },
    /// A PEM file cannot be understood.
    #[error("{path}: {reason}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: KeystoreError,
    },
    /// A file was lost: a new one would make what depends on it useless.
    #[error(
        "{missing} is missing, but {dependent} was made after it. Portcullis does not make a new one, because everything \
         made with the old one would be lost. Fix: restore {missing} from a backup", missing = missing.display(),
        dependent = dependent.display()
    )]
    Lost {
        /// The lost file.
        missing: PathBuf,
        /// The file that shows it existed.
        dependent: PathBuf,
    },
    /// Certificate and key do not belong together.
    #[error("{certificate} does not belong to {key}. Fix: put the pair of the same issue in place, or restore both from a backup",
        certificate = certificate.display(), key = key.display())]
    Mismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

/// The keys of an installation.
pub struct KeyMaterial {
    /// The certificate of the local authority, for trust stores of clients and of the other roles.
    pub ca_certificate: CertificateDer<'static>,
    /// Chain and key of the listeners.
    pub tls: IssuedCertificate,
    /// The key that signs tokens.
    pub signing_key: Arc<SigningKey>,
    /// The keys that seal secrets.
    pub keyring: Arc<Keyring>,
    /// The names of the files made by this call; empty on every start but the first, or after a renewal.
    pub created: Vec<&'static str>,
}

/// The directory with the keys of an installation.
pub struct KeyDirectory {
    path: PathBuf,
    master: Option<MasterKeySource>,
}

impl KeyDirectory {
    /// The directory `<home>/security`, with the master key in `master.key` beside the keyring.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), master: None }
    }

    /// The same directory with a master key from elsewhere, which is then never generated.
    #[must_use]
    pub fn with_master_key(self, source: MasterKeySource) -> Self {
        Self { master: Some(source), ..self }
    }

    /// Where the chain of the listeners is.
    pub fn tls_certificate_path(&self) -> PathBuf {
        self.path.join(TLS_CERTIFICATE)
    }

    /// Where the key of the listeners is.
    pub fn tls_key_path(&self) -> PathBuf {
        self.path.join(TLS_KEY)
    }

    /// Where the certificate of the local authority is.
    pub fn ca_certificate_path(&self) -> PathBuf {
        self.path.join(CA_CERTIFICATE)
    }

    /// Where the keyring is.
    pub fn keyring_path(&self) -> PathBuf {
        self.path.join(KEYRING)
    }

    /// Reads the keyring of an existing installation.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open_keyring(&self) -> Result<Keyring, KeyringError> {
        Keyring::load(&self.keyring_path(), &self.master_source())
    }

    /// Adds a new current key to the keyring and writes it. What was sealed before still opens; seal it again with
    /// [`Keyring::reseal`] and [`crate::secrets::rotate_file_text`], then [`KeyDirectory::retire_key`] the old version.
    /// Two rotations at the same time give two versions; none is lost.
    ///
    /// # Errors
    /// [`KeyDirectoryError`]; the old keyring is then untouched.
    pub fn rotate_keyring(&self, clock: &dyn Clock, rng: &dyn Rng) -> Result<Keyring, KeyDirectoryError> {
        self.change_keyring(&self.master_source(), rng, |keyring| Ok(keyring.rotated(clock.now(), rng)))
    }

    /// Removes an old version from the keyring; what is still sealed under it is lost.
    ///
    /// # Errors
    /// [`KeyringError::CannotRetire`] for the current version or one that is not there.
    pub fn retire_key(&self, version: u32, rng: &dyn Rng) -> Result<Keyring, KeyDirectoryError> {
        self.change_keyring(&self.master_source(), rng, |keyring| keyring.without(version))
    }

    /// Seals the keyring under another master key, which must exist. From then on the directory must be opened with
    /// [`KeyDirectory::with_master_key`] of the new one.
    ///
    /// # Errors
    /// [`KeyDirectoryError`]; the old keyring is then untouched.
    pub fn change_master_key(&self, new: &MasterKeySource, rng: &dyn Rng) -> Result<(), KeyDirectoryError> {
        self.change_keyring(new, rng, |keyring| Ok(keyring.clone())).map(|_| ())
    }

    fn change_keyring(
        &self,
        master: &MasterKeySource,
        rng: &dyn Rng,
        change: impl FnOnce(&Keyring) -> Result<Keyring, KeyringError>,
    ) -> Result<Keyring, KeyDirectoryError> {
        let _lock = self.lock()?;
        let changed = change(&self.open_keyring()?)?;
        changed.save(&self.keyring_path(), master, rng)?;
        Ok(changed)
    }

    /// The local authority with its key, to issue further certificates.
    ///
    /// # Errors
    /// [`KeyDirectoryError`] when a file is missing, too open, or does not fit the other.
    pub fn certificate_authority(&self) -> Result<CertificateAuthority, KeyDirectoryError> {
        let key = self.read_key(CA_KEY)?;
        let certificate = self.read_chain(CA_CERTIFICATE)?.into_iter().next();
        let certificate = certificate.ok_or_else(|| self.mismatch(CA_CERTIFICATE, CA_KEY))?;
        self.check_pair(CA_CERTIFICATE, &certificate, CA_KEY, key.expose())?;
        Ok(CertificateAuthority::new(certificate, key))
    }

    /// Reads all keys, and makes those that do not exist yet. `host_names` are the DNS names and IP addresses of the
    /// listeners. Two processes at the same time are safe: the second waits for the first.
    ///
    /// # Errors
    /// [`KeyDirectoryError`]: loose permissions, another owner, a lost file, damage. Nothing that exists is changed.
    pub fn open_or_create(
        &self,
        host_names: &[String],
        clock: &dyn Clock,
        rng: &dyn Rng,
    ) -> Result<KeyMaterial, KeyDirectoryError> {
        private_file::ensure_private_directory(&self.path)?;
        let _lock = self.lock()?;
        self.sweep();
        let now = clock.now();
        let mut created = Vec::new();
        let keyring = self.keyring(now, rng, &mut created)?;
        let (ca_certificate, ca) = self.authority(now, rng, &mut created)?;
        let tls = self.tls(ca.as_ref(), host_names, now, rng, &mut created)?;
        let signing_key = self.signing_key(&mut created)?;
        Ok(KeyMaterial { ca_certificate, tls, signing_key: Arc::new(signing_key), keyring: Arc::new(keyring), created })
    }

    fn master_source(&self) -> MasterKeySource {
        match &self.master {
            None => MasterKeySource::File(self.path.join(MASTER_KEY)),
            Some(MasterKeySource::File(path)) => MasterKeySource::File(path.clone()),
            Some(MasterKeySource::Value(value)) => MasterKeySource::Value(value.clone()),
            Some(MasterKeySource::Passphrase(value)) => MasterKeySource::Passphrase(value.clone()),
            Some(MasterKeySource::SystemdCredential { directory, name }) => {
                MasterKeySource::SystemdCredential { directory: directory.clone(), name: name.clone() }
            }
        }
    }

    fn keyring(
        &self,
        now: Timestamp,
        rng: &dyn Rng,
        created: &mut Vec<&'static str>,
    ) -> Result<Keyring, KeyDirectoryError> {
        if self.master.is_none() && !self.exists(MASTER_KEY)? {
            self.must_be_first(MASTER_KEY, &[KEYRING])?;
            self.create(MASTER_KEY, generate_key_text(rng).expose().as_bytes(), created)?;
        }
        if self.exists(KEYRING)? {
            return Ok(self.open_keyring()?.following(&self.keyring_path(), self.master_source()));
        }
        self.must_be_first(KEYRING, &[CA_KEY, CA_CERTIFICATE])?;
        let keyring = Keyring::generate(now, rng);
        keyring.create(&self.keyring_path(), &self.master_source(), rng)?;
        created.push(KEYRING);
        Ok(keyring.following(&self.keyring_path(), self.master_source()))
    }

    /// The authority's certificate, and its key unless the operator keeps that elsewhere.
    fn authority(
        &self,
        now: Timestamp,
        rng: &dyn Rng,
        created: &mut Vec<&'static str>,
    ) -> Result<(CertificateDer<'static>, Option<CertificateAuthority>), KeyDirectoryError> {
        if self.exists(CA_CERTIFICATE)? {
            if self.exists(CA_KEY)? {
                let ca = self.certificate_authority()?;
                return Ok((ca.certificate().clone(), Some(ca)));
            }
            let certificate = self.read_chain(CA_CERTIFICATE)?.into_iter().next();
            return Ok((certificate.ok_or_else(|| self.mismatch(CA_CERTIFICATE, CA_KEY))?, None));
        }
        let key = self.read_or_create_key(CA_KEY, created)?;
        let ca = certify_ca(CA_NAME, key, now, rng)?;
        private_file::create_public(&self.ca_certificate_path(), ca.certificate_pem().as_bytes())?;
        created.push(CA_CERTIFICATE);
        Ok((ca.certificate().clone(), Some(ca)))
    }

    fn tls(
        &self,
        ca: Option<&CertificateAuthority>,
        names: &[String],
        now: Timestamp,
        rng: &dyn Rng,
        created: &mut Vec<&'static str>,
    ) -> Result<IssuedCertificate, KeyDirectoryError> {
        let lost = |missing: &str, dependent: &str| KeyDirectoryError::Lost {
            missing: self.path.join(missing),
            dependent: self.path.join(dependent),
        };
        let have_certificate = self.exists(TLS_CERTIFICATE)?;
        if have_certificate && !self.exists(TLS_KEY)? {
            return Err(lost(TLS_KEY, TLS_CERTIFICATE));
        }
        let key = self.read_or_create_key(TLS_KEY, created)?;
        let path = self.tls_certificate_path();
        if have_certificate {
            let chain = self.read_chain(TLS_CERTIFICATE)?;
            let leaf = chain.first().ok_or_else(|| self.mismatch(TLS_CERTIFICATE, TLS_KEY))?;
            self.check_pair(TLS_CERTIFICATE, leaf, TLS_KEY, key.expose())?;
            let Some(ca) = ca.filter(|ca| should_renew(leaf, ca.certificate(), names, now)) else {
                return Ok(IssuedCertificate { chain, key });
            };
            let issued = certify_server(ca, names, key, now, rng)?;
            private_file::replace_keeping_mode(&path, issued.chain_pem().as_bytes())?;
            created.push(TLS_CERTIFICATE);
            return Ok(issued);
        }
        let ca = ca.ok_or_else(|| lost(CA_KEY, CA_CERTIFICATE))?;
        let issued = certify_server(ca, names, key, now, rng)?;
        private_file::create_public(&path, issued.chain_pem().as_bytes())?;
        created.push(TLS_CERTIFICATE);
        Ok(issued)
    }

    fn signing_key(&self, created: &mut Vec<&'static str>) -> Result<SigningKey, KeyDirectoryError> {
        let wrong = |reason| KeyDirectoryError::SigningKey { path: self.path.join(SIGNING_KEY), reason };
        if self.exists(SIGNING_KEY)? {
            return SigningKey::from_private_key(self.read_key(SIGNING_KEY)?.expose()).map_err(wrong);
        }
        let key = SigningKey::generate().map_err(wrong)?;
        self.create(SIGNING_KEY, key.pkcs8_pem().expose().as_bytes(), created)?;
        Ok(key)
    }

    fn exists(&self, name: &'static str) -> Result<bool, KeyDirectoryError> {
        let path = self.path.join(name);
        Ok(path.try_exists().map_err(|e| PrivateFileError::io("read", &path, e))?)
    }

    /// Files are made in order, so a later one without this one means that this one was lost, not never made.
    fn must_be_first(&self, missing: &'static str, later: &[&'static str]) -> Result<(), KeyDirectoryError> {
        for name in later {
            if self.exists(name)? {
                let (missing, dependent) = (self.path.join(missing), self.path.join(name));
                return Err(KeyDirectoryError::Lost { missing, dependent });
            }
        }
        Ok(())
    }

    fn create(
        &self,
        name: &'static str,
        bytes: &[u8],
        created: &mut Vec<&'static str>,
    ) -> Result<(), KeyDirectoryError> {
        private_file::create_private(&self.path.join(name), bytes)?;
        created.push(name);
        Ok(())
    }

    fn read_or_create_key(
        &self,
        name: &'static str,
        created: &mut Vec<&'static str>,
    ) -> Result<Secret<PrivateKeyDer<'static>>, KeyDirectoryError> {
        if self.exists(name)? {
            return self.read_key(name);
        }
        let key = generate_p256()?;
        let pem = encode_pem(SectionKind::PrivateKey, key.expose().secret_der());
        self.create(name, pem.expose().as_bytes(), created)?;
        Ok(key)
    }

    fn read_key(&self, name: &str) -> Result<Secret<PrivateKeyDer<'static>>, KeyDirectoryError> {
        let path = self.path.join(name);
        let bytes = private_file::read_private(&path, PEM_CAP)?;
        read_pem_key(bytes.expose()).map_err(|reason| KeyDirectoryError::Pem { path, reason })
    }

    fn read_chain(&self, name: &str) -> Result<Vec<CertificateDer<'static>>, KeyDirectoryError> {
        let path = self.path.join(name);
        let bytes = private_file::read_public(&path, PEM_CAP)?;
        read_pem_certificates(&bytes).map_err(|reason| KeyDirectoryError::Pem { path, reason })
    }

    fn mismatch(&self, certificate: &str, key: &str) -> KeyDirectoryError {
        KeyDirectoryError::Mismatch { certificate: self.path.join(certificate), key: self.path.join(key) }
    }

    fn check_pair(
        &self,
        certificate_name: &str,
        certificate: &CertificateDer<'_>,
        key_name: &str,
        key: &PrivateKeyDer<'_>,
    ) -> Result<(), KeyDirectoryError> {
        let public = rustls::crypto::aws_lc_rs::sign::any_supported_type(key).ok().and_then(|k| {
            let parsed = X509Certificate::from_der(certificate).ok()?.1;
            Some(k.public_key()?.as_ref() == parsed.public_key().raw)
        });
        if public == Some(true) { Ok(()) } else { Err(self.mismatch(certificate_name, key_name)) }
    }

    /// Serialises processes; released when the file is closed, also by a crash.
    fn lock(&self) -> Result<File, KeyDirectoryError> {
        let path = self.path.join(".lock");
        let fail = |e: io::Error| PrivateFileError::io("create", &path, e);
        let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(fail)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        Ok(file)
    }

    /// Removes what a power cut left half-written. Only under the lock.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return };
        for entry in entries.flatten().filter(|e| is_staging_name(&e.file_name().to_string_lossy())) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

const MASTER_KEY: &str = "master.key";
const KEYRING: &str = "keyring.toml";
const CA_KEY: &str = "ca-key.pem";
const CA_CERTIFICATE: &str = "ca.pem";
const TLS_KEY: &str = "tls-key.pem";
const TLS_CERTIFICATE: &str = "tls.pem";
const SIGNING_KEY: &str = "signing-key.pem";

/// Whether a certificate is one we issued, and is about to end or lacks a name.
fn should_renew(leaf: &CertificateDer<'_>, ca: &CertificateDer<'_>, names: &[String], now: Timestamp) -> bool {
    let (Ok((_, leaf)), Ok((_, ca))) = (X509Certificate::from_der(leaf), X509Certificate::from_der(ca)) else {
        return false;
    };
    // One that an operator put here is left alone.
    if leaf.issuer().as_raw() != ca.subject().as_raw() {
        return false;
    }
    let end = Timestamp::from_seconds(leaf.validity().not_after.timestamp());
    let present = names_of(&leaf);
    let wanted = |name: &String| name.parse::<IpAddr>().map_or_else(|_| name.to_ascii_lowercase(), |a| a.to_string());
    // An authority that was lost and made again has the same name and another key.
    let orphaned = leaf.verify_signature(Some(ca.public_key())).is_err();
    orphaned || now.plus(RENEW_BEFORE) >= end || names.iter().any(|n| !present.contains(&wanted(n)))
}

fn names_of(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = leaf.subject_alternative_name() else { return Vec::new() };
    let name = |general: &GeneralName<'_>| match general {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests;
