//! Fuzz targets: tokens and proofs of strangers. See `testkit::fuzz`.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use testkit::fuzz::{Shape, Target, kind, long, smoke};

use crate::{DpopExpectation, SigningKey, TokenError, Verifier, VerifyingKey, claimed_issuer, verify_dpop};

const TARGETS: &[Target] = &[TOKEN, PROOF, KEY];

#[test]
fn a_few_inputs_of_every_target() {
    smoke(TARGETS);
}

#[test]
fn for_a_while() {
    long(TARGETS);
}

const NOW: i64 = 1_800_000_000;

static SIGNING: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    SigningKey::from_pkcs8(pair.to_pkcs8v1().unwrap().as_ref()).unwrap()
});
static GOOD: LazyLock<String> = LazyLock::new(|| {
    let claims =
        json!({"iss": "https://i.test", "sub": "a", "iat": NOW, "exp": NOW + 60, "aud": ["x"], "scope": "a b"});
    SIGNING.sign("at+jwt", &claims).unwrap()
});
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = VerifyingKey::from_jwk(&SIGNING.public_jwk().unwrap()).unwrap();
    Verifier::new("https://i.test", vec![key], BTreeSet::new())
});

const TOKEN: Target = Target {
    name: "token",
    shape: Shape::Text,
    seeds: || {
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2kudGVzdCJ9.";
        vec![GOOD.as_bytes().to_vec(), none.as_bytes().to_vec()]
    },
    words: &[".", "eyJ", "eyJhbGciOiJub25lIn0", "=", "-", "_", "e30", "W10", "bnVsbA"],
    run: |input| {
        let text = String::from_utf8_lossy(input);
        let claimed = claimed_issuer(&text);
        match VERIFIER.verify(&text, NOW) {
            Ok(claims) => {
                assert_eq!(text, *GOOD, "only the token that was signed is accepted, in the one way it is written");
                assert_eq!(claimed.as_deref(), Some(claims.issuer()));
                1
            }
            Err(error) => kind(&format!("{error:?}"), usize::from(error == TokenError::TooLong)),
        }
    },
};

const PROOF: Target = Target {
    name: "proof",
    shape: Shape::Text,
    seeds: || {
        vec![GOOD.as_bytes().to_vec(), b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.e30.AAAA".to_vec()]
    },
    words: &[".", "eyJ0eXAiOiJkcG9wK2p3dCJ9", "e30", "=", "AAAA"],
    run: |input| {
        let expected = DpopExpectation { method: "GET", target: "https://a.test/b", access_token: None };
        match verify_dpop(&String::from_utf8_lossy(input), &expected, NOW) {
            Ok(_) => unreachable!("nobody has signed a proof"),
            Err(error) => kind(&format!("{error:?}"), 0),
        }
    },
};

const KEY: Target = Target {
    name: "key",
    shape: Shape::Json,
    seeds: || {
        let rsa = json!({"kty": "RSA", "alg": "RS256", "n": "AQAB", "e": "AQAB", "kid": "1"});
        vec![SIGNING.public_jwk().unwrap().to_string().into_bytes(), rsa.to_string().into_bytes()]
    },
    words: &[
        "RSA", "EC", "OKP", "oct", "none", "HS256", "RS256", "ES256", "EdDSA", "P-256", "AQAB", "kty", "alg", "crv",
        "x", "y",
    ],
    run: |input| {
        let Ok(jwk) = serde_json::from_slice::<Value>(input) else { return 0 };
        match VerifyingKey::from_jwk(&jwk) {
            Ok(key) => {
                assert!(!matches!(key.algorithm().as_str(), "none" | "HS256" | "HS384" | "HS512"));
                kind(key.algorithm().as_str(), 1)
            }
            Err(error) => kind(&error.to_string(), 0),
        }
    },
};
