//! What a verified token says.

use serde_json::{Map, Value};

/// Latest accepted time in a token: the end of the year 9999, seconds. Larger numbers are type confusion, not dates.
const MAX_TIME: i64 = 253_402_300_799;

/// The claims of a token whose signature, issuer and times were checked.
#[derive(Clone, Debug)]
pub struct Claims {
    /// `exp`, seconds since the Unix epoch; the token is valid before it.
    pub expires: i64,
    /// `iat`, seconds since the Unix epoch.
    pub issued_at: Option<i64>,
    /// All claims as they were sent, `iss`, `sub`, `aud` and `jti` included.
    pub all: Map<String, Value>,
}

impl Claims {
    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str)
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        self.text("iss").unwrap_or_default()
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `jti`.
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// `aud`: none, one or many.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self.all.get("aud") {
            Some(Value::String(one)) => (Some(one.as_str()), &[][..]),
            Some(Value::Array(many)) => (None, many.as_slice()),
            _ => (None, &[][..]),
        };
        one.into_iter().chain(many.iter().filter_map(Value::as_str))
    }

    /// Scopes of a claim that is a space-separated text (RFC 8693) or a list of texts.
    pub fn scopes<'a>(&'a self, claim: &str) -> impl Iterator<Item = &'a str> {
        let (text, list) = match self.all.get(claim) {
            Some(Value::String(text)) => (text.as_str(), &[][..]),
            Some(Value::Array(list)) => ("", list.as_slice()),
            _ => ("", &[][..]),
        };
        text.split(' ').filter(|s| !s.is_empty()).chain(list.iter().filter_map(Value::as_str))
    }
}

/// A NumericDate (RFC 7519 section 2) in bounds; `Err` when present but not such a number.
pub(crate) fn numeric_date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, ()> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    if let Some(whole) = value.as_i64() {
        return if (0..=MAX_TIME).contains(&whole) { Ok(Some(whole)) } else { Err(()) };
    }
    match value.as_f64() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "bounded just before")]
        Some(fraction) if (0.0..=MAX_TIME as f64).contains(&fraction) => Ok(Some(fraction as i64)),
        _ => Err(()),
    }
}
