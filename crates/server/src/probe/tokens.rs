//! Tokens that nobody issued, at every door that takes tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guidelines::{Attempt, Observed};
use serde_json::json;

use super::{Site, denied};

/// Tries them at the REST interface, at userinfo and, when there is one, at the gateway.
pub(super) fn forged(site: &Site) -> Observed<Vec<Attempt>> {
    let mut attempts = Vec::new();
    for (what, token) in tokens(site) {
        let header = format!("Authorization: Bearer {token}\r\n");
        for path in ["/api/am/publisher/v4/apis", "/scim2/Users", "/oauth2/userinfo"] {
            match site.console.get(path, &header) {
                Ok(answer) => {
                    attempts.push(denied(format!("{what} at {path}"), site.console.place(), answer.status));
                }
                Err(why) => {
                    return Observed::unknown(format!("{}: {why}", site.console.place()), "a listener that answers");
                }
            }
        }
    }
    Observed::Known(attempts)
}

fn tokens(site: &Site) -> Vec<(&'static str, String)> {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let issuer = format!("{}/oauth2/token", crate::first_boot::console_url(&site.config));
    let claims = |issuer: &str, until: i64| {
        part(&json!({
            "iss": issuer, "sub": "admin", "aud": issuer, "exp": until, "iat": 1, "jti": "audit", "scope": "apim:admin apim:api_view",
        }))
    };
    let never = 4_000_000_000;
    let signature = URL_SAFE_NO_PAD.encode([0x42; 256]);
    let key = site.console.get("/oauth2/jwks", "").map(|answer| answer.body).unwrap_or_default();
    let keys: serde_json::Value = serde_json::from_str(&key).unwrap_or_default();
    let kid = keys.pointer("/keys/0/kid").and_then(|kid| kid.as_str()).unwrap_or("x").to_owned();
    let modulus = keys.pointer("/keys/0/n").and_then(|n| n.as_str()).unwrap_or("").to_owned();
    let header = |algorithm: &str| part(&json!({ "alg": algorithm, "typ": "at+jwt", "kid": kid }));
    // The classic confusion: the public key as the secret of an HMAC.
    let confused = {
        let text = format!("{}.{}", header("HS256"), claims(&issuer, never));
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, modulus.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&secret, text.as_bytes())))
    };
    let embedded = part(&json!({ "alg": "RS256", "jwk": { "kty": "RSA", "n": modulus, "e": "AQAB" } }));
    let foreign = part(&json!({ "alg": "RS256", "jku": "https://127.0.0.1:1/keys", "kid": "../../x" }));
    vec![
        ("a token without signature (alg none)", format!("{}.{}.", header("none"), claims(&issuer, never))),
        ("a token with alg None", format!("{}.{}.", header("None"), claims(&issuer, never))),
        ("a token signed with the public key (HS256)", confused),
        ("a token with a made-up signature", format!("{}.{}.{signature}", header("RS256"), claims(&issuer, never))),
        ("a token that brings its own key", format!("{embedded}.{}.{signature}", claims(&issuer, never))),
        ("a token that points to a key", format!("{foreign}.{}.{signature}", claims(&issuer, never))),
        (
            "a token of another issuer",
            format!("{}.{}.{signature}", header("RS256"), claims("https://evil.example", never)),
        ),
        ("an expired token", format!("{}.{}.{signature}", header("RS256"), claims(&issuer, 1))),
        ("an empty token", String::new()),
        ("a token that is no token", "a.b.c".to_owned()),
    ]
}
