//! Which client certificates authorities stand for, asked after the handshake: a listener that lets any certificate in
//! (see [`ClientCertificates::Proven`](super::ClientCertificates::Proven)) still knows which of them are vouched for.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::{TlsError, TrustAnchors, provider};

/// Authorities for client certificates.
#[derive(Clone)]
pub struct ClientAuthorities {
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// The given ones, with what they revoked.
    ///
    /// # Errors
    /// [`TlsError::NoTrustAnchor`] when nothing is trusted; [`TlsError::Library`] when a revocation list is broken.
    pub fn new(trust: TrustAnchors) -> Result<Self, TlsError> {
        let (roots, revoked) = trust.into_roots()?;
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .with_crls(revoked)
            .allow_unknown_revocation_status()
            .enforce_revocation_expiration();
        Ok(Self { verifier: verifier.build().map_err(|e| TlsError::Library(e.to_string()))? })
    }

    /// Whether one of them stands for the first certificate of the chain, for use by a client at this time.
    pub fn stand_for(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> bool {
        let Some((own, intermediates)) = chain.split_first() else { return false };
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.verifier.verify_client_cert(own, intermediates, now).is_ok()
    }
}
