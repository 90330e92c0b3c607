//! Attacks on token verification.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::{Algorithm, KeyError, SigningKey, TokenError, Verifier, VerifyingKey};

const NOW: i64 = 1_795_000_000;
static RSA: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    SigningKey::from_pkcs8(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref()).unwrap()
});
static EC: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    SigningKey::from_pkcs8(pair.as_ref()).unwrap()
});

fn verifier(key: &SigningKey) -> Verifier {
    let key = VerifyingKey::from_jwk(&key.public_jwk().unwrap()).unwrap();
    Verifier::new("https://issuer", vec![key], BTreeSet::new())
}

fn claims() -> Value {
    json!({"iss": "https://issuer", "sub": "alice", "exp": NOW + 60, "iat": NOW, "scope": "a b", "aud": ["x", "y"]})
}

/// Signs any header and payload text with the RSA key, as an issuer with a broken library would.
fn forge(header: &str, payload: &str) -> String {
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = crate::sign::raw_signature(&RSA, token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    token
}

fn header(extra: &str) -> String {
    format!(r#"{{"alg":"RS256","kid":"{}","typ":"at+jwt"{extra}}}"#, RSA.id())
}

#[test]
fn both_kinds_of_our_keys_verify() {
    for key in [&*RSA, &*EC] {
        let token = key.sign("at+jwt", &claims()).unwrap();
        let verified = verifier(key).verify(&token, NOW).unwrap();
        assert_eq!(verified.subject(), Some("alice"));
        assert_eq!(verified.scopes("scope").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(verified.audiences().collect::<Vec<_>>(), ["x", "y"]);
    }
}

#[test]
fn a_forged_header_never_chooses_the_algorithm() {
    let good = forge(&header(""), &claims().to_string());
    assert!(verifier(&RSA).verify(&good, NOW).is_ok());
    let id = RSA.id();
    for (head, expected) in [
        (r#"{"alg":"none","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"None","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"PS256","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"ES256","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"rs256","typ":"JWT"}"#.to_owned(), TokenError::Key),
        (r#"{"typ":"JWT"}"#.to_owned(), TokenError::Header),
        (r#"{"alg":["RS256"],"typ":"JWT"}"#.to_owned(), TokenError::Header),
        (r#"{"alg":"RS256"}"#.to_owned(), TokenError::Type),
        (r#"{"alg":"RS256","typ":"dpop+jwt"}"#.to_owned(), TokenError::Type),
        (r#"{"alg":"RS256","typ":"JWT","kid":"../../etc/passwd"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"RS256","typ":"JWT","kid":"' OR 1=1 --"}"#.to_owned(), TokenError::Key),
        (r#"{"alg":"RS256","typ":"JWT","kid":7}"#.to_owned(), TokenError::Header),
        (format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, "k".repeat(65)), TokenError::Header),
        (format!(r#"{{"alg":"RS256","alg":"none","typ":"JWT","kid":"{id}"}}"#), TokenError::Malformed),
        (header(r#","jwk":{"kty":"RSA"}"#), TokenError::Header),
        (header(r#","jku":"https://evil/jwks""#), TokenError::Header),
        (header(r#","x5u":"https://evil/x5u""#), TokenError::Header),
        (header(r#","x5c":["AAAA"]"#), TokenError::Header),
        (header(r#","crit":["exp"]"#), TokenError::Header),
        (header(r#","b64":false"#), TokenError::Header),
        (header(r#","zip":"DEF""#), TokenError::Header),
        ("[]".to_owned(), TokenError::Malformed),
        ("{".to_owned(), TokenError::Malformed),
    ] {
        let token = forge(&head, &claims().to_string());
        assert_eq!(verifier(&RSA).verify(&token, NOW).err(), Some(expected), "{head}");
    }
}

#[test]
fn the_public_key_as_hmac_secret_is_useless() {
    use aws_lc_rs::hmac;
    let public = RSA.public_jwk().unwrap().to_string();
    let mut token = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{}"}}"#, RSA.id())),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes()), token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(tag));
    assert_eq!(verifier(&RSA).verify(&token, NOW).err(), Some(TokenError::Key));
}

#[test]
fn times_are_numbers_in_bounds() {
    let with = |claims: &str| forge(&header(""), &format!(r#"{{"iss":"https://issuer",{claims}}}"#));
    for (claims, expected) in [
        (r#""sub":"a""#, TokenError::Time),
        (r#""exp":"1995000000""#, TokenError::Time),
        (r#""exp":[1995000000]"#, TokenError::Time),
        (r#""exp":null"#, TokenError::Time),
        (r#""exp":true"#, TokenError::Time),
        (r#""exp":-1"#, TokenError::Time),
        (r#""exp":18446744073709551615"#, TokenError::Time),
        (r#""exp":9223372036854775807"#, TokenError::Time),
        (r#""exp":1e300"#, TokenError::Time),
        (r#""exp":1e999"#, TokenError::Malformed),
        (r#""exp":1,"exp":1995000000"#, TokenError::Malformed),
        (r#""exp":1795000000"#, TokenError::Expired),
        (r#""exp":1794999999.9"#, TokenError::Expired),
        (r#""exp":1995000000,"nbf":1795000061"#, TokenError::NotYet),
        (r#""exp":1995000000,"nbf":"0""#, TokenError::Time),
        (r#""exp":1995000000,"iat":1795000061"#, TokenError::NotYet),
        (r#""exp":1995000000,"nonce":"n""#, TokenError::Type),
        (r#""exp":1995000000,"at_hash":"n""#, TokenError::Type),
    ] {
        assert_eq!(verifier(&RSA).verify(&with(claims), NOW).err(), Some(expected), "{claims}");
    }
    assert!(verifier(&RSA).verify(&with(r#""exp":1795000001,"nbf":1795000060"#), NOW).is_ok());
}

#[test]
fn broken_texts_are_refused() {
    let good = RSA.sign("JWT", &claims()).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let (head, payload, signature) = (parts[0], parts[1], parts[2]);
    for token in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{head}.{payload}."),
        format!("{head}.{payload}"),
        format!("{head}.{payload}.{signature}.x"),
        format!("{head}.{payload}.{signature}="),
        format!("{head}.{payload}.{}", &signature[1..]),
        format!("{head}.{payload}.{signature}\n"),
        format!(" {good}"),
        format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"iss":"https://issuer","exp":1995000000}"#)),
        format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(5000))),
        "a".repeat(super::MAX_TOKEN_BYTES + 1),
    ] {
        assert!(verifier(&RSA).verify(&token, NOW).is_err(), "{token:.60}");
    }
}

#[test]
fn issuer_and_audience_are_exact() {
    let token = RSA.sign("JWT", &claims()).unwrap();
    let key = || VerifyingKey::from_jwk(&RSA.public_jwk().unwrap()).unwrap();
    let other = Verifier::new("https://issuer/", vec![key()], BTreeSet::new());
    assert_eq!(other.verify(&token, NOW).err(), Some(TokenError::Issuer));
    let audience = |a: &str| Verifier::new("https://issuer", vec![key()], BTreeSet::from([a.to_owned()]));
    assert!(audience("y").verify(&token, NOW).is_ok());
    assert_eq!(audience("z").verify(&token, NOW).err(), Some(TokenError::Audience));
    // A key of another issuer does not help.
    let foreign = Verifier::new(
        "https://issuer",
        vec![VerifyingKey::from_jwk(&EC.public_jwk().unwrap()).unwrap()],
        BTreeSet::new(),
    );
    assert_eq!(foreign.verify(&token, NOW).err(), Some(TokenError::Key));
}

#[test]
fn keys_are_checked() {
    let good = RSA.public_jwk().unwrap();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        VerifyingKey::from_jwk(&jwk).err()
    };
    assert_eq!(with("alg", json!("none")), Some(KeyError::Algorithm));
    assert_eq!(with("alg", json!("HS256")), Some(KeyError::Algorithm));
    assert_eq!(with("alg", json!("ES256")), Some(KeyError::Member("kty")));
    assert_eq!(with("use", json!("enc")), Some(KeyError::Use));
    assert_eq!(with("d", json!("AQAB")), Some(KeyError::Private));
    assert_eq!(with("n", json!("AQAB")), Some(KeyError::Size));
    assert_eq!(with("n", json!("")), Some(KeyError::Size));
    assert_eq!(with("e", json!("AQ")), Some(KeyError::Member("e")));
    assert_eq!(with("kid", json!("k".repeat(65))), Some(KeyError::Member("kid")));
    assert_eq!(VerifyingKey::from_jwk(&good).unwrap().algorithm(), Algorithm::Rs256);
    let off_curve = json!({"alg":"ES256","kty":"EC","crv":"P-256","x":URL_SAFE_NO_PAD.encode([1; 32]),"y":URL_SAFE_NO_PAD.encode([1; 32])});
    assert_eq!(VerifyingKey::from_jwk(&off_curve).err(), Some(KeyError::Material));
}

#[test]
fn rfc_8037_example_verifies() {
    // RFC 8037 appendix A: the signature of "Example of Ed25519 signing". Not a JWT, so the key is asked directly.
    let jwk = json!({"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let key = VerifyingKey::from_jwk(&jwk).unwrap();
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = URL_SAFE_NO_PAD
        .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
        .unwrap();
    assert!(key.verifies(message.as_bytes(), &signature));
    assert!(!key.verifies(b"other", &signature));
}
