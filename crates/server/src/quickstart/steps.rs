//! The steps, each a REST call that finds what an earlier run made.

use http::Method;
use model::Secret;
use serde_json::{Value, json};

use super::measure::{human, measure};
use super::transcript::Transcript;
use crate::client::{Client, Payload, escape};
use crate::command::api::{PUBLISHER, find, publish, text};
use crate::failure::{Failure, Outcome};
use crate::terminal::printable;

/// Base path of the Developer Portal API.
const DEVPORTAL: &str = "/api/am/devportal/v3";

/// Our own sample document.
pub(super) const DEFINITION: &[u8] = include_bytes!("../../assets/pizza-menu.yaml");

const API: &str = "PizzaMenu";
const VERSION: &str = "1.0.0";
const CONTEXT: &str = "/pizza";
const APPLICATION: &str = "QuickstartApp";

/// Names of places in the commands that are shown.
pub(super) struct Places {
    pub(super) console: String,
    pub(super) gateway: String,
    pub(super) backend: String,
    pub(super) socket: String,
    pub(super) ca: String,
    pub(super) definition: String,
}

/// The clients of the walk.
pub(super) struct Walk {
    /// As the operator of this machine, over the socket.
    pub(super) local: Client,
    /// The token endpoint, over TLS.
    pub(super) console: Client,
    /// The gateway, over TLS.
    pub(super) gateway: Client,
    pub(super) places: Places,
}

impl Walk {
    /// All steps; answers the measured latency.
    pub(super) async fn run(&self, transcript: &mut Transcript) -> Outcome<Value> {
        let api = self.import(transcript).await?;
        self.publish(&api, transcript).await?;
        let application = self.application(transcript).await?;
        self.subscribe(&api, &application, transcript).await?;
        let (key, secret) = self.keys(&application, transcript).await?;
        let token = self.token(&key, &secret, transcript).await?;
        self.call(&token, transcript).await
    }

    /// A command over the socket, as the operator.
    fn curl(&self, rest: &str, path: &str) -> String {
        let rest = if rest.is_empty() { String::new() } else { format!("{rest} \\\n  ") };
        format!("curl --unix-socket {} {rest}'http://localhost{path}'", self.places.socket)
    }

    fn endpoint(&self) -> Value {
        json!({
            "endpoint_type": "http",
            "production_endpoints": { "url": self.places.backend },
            "sandbox_endpoints": { "url": self.places.backend },
        })
    }

    async fn import(&self, transcript: &mut Transcript) -> Outcome<String> {
        let properties = json!({
            "name": API, "version": VERSION, "context": CONTEXT, "policies": ["Unlimited"],
            "endpointConfig": self.endpoint(),
        });
        let path = format!("{PUBLISHER}/apis/import-openapi");
        let command = self
            .curl(&format!("-F file=@{} \\\n  -F 'additionalProperties={properties}'", self.places.definition), &path);
        if let Some(found) = find(&self.local, API, VERSION).await? {
            let id = text(&found, "id");
            transcript.step(
                "Import the sample OpenAPI document",
                &format!("{API} {VERSION} is there already"),
                &command,
            );
            self.correct_endpoint(&id).await?;
            return Ok(id);
        }
        let payload = Payload::multipart(&[
            ("file", Some("pizza-menu.yaml"), DEFINITION),
            ("additionalProperties", None, properties.to_string().as_bytes()),
        ]);
        let made = self.local.post(&path, payload).await?.accepted("import the sample document")?.value();
        let operations = made.get("operations").and_then(Value::as_array).map_or(0, Vec::len);
        let outcome = format!("{API} {VERSION} with {operations} operations, context {CONTEXT}");
        transcript.step("Import the sample OpenAPI document", &outcome, &command);
        Ok(text(&made, "id"))
    }

