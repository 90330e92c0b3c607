//! Signing with our own keys.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPublicKeyUncompressedBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::key::thumbprint;
use crate::{Algorithm, KeyError};

enum Pair {
    Rsa(Box<RsaKeyPair>),
    RsaPss(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
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
    /// An RSA key (RS256), a P-256 key (ES256) or an Ed25519 key (EdDSA) from PKCS#8 DER. Its id is the key's thumbprint
    /// (RFC 7638).
    ///
    /// # Errors
    /// [`KeyError::Size`] below 2048 bits, [`KeyError::Material`] for anything else.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let mut outcome = KeyError::Material;
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            match Self::from_pkcs8_for(der, algorithm) {
                Err(KeyError::Size) => outcome = KeyError::Size,
                Err(_) => {}
                found => return found,
            }
        }
        Err(outcome)
    }

    /// A key from PKCS#8 DER for one algorithm; the only way to a key that signs with PS256.
    ///
    /// # Errors
    /// [`KeyError::Size`] below 2048 bits, [`KeyError::Material`] when the key is not one for the algorithm.
    pub fn from_pkcs8_for(der: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let rsa = || {
            let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Material)?;
            if pair.public_modulus_len() < 256 { Err(KeyError::Size) } else { Ok(Box::new(pair)) }
        };
        let pair = match algorithm {
            Algorithm::Rs256 => Pair::Rsa(rsa()?),
            Algorithm::Ps256 => Pair::RsaPss(rsa()?),
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Pair::Ec(Box::new(pair.map_err(|_| KeyError::Material)?))
            }
            Algorithm::EdDsa => Pair::Ed(Box::new(Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::Material)?)),
        };
        let mut key = Self { id: String::new(), pair };
        key.id = thumbprint(&key.public_members()?)?;
        Ok(key)
    }

    /// Makes a key for an algorithm: its PKCS#8 DER, which the caller seals at once. RSA keys have 2048 bits.
    ///
    /// # Errors
    /// [`KeyError::Material`] when the library refuses.
    pub fn generate_pkcs8(algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Material)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Material)?;
                Ok(der.as_ref().to_vec())
            }
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|der| der.as_ref().to_vec())
                .map_err(|_| KeyError::Material),
            Algorithm::EdDsa => {
                Ed25519KeyPair::generate_pkcs8(&random).map(|der| der.as_ref().to_vec()).map_err(|_| KeyError::Material)
            }
        }
    }

    /// The key id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::RsaPss(_) => Algorithm::Ps256,
            Pair::Ec(_) => Algorithm::Es256,
            Pair::Ed(_) => Algorithm::EdDsa,
        }
    }

    /// Signs claims as a compact JWS with the given `typ` (`at+jwt` for access tokens, `JWT` otherwise).
    ///
    /// # Errors
    /// [`KeyError::Material`] when the claims are not serialisable or the key fails.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        self.sign_with_header(&json!({"alg": self.algorithm().as_str(), "kid": self.id, "typ": kind}), claims)
    }

    /// Signs claims under a header of the caller's, as a DPoP proof needs one. `alg` must be the key's own.
    ///
    /// # Errors
    /// [`KeyError::Algorithm`] for another `alg`, [`KeyError::Material`] as [`SigningKey::sign`].
    pub fn sign_with_header(&self, header: &Value, claims: &impl Serialize) -> Result<String, KeyError> {
        if header.get("alg").and_then(Value::as_str) != Some(self.algorithm().as_str()) {
            return Err(KeyError::Algorithm);
        }
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
        let (pair, encoding) = match &self.pair {
            Pair::Rsa(pair) => (pair, &RSA_PKCS1_SHA256),
            Pair::RsaPss(pair) => (pair, &RSA_PSS_SHA256),
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Material)?;
                return Ok(signature.as_ref().to_vec());
            }
            Pair::Ed(pair) => {
                let signature = pair.try_sign(message).map_err(|_| KeyError::Material)?;
                return Ok(signature.as_ref().to_vec());
            }
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, message, &mut signature).map_err(|_| KeyError::Material)?;
        Ok(signature)
    }

    fn public_members(&self) -> Result<Value, KeyError> {
        match &self.pair {
            Pair::Rsa(pair) | Pair::RsaPss(pair) => {
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
            Pair::Ed(pair) => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
                Ok(json!({"crv": "Ed25519", "kty": "OKP", "x": x}))
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
