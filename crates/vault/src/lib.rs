//! Secure Vault, key stores, certificate rules, key generation and rotation.
//!
//! Where secrets are at rest: sealed texts ([`Keyring`], `[secrets]` of `deployment.toml`), private files, key stores
//! (PEM, PKCS#12, JKS), and the keys that the first start makes ([`KeyDirectory`]). The TLS configurations of every
//! listener and client come from [`tls`], which has no way to switch verification off.
//!
//! May depend on `model` only; no tokio. The environment, time and randomness are arguments. Guidelines: A02 (own
//! keys), A03 (no plain secrets), X05 (own encryption key).
//!
//! To add a key store format see [`keystore`]; a certificate rule is a variant of [`CertificateRule`] with its test.

mod certificate;
pub mod envelope;
mod generate;
mod key_directory;
mod keyring;
pub mod keystore;
mod master;
mod private_file;
mod random;
pub mod secrets;
mod signing;
#[cfg(test)]
mod testing;
pub mod tls;

pub use certificate::{
    CertificateFault, CertificatePurpose, CertificateRule, CertificateSummary, MIN_EC_BITS, MIN_RSA_BITS,
    certificate_fingerprint, check_certificate, public_default_product, summarise_certificate,
};
pub use envelope::{OpenError, SealError, is_sealed};
pub use generate::{CertificateAuthority, GenerateError, IssuedCertificate, generate_ca, issue_server_certificate};
pub use key_directory::{KeyDirectory, KeyDirectoryError, KeyMaterial};
pub use keyring::{KeyId, Keyring, KeyringError, ResealError};
pub use master::{MIN_PASSPHRASE, MasterKeyError, MasterKeySource, generate_key_text};
pub use private_file::{
    PrivateFileError, create_private, ensure_private_directory, read_private, replace_keeping_mode, write_private,
};
pub use random::SystemRng;
pub use secrets::{ResolveError, SecretSource, SecretTable};
pub use signing::{SigningKey, SigningKeyError, sha256_hex, verify_rs256};