    /// The backend's port follows `[server] offset`, which may have changed since the last run.
    async fn correct_endpoint(&self, id: &str) -> Outcome {
        let path = format!("{PUBLISHER}/apis/{id}");
        let mut api = self.local.get(&path).await?.accepted("read the API")?.value();
        let present = api.pointer("/endpointConfig/production_endpoints/url").and_then(Value::as_str);
        if present == Some(self.places.backend.as_str()) {
            return Ok(());
        }
        if let Some(members) = api.as_object_mut() {
            members.insert("endpointConfig".to_owned(), self.endpoint());
        }
        let changed = self.local.send(Method::PUT, &path, Some(Payload::json(&api))).await?;
        changed.accepted("change the API's endpoint")?;
        publish(&self.local, id).await.map(drop)
    }

    async fn publish(&self, id: &str, transcript: &mut Transcript) -> Outcome {
        let base = format!("{PUBLISHER}/apis/{id}");
        let state = text(&self.local.get(&base).await?.accepted("read the API")?.value(), "lifeCycleStatus");
        let deployed = self.local.get(&format!("{base}/deployments")).await?.accepted("list deployments")?.value();
        let deployment = deployed.get("list").unwrap_or(&deployed).get(0).map(|first| text(first, "revisionUuid"));
        let (revision, outcome) = match deployment {
            Some(revision) if state == "PUBLISHED" => (revision, "it is published already"),
            _ => (publish(&self.local, id).await?, "revision made, deployed to the gateway, published"),
        };
        let json = "-H 'Content-Type: application/json'";
        let target = "[{\"name\":\"Default\",\"vhost\":\"localhost\",\"displayOnDevportal\":true}]";
        let command = [
            self.curl(&format!("{json} -d '{{\"description\":\"first\"}}'"), &format!("{base}/revisions")),
            self.curl(&format!("{json} \\\n  -d '{target}'"), &format!("{base}/deploy-revision?revisionId={revision}")),
            self.curl("-X POST", &format!("{PUBLISHER}/apis/change-lifecycle?apiId={id}&action=Publish")),
        ]
        .join("\n");
        transcript.step("Publish it", outcome, &command);
        Ok(())
    }

    async fn application(&self, transcript: &mut Transcript) -> Outcome<String> {
        let path = format!("{DEVPORTAL}/applications");
        let body = json!({ "name": APPLICATION, "throttlingPolicy": "Unlimited", "tokenType": "JWT" });
        let command = self.curl(&format!("-H 'Content-Type: application/json' \\\n  -d '{body}'"), &path);
        let search = format!("{path}?query={}&limit=100", escape(APPLICATION));
        let found = self.local.get(&search).await?.accepted("list applications")?.value();
        let rows = found.get("list").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(there) = rows.iter().find(|row| text(row, "name") == APPLICATION) {
            transcript.step("Create an application", &format!("{APPLICATION} is there already"), &command);
            return Ok(text(there, "applicationId"));
        }
        let made = self.local.post(&path, Payload::json(&body)).await?.accepted("create the application")?.value();
        transcript.step("Create an application", APPLICATION, &command);
        Ok(text(&made, "applicationId"))
    }

    async fn subscribe(&self, api: &str, application: &str, transcript: &mut Transcript) -> Outcome {
        let path = format!("{DEVPORTAL}/subscriptions");
        let body = json!({ "apiId": api, "applicationId": application, "throttlingPolicy": "Unlimited" });
        let command = self.curl(&format!("-H 'Content-Type: application/json' \\\n  -d '{body}'"), &path);
        let search = format!("{path}?apiId={}&applicationId={}", escape(api), escape(application));
        let found = self.local.get(&search).await?.accepted("list subscriptions")?.value();
        let there = found.get("list").and_then(Value::as_array).is_some_and(|rows| {
            rows.iter().any(|row| text(row, "apiId") == api && text(row, "applicationId") == application)
        });
        if !there {
            self.local.post(&path, Payload::json(&body)).await?.accepted("subscribe the application")?;
        }
        let outcome = if there { "it is subscribed already" } else { "plan Unlimited" };
        transcript.step("Subscribe it to the API", outcome, &command);
        Ok(())
    }

