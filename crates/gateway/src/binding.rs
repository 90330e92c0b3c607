//! Tokens that are bound to a key (`cnf`): only whoever holds the key may use them. By certificate (RFC 8705) or by DPoP
//! proof (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderName;
use http::request::Parts;
use jose::{Claims, DPOP_LIFETIME, DpopExpectation, verify_dpop};
use model::Timestamp;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::client_certificate::Presented;
use crate::fault::Fault;

/// Header that carries a proof.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// Proofs of one generation; when there are more, further ones are refused until the generation ends.
const MAX_PROOFS: usize = 200_000;
/// Proofs that every key may have in one generation while there is room. A busy client may have more, up to half of what is
/// still free: no client uses up what all tenants share.
const MIN_KEY_PROOFS: usize = 2_000;

/// What a token is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// To nothing: whoever has it may use it.
    None,
    /// To a certificate, by its thumbprint (`x5t#S256`).
    Certificate(Box<str>),
    /// To a key, by its thumbprint (`jkt`).
    Key(Box<str>),
    /// In a way that this gateway does not know; such a token is not accepted.
    Unknown,
}

impl Binding {
    /// What the claims say. With more than one binding nothing is known to be enough.
    pub(crate) fn of(claims: &Claims) -> Self {
        let Some(confirmation) = claims.all.get("cnf") else { return Self::None };
        let mut members = confirmation.as_object().into_iter().flatten();
        match (members.next(), members.next()) {
            (Some((name, Value::String(value))), None) if name == "x5t#S256" => {
                Self::Certificate(value.as_str().into())
            }
            (Some((name, Value::String(value))), None) if name == "jkt" => Self::Key(value.as_str().into()),
            _ => Self::Unknown,
        }
    }
}

/// How a call presents its token.
pub(crate) struct Presentation<'a> {
    /// The token.
    pub(crate) token: &'a str,
    /// Whether it came with the scheme `DPoP` instead of `Bearer`.
    pub(crate) with_proof: bool,
    /// Head of the request.
    pub(crate) parts: &'a Parts,
    /// Whether the client came over TLS.
    pub(crate) secure: bool,
    /// The client's certificate.
    pub(crate) certificate: Option<&'a Presented>,
    /// Whether the same call was checked before.
    pub(crate) proven: bool,
}

/// Checks that the caller holds the key that a token is bound to.
pub(crate) fn check(
    binding: &Binding,
    presentation: &Presentation<'_>,
    replays: &Replays,
    now: Timestamp,
) -> Result<(), Fault> {
    let held = match binding {
        // RFC 9449 section 7.1: the scheme says what the token is.
        Binding::None => !presentation.with_proof,
        Binding::Certificate(thumbprint) => {
            !presentation.with_proof
                && presentation.certificate.is_some_and(|shown| shown.thumbprint() == &**thumbprint)
        }
        Binding::Key(thumbprint) => presentation.with_proof && proves(thumbprint, presentation, replays, now),
        Binding::Unknown => false,
    };
    if held { Ok(()) } else { Err(Fault::invalid_credentials()) }
}

fn proves(thumbprint: &str, presentation: &Presentation<'_>, replays: &Replays, now: Timestamp) -> bool {
    let parts = presentation.parts;
    let mut proofs = parts.headers.get_all(&DPOP).iter();
    let (Some(proof), None) = (proofs.next().and_then(|proof| proof.to_str().ok()), proofs.next()) else {
        return false;
    };
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let Some(authority) = parts.uri.authority().map(|a| a.as_str()).or(host) else { return false };
    let scheme = if presentation.secure { "https" } else { "http" };
    let target = format!("{scheme}://{authority}{}", parts.uri.path());
    let access_token = Some(presentation.token);
    let expected = DpopExpectation { method: parts.method.as_str(), target: &target, access_token };
    let Ok(proof) = verify_dpop(proof, &expected, now.seconds()) else { return false };
    proof.thumbprint == thumbprint && replays.is_first(&proof.thumbprint, &proof.id, now)
}

/// Proofs that were used: each works once. Shared by all workers; only calls with bound tokens come here.
#[derive(Debug, Default)]
pub(crate) struct Replays(Mutex<Generations>);

