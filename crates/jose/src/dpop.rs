//! DPoP proofs (RFC 9449): a request signed with the key that its token is bound to.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::claims::numeric_date;
use crate::key::thumbprint;
use crate::verify::decode_object;
use crate::{Algorithm, VerifyingKey};

/// Longest accepted proof, bytes.
const MAX_PROOF_BYTES: usize = 8 * 1024;
/// Longest accepted `jti`, bytes.
const MAX_ID_BYTES: usize = 128;
/// How old a proof may be, seconds.
const MAX_AGE: i64 = 60;
/// Difference of the clocks that is forgiven in both directions, seconds.
const CLOCK_SKEW: i64 = 60;
/// How long the id of a proof must be remembered so that it works once, seconds.
pub const DPOP_LIFETIME: i64 = MAX_AGE + 2 * CLOCK_SKEW;

/// Members of the header that a proof has; any other one is refused.
const HEADER: [&str; 4] = ["typ", "alg", "jwk", "kid"];

/// What the request is that the proof must be made for.
#[derive(Clone, Copy, Debug)]
pub struct DpopExpectation<'a> {
    /// Its method, upper case.
    pub method: &'a str,
    /// Its address without query, as in `https://localhost:9443/oauth2/token`.
    pub target: &'a str,
    /// The access token that it carries; `None` at the token endpoint.
    pub access_token: Option<&'a str>,
}

/// A proof that holds. Whether its id was seen before is for the caller, who has a memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    /// Thumbprint of the key (`jkt`): what the token must be bound to.
    pub thumbprint: String,
    /// `jti`: good once within [`DPOP_LIFETIME`].
    pub id: String,
    /// `nonce`, when it carries one.
    pub nonce: Option<String>,
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Too long, not three parts, not JSON, or a member occurs twice.
    #[error("the proof is not a signed JWT")]
    Malformed,
    /// `typ` is not `dpop+jwt`, or the header has members that a proof does not have.
    #[error("the header is not one of a DPoP proof")]
    Header,
    /// `alg` is not one of [`Algorithm`], or `jwk` is not a public key for it.
    #[error("the key of the proof cannot be used")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the proof is wrong")]
    Signature,
    /// `htm` or `htu` are those of another request.
    #[error("the proof was made for another request")]
    Target,
    /// `iat` is missing, too old or in the future.
    #[error("the proof is too old or from the future")]
    Time,
    /// `jti` is missing or too long.
    #[error("the proof has no usable jti")]
    Id,
    /// `ath` is missing or that of another token.
    #[error("the proof was made for another access token")]
    AccessToken,
}

/// Checks a proof at a time (seconds since the Unix epoch).
///
/// # Errors
/// [`DpopError`]: the first thing that is wrong.
pub fn verify_dpop(proof: &str, expected: &DpopExpectation<'_>, now: i64) -> Result<DpopProof, DpopError> {
    if proof.len() > MAX_PROOF_BYTES {
        return Err(DpopError::Malformed);
    }
    let mut pieces = proof.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(DpopError::Malformed);
    };
    let header = decode_object(header).map_err(|_| DpopError::Malformed)?;
    let claims = decode_object(payload).map_err(|_| DpopError::Malformed)?;
    let signed = proof.get(..proof.len() - signature.len() - 1).ok_or(DpopError::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| DpopError::Malformed)?;
    let thumbprint = check_key(&header, signed, &signature)?;
    check_claims(&claims, expected, now)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let id = text("jti").filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES).ok_or(DpopError::Id)?;
    Ok(DpopProof { thumbprint, id: id.to_owned(), nonce: text("nonce").map(str::to_owned) })
}

fn check_key(header: &Map<String, Value>, signed: &str, signature: &[u8]) -> Result<String, DpopError> {
    if header.get("typ").and_then(Value::as_str) != Some("dpop+jwt")
        || header.keys().any(|name| !HEADER.contains(&name.as_str()))
    {
        return Err(DpopError::Header);
    }
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name).ok_or(DpopError::Key)?;
    let jwk = header.get("jwk").ok_or(DpopError::Key)?;
    let key = VerifyingKey::from_jwk_for(jwk, algorithm).map_err(|_| DpopError::Key)?;
    if !key.verifies(signed.as_bytes(), signature) {
        return Err(DpopError::Signature);
    }
    thumbprint(jwk).map_err(|_| DpopError::Key)
}

fn check_claims(claims: &Map<String, Value>, expected: &DpopExpectation<'_>, now: i64) -> Result<(), DpopError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let target = text("htu").ok_or(DpopError::Target)?;
    if text("htm") != Some(expected.method) || !same_target(target, expected.target) {
        return Err(DpopError::Target);
    }
    let issued = numeric_date(claims, "iat").ok().flatten().ok_or(DpopError::Time)?;
    if issued > now.saturating_add(CLOCK_SKEW) || issued < now.saturating_sub(MAX_AGE + CLOCK_SKEW) {
        return Err(DpopError::Time);
    }
    if let Some(token) = expected.access_token {
        let wanted = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        if text("ath") != Some(wanted.as_str()) {
            return Err(DpopError::AccessToken);
        }
    }
    Ok(())
}

/// Whether two addresses are the same but for query and fragment, the case of scheme and host, and a default port
/// (RFC 9449 section 4.3, RFC 3986 section 6.2).
pub fn same_target(a: &str, b: &str) -> bool {
    match (split(a), split(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Scheme, authority and path.
fn split(address: &str) -> Option<(String, String, &str)> {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (scheme, rest) = address.get(..end)?.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // User information in front of the host is how one address pretends to be another.
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(default_port).map_or(authority.clone(), str::to_owned);
    Some((scheme, authority, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests;
