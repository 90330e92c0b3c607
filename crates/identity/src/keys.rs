//! The key that signs our tokens, and who verifies them.

use std::collections::BTreeSet;

use jose::{Claims, KeyError, SigningKey, TokenError, Verifier, VerifyingKey};
use serde::Serialize;
use serde_json::Value;

/// The signing key with the public keys whose tokens are still accepted.
pub struct TokenKeys {
    signing: SigningKey,
    public: Vec<Value>,
    verifier: Verifier,
}

impl TokenKeys {
    /// `older`: public JWKs of keys that signed tokens which have not expired.
    ///
    /// # Errors
    /// [`KeyError`] when a key cannot be used.
    pub fn new(issuer: &str, signing: SigningKey, older: &[Value]) -> Result<Self, KeyError> {
        let mut public = vec![signing.public_jwk()?];
        public.extend(older.iter().cloned());
        let keys = public.iter().map(VerifyingKey::from_jwk).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { signing, verifier: Verifier::new(issuer, keys, BTreeSet::new()), public })
    }

    /// Public keys as JWK, the signing one first.
    pub fn public_jwks(&self) -> &[Value] {
        &self.public
    }

    /// The exact `iss` value.
    pub fn issuer(&self) -> &str {
        self.verifier.issuer()
    }

    pub(crate) fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        self.signing.sign(kind, claims)
    }

    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<Claims, TokenError> {
        self.verifier.verify(token, now)
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        self.signing.algorithm().as_str()
    }
}
