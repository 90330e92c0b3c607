//! Makes APIs, applications and tokens through the REST APIs, as any client of theirs would: the subjects of the measurements.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::{Client, Request};
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};

const PUBLISHER: &str = "/api/am/publisher/v4";
const DEVPORTAL: &str = "/api/am/devportal/v3";
const SCOPES: &str = "apim:api_view apim:api_create apim:api_manage apim:api_delete apim:api_publish apim:api_generate_key \
     apim:subscribe apim:app_manage apim:sub_manage apim:subscription_view apim:admin";

/// An API to be made. Its context is `/<name>`, its version 1.0.
pub(crate) struct Wanted<'a> {
    /// Its name, in lower case.
    pub(crate) name: &'a str,
    /// Where its calls go.
    pub(crate) upstream: &'a str,
    /// Its resources, all `GET`.
    pub(crate) resources: &'a [String],
    /// Whether calls need a token, a subscription and the scope `<name>_read`.
    pub(crate) secured: bool,
}

/// A signed-in administrator.
pub(crate) struct Maker {
    client: Client,
    port: u16,
    authorization: String,
}

/// An application that can get tokens.
pub(crate) struct Consumer {
    id: String,
    key: String,
    secret: String,
}

impl Maker {
    /// Signs in with the password grant, which the home's configuration must allow.
    ///
    /// # Errors
    /// A call is refused; the message carries the answer.
    pub(crate) fn new(home: &Home) -> Result<Self> {
        let basic = format!("Basic {}", base64(format!("{ADMIN}:{ADMIN_PASSWORD}").as_bytes()));
        let admin = Self { client: home.client()?, port: home.console(), authorization: basic };
        let registration = json!({
            "callbackUrl": "https://localhost/callback", "clientName": "bench", "owner": ADMIN,
            "grantType": "password refresh_token client_credentials", "saasApp": true,
        });
        let client = admin.json("POST", "/client-registration/v0.17/register", &registration)?;
        let scopes = SCOPES.replace(' ', "+");
        let form = format!("grant_type=password&username={ADMIN}&password={ADMIN_PASSWORD}&scope={scopes}");
        let token = admin.token_for(&text(&client, "clientId")?, &text(&client, "clientSecret")?, &form)?;
        Ok(Self { authorization: format!("Bearer {token}"), ..admin })
    }

    fn call(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<Value> {
        let headers = [("Authorization", &*self.authorization), ("Content-Type", kind), ("Accept", "application/json")];
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

    /// Creates, deploys and publishes an API with the plan `Unlimited`; returns its id.
    ///
    /// # Errors
    /// A call is refused.
    pub(crate) fn publish(&self, wanted: &Wanted<'_>) -> Result<String> {
        self.publish_api(&object(wanted))
    }

    /// The same without publishing it.
    ///
    /// # Errors
    /// A call is refused.
    pub(crate) fn deployed(&self, wanted: &Wanted<'_>) -> Result<String> {
        let id = text(&self.json("POST", &format!("{PUBLISHER}/apis"), &object(wanted))?, "id")?;
        self.deploy(&id)?;
        Ok(id)
    }

    /// Creates, deploys and publishes an API as it stands; returns its id. With `isDefaultVersion` it answers without its
    /// version too.
    ///
    /// # Errors
    /// A call is refused.
    pub(crate) fn publish_api(&self, api: &Value) -> Result<String> {
        let mut made = self.json("POST", &format!("{PUBLISHER}/apis"), api)?;
        let id = text(&made, "id")?;
        if api.get("isDefaultVersion") == Some(&Value::Bool(true)) {
            if let Some(fields) = made.as_object_mut() {
                fields.insert("isDefaultVersion".to_owned(), Value::Bool(true));
            }
            self.json("PUT", &format!("{PUBLISHER}/apis/{id}"), &made)?;
        }
        self.deploy(&id)?;
        self.to_published(&id)?;
        Ok(id)
    }

    /// Publishes an API.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn to_published(&self, id: &str) -> Result<()> {
        let target = format!("{PUBLISHER}/apis/change-lifecycle?action=Publish&apiId={id}");
        self.json("POST", &target, &Value::Null).map(drop)
    }

    /// What a GET answers.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn get(&self, target: &str) -> Result<Value> {
        self.call("GET", target, "application/json", b"")
    }

