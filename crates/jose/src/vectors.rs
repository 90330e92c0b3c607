//! The Wycheproof vectors of the primitives behind the four algorithms, run through keys in JWK form.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wycheproof::TestResult;
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::{Algorithm, KeyError, VerifyingKey};

/// Counts what was tried, and panics at the first vector with another outcome.
#[derive(Default)]
struct Tally {
    valid: usize,
    refused: usize,
}

impl Tally {
    fn judge(&mut self, key: &VerifyingKey, message: &[u8], signature: &[u8], expected: TestResult, id: usize) {
        let verifies = key.verifies(message, signature);
        match expected {
            TestResult::Valid => assert!(verifies, "{:?}: vector {id} is valid", key.algorithm()),
            TestResult::Invalid => assert!(!verifies, "{:?}: vector {id} is not valid", key.algorithm()),
            // May be accepted or not: counted by what we do.
            TestResult::Acceptable => {}
        }
        *(if verifies { &mut self.valid } else { &mut self.refused }) += 1;
    }
}

fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<VerifyingKey, KeyError> {
    let jwk: Value = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)});
    VerifyingKey::from_jwk_for(&jwk, algorithm)
}

#[test]
fn es256() {
    let mut tally = Tally::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        // An uncompressed point: 4, x, y.
        let point: &[u8] = &group.key.key;
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33)});
        let key = VerifyingKey::from_jwk_for(&jwk, Algorithm::Es256).unwrap();
        for test in group.tests {
            tally.judge(&key, &test.msg, &test.sig, test.result, test.tc_id);
        }
    }
    assert!(tally.valid > 100 && tally.refused > 50, "{} and {}", tally.valid, tally.refused);
}

#[test]
fn ed25519() {
    let mut tally = Tally::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&group.key.pk)});
        let key = VerifyingKey::from_jwk_for(&jwk, Algorithm::EdDsa).unwrap();
        for test in group.tests {
            tally.judge(&key, &test.msg, &test.sig, test.result, test.tc_id);
        }
    }
    assert!(tally.valid > 50 && tally.refused > 50, "{} and {}", tally.valid, tally.refused);
}

#[test]
fn rs256() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let mut tally = Tally::default();
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = rsa(Algorithm::Rs256, &group.key.n, &group.key.e).unwrap();
            for test in group.tests {
                tally.judge(&key, &test.msg, &test.sig, test.result, test.tc_id);
            }
        }
    }
    assert!(tally.valid > 20 && tally.refused > 500, "{} and {}", tally.valid, tally.refused);
}

#[test]
fn ps256() {
    use rsa_pss_verify::TestName as Name;
    let mut tally = Tally::default();
    // RFC 7518 section 3.5: the salt is as long as the hash. The library finds the salt's length itself, so vectors with
    // another one verify as well; no signature can be forged by that.
    for name in
        [Name::RsaPss2048Sha256Mgf1SaltLen32, Name::RsaPss3072Sha256Mgf1SaltLen32, Name::RsaPss4096Sha256Mgf1SaltLen32]
    {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = rsa(Algorithm::Ps256, &group.key.n, &group.key.e).unwrap();
            for test in group.tests {
                tally.judge(&key, &test.msg, &test.sig, test.result, test.tc_id);
            }
        }
    }
    assert!(tally.valid > 100 && tally.refused > 50, "{} and {}", tally.valid, tally.refused);
}
