//! Client certificates: what a connection shows, and what an API accepts (WSO2: mutual SSL).
//!
//! The listener has checked that the client holds the key. Whose certificate it is, and what that is worth, is decided
//! here, per API: it is one of those that were uploaded for the API or, where the gateway is told so, leads to one.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::Timestamp;
use model::snapshot::{ApiSecurity, DeployedApi, KeyType};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::limit::Limit;

/// Longest chain that a client may show; what is beyond is not looked at.
const MAX_CHAIN: usize = 8;

/// The certificates that a client showed in its handshake.
pub(crate) struct Presented {
    chain: Vec<CertificateDer<'static>>,
    thumbprint: Box<str>,
    /// The last chain that was followed, for which API, and where it led. Following one costs signatures.
    followed: Mutex<Option<(Arc<DeployedApi>, Option<usize>)>>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Presented {
    /// From the handshake; `None` when the client showed nothing.
    pub(crate) fn new(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let leaf = chain.first()?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, leaf)).into();
        let chain = chain.iter().take(MAX_CHAIN).map(|c| c.clone().into_owned()).collect();
        Some(Self { chain, thumbprint, followed: Mutex::default() })
    }

    /// From a field that a terminating proxy wrote: PEM, percent-encoded or not, or base64 of PEM or DER.
    pub(crate) fn from_field(field: &[u8]) -> Option<Self> {
        let text = percent_encoding::percent_decode(field).decode_utf8().ok()?;
        if let Some(der) = pem(&text) {
            return Self::new(&[CertificateDer::from(der)]);
        }
        let bytes = STANDARD.decode(text.trim()).ok()?;
        let der = std::str::from_utf8(&bytes).ok().and_then(pem).unwrap_or(bytes);
        Self::new(&[CertificateDer::from(der)])
    }

    /// SHA-256 of the certificate as RFC 8705 writes it (`x5t#S256`).
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// The first certificate of a PEM text, whatever became of its line breaks.
fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(body).ok()
}

/// A certificate that an API accepts.
#[derive(Debug)]
pub(crate) struct Accepted {
    der: CertificateDer<'static>,
    not_before: Timestamp,
    not_after: Timestamp,
    /// Which endpoint its holder's calls go to.
    pub(crate) key_type: KeyType,
    /// Quota of its holder's plan.
    pub(crate) limit: Option<Limit>,
}

impl Accepted {
    pub(crate) fn new(source: &model::snapshot::ClientCertificate, limit: Option<Limit>) -> Self {
        Self {
            der: CertificateDer::from(source.der.clone()),
            not_before: source.not_before,
            not_after: source.not_after,
            key_type: source.key_type,
            limit,
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// What an API asks of clients' certificates.
#[derive(Debug)]
pub(crate) struct MutualTls {
    /// Whether a call without an accepted certificate is refused.
    pub(crate) mandatory: bool,
    /// Whether an accepted certificate alone opens the API.
    pub(crate) suffices: bool,
    certificates: Vec<Arc<Accepted>>,
    chains: bool,
    api: Arc<DeployedApi>,
}

impl MutualTls {
    /// `others` tells whether the API has other schemes; `chains` whether certificates are followed to their issuers.
    pub(crate) fn new(
        api: &Arc<DeployedApi>,
        certificates: Vec<Arc<Accepted>>,
        (others, chains): (bool, bool),
    ) -> Option<Self> {
        let ApiSecurity { mutual_tls, mutual_tls_mandatory, application_mandatory, .. } = api.security;
        mutual_tls.then(|| Self {
            mandatory: mutual_tls_mandatory || !others,
            suffices: !(application_mandatory && others),
            certificates,
            chains,
            api: Arc::clone(api),
        })
    }

    /// The accepted certificate that a client's leads to.
    pub(crate) fn accepts(&self, presented: &Presented, now: Timestamp) -> Option<&Arc<Accepted>> {
        let leaf = presented.chain.first()?;
        let own = self.certificates.iter().find(|accepted| accepted.der == *leaf);
        let found = match own {
            Some(own) => Some(own),
            None if self.chains => self.followed(presented, now).and_then(|index| self.certificates.get(index)),
            None => None,
        };
        found.filter(|accepted| accepted.is_valid(now))
    }

    /// Which accepted certificate issued the client's, over the ones it showed and the other accepted ones.
    fn followed(&self, presented: &Presented, now: Timestamp) -> Option<usize> {
        let mut known = presented.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((api, found)) = &*known
            && Arc::ptr_eq(api, &self.api)
        {
            return *found;
        }
        let found = self.follow(presented, now);
        *known = Some((Arc::clone(&self.api), found));
        found
    }

    fn follow(&self, presented: &Presented, now: Timestamp) -> Option<usize> {
        let (leaf, shown) = presented.chain.split_first()?;
        let leaf = EndEntityCert::try_from(leaf).ok()?;
        let between: Vec<CertificateDer<'_>> =
            shown.iter().chain(self.certificates.iter().map(|accepted| &accepted.der)).cloned().collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).ok()?));
        let leads_to = |accepted: &Arc<Accepted>| {
            anchor_from_trusted_cert(&accepted.der).is_ok_and(|anchor| {
                let (usage, anchors) = (KeyUsage::client_auth(), [anchor]);
                leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &between, now, usage, None, None).is_ok()
            })
        };
        self.certificates.iter().position(leads_to)
    }
}
