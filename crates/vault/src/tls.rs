//! TLS configurations: the one place where protocol versions, cipher suites and verification are chosen.
//!
//! TLS 1.2 and 1.3, ECDHE with AEAD only, X25519MLKEM768 preferred (A08, A09, A13). Servers answer with an identity
//! that can be exchanged while they run; clients always verify chain and name (A15). There is no function here that
//! makes a configuration without verification, and there will be none.

mod authorities;
mod proof;

pub use authorities::ClientAuthorities;

use crate::certificate::{CertificateFault, CertificatePurpose, certificate_fingerprint, check_certificate};
use crate::keystore::{
    Keystore, KeystoreError, KeystorePasswords, MAX_KEYSTORE, read_keystore_file, read_pem_certificates, read_pem_key,
};
use crate::private_file::{PrivateFileError, read_private, read_public};
use arc_swap::ArcSwap;
use model::{Secret, Timestamp};
use rustls::client::{ClientSessionMemoryCache, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, cipher_suite as suite, default_provider, kx_group};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Sessions remembered for resumption: per server configuration for TLS 1.2, per client configuration for both.
const SESSION_CACHE: usize = 4096;

/// The application protocols offered in the handshake (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// `h2`, then `http/1.1`.
    Http2AndHttp1,
    /// `http/1.1` only.
    Http1,
    /// `h2` only.
    Http2,
    /// None, for protocols that are not HTTP.
    None,
}

impl Alpn {
    fn protocols(self) -> Vec<Vec<u8>> {
        let (h2, http1) = (b"h2".to_vec(), b"http/1.1".to_vec());
        match self {
            Self::Http2AndHttp1 => vec![h2, http1],
            Self::Http1 => vec![http1],
            Self::Http2 => vec![h2],
            Self::None => Vec::new(),
        }
    }
}

/// Why there is no TLS configuration or identity.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// A key store cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: KeystoreError,
    },
    /// The certificate or its key breaks rules of guideline A02.
    #[error("the TLS certificate is refused:{}", list(.0))]
    Faults(Vec<CertificateFault>),
    /// A certificate authority that cannot be trusted.
    #[error("the trusted certificate is refused: {0}")]
    TrustAnchor(String),
    /// No trusted certificate at all.
    #[error(
        "there is no trusted certificate, so no peer could be verified. Fix: name a file with the authority's certificate"
    )]
    NoTrustAnchor,
    /// The library refused.
    #[error("TLS cannot be configured: {0}")]
    Library(String),
}

fn list(faults: &[CertificateFault]) -> String {
    faults.iter().map(|f| format!("\n  {f}")).collect()
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Library(error.to_string())
    }
}

/// The cryptography of every connection. Written out, so that an update of the library cannot widen it.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            cipher_suites: vec![
                suite::TLS13_AES_256_GCM_SHA384,
                suite::TLS13_AES_128_GCM_SHA256,
                suite::TLS13_CHACHA20_POLY1305_SHA256,
                suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            ],
            kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
            ..default_provider()
        })
    });
    Arc::clone(&PROVIDER)
}

/// Where an identity comes from.
#[derive(Clone)]
pub enum IdentitySource {
    /// Two PEM files: the chain, own certificate first, and the key, which must be closed to other users.
    Pem {
        /// The chain.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// A PKCS#12 or JKS file (`[keystore.tls]`), which must be closed to other users.
    Keystore {
        /// The file.
        path: PathBuf,
        /// Its passwords.
        passwords: KeystorePasswords,
        /// The key to use; not needed when there is only one.
        alias: Option<String>,
    },
}

impl IdentitySource {
    fn paths(&self) -> Vec<&PathBuf> {
        match self {
            Self::Pem { chain, key } => vec![chain, key],
            Self::Keystore { path, .. } => vec![path],
        }
    }

    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, Secret<PrivateKeyDer<'static>>), TlsError> {
        match self {
            Self::Pem { chain, key } => {
                let wrong = |path: &PathBuf| {
                    let path = path.clone();
                    move |reason| TlsError::Keystore { path, reason }
                };
                let certificates = read_pem_certificates(&read_public(chain, MAX_KEYSTORE)?).map_err(wrong(chain))?;
                let private = read_private(key, MAX_KEYSTORE)?;
                Ok((certificates, read_pem_key(private.expose()).map_err(wrong(key))?))
            }
            Self::Keystore { path, passwords, alias } => {
                let entry = read_keystore_file(path, passwords).and_then(|store| store.into_key(alias.as_deref()));
                let entry = entry.map_err(|reason| match reason {
                    KeystoreError::File(file) => TlsError::File(file),
                    reason => TlsError::Keystore { path: path.clone(), reason },
                })?;
                Ok((entry.chain, entry.key))
            }
        }
    }
}

/// A certificate chain with its key, checked against guideline A02 and ready for handshakes.
#[derive(Clone)]
pub struct TlsIdentity {
    certified: Arc<CertifiedKey>,
}

