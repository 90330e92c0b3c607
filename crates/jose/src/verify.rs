//! Verification: from a text that anybody could have sent to claims that an issuer stands for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use crate::claims::numeric_date;
use crate::{Claims, VerifyingKey, object};

/// Longest accepted token, bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Longest accepted key id, bytes. A key id is an opaque map key.
pub const MAX_KEY_ID_BYTES: usize = 64;
/// Difference between the issuer's clock and ours that is forgiven in `nbf` and `iat`, seconds. Never in `exp`.
const CLOCK_SKEW: i64 = 60;

/// Header members that change what a signature means or fetch a key from elsewhere. A token with one is refused.
const REFUSED_HEADERS: [&str; 10] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc", "epk", "cty"];
/// Claims that only an ID token has (OpenID Connect Core 2, 3.1.3.6, 3.3.2.11).
const ID_TOKEN_CLAIMS: [&str; 3] = ["nonce", "at_hash", "c_hash"];

/// Why a token is refused. Callers answer the same to all but [`TokenError::Expired`]; the detail is for logs.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// Not three base64url parts with two JSON objects, or a member occurs twice.
    #[error("the token is not a JWT")]
    Malformed,
    /// A header member that is never accepted.
    #[error("the header carries a refused member")]
    Header,
    /// `typ` is neither `at+jwt` nor `JWT`, or the token is an ID token.
    #[error("the token is not an access token")]
    Type,
    /// Nobody we trust is the issuer.
    #[error("the issuer is not known")]
    Issuer,
    /// No key with this id, or `alg` is not the key's.
    #[error("no key of the issuer fits")]
    Key,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// `exp` is absent, or a time is not a number in bounds.
    #[error("a time claim is missing or malformed")]
    Time,
    /// `exp` lies in the past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// `aud` is none of the configured.
    #[error("the token is meant for somebody else")]
    Audience,
}

/// What a token is good for. A token of one kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `typ` is `at+jwt` or `JWT`, and no claim of an ID token (RFC 9068).
    Access,
    /// A statement of a client or another issuer at the token endpoint (RFC 7523): `typ` is absent, `JWT` or
    /// `client-authentication+jwt`.
    Assertion,
    /// An ID token that another provider issued to us: `typ` is absent or `JWT` (OpenID Connect Core 2). The caller
    /// compares the nonce and the authorised party.
    IdToken,
    /// An ID token that a client hands back (`id_token_hint`): `typ` is `JWT`, `at_hash` is there, and it may have
    /// expired (OpenID Connect RP-Initiated Logout 1.0 section 2).
    IdHint,
}

/// Accepts the tokens of one issuer.
#[derive(Debug)]
pub struct Verifier {
    issuer: Box<str>,
    keys: Vec<VerifyingKey>,
    audiences: BTreeSet<String>,
}

impl Verifier {
    /// For the exact `iss` value, by these keys. With `audiences` non-empty a token needs one of them.
    pub fn new(issuer: impl Into<Box<str>>, keys: Vec<VerifyingKey>, audiences: BTreeSet<String>) -> Self {
        Self { issuer: issuer.into(), keys, audiences }
    }

    /// The exact `iss` value.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies a token at a time (seconds since the Unix epoch).
    ///
    /// # Errors
    /// [`TokenError`]: the first thing that is wrong.
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, TokenError> {
        verify_any(std::slice::from_ref(self), |_| true, token, now).map(|(_, claims)| claims)
    }

    fn accepts(&self, parts: &Parts<'_>) -> Result<(), TokenError> {
        let mut outcome = TokenError::Key;
        for key in &self.keys {
            // A token without key id may use any key; with one, only that key, or keys that have no id: those of a bare
            // certificate, whose issuer names them as it likes.
            let id_fits = parts.key_id.is_none() || key.id().is_none() || key.id() == parts.key_id;
            if !id_fits || key.algorithm().as_str() != parts.algorithm {
                continue;
            }
            if key.verifies(parts.signed.as_bytes(), &parts.signature) {
                return Ok(());
            }
            outcome = TokenError::Signature;
        }
        Err(outcome)
    }

    fn audience_fits(&self, claims: &Claims) -> bool {
        self.audiences.is_empty() || claims.audiences().any(|a| self.audiences.contains(a))
    }
}

/// Verifies a token by the verifier whose issuer it names; returns that verifier's index besides the claims. Only those
/// count that `serves` accepts by their index: issuers are not unique, as each tenant registers what it likes.
///
/// # Errors
/// [`TokenError`]: the first thing that is wrong.
pub fn verify_any(
    verifiers: &[Verifier],
    serves: impl Fn(usize) -> bool,
    token: &str,
    now: i64,
) -> Result<(usize, Claims), TokenError> {
    verify_by(TokenKind::Access, verifiers, serves, token, now)
}

