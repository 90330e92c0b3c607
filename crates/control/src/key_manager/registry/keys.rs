//! Public keys of another key manager: from a JWKS address or a certificate.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use vault::{CertificatePurpose, CertificateRule};
use x509_parser::public_key::PublicKey;

use crate::Control;
use crate::field::Field;

/// How long registering a key manager waits for its keys. The job that refreshes them tries again.
const WAIT: Duration = Duration::from_secs(3);
/// Most keys of an issuer.
const MAX_KEYS: usize = 50;

/// The keys of a key manager; an empty list when they cannot be had now.
pub(crate) async fn of(control: &Control, document: &Map<String, Value>) -> Value {
    let certificates = document.get("certificates").unwrap_or(&Value::Null);
    let value = certificates.at("value").as_str().unwrap_or_default();
    match certificates.at("type").as_str() {
        Some("PEM") => from_pem(value).map_or_else(|_| json!([]), |key| json!([key])),
        // Stored addresses are checked again: an older installation may hold one that is not protected.
        Some("JWKS") if super::is_protected(value) => {
            let fetched = tokio::time::timeout(WAIT, control.egress().get(value)).await;
            match fetched {
                Ok(Ok(answer)) if answer.status.is_success() => from_jwks(&answer.body),
                Ok(Ok(answer)) => {
                    tracing::warn!(url = value, status = answer.status.as_u16(), "no keys from a key manager");
                    json!([])
                }
                Ok(Err(error)) => {
                    tracing::warn!(url = value, %error, "no keys from a key manager");
                    json!([])
                }
                Err(_) => {
                    tracing::warn!(url = value, "a key manager did not answer in time");
                    json!([])
                }
            }
        }
        _ => json!([]),
    }
}

/// The signature keys of a JWK set: RSA and EC public keys, at most fifty.
fn from_jwks(body: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let keys = document.at("keys").as_array().map(Vec::as_slice).unwrap_or_default();
    keys.iter()
        .filter(|key| matches!(key.at("kty").as_str(), Some("RSA" | "EC")) && key.at("use") != "enc")
        // A private key in a public place is nothing to keep.
        .filter(|key| key.at("d").is_null())
        .take(MAX_KEYS)
        .map(|key| {
            let mut key = key.clone();
            if key.at("alg").is_null() {
                let algorithm = if key.at("kty") == "EC" { "ES256" } else { "RS256" };
                if let Some(object) = key.as_object_mut() {
                    object.insert("alg".into(), json!(algorithm));
                }
            }
            key
        })
        .collect()
}

/// The public key of a certificate: PEM text, or PEM in base64 as WSO2's portals send it.
pub(crate) fn from_pem(text: &str) -> Result<Value, String> {
    let bytes = if text.contains("-----BEGIN") {
        text.as_bytes().to_vec()
    } else {
        let compact: String = text.split_whitespace().collect();
        STANDARD.decode(compact).map_err(|_| "neither PEM nor base64 of PEM".to_owned())?
    };
    let certificates = vault::keystore::read_pem_certificates(&bytes).map_err(|e| e.to_string())?;
    let first = certificates.first().ok_or_else(|| "there is no certificate in it".to_owned())?;
    // How long a signer's certificate lasts is its owner's matter: its key is what is trusted.
    let now = model::Timestamp::from_seconds(0);
    let faults = vault::check_certificate(std::slice::from_ref(first), None, now, CertificatePurpose::TrustAnchor);
    let of_key = [CertificateRule::PublicDefault, CertificateRule::WeakRsa, CertificateRule::WeakCurve];
    if let Some(fault) = faults.iter().find(|fault| of_key.contains(&fault.rule)) {
        return Err(fault.to_string());
    }
    let (_, certificate) = x509_parser::parse_x509_certificate(first).map_err(|e| format!("not a certificate: {e}"))?;
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => Ok(json!({
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(without_leading_zeros(rsa.modulus)),
            "e": URL_SAFE_NO_PAD.encode(without_leading_zeros(rsa.exponent)),
        })),
        // An uncompressed point of P-256: 0x04, x, y.
        Ok(PublicKey::EC(point)) => match point.data() {
            [4, rest @ ..] if rest.len() == 64 => {
                let (x, y) = rest.split_at(32);
                Ok(json!({
                    "kty": "EC",
                    "crv": "P-256",
                    "alg": "ES256",
                    "use": "sig",
                    "x": URL_SAFE_NO_PAD.encode(x),
                    "y": URL_SAFE_NO_PAD.encode(y),
                }))
            }
            _ => Err("an elliptic curve other than P-256".to_owned()),
        },
        _ => Err("a key that is neither RSA nor EC".to_owned()),
    }
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{from_jwks, from_pem};
    use serde_json::json;

    #[test]
    fn only_public_signature_keys_are_taken() {
        let set = json!({"keys": [
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "secret"},
            {"kty": "oct", "k": "c2VjcmV0"},
            {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"},
        ]});
        let keys = from_jwks(set.to_string().as_bytes());
        assert_eq!(keys.as_array().unwrap().len(), 2);
        assert_eq!((&keys[0]["alg"], &keys[1]["alg"]), (&json!("RS256"), &json!("ES256")));
        assert_eq!(from_jwks(b"<html>"), json!([]));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for bad in
            ["", "not base64 !", "LS0tLS1CRUdJTg==", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
        {
            assert!(from_pem(bad).is_err(), "{bad}");
        }
    }
}
