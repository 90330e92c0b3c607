//! Tokens that the gateway itself needs to call an upstream (WSO2: endpoint security `OAUTH`, grants client credentials and password).
//!
//! One token for each endpoint, shared by all workers, fetched when it is first needed and again shortly before it ends or
//! when the upstream refuses it. Who fetches it comes from the composition root.

use http::HeaderValue;
use model::snapshot::EndpointSecurity;
use model::{Secret, Timestamp};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// What a token endpoint is asked with.
pub struct ClientCredentials {
    /// Address of the token endpoint.
    pub token_url: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Secret<String>,
    /// Wanted scopes, separated by blanks; empty asks for none.
    pub scope: String,
    /// User name and password for the grant `password` (RFC 6749 section 4.3); `None` for client credentials.
    pub owner: Option<(String, Secret<String>)>,
}

impl std::fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCredentials").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}

/// What a token endpoint answered.
pub struct OutboundToken {
    /// The token.
    pub token: Secret<String>,
    /// How long it is valid.
    pub lifetime: Duration,
}

/// The answer of a [`TokenClient`], `None` when there is no token.
pub type TokenAnswer = Pin<Box<dyn Future<Output = Option<OutboundToken>> + Send>>;

/// Fetches tokens, within a time of its own.
pub trait TokenClient: Send + Sync {
    /// Asks for a token (RFC 6749 sections 4.3 and 4.4).
    fn fetch(&self, request: Arc<ClientCredentials>) -> TokenAnswer;
}

/// How long before its end a token is replaced, seconds; a token that lives shorter is used for half of its life.
const MARGIN: i64 = 30;
/// After a failure nobody is asked again for this long, seconds.
const PAUSE: i64 = 2;

enum State {
    Nothing,
    Token(HeaderValue, i64),
    Failed(i64),
}

/// The token of one endpoint.
pub(crate) struct TokenSource {
    request: Arc<ClientCredentials>,
    refused: AtomicBool,
    state: Mutex<State>,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").field("request", &self.request).finish_non_exhaustive()
    }
}

impl TokenSource {
    /// For an endpoint whose security asks for it.
    pub(crate) fn of(security: Option<&EndpointSecurity>) -> Option<Self> {
        let Some(EndpointSecurity::OAuth { token_url, client_id, client_secret, scope, owner }) = security else {
            return None;
        };
        let request = ClientCredentials {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret: Secret::new(client_secret.clone()),
            scope: scope.clone(),
            owner: owner.as_ref().map(|(name, password)| (name.clone(), Secret::new(password.clone()))),
        };
        Some(Self { request: Arc::new(request), refused: AtomicBool::new(false), state: Mutex::new(State::Nothing) })
    }

    /// The value of `Authorization`. Calls that come while a token is fetched wait for it; only one of them asks.
    pub(crate) async fn value(&self, client: &dyn TokenClient, now: Timestamp) -> Option<HeaderValue> {
        let now = now.seconds();
        let mut state = self.state.lock().await;
        match &*state {
            State::Token(value, until) if now < *until && !self.refused.load(Ordering::Relaxed) => {
                return Some(value.clone());
            }
            State::Failed(until) if now < *until => return None,
            State::Token(..) | State::Failed(_) | State::Nothing => {}
        }
        self.refused.store(false, Ordering::Relaxed);
        let answer = client.fetch(Arc::clone(&self.request)).await;
        let value = answer.and_then(|answer| {
            let mut value = HeaderValue::try_from(format!("Bearer {}", answer.token.expose())).ok()?;
            value.set_sensitive(true);
            // However short its life is said to be, nobody is asked for another one with every call.
            let lifetime = i64::try_from(answer.lifetime.as_secs()).unwrap_or(i64::MAX).max(2 * PAUSE);
            let margin = MARGIN.min(lifetime / 2);
            Some((value, now.saturating_add(lifetime - margin)))
        });
        match value {
            Some((value, until)) => {
                *state = State::Token(value.clone(), until);
                Some(value)
            }
            None => {
                *state = State::Failed(now.saturating_add(PAUSE));
                None
            }
        }
    }

    /// The upstream did not accept the token: the next call brings a new one.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}