/// A proof is remembered for at least its life and at most twice as long.
#[derive(Debug, Default)]
struct Generations {
    number: i64,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
    /// How many of the young ones each key made, by its thumbprint.
    keys: HashMap<Box<str>, usize>,
}

impl Replays {
    /// Whether a proof was not used before. When nothing more can be remembered, the answer is no: an unknown proof could
    /// be an old one.
    fn is_first(&self, thumbprint: &str, id: &str, now: Timestamp) -> bool {
        let mut name = [0; 32];
        // The thumbprint has a fixed length, so no other pair reads the same.
        name.copy_from_slice(digest(&SHA256, format!("{thumbprint}.{id}").as_bytes()).as_ref());
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.seconds().div_euclid(DPOP_LIFETIME);
        if number > generations.number {
            let young = std::mem::take(&mut generations.young);
            generations.old = if number == generations.number + 1 { young } else { HashSet::new() };
            generations.number = number;
            generations.keys.clear();
        }
        let made = generations.keys.get(thumbprint).copied().unwrap_or_default();
        let free = MAX_PROOFS.saturating_sub(generations.young.len());
        let full = free == 0 || made >= MIN_KEY_PROOFS.max(free / 2);
        if full || generations.old.contains(&name) || !generations.young.insert(name) {
            return false;
        }
        generations.keys.insert(thumbprint.into(), made + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Binding, Replays};
    use jose::{Claims, DPOP_LIFETIME};
    use model::Timestamp;
    use serde_json::{Value, json};

    fn binding(confirmation: Value) -> Binding {
        let claims = json!({"cnf": confirmation});
        Binding::of(&Claims { expires: 1, issued_at: None, all: claims.as_object().unwrap().clone() })
    }

    #[test]
    fn only_one_known_binding_counts() {
        assert_eq!(binding(json!({"jkt": "a"})), Binding::Key("a".into()));
        assert_eq!(binding(json!({"x5t#S256": "a"})), Binding::Certificate("a".into()));
        for unknown in [
            json!({}),
            json!(null),
            json!("jkt"),
            json!({"jkt": 1}),
            json!({"jwk": {}}),
            json!({"jkt": "a", "x5t#S256": "b"}),
            json!({"jkt": "a", "kid": "b"}),
        ] {
            assert_eq!(binding(unknown.clone()), Binding::Unknown, "{unknown}");
        }
    }

    #[test]
    fn a_proof_works_once_in_its_life() {
        let replays = Replays::default();
        let start = DPOP_LIFETIME * 1_000_000;
        let at = |seconds: i64| Timestamp::from_seconds(start + seconds);
        assert!(replays.is_first("k", "1", at(0)));
        assert!(replays.is_first("k", "2", at(0)) && replays.is_first("l", "1", at(0)));
        for later in [0, 1, DPOP_LIFETIME - 1, DPOP_LIFETIME, DPOP_LIFETIME + 5] {
            assert!(!replays.is_first("k", "1", at(later)), "{later}");
        }
        assert!(replays.is_first("k", "1", at(DPOP_LIFETIME * 3)), "after its life the time of a proof refuses it");
    }

    #[test]
    fn memory_is_bounded_and_fails_closed() {
        let replays = Replays::default();
        let now = Timestamp::from_seconds(DPOP_LIFETIME * 1_000_000);
        let used = |key: &str, count: usize| (0..count).filter(|n| replays.is_first(key, &n.to_string(), now)).count();
        let greedy = used("greedy", super::MAX_PROOFS);
        assert!((super::MAX_PROOFS / 3..super::MAX_PROOFS / 3 + 2).contains(&greedy), "{greedy}");
        let second = used("greedy as well", super::MAX_PROOFS);
        assert!(second >= super::MAX_PROOFS / 5 && replays.is_first("other", "1", now), "{second}");
        let ordinary = super::MIN_KEY_PROOFS;
        let rest: usize = (0..120).map(|key| used(&format!("k{key}"), ordinary)).sum();
        assert_eq!(greedy + second + 1 + rest, super::MAX_PROOFS, "until nothing is left each gets its share");
        let next = Timestamp::from_seconds(DPOP_LIFETIME * 1_000_001);
        assert!(replays.is_first("greedy", "new", next) && !replays.is_first("greedy", "1", next));
    }
}
