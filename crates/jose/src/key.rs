//! Public keys, each bound to one algorithm.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::Algorithm;
use crate::verify::MAX_KEY_ID_BYTES;

/// Why a JWK is not usable.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// `alg` is absent, or not one of [`Algorithm`].
    #[error("the key has no supported \"alg\"; use RS256, PS256, ES256 or EdDSA")]
    Algorithm,
    /// A member is absent or not what the algorithm needs.
    #[error("member \"{0}\" of the key is missing or malformed")]
    Member(&'static str),
    /// RSA below 2048 or above 8192 bits.
    #[error("RSA keys have 2048 to 8192 bits")]
    Size,
    /// The numbers do not form a key.
    #[error("the key material is not a valid public key")]
    Material,
    /// The key is for encryption.
    #[error("the key is not for signatures (\"use\" is not \"sig\")")]
    Use,
    /// Private or symmetric material in a public key.
    #[error("the key carries private material")]
    Private,
}

/// Members that only private and symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2, 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// The thumbprint of a public key (RFC 7638, SHA-256, base64url): the required members alone, in lexicographic order.
///
/// # Errors
/// [`KeyError::Member`] when a required member is missing.
pub fn thumbprint(jwk: &Value) -> Result<String, KeyError> {
    let text = |name: &'static str| jwk.get(name).and_then(Value::as_str).ok_or(KeyError::Member(name));
    let members = match text("kty")? {
        "RSA" => json!({"e": text("e")?, "kty": "RSA", "n": text("n")?}),
        "EC" => json!({"crv": text("crv")?, "kty": "EC", "x": text("x")?, "y": text("y")?}),
        "OKP" => json!({"crv": text("crv")?, "kty": "OKP", "x": text("x")?}),
        _ => return Err(KeyError::Member("kty")),
    };
    Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, members.to_string().as_bytes())))
}

/// A public key with the one algorithm it is used with.
pub struct VerifyingKey {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}

impl VerifyingKey {
    /// From a JWK (RFC 7517) that names its algorithm. `kid` is optional and at most 64 bytes.
    ///
    /// # Errors
    /// [`KeyError`]: which member is wrong.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let algorithm = jwk.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        Self::from_jwk_for(jwk, algorithm.ok_or(KeyError::Algorithm)?)
    }

    /// From a JWK whose algorithm somebody else decides: a client's registration, or the header that a DPoP proof is
    /// signed with. A key that names another algorithm is refused.
    ///
    /// # Errors
    /// [`KeyError`]: which member is wrong.
    pub fn from_jwk_for(jwk: &Value, algorithm: Algorithm) -> Result<Self, KeyError> {
        let text = |name: &'static str| jwk.get(name).and_then(Value::as_str);
        if jwk.get("alg").is_some_and(|named| named.as_str() != Some(algorithm.as_str())) {
            return Err(KeyError::Algorithm);
        }
        if text("use").is_some_and(|u| u != "sig") {
            return Err(KeyError::Use);
        }
        if PRIVATE_MEMBERS.iter().any(|name| jwk.get(*name).is_some()) {
            return Err(KeyError::Private);
        }
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(id)) if !id.is_empty() && id.len() <= MAX_KEY_ID_BYTES => Some(id.as_str().into()),
            Some(_) => return Err(KeyError::Member("kid")),
        };
        let bytes =
            |name: &'static str| text(name).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok()).ok_or(KeyError::Member(name));
        let key_type = text("kty").ok_or(KeyError::Member("kty"))?;
        let key = match (algorithm, key_type) {
            (Algorithm::Rs256 | Algorithm::Ps256, "RSA") => rsa(algorithm, &bytes("n")?, &bytes("e")?)?,
            (Algorithm::Es256, "EC") => {
                if text("crv") != Some("P-256") {
                    return Err(KeyError::Member("crv"));
                }
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(KeyError::Member("x"));
                }
                let point = [&[4_u8][..], &x, &y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::Material)?
            }
            (Algorithm::EdDsa, "OKP") => {
                if text("crv") != Some("Ed25519") {
                    return Err(KeyError::Member("crv"));
                }
                let x = bytes("x")?;
                if x.len() != 32 {
                    return Err(KeyError::Member("x"));
                }
                ParsedPublicKey::new(&ED25519, x).map_err(|_| KeyError::Material)?
            }
            _ => return Err(KeyError::Member("kty")),
        };
        Ok(Self { id, algorithm, key })
    }

    /// The key id, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm of this key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<ParsedPublicKey, KeyError> {
    // Leading zeros are tolerated: some key managers encode the sign byte of their big integers.
    let n = n.get(n.iter().position(|b| *b != 0).unwrap_or(0)..).unwrap_or(n);
    let bits = n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::Size);
    }
    if e.last().is_none_or(|b| b % 2 == 0) || matches!(e, [0 | 1]) {
        return Err(KeyError::Member("e"));
    }
    let parameters = match algorithm {
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).map_err(|_| KeyError::Material)
}
