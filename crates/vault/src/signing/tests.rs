use super::{SigningKey, SigningKeyError, thumbprint};
use crate::generate::generate_p256;
use crate::keystore::read_pem_key;
use crate::testing::error_of;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[test]
fn the_published_jwk_verifies_what_the_key_signs() {
    let key = SigningKey::generate().unwrap();
    let signature = key.sign_rs256(b"header.payload").unwrap();
    let jwk = key.public_jwk();
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let public = PublicKeyComponents { n: member("n"), e: member("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, b"header.payload", &signature).unwrap();
    assert!(public.verify(&RSA_PKCS1_2048_8192_SHA256, b"header.other", &signature).is_err());
    assert_eq!(jwk["kid"], key.kid());
    assert_eq!(jwk["e"], "AQAB");
    assert!(jwk.get("d").is_none());
}

#[test]
fn the_pem_gives_the_same_key() {
    let key = SigningKey::generate().unwrap();
    let read = read_pem_key(key.pkcs8_pem().expose().as_bytes()).unwrap();
    let again = SigningKey::from_private_key(read.expose()).unwrap();
    assert_eq!(again.kid(), key.kid());
    assert_eq!(key.kid().len(), 43);
}

#[test]
fn another_kind_of_key_is_refused() {
    let key = generate_p256().unwrap();
    assert_eq!(error_of(SigningKey::from_private_key(key.expose())), SigningKeyError::NotRsa);
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3\
        oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5\
        hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    assert_eq!(thumbprint(modulus, "AQAB"), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}
