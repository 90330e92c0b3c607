//! Signing in at an identity provider outside (OpenID Connect, authorization code with PKCE).
//!
//! The provider is found by discovery and its ID token is verified with the keys it publishes. A sign-in is bound to the
//! browser that began it: `state`, `nonce` and the PKCE verifier are in a sealed cookie of that browser, and count once.
//! Accounts are linked by provider and subject, never by a name or a mail address: whoever may choose those at the provider
//! would choose an account here. The second factor stays ours to ask for.

mod account;
mod discovery;

pub(crate) use account::domain_of;
pub(crate) use discovery::{Discoveries, is_protected};

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jose::{Claims, TokenKind, Verifier};
use model::{Secret, TenantDomain, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::repository::trusted_issuer as rows;

use crate::oauth::client_auth::unverified_key_id;
use crate::oauth::trusted::{TrustedIssuer, trusted};
use crate::{Browser, Identity, IdentityError, SignInStep, hash};
use discovery::Provider;

/// Where providers send browsers back to.
pub(crate) const CALLBACK_PATH: &str = "/signin/callback";
/// How long a person may take at the provider.
const LIFETIME: Duration = Duration::from_mins(10);
/// What the browser's half of a sign-in is sealed for.
const CARRIED: &str = "sign-in/federation";
/// What the secret of our client at a provider is sealed for; the provider's id follows.
const SECRET: &str = "sign-in/federation/client-secret";
/// Longest code and state that are taken, bytes.
const MAX_PARAMETER: usize = 4096;
/// Longest cookie that every browser keeps, bytes, without its name and attributes.
const MAX_COOKIE: usize = 3900;
/// An ID token is fresh: it was issued at most this long ago, seconds.
const MAX_AGE: i64 = 600;
/// Longest subject, bytes (OpenID Connect Core 2).
const MAX_SUBJECT: usize = 255;

/// Our client at a provider, as it is kept with the provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProviderClient {
    /// Whether people may sign in there.
    pub(crate) enabled: bool,
    pub(crate) client_id: String,
    /// Sealed by the vault's keyring.
    pub(crate) secret: String,
    /// Scopes asked for besides `openid`.
    pub(crate) scopes: Vec<String>,
    /// Claim that new accounts are named after; `preferred_username` without it.
    pub(crate) name_claim: Option<String>,
    /// Claims of the provider by the local claim they become: `emailaddress`, `givenname`, `lastname`, `telephone`.
    pub(crate) claims: std::collections::BTreeMap<String, String>,
}

/// A provider that people can sign in at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInProvider {
    /// Its id, for the link.
    pub id: String,
    /// Its name, for people.
    pub name: String,
}

/// A sign-in that goes on at a provider.
pub struct FederatedStart {
    /// Where the browser goes.
    pub location: String,
    /// The browser's half: the value of a cookie that comes back with it.
    pub cookie: Secret<String>,
}

/// What a provider sent a browser back with.
#[derive(Clone, Copy, Debug, Default)]
pub struct FederatedReturn<'a> {
    /// `code`.
    pub code: Option<&'a str>,
    /// `state`.
    pub state: Option<&'a str>,
    /// `iss` (RFC 9207).
    pub issuer: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
}

/// The browser's half of a sign-in.
#[derive(Serialize, Deserialize)]
struct Carried {
    provider: String,
    tenant: TenantDomain,
    state: String,
    nonce: String,
    verifier: String,
    target: String,
    until: Timestamp,
}

