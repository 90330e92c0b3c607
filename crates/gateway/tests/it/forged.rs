//! Every token of the forged corpus over a real socket: none may open the door.

use crate::platform::*;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::{hmac, rand};
use jose::SigningKey;
use serde_json::json;
use testkit::forged::Forger;

fn pair() -> (KeyPair, SigningKey) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let key = SigningKey::from_pkcs8(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref()).unwrap();
    (pair, key)
}

fn raw(pair: &KeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

#[test]
fn no_forged_token_is_accepted() {
    let upstream = Upstream::echo();
    let (trusted, key) = pair();
    let (stranger, stranger_key) = pair();
    let public = key.public_jwk().unwrap();
    let stack = Stack::with(upstream.address, |_| (), |s| s.issuers[0].keys = vec![public.clone()]);
    let claims = json!({"sub": "alice", "azp": "client-1", "jti": "t-1", "scope": "default"});
    let forger = Forger {
        issuer: "https://gateway.test/oauth2/token",
        key_id: key.id(),
        public_jwk: &public,
        now: NOW,
        claims: claims.as_object().unwrap().clone(),
        trusted: &|m| raw(&trusted, m),
        stranger: &|m| raw(&stranger, m),
        stranger_jwk: &stranger_key.public_jwk().unwrap(),
        hmac: &|k, m| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, k), m).as_ref().to_vec(),
    };
    let call = |token: &[u8]| {
        let head = b"GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ";
        send(stack.address(), &[head, token, b"\r\nConnection: close\r\n\r\n"].concat())
    };
    assert_eq!(call(forger.genuine().as_bytes()).unwrap().status, 200, "the corpus proves nothing");
    let tokens = forger.tokens();
    assert!(tokens.len() >= 200);
    for forged in &tokens {
        let before = upstream.heard();
        let reply = call(forged.token.as_bytes());
        // A token that is no header value may end the connection; everything else is told what is wrong.
        let status = reply.as_ref().map_or(0, |r| r.status);
        assert!(matches!(status, 400 | 401 | 431), "{}: {status}", forged.name);
        if status == 401 {
            let code = reply.unwrap().code();
            assert!(matches!(code.as_str(), "900901" | "900902" | "900903"), "{}: {code}", forged.name);
        }
        assert_eq!(upstream.heard(), before, "{} reached the upstream", forged.name);
    }
    // The gateway is none the worse for it.
    assert_eq!(call(forger.genuine().as_bytes()).unwrap().status, 200);
}