    /// Consumer key and secret. A secret is shown once only, so a later run replaces it.
    async fn keys(&self, application: &str, transcript: &mut Transcript) -> Outcome<(String, Secret<String>)> {
        let base = format!("{DEVPORTAL}/applications/{application}");
        let body = json!({
            "keyType": "PRODUCTION", "keyManager": "Resident Key Manager",
            "grantTypesToBeSupported": ["client_credentials"], "validityTime": 3600,
        });
        let path = format!("{base}/generate-keys");
        let known = self.local.get(&format!("{base}/oauth-keys")).await?.accepted("list keys")?.value();
        let rows = known.get("list").and_then(Value::as_array).cloned().unwrap_or_default();
        let there = rows.iter().find(|row| text(row, "keyType") == "PRODUCTION");
        let (made, outcome, command) = match there {
            Some(row) => {
                let path = format!("{base}/oauth-keys/{}/regenerate-secret", text(row, "keyMappingId"));
                let made = self.local.send(Method::POST, &path, None).await?.accepted("replace the secret")?.value();
                (made, "they are there; a new secret replaces the one shown before", self.curl("-X POST", &path))
            }
            None => {
                let made = self.local.post(&path, Payload::json(&body)).await?.accepted("generate keys")?.value();
                let command = self.curl(&format!("-H 'Content-Type: application/json' \\\n  -d '{body}'"), &path);
                (made, "consumer key and secret", command)
            }
        };
        transcript.step("Generate keys", outcome, &command);
        let (key, secret) = (text(&made, "consumerKey"), text(&made, "consumerSecret"));
        if key.is_empty() || secret.is_empty() {
            return Err(Failure::internal("the answer of the key generation holds no key"));
        }
        Ok((key, Secret::new(secret)))
    }

    async fn token(&self, key: &str, secret: &Secret<String>, transcript: &mut Transcript) -> Outcome<Secret<String>> {
        let form = Payload::form(&[("grant_type", "client_credentials")]);
        let reply = self.console.with_basic(key, secret).post("/oauth2/token", form).await?;
        let value = reply.accepted("issue a token")?.value();
        let token = text(&value, "access_token");
        if token.is_empty() {
            return Err(Failure::internal("the answer of /oauth2/token holds no token"));
        }
        let seconds = value.get("expires_in").and_then(Value::as_u64).unwrap_or_default();
        let command = format!(
            "TOKEN=$(curl -s --cacert {} -u '{key}:{}' \\\n  -d grant_type=client_credentials '{}/oauth2/token' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')",
            self.places.ca,
            secret.expose(),
            self.places.console
        );
        transcript.step("Get a token over TLS", &format!("a JWT for {seconds} s"), &command);
        Ok(Secret::new(token))
    }

    async fn call(&self, token: &Secret<String>, transcript: &mut Transcript) -> Outcome<Value> {
        let path = format!("{CONTEXT}/{VERSION}/menu");
        let latency = measure(&self.gateway.with_bearer(token), &path).await?;
        let command = format!(
            "curl --cacert {} -H \"Authorization: Bearer $TOKEN\" '{}{path}'",
            self.places.ca, self.places.gateway
        );
        let body = String::from_utf8_lossy(&latency.answer.body).into_owned();
        let outcome = format!(
            "200 in {}, then {} each (median, open connection)",
            human(latency.first),
            human(latency.warm_median)
        );
        transcript.step("Call the API through the gateway over TLS", &outcome, &command);
        transcript.note(&format!("   {}", printable(&body)));
        Ok(json!({
            "first_us": u64::try_from(latency.first.as_micros()).unwrap_or(u64::MAX),
            "warm_median_us": u64::try_from(latency.warm_median.as_micros()).unwrap_or(u64::MAX),
        }))
    }
}