impl Identity {
    /// The providers that people of a tenant can sign in at, by name; the super tenant's without a tenant.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sign_in_providers(&self, tenant: Option<&str>) -> Result<Vec<SignInProvider>, IdentityError> {
        let domain = tenant.map_or_else(|| TenantDomain::super_domain().to_string(), str::to_owned);
        let Some(tenant) = self.find_tenant(&domain).await? else { return Ok(Vec::new()) };
        let known = self.trusted_issuers(tenant.tenant.id).await?;
        Ok(known
            .into_iter()
            .filter(|known| known.trust.sign_in.as_ref().is_some_and(|client| client.enabled))
            .map(|known| SignInProvider { id: known.id, name: known.name })
            .collect())
    }

    /// Begins a sign-in at a provider. `next` is the sealed way back, see [`Identity::ask_to_sign_in`].
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] without such a provider, [`IdentityError::Provider`] when it cannot be reached,
    /// [`IdentityError::Busy`].
    pub async fn begin_federated(
        &self,
        provider: &str,
        tenant: Option<&str>,
        next: Option<&str>,
    ) -> Result<FederatedStart, IdentityError> {
        let domain = tenant.map_or_else(|| TenantDomain::super_domain().to_string(), str::to_owned);
        let tenant = self.find_tenant(&domain).await?.ok_or_else(no_provider)?.tenant;
        let (known, client) = self.sign_in_provider(&tenant, provider).await?;
        let found = self.discover(&known.issuer).await?;
        let [state, nonce, verifier] = [(); 3].map(|()| self.rng.token(43));
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let target = next.and_then(|next| self.return_target(next)).unwrap_or_else(|| "/".to_owned());
        let mut scope = "openid".to_owned();
        for further in client.scopes.iter().filter(|scope| *scope != "openid") {
            scope.push(' ');
            scope.push_str(further);
        }
        let location = with_query(
            &found.authorization_endpoint,
            &[
                ("response_type", "code"),
                ("client_id", &client.client_id),
                ("redirect_uri", &self.callback()),
                ("scope", &scope),
                ("state", &state),
                ("nonce", &nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        );
        let until = self.now().plus(LIFETIME);
        let carried = Carried { provider: known.id, tenant: tenant.domain, state, nonce, verifier, target, until };
        let text = serde_json::to_vec(&carried).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let sealed = self.need_keyring()?.seal(&text, CARRIED, &*self.rng);
        let sealed = sealed.map_err(|e| IdentityError::Internal(e.to_string()))?;
        let cookie = URL_SAFE_NO_PAD.encode(sealed);
        if cookie.len() > MAX_COOKIE {
            let text = "The request of the application is too long to sign in with at an identity provider. Sign in with name \
                        and password; the application can shorten state and nonce.";
            return Err(IdentityError::invalid(text));
        }
        Ok(FederatedStart { location, cookie: Secret::new(cookie) })
    }

    /// Goes on when the browser comes back. Everything that is wrong is [`SignInStep::Refused`]; the log says what.
    ///
    /// # Errors
    /// [`IdentityError::Store`], [`IdentityError::Busy`], [`IdentityError::Provider`] when the provider cannot be reached;
    /// nobody is signed in then.
    pub async fn finish_federated(
        &self,
        cookie: &Secret<String>,
        back: FederatedReturn<'_>,
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<SignInStep, IdentityError> {
        let refused = |reason: &str| {
            tracing::info!(%reason, "a sign-in at an identity provider was refused");
            Ok(SignInStep::Refused)
        };
        if self.addresses.is_exhausted(browser.address, self.now()) {
            return refused("too many failed attempts from this address");
        }
        let Some(carried) = self.carried_sign_in(cookie) else { return refused("it was not begun in this browser") };
        let same = back.state.is_some_and(|state| hash::equal(state.as_bytes(), carried.state.as_bytes()));
        if !same {
            self.count_address(browser.address);
            return refused("another state came back");
        }
        let Some(tenant) = self.find_tenant(carried.tenant.as_str()).await? else { return refused("no such tenant") };
        let (known, client) = match self.sign_in_provider(&tenant.tenant, &carried.provider).await {
            Ok(found) => found,
            Err(IdentityError::NotFound(_)) => return refused("the provider is gone"),
            Err(other) => return Err(other),
        };
        let lifetime = i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX);
        if !self.first_use("federation", &known.id, &carried.state, lifetime).await? {
            return refused("the answer came twice");
        }
        if let Some(error) = back.error {
            return refused(&format!("the provider says {:?}", error.chars().take(60).collect::<String>()));
        }
        let Some(code) = back.code.filter(|code| !code.is_empty() && code.len() <= MAX_PARAMETER) else {
            return refused("no code came back");
        };
        let found = self.discover(&known.issuer).await?;
        // Mix-up: an answer of another provider (RFC 9207).
        let named = back.issuer.is_none_or(|issuer| issuer == known.issuer);
        if !named || (found.names_itself && back.issuer.is_none()) {
            self.count_address(browser.address);
            return refused("another provider answered");
        }
        let Some(token) = self.redeem(&known, &client, &found, code, &carried.verifier).await? else {
            return refused("the provider gave no ID token for the code");
        };
        let claims = match self.check_id_token(&known, &client, &found, &token, &carried.nonce).await {
            Ok(claims) => claims,
            Err(reason) => {
                self.count_address(browser.address);
                return refused(&reason);
            }
        };
        let Some(who) = self.federated_account(&tenant.tenant, &known, &client, &claims).await? else {
            return refused("the account is locked, or its tenant is not active");
        };
        self.after_first_factor(who, carried.target, present, browser).await
    }

    fn callback(&self) -> String {
        format!("{}{CALLBACK_PATH}", self.settings.base_url)
    }

    fn need_keyring(&self) -> Result<&vault::Keyring, IdentityError> {
        self.keyring.as_deref().ok_or_else(|| IdentityError::Internal("there is no keyring".into()))
    }

    /// Seals the secret of our client at a provider.
    pub(crate) fn seal_provider_secret(
        &self,
        provider: &str,
        secret: &Secret<String>,
    ) -> Result<String, IdentityError> {
        let context = format!("{SECRET}/{provider}");
        let sealed = self.need_keyring()?.seal(secret.expose().as_bytes(), &context, &*self.rng);
        sealed.map_err(|e| IdentityError::Internal(e.to_string()))
    }

    fn carried_sign_in(&self, cookie: &Secret<String>) -> Option<Carried> {
        let envelope = String::from_utf8(URL_SAFE_NO_PAD.decode(cookie.expose()).ok()?).ok()?;
        let opened = self.keyring.as_ref()?.open(&envelope, CARRIED).ok()?;
        let carried: Carried = serde_json::from_slice(opened.expose()).ok()?;
        (self.now() < carried.until).then_some(carried)
    }

    async fn sign_in_provider(
        &self,
        tenant: &model::Tenant,
        id: &str,
    ) -> Result<(TrustedIssuer, ProviderClient), IdentityError> {
        let mut work = self.database.read().await?;
        let row = rows::find(&mut work, tenant.id, id).await?.filter(|_| tenant.active).ok_or_else(no_provider)?;
        let known = trusted(row)?;
        let client = known.trust.sign_in.clone().filter(|client| client.enabled).ok_or_else(no_provider)?;
        Ok((known, client))
    }

    /// The ID token for a code; `None` when the provider does not give one.
    async fn redeem(
        &self,
        known: &TrustedIssuer,
        client: &ProviderClient,
        found: &Provider,
        code: &str,
        verifier: &str,
    ) -> Result<Option<String>, IdentityError> {
        let egress = self.egress.as_ref().ok_or_else(unreachable)?;
        let request = self.code_request(known, client, found, (code, verifier))?;
        let _place = self.discoveries.place().ok_or(IdentityError::Busy)?;
        let answer = egress.call(request).await.map_err(|error| {
            tracing::warn!(provider = %known.name, reason = %error, "an identity provider cannot be asked");
            unreachable()
        })?;
        if !answer.status().is_success() {
            tracing::info!(provider = %known.name, status = answer.status().as_u16(), "an identity provider refused a code");
            return Ok(None);
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok(body.get("id_token").and_then(Value::as_str).map(str::to_owned))
    }

    /// The request that redeems a code (RFC 6749 section 4.1.3).
    fn code_request(
        &self,
        known: &TrustedIssuer,
        client: &ProviderClient,
        found: &Provider,
        (code, verifier): (&str, &str),
    ) -> Result<axum::http::Request<axum::body::Bytes>, IdentityError> {
        let opened = self.need_keyring()?.open(&client.secret, &format!("{SECRET}/{}", known.id));
        let secret = opened.map_err(|e| IdentityError::Internal(format!("the secret of a provider: {e}")))?;
        let secret = Secret::new(String::from_utf8_lossy(secret.expose()).into_owned());
        let callback = self.callback();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code").append_pair("code", code);
        form.append_pair("redirect_uri", &callback).append_pair("code_verifier", verifier);
        let mut request = axum::http::Request::post(found.token_endpoint.as_str())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        if found.secret_in_form {
            form.append_pair("client_id", &client.client_id).append_pair("client_secret", secret.expose());
        } else {
            // RFC 6749 section 2.3.1: both are encoded before they are joined.
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&client.client_id), encode(secret.expose()));
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
        }
        request.body(form.finish().into()).map_err(|e| IdentityError::Internal(e.to_string()))
    }

    /// OpenID Connect Core 3.1.3.7.
    async fn check_id_token(
        &self,
        known: &TrustedIssuer,
        client: &ProviderClient,
        found: &Provider,
        token: &str,
        nonce: &str,
    ) -> Result<Claims, String> {
        let keys = self.published_keys(&found.jwks_uri, unverified_key_id(token).as_deref()).await;
        let audience = [client.client_id.clone()].into();
        let verifier = Verifier::new(known.issuer.as_str(), keys, audience);
        let now = self.now().seconds();
        let verified = jose::verify_as(TokenKind::IdToken, &[verifier], token, now);
        let (_, claims) = verified.map_err(|error| format!("its ID token: {error}"))?;
        if !claims.text("nonce").is_some_and(|found| hash::equal(found.as_bytes(), nonce.as_bytes())) {
            return Err("its ID token has another nonce".to_owned());
        }
        let party = claims.text("azp");
        if party.is_some_and(|party| party != client.client_id) || (party.is_none() && claims.audiences().count() > 1) {
            return Err("its ID token was issued to another client".to_owned());
        }
        if claims.issued_at.is_none_or(|at| now.saturating_sub(at) > MAX_AGE) {
            return Err("its ID token is old".to_owned());
        }
        let fits = |subject: &str| {
            !subject.is_empty() && subject.len() <= MAX_SUBJECT && !subject.chars().any(char::is_control)
        };
        if claims.subject().is_some_and(fits) { Ok(claims) } else { Err("its ID token names nobody".to_owned()) }
    }
}

fn no_provider() -> IdentityError {
    IdentityError::not_found("There is no such identity provider to sign in at.")
}

pub(crate) const fn unreachable() -> IdentityError {
    IdentityError::Provider
}

fn with_query(base: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let separator = if base.contains('?') { '&' } else { '?' };
    format!("{base}{separator}{}", query.finish())
}
