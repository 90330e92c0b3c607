//! The key that signs access tokens: RSA 2048, RS256, with its public JWK and key id.

use crate::keystore::encode_pem;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Secret;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::SectionKind;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The smallest modulus of a signing key, in bits (RFC 7518, 3.3).
const MIN_BITS: usize = 2048;

/// Why a signing key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The library could not make a key.
    #[error("the signing key cannot be made: the cryptographic library refused")]
    Generate,
    /// Not an RSA private key.
    #[error(
        "the signing key is not an RSA private key in PKCS#8 or PKCS#1. Fix: make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
    )]
    NotRsa,
    /// Too short for RS256.
    #[error("the signing key has {bits} bits. Fix: use an RSA key of at least {MIN_BITS} bits (A02.2)")]
    TooShort {
        /// Its size in bits.
        bits: usize,
    },
    /// Signing failed.
    #[error("the token cannot be signed: the cryptographic library refused")]
    Sign,
}

/// An RSA key pair for RS256 (RFC 7518, 3.3).
pub struct SigningKey {
    pair: KeyPair,
    pkcs8: Secret<Vec<u8>>,
    modulus: String,
    exponent: String,
    kid: String,
}

impl SigningKey {
    /// Makes a fresh key of 2048 bits.
    ///
    /// # Errors
    /// [`SigningKeyError::Generate`] when the library refuses.
    pub fn generate() -> Result<Self, SigningKeyError> {
        Self::from_pair(KeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningKeyError::Generate)?)
    }

    /// Takes an existing key, for instance of `[keystore.primary]`.
    ///
    /// # Errors
    /// [`SigningKeyError`] when it is no RSA key or too short.
    pub fn from_private_key(key: &PrivateKeyDer<'_>) -> Result<Self, SigningKeyError> {
        let pair = match key {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(SigningKeyError::NotRsa),
        };
        Self::from_pair(pair.map_err(|_| SigningKeyError::NotRsa)?)
    }

    fn from_pair(pair: KeyPair) -> Result<Self, SigningKeyError> {
        let bits = pair.public_modulus_len() * 8;
        if bits < MIN_BITS {
            return Err(SigningKeyError::TooShort { bits });
        }
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningKeyError::NotRsa)?;
        let pkcs8 = Secret::new(der.as_ref().to_vec());
        let public = pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let kid = thumbprint(&modulus, &exponent);
        Ok(Self { pair, pkcs8, modulus, exponent, kid })
    }

    /// The key id: its RFC 7638 thumbprint (SHA-256, base64url).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The modulus of the public key, base64url: JWK member `n`.
    pub fn modulus(&self) -> &str {
        &self.modulus
    }

    /// The exponent of the public key, base64url: JWK member `e`.
    pub fn exponent(&self) -> &str {
        &self.exponent
    }

    /// The public key as a JWK (RFC 7517) for `/oauth2/jwks`.
    pub fn public_jwk(&self) -> Value {
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.modulus, "e": self.exponent })
    }

    /// The private key, PKCS#8 DER.
    pub fn pkcs8_der(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    /// The private key, PKCS#8 PEM.
    pub fn pkcs8_pem(&self) -> Secret<String> {
        encode_pem(SectionKind::PrivateKey, self.pkcs8.expose())
    }

    /// The RS256 signature (PKCS#1 v1.5 with SHA-256) of a message.
    ///
    /// # Errors
    /// [`SigningKeyError::Sign`] when the library refuses.
    pub fn sign_rs256(&self, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SigningKeyError::Sign)?;
        Ok(signature)
    }
}

/// Whether a signature by [`SigningKey::sign_rs256`] belongs to a message, by a public key as JWK.
pub fn verify_rs256(jwk: &Value, message: &[u8], signature: &[u8]) -> bool {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    let (Some(n), Some(e)) = (part("n"), part("e")) else { return false };
    // The range refuses moduli below 2048 bits.
    RsaPublicKeyComponents { n: &n, e: &e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
}

/// SHA-256 as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// RFC 7638: the required members in alphabetical order, without white space, hashed.
fn thumbprint(modulus: &str, exponent: &str) -> String {
    let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests;