    /// Makes a revision of an API and deploys it.
    ///
    /// # Errors
    /// A call is refused.
    pub(crate) fn deploy(&self, id: &str) -> Result<()> {
        let revision =
            self.json("POST", &format!("{PUBLISHER}/apis/{id}/revisions"), &json!({ "description": "bench" }))?;
        self.deploy_revision(id, &text(&revision, "id")?)
    }

    /// Deploys a revision.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn deploy_revision(&self, id: &str, revision: &str) -> Result<()> {
        let place = json!([{ "name": "Default", "vhost": "localhost", "displayOnDevportal": true }]);
        self.json("POST", &format!("{PUBLISHER}/apis/{id}/deploy-revision?revisionId={revision}"), &place).map(drop)
    }

    /// Makes a revision of an API without deploying it; returns its id.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn revision(&self, id: &str) -> Result<String> {
        text(&self.json("POST", &format!("{PUBLISHER}/apis/{id}/revisions"), &json!({ "description": "bench" }))?, "id")
    }

    /// Takes a revision off the gateway.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn undeploy_revision(&self, id: &str, revision: &str) -> Result<()> {
        let place = json!([{ "name": "Default", "vhost": "localhost" }]);
        self.json("POST", &format!("{PUBLISHER}/apis/{id}/undeploy-revision?revisionId={revision}"), &place).map(drop)
    }

    /// An application with keys.
    ///
    /// # Errors
    /// A call is refused.
    pub(crate) fn application(&self, name: &str) -> Result<Consumer> {
        let wanted = json!({ "name": name, "throttlingPolicy": "Unlimited", "description": "", "tokenType": "JWT" });
        let id = text(&self.json("POST", &format!("{DEVPORTAL}/applications"), &wanted)?, "applicationId")?;
        let wanted = json!({ "keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "callbackUrl": "",
            "scopes": [], "validityTime": 86400, "additionalProperties": {} });
        let keys = self.json("POST", &format!("{DEVPORTAL}/applications/{id}/generate-keys"), &wanted)?;
        Ok(Consumer { id, key: text(&keys, "consumerKey")?, secret: text(&keys, "consumerSecret")? })
    }

    /// Subscribes an application to an API with the plan `Unlimited`.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn subscribe(&self, consumer: &Consumer, api: &str) -> Result<()> {
        self.subscribe_with(consumer, api, "Unlimited")
    }

    /// Subscribes an application to an API with a plan.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn subscribe_with(&self, consumer: &Consumer, api: &str, plan: &str) -> Result<()> {
        let subscription = json!({ "applicationId": consumer.id, "apiId": api, "throttlingPolicy": plan });
        self.json("POST", &format!("{DEVPORTAL}/subscriptions"), &subscription).map(drop)
    }

    /// A token of an application with the scopes of these APIs.
    ///
    /// # Errors
    /// The call is refused.
    pub(crate) fn token(&self, consumer: &Consumer, apis: &[&str]) -> Result<String> {
        let scopes: Vec<String> = apis.iter().map(|name| format!("{name}_read")).collect();
        let form = format!("grant_type=client_credentials&scope={}", scopes.join("+"));
        self.token_for(&consumer.key, &consumer.secret, &form)
    }

    fn token_for(&self, client: &str, secret: &str, form: &str) -> Result<String> {
        let authorization = format!("Basic {}", base64(format!("{client}:{secret}").as_bytes()));
        let session = Self { client: self.client.clone(), port: self.port, authorization };
        let answer = session.call("POST", "/oauth2/token", "application/x-www-form-urlencoded", form.as_bytes())?;
        text(&answer, "access_token")
    }
}

/// The API object of what is wanted.
fn object(wanted: &Wanted<'_>) -> Value {
    let Wanted { name, upstream, resources, secured } = wanted;
    let endpoint = json!({ "url": upstream });
    let scope_name = format!("{name}_read");
    let (security, scopes) =
        if *secured { ("Application & Application User", json!([scope_name])) } else { ("None", json!([])) };
    let operation = |target: &String| json!({ "target": target, "verb": "GET", "authType": security, "throttlingPolicy": "Unlimited", "scopes": scopes });
    let scope =
        json!([{ "scope": { "name": scope_name, "displayName": scope_name, "bindings": [] }, "shared": false }]);
    json!({
        "name": name, "version": "1.0", "context": format!("/{name}"), "policies": ["Unlimited"], "transport": ["https"],
        "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "endpointConfig": { "endpoint_type": "http", "production_endpoints": endpoint, "sandbox_endpoints": endpoint },
        "scopes": if *secured { scope } else { json!([]) },
        "operations": resources.iter().map(operation).collect::<Vec<_>>(),
    })
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
