//! Every token of the forged corpus at every endpoint that takes one: none counts anywhere.

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::{hmac, rand, rsa};
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use serde_json::json;
use testkit::forged::Forger;

use crate::flow::{EXCHANGE, encoded};
use crate::server::{ISSUER, Server, bearer, new_key, signing_der, signing_key};

fn sign(pair: &rsa::KeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

#[tokio::test]
async fn no_forged_token_counts_at_any_endpoint() {
    let server = Server::with_admin().await;
    let client = server.register("Weather", json!({})).await;
    let (trusted, stranger_der) = (rsa::KeyPair::from_pkcs8(signing_der()).unwrap(), new_key());
    let stranger = rsa::KeyPair::from_pkcs8(&stranger_der).unwrap();
    let stranger_jwk = jose::SigningKey::from_pkcs8(&stranger_der).unwrap().public_jwk().unwrap();
    let public = signing_key().public_jwk().unwrap();
    // What an access token of an administrator says.
    let claims = json!({
        "sub": "admin@carbon.super", "aut": "APPLICATION_USER", "client_id": client.id, "azp": client.id,
        "aud": client.id, "jti": "forged-1", "scope": "openid internal_user_mgt_list",
    });
    let forger = Forger {
        issuer: ISSUER,
        key_id: public["kid"].as_str().unwrap(),
        public_jwk: &public,
        now: server.now(),
        claims: claims.as_object().unwrap().clone(),
        trusted: &|m| sign(&trusted, m),
        stranger: &|m| sign(&stranger, m),
        stranger_jwk: &stranger_jwk,
        hmac: &|k, m| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, k), m).as_ref().to_vec(),
    };
    let genuine = forger.genuine();
    assert_eq!(
        server.call("GET", "/scim2/Users", &bearer(&genuine), None).await.status,
        200,
        "the corpus proves nothing"
    );
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let tokens = forger.tokens();
    assert!(tokens.len() >= 200, "{}", tokens.len());
    for forged in &tokens {
        if let Ok(value) = HeaderValue::from_bytes(format!("Bearer {}", forged.token).as_bytes()) {
            for path in ["/scim2/Users", "/oauth2/userinfo", "/client-registration/v0.17/register/x"] {
                let request = Request::builder().uri(path).header(header::AUTHORIZATION, value.clone());
                let reply = server.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(reply.status, 401, "{} at {path}: {}", forged.name, reply.text);
            }
        }
        let form = encoded(&[("token", &forged.token)]);
        let reply = server.form("/oauth2/introspect", &client.basic(), &form).await;
        let inactive = reply.text == "{\"active\":false}" || reply.status == 400;
        assert!(inactive, "{} at introspect: {}", forged.name, reply.text);
        server.form("/oauth2/revoke", &client.basic(), &form).await;
        let form = [("grant_type", EXCHANGE), ("subject_token", &*forged.token), ("subject_token_type", kind)];
        let reply = server.form("/oauth2/token", &client.basic(), &encoded(&form)).await;
        assert_eq!(reply.status, 400, "{} at exchange: {}", forged.name, reply.text);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &*forged.token)];
        let reply = server.form("/oauth2/token", &client.basic(), &encoded(&form)).await;
        assert_eq!(reply.status, 400, "{} at jwt-bearer: {}", forged.name, reply.text);
        let assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", assertion),
            ("client_assertion", &*forged.token),
        ];
        let reply = server.form("/oauth2/token", "", &encoded(&form)).await;
        assert!(matches!(reply.status.as_u16(), 400 | 401), "{} as a client: {}", forged.name, reply.text);
    }
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&genuine), None).await.status, 200, "a forgery revoked it");
}