impl TlsIdentity {
    /// Checks a chain and key, and makes an identity of them.
    ///
    /// # Errors
    /// [`TlsError::Faults`] with every broken rule.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        let faults = check_certificate(&chain, Some(key), now, CertificatePurpose::Identity);
        if !faults.is_empty() {
            return Err(TlsError::Faults(faults));
        }
        let certified = CertifiedKey::from_der(chain, key.clone_key(), &provider())?;
        Ok(Self { certified: Arc::new(certified) })
    }

    /// Reads and checks an identity.
    ///
    /// # Errors
    /// [`TlsError`] when a file cannot be read or a rule is broken.
    pub fn load(source: &IdentitySource, now: Timestamp) -> Result<Self, TlsError> {
        let (chain, key) = source.read()?;
        Self::new(chain, key.expose(), now)
    }

    /// The chain, own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// The last moment the own certificate is valid, for warnings before it ends.
    pub fn not_after(&self) -> Timestamp {
        let parsed = self.certified.cert.first().and_then(|c| X509Certificate::from_der(c).ok());
        Timestamp::from_seconds(parsed.map_or(0, |(_, c)| c.validity().not_after.timestamp()))
    }

    /// SHA-256 of the own certificate, upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.certified.cert.first().map(certificate_fingerprint).unwrap_or_default()
    }
}

/// What the files of an identity looked like; another stamp means that somebody wrote them.
type Stamp = Vec<Option<(i64, i64, u64, u64)>>;

fn stamp(source: &IdentitySource) -> Stamp {
    let look = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino()))
    };
    source.paths().into_iter().map(look).collect()
}

/// What [`ServerIdentity::reload_if_changed`] found.
#[derive(Debug)]
pub enum Reload {
    /// The files are as they were.
    Unchanged,
    /// New handshakes use the new identity; open connections go on.
    Reloaded {
        /// SHA-256 of the new certificate, upper-case hexadecimal.
        fingerprint: String,
    },
    /// The new files are faulty; the old identity stays in use.
    Kept {
        /// Why.
        fault: TlsError,
        /// True when the same files were refused by the call before, so that a log need not repeat it.
        repeated: bool,
    },
}

struct Watched {
    source: IdentitySource,
    state: Mutex<WatchState>,
}

struct WatchState {
    seen: Stamp,
    faulty: bool,
}

/// The identity of listeners. It can be exchanged at any time without dropping a connection.
pub struct ServerIdentity {
    current: ArcSwap<CertifiedKey>,
    watched: Option<Watched>,
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").finish_non_exhaustive()
    }
}

impl ServerIdentity {
    /// An identity that changes only by [`ServerIdentity::replace`].
    pub fn fixed(identity: TlsIdentity) -> Arc<Self> {
        Arc::new(Self { current: ArcSwap::new(identity.certified), watched: None })
    }

    /// An identity from files, which [`ServerIdentity::reload_if_changed`] looks at.
    ///
    /// # Errors
    /// [`TlsError`] when the files do not hold a sound identity now.
    pub fn from_files(source: IdentitySource, now: Timestamp) -> Result<Arc<Self>, TlsError> {
        // Looked at before reading: a change in between is then seen as one.
        let seen = stamp(&source);
        let identity = TlsIdentity::load(&source, now)?;
        let watched = Watched { source, state: Mutex::new(WatchState { seen, faulty: false }) };
        Ok(Arc::new(Self { current: ArcSwap::new(identity.certified), watched: Some(watched) }))
    }

    /// Exchanges the identity for all handshakes that begin from now on.
    pub fn replace(&self, identity: TlsIdentity) {
        self.current.store(identity.certified);
    }

    /// The identity in use.
    pub fn current(&self) -> TlsIdentity {
        TlsIdentity { certified: self.current.load_full() }
    }

