//! Signing with our own keys.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyUncompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Algorithm, KeyError};

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// A private key with its id. Has no way to the key material.
pub struct SigningKey {
    id: String,
    pair: Pair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).field("algorithm", &self.algorithm()).finish()
    }
}

impl SigningKey {
    /// An RSA key (RS256) or a P-256 key (ES256) from PKCS#8 DER. Its id is the key's thumbprint (RFC 7638).
    ///
    /// # Errors
    /// [`KeyError::Size`] below 2048 bits, [`KeyError::Material`] for anything else.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = if let Ok(rsa) = RsaKeyPair::from_pkcs8(der) {
            if rsa.public_modulus_len() < 256 {
                return Err(KeyError::Size);
            }
            Pair::Rsa(Box::new(rsa))
        } else {
            let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
            Pair::Ec(Box::new(ec.map_err(|_| KeyError::Material)?))
        };
        let mut key = Self { id: String::new(), pair };
        // RFC 7638: the required members in lexicographic order, without blanks. `public_members` is sorted so.
        let members = key.public_members()?;
        let text = serde_json::to_vec(&members).map_err(|_| KeyError::Material)?;
        key.id = URL_SAFE_NO_PAD.encode(digest(&SHA256, &text));
        Ok(key)
    }

    /// The key id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
        }
    }

    /// Signs claims as a compact JWS with the given `typ` (`at+jwt` for access tokens, `JWT` otherwise).
    ///
    /// # Errors
    /// [`KeyError::Material`] when the claims are not serialisable or the key fails.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = json!({"alg": self.algorithm().as_str(), "kid": self.id, "typ": kind});
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Material)?;
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The public half as JWK with `kid`, `use` and `alg`.
    ///
    /// # Errors
    /// [`KeyError::Material`] when the key cannot be exported.
    pub fn public_jwk(&self) -> Result<Value, KeyError> {
        let mut jwk = self.public_members()?;
        if let Value::Object(members) = &mut jwk {
            members.insert("kid".into(), self.id.clone().into());
            members.insert("use".into(), "sig".into());
            members.insert("alg".into(), self.algorithm().as_str().into());
        }
        Ok(jwk)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| KeyError::Material)?;
                Ok(signature)
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Material)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    fn public_members(&self) -> Result<Value, KeyError> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = rsa_integers(pair.public_key().as_ref()).ok_or(KeyError::Material)?;
                Ok(json!({"e": URL_SAFE_NO_PAD.encode(e), "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n)}))
            }
            Pair::Ec(pair) => {
                let point: EcPublicKeyUncompressedBin<'_> =
                    pair.public_key().as_be_bytes().map_err(|_| KeyError::Material)?;
                let point = point.as_ref();
                let coordinate = |from: usize| point.get(from..from + 32).map(|c| URL_SAFE_NO_PAD.encode(c));
                let (x, y) = (coordinate(1).ok_or(KeyError::Material)?, coordinate(33).ok_or(KeyError::Material)?);
                Ok(json!({"crv": "P-256", "kty": "EC", "x": x, "y": y}))
            }
        }
    }
}

/// Modulus and exponent of a DER `RSAPublicKey` (RFC 8017 appendix A.1.1), without sign bytes.
fn rsa_integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, []) = der_element(der, 0x30)? else { return None };
    let (n, rest) = der_element(body, 0x02)?;
    let (e, []) = der_element(rest, 0x02)? else { return None };
    let bare = |number: &'_ [u8]| number.iter().position(|b| *b != 0);
    Some((n.get(bare(n)?..)?, e.get(bare(e)?..)?))
}

/// Content of the DER element with this tag at the start, and what follows it.
fn der_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    if digits.len() > 4 {
        return None;
    }
    rest.split_at_checked(digits.iter().fold(0, |n, d| n << 8 | usize::from(*d)))
}

/// A JWK set (RFC 7517 section 5) of public keys.
pub fn jwks(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

/// Signs any bytes: tests forge headers that [`SigningKey::sign`] never writes.
#[cfg(test)]
pub(crate) fn raw_signature(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    key.signature(message).unwrap()
}