/// The `iss` that a JWT names, which nobody has checked: good for choosing whom to ask about the token and for nothing
/// else. Empty when it names none; `None` for a text that is no JWT.
pub fn claimed_issuer(token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut pieces = token.split('.');
    let (Some(header), Some(payload), Some(_), None) = (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return None;
    };
    decode_object(header).ok()?;
    let claims = decode_object(payload).ok()?;
    Some(claims.get("iss").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// As [`verify_any`] by all verifiers, for a token of the given kind.
///
/// # Errors
/// [`TokenError`]: the first thing that is wrong.
pub fn verify_as(
    kind: TokenKind,
    verifiers: &[Verifier],
    token: &str,
    now: i64,
) -> Result<(usize, Claims), TokenError> {
    verify_by(kind, verifiers, |_| true, token, now)
}

fn verify_by(
    kind: TokenKind,
    verifiers: &[Verifier],
    serves: impl Fn(usize) -> bool,
    token: &str,
    now: i64,
) -> Result<(usize, Claims), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let mut pieces = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(TokenError::Malformed);
    };
    let header = decode_object(header)?;
    check_header(kind, &header)?;
    let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Header)?;
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) if id.len() <= MAX_KEY_ID_BYTES => Some(id.as_str()),
        Some(_) => return Err(TokenError::Header),
    };
    let claims = decode_object(payload)?;
    let issuer = claims.get("iss").and_then(Value::as_str).ok_or(TokenError::Issuer)?;
    let signed = token.get(..token.len() - signature.len() - 1).ok_or(TokenError::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    let parts = Parts { algorithm, key_id, signed, signature };

    let mut outcome = TokenError::Issuer;
    for (index, verifier) in verifiers.iter().enumerate().filter(|(index, v)| &*v.issuer == issuer && serves(*index)) {
        match verifier.accepts(&parts) {
            Ok(()) => {
                let claims = check_times(kind, claims, now)?;
                return if verifier.audience_fits(&claims) { Ok((index, claims)) } else { Err(TokenError::Audience) };
            }
            Err(error) => outcome = error,
        }
    }
    Err(outcome)
}

/// The parts of a token that its signature is checked with.
struct Parts<'a> {
    algorithm: &'a str,
    key_id: Option<&'a str>,
    signed: &'a str,
    signature: Vec<u8>,
}

pub(crate) fn decode_object(part: &str) -> Result<Map<String, Value>, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    object::parse(&bytes).ok_or(TokenError::Malformed)
}

fn check_header(kind: TokenKind, header: &Map<String, Value>) -> Result<(), TokenError> {
    if REFUSED_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return Err(TokenError::Header);
    }
    let typ = match header.get("typ") {
        // RFC 7523 and OpenID Connect Core ask for none.
        None if matches!(kind, TokenKind::Assertion | TokenKind::IdToken) => return Ok(()),
        typ => typ.and_then(Value::as_str).ok_or(TokenError::Type)?,
    };
    let typ = match typ.split_at_checked(12) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    };
    let further = match kind {
        TokenKind::Access => "at+jwt",
        TokenKind::Assertion => "client-authentication+jwt",
        TokenKind::IdHint | TokenKind::IdToken => "jwt",
    };
    if typ.eq_ignore_ascii_case(further) || typ.eq_ignore_ascii_case("jwt") { Ok(()) } else { Err(TokenError::Type) }
}

fn check_times(kind: TokenKind, all: Map<String, Value>, now: i64) -> Result<Claims, TokenError> {
    let time = |name| numeric_date(&all, name).map_err(|()| TokenError::Time);
    let expires = time("exp")?.ok_or(TokenError::Time)?;
    let (not_before, issued_at) = (time("nbf")?, time("iat")?);
    if now >= expires && kind != TokenKind::IdHint {
        return Err(TokenError::Expired);
    }
    let latest = now.saturating_add(CLOCK_SKEW);
    if not_before.is_some_and(|t| t > latest) || issued_at.is_some_and(|t| t > latest) {
        return Err(TokenError::NotYet);
    }
    let of_id_token = ID_TOKEN_CLAIMS.iter().any(|name| all.contains_key(*name));
    match kind {
        TokenKind::Access if of_id_token => Err(TokenError::Type),
        TokenKind::IdHint if !of_id_token => Err(TokenError::Type),
        _ => Ok(Claims { expires, issued_at, all }),
    }
}
