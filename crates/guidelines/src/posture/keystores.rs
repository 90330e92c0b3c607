//! Key stores and certificates, with what the certificate rules say about them.

/// One key store, PEM file or trust store.
#[derive(Clone, Debug, Default)]
pub struct KeystoreFacts {
    /// The file.
    pub place: String,
    /// What it is for.
    pub purpose: KeystorePurpose,
    /// The section of the configuration that names it; empty when none does.
    pub section: String,
    /// `PEM`, `PKCS12`, `JKS` or `JCEKS`; empty when it could not be told.
    pub format: String,
    /// Its password is one that everybody knows.
    pub known_password: bool,
    /// Names that listeners with this certificate are called by.
    pub wanted_names: Vec<String>,
    /// Why it could not be read to the end.
    pub unreadable: Option<String>,
    /// Its certificates.
    pub certificates: Vec<CertificateFacts>,
}

/// What a key store is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeystorePurpose {
    /// Certificate and key of listeners.
    Tls,
    /// Key that signs tokens.
    Signing,
    /// Key that encrypts data at rest.
    Encryption,
    /// Certificates that are trusted.
    Trust,
    /// Lies there, and no setting names it.
    #[default]
    Unreferenced,
}

/// One certificate of a key store.
#[derive(Clone, Debug, Default)]
pub struct CertificateFacts {
    /// Its name in the store.
    pub alias: String,
    /// Whether the store has its private key.
    pub has_key: bool,
    /// SHA-256 of its DER form, hexadecimal.
    pub fingerprint: String,
    /// SHA-256 of its public key, hexadecimal.
    pub key_fingerprint: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Days until it ends; negative when it has ended.
    pub days_left: i64,
    /// Whole length of its validity in days.
    pub validity_days: i64,
    /// Broken rules.
    pub faults: Vec<CertificateFault>,
}

/// A broken certificate rule.
#[derive(Clone, Debug)]
pub struct CertificateFault {
    /// Which one.
    pub rule: CertificateRule,
    /// What was observed.
    pub observed: String,
    /// What to do.
    pub fix: String,
}

/// Rules of guideline A02 that a certificate alone can break; the numbers are those of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRule {
    /// A02.1: published together with its private key.
    PublicDefault,
    /// A02.2: RSA below 2048 bits, or a key type without support.
    WeakRsa,
    /// A02.3: an elliptic curve below 224 bits.
    WeakCurve,
    /// A02.4: signed with MD5 or SHA-1.
    WeakSignature,
    /// A02.5: has ended.
    Expired,
    /// A02.6: has not begun.
    NotYetValid,
    /// A02.7: the private key belongs to another certificate.
    KeyMismatch,
    /// A02.8: no certificate.
    Unreadable,
}
