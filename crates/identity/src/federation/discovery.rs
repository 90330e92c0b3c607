//! What a provider says of itself (OpenID Connect Discovery 1.0).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::unreachable;
use crate::{Identity, IdentityError};

/// How long what a provider said is used before it is asked again.
const FRESH: Duration = Duration::from_mins(10);
/// A provider that did not answer is asked at most this often.
const PAUSE: Duration = Duration::from_secs(5);
/// Most providers that are remembered; all are forgotten when there are more.
const MAX_PROVIDERS: usize = 1000;
/// Calls to providers at the same time. Who comes while all are taken is refused rather than queued.
const PLACES: usize = 16;

/// A provider as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    /// Whether the client's secret goes into the form, for lack of a better way.
    pub(super) secret_in_form: bool,
    /// Whether it names itself when it sends a browser back (RFC 9207).
    pub(super) names_itself: bool,
}

/// What providers said, for a while.
pub(crate) struct Discoveries {
    known: Mutex<BTreeMap<String, (Timestamp, Option<Provider>)>>,
    places: Semaphore,
}

impl Default for Discoveries {
    fn default() -> Self {
        Self { known: Mutex::default(), places: Semaphore::new(PLACES) }
    }
}

impl Discoveries {
    pub(super) fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    /// What is known and fresh: the provider, or that it did not answer just now.
    fn find(&self, issuer: &str, now: Timestamp) -> Option<Option<Provider>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = known.get(issuer)?;
        let limit = if found.is_some() { FRESH } else { PAUSE };
        (now.since(*at) < limit).then(|| found.clone())
    }

    fn keep(&self, issuer: &str, found: Option<Provider>, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_PROVIDERS {
            known.clear();
        }
        known.insert(issuer.to_owned(), (now, found));
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Identity {
    /// The provider of an issuer.
    pub(super) async fn discover(&self, issuer: &str) -> Result<Provider, IdentityError> {
        if let Some(known) = self.discoveries.find(issuer, self.now()) {
            return known.ok_or_else(unreachable);
        }
        let found = {
            let _place = self.discoveries.place().ok_or(IdentityError::Busy)?;
            self.ask_provider(issuer).await
        };
        let found =
            found.map_err(|reason| tracing::warn!(%issuer, %reason, "an identity provider cannot be used")).ok();
        self.discoveries.keep(issuer, found.clone(), self.now());
        found.ok_or_else(unreachable)
    }

    async fn ask_provider(&self, issuer: &str) -> Result<Provider, String> {
        let egress = self.egress.as_ref().ok_or("there is no way out")?;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let answer = egress.get(&url).await.map_err(|error| error.to_string())?;
        if !answer.status.is_success() {
            return Err(format!("{url} answers {}", answer.status.as_u16()));
        }
        parse(issuer, &answer.body)
    }
}

fn parse(issuer: &str, body: &[u8]) -> Result<Provider, String> {
    let document: Document = serde_json::from_slice(body).map_err(|e| format!("its description: {e}"))?;
    // Exactly: else a provider could speak for another (OpenID Connect Discovery 4.3).
    if document.issuer != issuer {
        return Err("it calls itself by another name".to_owned());
    }
    for address in [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri] {
        if !is_protected(address) {
            return Err(format!("{address} is neither https nor on this machine"));
        }
    }
    // Without the list, Basic is what there is (RFC 8414 section 2).
    let methods = document.token_endpoint_auth_methods_supported.unwrap_or_else(|| vec!["client_secret_basic".into()]);
    let has = |name: &str| methods.iter().any(|method| method == name);
    if !has("client_secret_basic") && !has("client_secret_post") {
        return Err("it takes no client secret".to_owned());
    }
    Ok(Provider {
        authorization_endpoint: document.authorization_endpoint,
        token_endpoint: document.token_endpoint,
        jwks_uri: document.jwks_uri,
        secret_in_form: !has("client_secret_basic"),
        names_itself: document.authorization_response_iss_parameter_supported,
    })
}

/// Whether nobody on the way can read or change what is sent there: `https`, or `http` to this machine.
pub(crate) fn is_protected(address: &str) -> bool {
    let Ok(uri) = address.parse::<axum::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@')) && !address.contains('#');
    let here = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    plain && !host.is_empty() && (uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && here))
}

#[cfg(test)]
mod tests {
    use super::{is_protected, parse};
    use serde_json::json;

    const ISSUER: &str = "https://login.example";

    #[test]
    fn a_provider_speaks_for_itself_over_protected_addresses() {
        let good = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token", "jwks_uri": "https://keys.example/jwks",
        });
        let found = parse(ISSUER, good.to_string().as_bytes()).unwrap();
        assert!(!found.secret_in_form && !found.names_itself);
        for (field, value) in [
            ("issuer", json!("https://login.example/")),
            ("issuer", json!("https://evil.example")),
            ("token_endpoint", json!("http://login.example/token")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("jwks_uri", json!("https://user@keys.example/jwks")),
            ("jwks_uri", json!(null)),
            ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ] {
            let mut wrong = good.clone();
            wrong[field] = value.clone();
            assert!(parse(ISSUER, wrong.to_string().as_bytes()).is_err(), "{field} {value}");
        }
        let mut form = good.clone();
        form["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        assert!(parse(ISSUER, form.to_string().as_bytes()).unwrap().secret_in_form);
        assert!(parse(ISSUER, b"<html>").is_err());
    }

    #[test]
    fn only_addresses_that_nobody_listens_in_on_are_taken() {
        for good in ["https://a.example/x", "http://localhost:1/x", "http://127.0.0.1/", "http://[::1]:8/"] {
            assert!(is_protected(good), "{good}");
        }
        for bad in
            ["", "http://a.example/", "https://", "ftp://localhost/", "https://a@b.example/", "https://a/#x", "/x"]
        {
            assert!(!is_protected(bad), "{bad}");
        }
    }
}
