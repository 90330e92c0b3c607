//! Makes one secured API through the REST APIs, as any client of theirs would: the subject of the measurements.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::{Client, Request};
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};

const PUBLISHER: &str = "/api/am/publisher/v4";
const DEVPORTAL: &str = "/api/am/devportal/v3";
const SCOPES: &str = "apim:api_view apim:api_create apim:api_manage apim:api_delete apim:api_publish apim:api_generate_key \
     apim:subscribe apim:app_manage apim:sub_manage";

/// An API that can be called.
pub(crate) struct SecuredApi {
    /// Path of its one resource at the gateway.
    pub(crate) target: String,
    /// A token of a subscribed application.
    pub(crate) token: String,
}

struct Session<'a> {
    client: Client,
    port: u16,
    authorization: &'a str,
}

impl Session<'_> {
    fn call(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<Value> {
        let headers = [("Authorization", self.authorization), ("Content-Type", kind), ("Accept", "application/json")];
        let answer = self.client.send(&Request { method, port: self.port, target, headers: &headers, body })?;
        let text = String::from_utf8_lossy(&answer.body);
        if !(200..300).contains(&answer.status) {
            bail!("{method} {target} answered {}: {text}", answer.status);
        }
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {target} answered {text}"))
    }

    fn json(&self, method: &str, target: &str, body: &Value) -> Result<Value> {
        self.call(method, target, "application/json", body.to_string().as_bytes())
    }
}

/// Creates, deploys and publishes an API to `upstream` with a scope and the plan `Unlimited`, subscribes an application to
/// it and gets a token with the scope.
///
/// # Errors
/// A call is refused; the message carries the answer.
pub(crate) fn make_secured_api(home: &Home, upstream: &str) -> Result<SecuredApi> {
    let basic = format!("Basic {}", base64(format!("{ADMIN}:{ADMIN_PASSWORD}").as_bytes()));
    let admin = Session { client: home.client()?, port: home.console(), authorization: &basic };
    let registration = json!({
        "callbackUrl": "https://localhost/callback", "clientName": "bench", "owner": ADMIN,
        "grantType": "password refresh_token client_credentials", "saasApp": true,
    });
    let client = admin.json("POST", "/client-registration/v0.17/register", &registration)?;
    let form =
        format!("grant_type=password&username={ADMIN}&password={ADMIN_PASSWORD}&scope={}", SCOPES.replace(' ', "+"));
    let token = token(home, &text(&client, "clientId")?, &text(&client, "clientSecret")?, &form)?;
    let bearer = format!("Bearer {token}");
    let session = Session { client: home.client()?, port: home.console(), authorization: &bearer };

    let api = publish(&session, upstream)?;
    let application =
        json!({ "name": "bench", "throttlingPolicy": "Unlimited", "description": "", "tokenType": "JWT" });
    let application =
        text(&session.json("POST", &format!("{DEVPORTAL}/applications"), &application)?, "applicationId")?;
    let subscription = json!({ "applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited" });
    session.json("POST", &format!("{DEVPORTAL}/subscriptions"), &subscription)?;
    let wanted = json!({ "keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "callbackUrl": "",
        "scopes": [], "validityTime": 86400, "additionalProperties": {} });
    let keys = session.json("POST", &format!("{DEVPORTAL}/applications/{application}/generate-keys"), &wanted)?;
    let form = "grant_type=client_credentials&scope=bench_read";
    let token = self::token(home, &text(&keys, "consumerKey")?, &text(&keys, "consumerSecret")?, form)?;
    Ok(SecuredApi { target: "/bench/1.0/item".to_owned(), token })
}

fn publish(session: &Session<'_>, upstream: &str) -> Result<String> {
    let endpoint = json!({ "url": upstream });
    let api = json!({
        "name": "Bench", "version": "1.0", "context": "/bench", "policies": ["Unlimited"], "transport": ["https"],
        "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "endpointConfig": { "endpoint_type": "http", "production_endpoints": endpoint, "sandbox_endpoints": endpoint },
        "scopes": [{ "scope": { "name": "bench_read", "displayName": "bench_read", "bindings": [] }, "shared": false }],
        "operations": [{ "target": "/item", "verb": "GET", "authType": "Application & Application User",
            "throttlingPolicy": "Unlimited", "scopes": ["bench_read"] }],
    });
    let id = text(&session.json("POST", &format!("{PUBLISHER}/apis"), &api)?, "id")?;
    let revision =
        session.json("POST", &format!("{PUBLISHER}/apis/{id}/revisions"), &json!({ "description": "bench" }))?;
    let revision = text(&revision, "id")?;
    let place = json!([{ "name": "Default", "vhost": "localhost", "displayOnDevportal": true }]);
    session.json("POST", &format!("{PUBLISHER}/apis/{id}/deploy-revision?revisionId={revision}"), &place)?;
    session.json("POST", &format!("{PUBLISHER}/apis/change-lifecycle?action=Publish&apiId={id}"), &Value::Null)?;
    Ok(id)
}

fn token(home: &Home, client: &str, secret: &str, form: &str) -> Result<String> {
    let basic = format!("Basic {}", base64(format!("{client}:{secret}").as_bytes()));
    let session = Session { client: home.client()?, port: home.console(), authorization: &basic };
    text(&session.call("POST", "/oauth2/token", "application/x-www-form-urlencoded", form.as_bytes())?, "access_token")
}

fn text(value: &Value, field: &str) -> Result<String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no `{field}` in {value}"))
}

/// RFC 4648 section 4, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_usize, |group, byte| group << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let symbol = ALPHABET.get(group >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
            text.push(char::from(if place > chunk.len() { b'=' } else { symbol }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_vectors_of_rfc_4648() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