    /// Looks at the files (time, length, inode) and reads them again when they changed. A faulty new identity is
    /// reported and not used; it is tried again by the next call. Does file I/O: not for a request's path.
    pub fn reload_if_changed(&self, now: Timestamp) -> Reload {
        let Some(watched) = &self.watched else { return Reload::Unchanged };
        let mut state = watched.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(&watched.source);
        let changed = found != state.seen;
        if !changed && !state.faulty {
            return Reload::Unchanged;
        }
        let repeated = !changed && state.faulty;
        state.seen = found;
        match TlsIdentity::load(&watched.source, now) {
            Ok(identity) => {
                state.faulty = false;
                let fingerprint = identity.fingerprint();
                self.replace(identity);
                Reload::Reloaded { fingerprint }
            }
            Err(fault) => {
                state.faulty = true;
                Reload::Kept { fault, repeated }
            }
        }
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// The authorities a peer's certificate must come from, and what they have revoked.
#[derive(Clone)]
pub struct TrustAnchors {
    roots: RootCertStore,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl Default for TrustAnchors {
    fn default() -> Self {
        Self { roots: RootCertStore::empty(), revoked: Vec::new() }
    }
}

impl From<RootCertStore> for TrustAnchors {
    fn from(roots: RootCertStore) -> Self {
        Self { roots, revoked: Vec::new() }
    }
}

impl TrustAnchors {
    /// Adds one authority.
    ///
    /// # Errors
    /// [`TlsError::TrustAnchor`] when it is no certificate, or the published one of a WSO2 product (A02.1): whoever
    /// has its key could pose as every peer.
    pub fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), TlsError> {
        if let Some(product) = crate::public_default_product(&certificate) {
            let reason = format!(
                "it is the one published with {product}, whose private key everybody has (A02.1). \
                 Fix: remove it from the trust store"
            );
            return Err(TlsError::TrustAnchor(reason));
        }
        self.roots.add(certificate).map_err(|e| TlsError::TrustAnchor(e.to_string()))
    }

    /// Adds all certificates of a PEM text; returns how many.
    ///
    /// # Errors
    /// [`TlsError::TrustAnchor`] when a block is broken or refused, or there is none.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<usize, TlsError> {
        let certificates = read_pem_certificates(pem).map_err(|e| TlsError::TrustAnchor(e.to_string()))?;
        let count = certificates.len();
        if count == 0 {
            return Err(TlsError::NoTrustAnchor);
        }
        certificates.into_iter().try_for_each(|certificate| self.add(certificate))?;
        Ok(count)
    }

    /// Adds the trusted certificates of a key store, as far as they can be trusted. Returns those that cannot, with
    /// alias and reason: a trust store of WSO2 holds the published certificate beside many public authorities.
    pub fn add_keystore(&mut self, store: &Keystore) -> Vec<(String, TlsError)> {
        let trusted = store.trusted.iter();
        trusted.filter_map(|t| Some((t.alias.clone(), self.add(t.certificate.clone()).err()?))).collect()
    }

    /// Adds a certificate revocation list (DER). A peer on it is refused, and once there is a list, an expired one
    /// makes its issuer's certificates refused too.
    pub fn add_revocation_list(&mut self, list: CertificateRevocationListDer<'static>) {
        self.revoked.push(list);
    }

    /// True when nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    fn into_roots(self) -> Result<(Arc<RootCertStore>, Vec<CertificateRevocationListDer<'static>>), TlsError> {
        if self.roots.is_empty() {
            return Err(TlsError::NoTrustAnchor);
        }
        Ok((Arc::new(self.roots), self.revoked))
    }
}

/// Whether a listener asks clients for a certificate.
pub enum ClientCertificates {
    /// Not asked for.
    NotAsked,
    /// Asked for; a client without one is let in, one with a bad one is not.
    Optional(TrustAnchors),
    /// Asked for; a client without one is let in. A client that shows one proves that it holds the key, and nothing
    /// else: whose certificates count is the listener's users' decision, which differs from one to the other.
    Proven,
    /// A client without a certificate of these authorities is refused in the handshake.
    Required(TrustAnchors),
}

/// The configuration of a listener. Share one `Arc` among all runtimes, so that sessions resume on each of them.
///
/// Resumption: TLS 1.3 by encrypted tickets whose key rotates every six hours, TLS 1.2 also; no early data, because
/// early data can be replayed.
///
/// # Errors
/// [`TlsError`] when client certificates are asked for and no authority is trusted, or the library refuses.
pub fn server_config(
    identity: Arc<ServerIdentity>,
    alpn: Alpn,
    clients: ClientCertificates,
) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13, &TLS12])?;
    let proven = matches!(clients, ClientCertificates::Proven);
    let (trust, optional) = match clients {
        ClientCertificates::NotAsked | ClientCertificates::Proven => (None, false),
        ClientCertificates::Optional(trust) => (Some(trust), true),
        ClientCertificates::Required(trust) => (Some(trust), false),
    };
    let builder = match trust {
        None if proven => builder.with_client_cert_verifier(Arc::new(proof::ProofOfKey::new())),
        None => builder.with_no_client_auth(),
        Some(trust) => {
            let (roots, revoked) = trust.into_roots()?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                .with_crls(revoked)
                .allow_unknown_revocation_status()
                .enforce_revocation_expiration();
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|e| TlsError::Library(e.to_string()))?)
        }
    };
    let mut config = builder.with_cert_resolver(identity);
    config.alpn_protocols = alpn.protocols();
    config.session_storage = ServerSessionMemoryCache::new(SESSION_CACHE);
    config.ticketer = Ticketer::new()?;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// The configuration of a client: verifies the peer's chain up to `trust`, its validity, its name, and its revocation
/// when lists were added. `identity` is shown to servers that ask for a client certificate.
///
/// # Errors
/// [`TlsError::NoTrustAnchor`] when nothing is trusted; [`TlsError::Library`] when a revocation list is broken.
pub fn client_config(
    trust: TrustAnchors,
    identity: Option<&TlsIdentity>,
    alpn: Alpn,
) -> Result<Arc<ClientConfig>, TlsError> {
    let (roots, revoked) = trust.into_roots()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
        .with_crls(revoked)
        .allow_unknown_revocation_status()
        .enforce_revocation_expiration()
        .build()
        .map_err(|e| TlsError::Library(e.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_webpki_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(Arc::clone(&identity.certified)))),
    };
    config.alpn_protocols = alpn.protocols();
    config.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(SESSION_CACHE)));
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
