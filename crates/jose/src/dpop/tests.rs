//! Proofs that must not pass.

use super::{DpopError, DpopExpectation, same_target, verify_dpop};
use crate::{Algorithm, SigningKey, thumbprint};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const NOW: i64 = 1_795_000_000;
const TARGET: &str = "https://localhost:9443/oauth2/token";
const EXPECTED: DpopExpectation<'static> = DpopExpectation { method: "POST", target: TARGET, access_token: None };

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8_for(&SigningKey::generate_pkcs8(algorithm).unwrap(), algorithm).unwrap()
}

fn bare(key: &SigningKey) -> Value {
    let mut jwk = key.public_jwk().unwrap();
    for name in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().shift_remove(name);
    }
    jwk
}

fn claims() -> Value {
    json!({"htm": "POST", "htu": TARGET, "iat": NOW, "jti": "one"})
}

fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let text = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let signed = format!("{}.{}", text(header), text(claims));
    let signature = crate::sign::raw_signature(key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_proof_of_each_algorithm_holds() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let header = json!({"typ": "dpop+jwt", "alg": algorithm.as_str(), "jwk": bare(&key)});
        let proof = verify_dpop(&sign(&key, &header, &claims()), &EXPECTED, NOW).unwrap();
        assert_eq!(proof.thumbprint, thumbprint(&bare(&key)).unwrap());
        assert_eq!((proof.id.as_str(), proof.nonce), ("one", None));
    }
}

#[test]
fn what_is_not_exactly_a_proof_for_this_request_is_refused() {
    let (key, other) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let header = |change: Value| {
        let mut header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": bare(&key)});
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        header
    };
    let mut private = bare(&key);
    private.as_object_mut().unwrap().insert("d".into(), "AAAA".into());
    for (change, expected) in [
        (json!({"typ": "JWT"}), DpopError::Header),
        (json!({"typ": "DPOP+JWT"}), DpopError::Header),
        (json!({"jku": "https://evil"}), DpopError::Header),
        (json!({"crit": ["x"]}), DpopError::Header),
        (json!({"alg": "none"}), DpopError::Key),
        (json!({"alg": "HS256"}), DpopError::Key),
        (json!({"alg": "RS256"}), DpopError::Key),
        (json!({"jwk": private}), DpopError::Key),
        (json!({"jwk": {"kty": "oct", "k": "AAAA"}}), DpopError::Key),
        (json!({"jwk": bare(&other)}), DpopError::Signature),
    ] {
        let proof = sign(&key, &header(change.clone()), &claims());
        assert_eq!(verify_dpop(&proof, &EXPECTED, NOW).unwrap_err(), expected, "{change}");
    }
    for (change, expected) in [
        (json!({"htm": "GET"}), DpopError::Target),
        (json!({"htm": "post"}), DpopError::Target),
        (json!({"htu": "https://localhost:9443/oauth2/revoke"}), DpopError::Target),
        (json!({"htu": "https://localhost:9443@evil/oauth2/token"}), DpopError::Target),
        (json!({"htu": "http://localhost:9443/oauth2/token"}), DpopError::Target),
        (json!({"htu": 7}), DpopError::Target),
        (json!({"iat": NOW - 121}), DpopError::Time),
        (json!({"iat": NOW + 61}), DpopError::Time),
        (json!({"iat": "now"}), DpopError::Time),
        (json!({"jti": ""}), DpopError::Id),
        (json!({"jti": "x".repeat(129)}), DpopError::Id),
    ] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let proof = sign(&key, &header(json!({})), &claims);
        assert_eq!(verify_dpop(&proof, &EXPECTED, NOW).unwrap_err(), expected, "{change}");
    }
    for text in ["", "a.b", "a.b.c.d", &"x".repeat(9000)] {
        assert_eq!(verify_dpop(text, &EXPECTED, NOW).unwrap_err(), DpopError::Malformed);
    }
}

#[test]
fn a_proof_is_bound_to_its_access_token() {
    let key = key(Algorithm::EdDsa);
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": bare(&key)});
    let expected = DpopExpectation { access_token: Some("token"), ..EXPECTED };
    let with = |ath: &str| json!({"htm": "POST", "htu": TARGET, "iat": NOW, "jti": "one", "ath": ath});
    assert_eq!(verify_dpop(&sign(&key, &header, &claims()), &expected, NOW), Err(DpopError::AccessToken));
    assert_eq!(verify_dpop(&sign(&key, &header, &with("AAAA")), &expected, NOW), Err(DpopError::AccessToken));
    // SHA-256 of "token", computed elsewhere.
    let right = with("PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A");
    assert!(verify_dpop(&sign(&key, &header, &right), &expected, NOW).is_ok());
}

#[test]
fn targets_are_compared_as_addresses() {
    assert!(same_target("HTTPS://Localhost:443/a?x=1#y", "https://localhost/a"));
    assert!(same_target("https://host", "https://host/"));
    assert!(!same_target("https://host/a/", "https://host/a"));
    assert!(!same_target("https://host/A", "https://host/a"));
    assert!(!same_target("https://host:8443/a", "https://host/a"));
    assert!(!same_target("//host/a", "https://host/a"));
}
