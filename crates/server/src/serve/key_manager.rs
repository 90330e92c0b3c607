//! The control plane's key manager over crate `identity`.

use std::sync::Arc;
use std::time::Duration;

use control::{
    Client, ClientSecret, ClientSettings, InternalKeyIssuer, IssuedToken, KeyManager, KeyManagerError, NewClient,
    TokenRequest,
};
use identity::{ClientChange, ClientMetadata, ClientOrigin, Identity, IdentityError, OAuthClient};
use model::{ConsumerKey, Secret, TenantId, Timestamp};
use serde_json::{Map, Value};
use web::BoxFuture;

/// Our own authorisation server, by WSO2's name "Resident Key Manager".
pub(super) struct ResidentKeyManager {
    identity: Arc<Identity>,
}

impl ResidentKeyManager {
    pub(super) fn new(identity: Arc<Identity>) -> Self {
        Self { identity }
    }

    /// Ends an access token of this client. One that is not valid, or another client's, has nothing to end.
    async fn revoke(&self, tenant: TenantId, key: &ConsumerKey, token: &Secret<String>) -> Result<(), KeyManagerError> {
        self.identity.revoke_client_token(tenant, key, token).await.map_err(fault)
    }

    /// The owner's name in a tenant, and as WSO2 reports it.
    async fn display_owner(&self, tenant: TenantId, owner: &str) -> Result<String, KeyManagerError> {
        if tenant.is_super() {
            return Ok(owner.to_owned());
        }
        let details = self.identity.tenant(tenant).await.map_err(fault)?;
        Ok(format!("{owner}@{}", details.tenant.domain))
    }

    async fn client(&self, found: OAuthClient) -> Result<Client, KeyManagerError> {
        let owner = self.display_owner(found.tenant, &found.owner).await?;
        let token_type = found.extra.get(TOKEN_TYPE).and_then(Value::as_str).unwrap_or("JWT").to_owned();
        let mut properties = found.extra;
        properties.remove(TOKEN_TYPE);
        let callback = Some(found.callback).filter(|c| !c.is_empty());
        let settings = ClientSettings { grant_types: found.grants, callback, token_type, properties };
        Ok(Client { consumer_key: found.id, owner, settings })
    }
}

/// Signs the keys with which publishers try their APIs.
pub(super) struct TestKeys(pub(super) Arc<Identity>);

impl InternalKeyIssuer for TestKeys {
    fn issue(&self, tenant: TenantId, claims: Value) -> BoxFuture<'_, Result<Secret<String>, String>> {
        Box::pin(async move { self.0.sign_internal_key(tenant, claims).await.map_err(|e| e.to_string()) })
    }
}

/// Kept among the client's further properties.
const TOKEN_TYPE: &str = "tokenType";

/// WSO2's properties that decide lifetimes, in seconds; `N/A` and anything that is no number mean the default.
const ACCESS_LIFETIME: &str = "application_access_token_expiry_time";
const REFRESH_LIFETIME: &str = "refresh_token_expiry_time";

fn lifetime(properties: &Map<String, Value>, name: &str) -> Option<Duration> {
    let value = properties.get(name)?;
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn extra(settings: &ClientSettings) -> Map<String, Value> {
    let mut extra = settings.properties.clone();
    if !settings.token_type.is_empty() {
        extra.insert(TOKEN_TYPE.to_owned(), Value::String(settings.token_type.clone()));
    }
    extra
}

/// The part before the tenant's domain.
fn plain_owner(tenant: TenantId, owner: &str) -> String {
    match owner.rsplit_once('@') {
        Some((name, _)) if !tenant.is_super() => name.to_owned(),
        _ => owner.to_owned(),
    }
}

fn fault(error: IdentityError) -> KeyManagerError {
    match error {
        IdentityError::NotFound(_) => KeyManagerError::UnknownClient,
        IdentityError::Invalid(text) | IdentityError::Conflict(text) => KeyManagerError::Invalid(text),
        other => KeyManagerError::Failed(other.to_string()),
    }
}

impl KeyManager for ResidentKeyManager {
    fn create_client(
        &self,
        request: NewClient,
    ) -> BoxFuture<'_, Result<(Client, Option<Secret<String>>), KeyManagerError>> {
        Box::pin(async move {
            let (id, chosen_secret) = request.chosen.map_or((None, None), |(id, secret)| (Some(id), secret));
            if chosen_secret.is_some() {
                let text = "A consumer secret cannot be chosen; leave it out and take the one that is made.";
                return Err(KeyManagerError::Invalid(text.to_owned()));
            }
            let new = identity::NewClient {
                origin: ClientOrigin::Application,
                owner: plain_owner(request.tenant, &request.owner),
                name: request.name,
                id,
                grants: request.settings.grant_types.clone(),
                callback: request.settings.callback.clone().unwrap_or_default(),
                saas: false,
                access_token_lifetime: lifetime(&request.settings.properties, ACCESS_LIFETIME),
                refresh_token_lifetime: lifetime(&request.settings.properties, REFRESH_LIFETIME),
                extra: extra(&request.settings),
                metadata: ClientMetadata::default(),
            };
            let (client, secret) = self.identity.create_client(request.tenant, new).await.map_err(fault)?;
            Ok((self.client(client).await?, Some(secret.value)))
        })
    }

    fn find_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Option<Client>, KeyManagerError>> {
        Box::pin(async move {
            match self.identity.find_client(tenant, key).await.map_err(fault)? {
                Some(found) => self.client(found).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn update_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        settings: ClientSettings,
    ) -> BoxFuture<'a, Result<Client, KeyManagerError>> {
        Box::pin(async move {
            let change = ClientChange {
                grants: Some(settings.grant_types.clone()),
                callback: Some(settings.callback.clone().unwrap_or_default()),
                access_token_lifetime: Some(lifetime(&settings.properties, ACCESS_LIFETIME)),
                refresh_token_lifetime: Some(lifetime(&settings.properties, REFRESH_LIFETIME)),
                extra: Some(extra(&settings)),
                ..ClientChange::default()
            };
            let changed = self.identity.update_client(tenant, key, change).await.map_err(fault)?;
            self.client(changed).await
        })
    }

    fn change_owner<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<(), KeyManagerError>> {
        Box::pin(async move {
            let change = ClientChange { owner: Some(plain_owner(tenant, owner)), ..ClientChange::default() };
            self.identity.update_client(tenant, key, change).await.map(drop).map_err(fault)
        })
    }

    fn delete_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<(), KeyManagerError>> {
        Box::pin(async move { self.identity.delete_client(tenant, key).await.map(drop).map_err(fault) })
    }

    fn regenerate_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Secret<String>, KeyManagerError>> {
        Box::pin(async move {
            let made = self.identity.regenerate_client_secret(tenant, key).await.map_err(fault)?;
            Ok(made.value)
        })
    }

    fn add_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        description: Option<String>,
        expires: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(ClientSecret, Secret<String>), KeyManagerError>> {
        Box::pin(async move {
            let text = description.clone().unwrap_or_default();
            let made = self.identity.new_client_secret(tenant, key, &text, expires).await.map_err(fault)?;
            let known = self.identity.client_secrets(tenant, key).await.map_err(fault)?;
            let created = known.iter().find(|s| s.id == made.id).map(|s| s.created_at);
            let created = created.ok_or_else(|| KeyManagerError::Failed("a new secret is not listed".into()))?;
            Ok((ClientSecret { id: made.id, description, created, expires: made.expires_at }, made.value))
        })
    }

    fn secrets<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Vec<ClientSecret>, KeyManagerError>> {
        Box::pin(async move {
            let known = self.identity.client_secrets(tenant, key).await.map_err(fault)?;
            let secret = |s: identity::SecretInfo| ClientSecret {
                id: s.id,
                description: Some(s.description).filter(|d| !d.is_empty()),
                created: s.created_at,
                expires: s.expires_at,
            };
            Ok(known.into_iter().map(secret).collect())
        })
    }

    fn revoke_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        id: &'a str,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>> {
        Box::pin(async move {
            let known = self.identity.client_secrets(tenant, key).await.map_err(fault)?;
            if !known.iter().any(|s| s.id == id) {
                return Ok(false);
            }
            self.identity.revoke_client_secret(tenant, key, id).await.map(|()| true).map_err(fault)
        })
    }

    fn verify_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        secret: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>> {
        Box::pin(async move { self.identity.check_client_secret(tenant, key, secret).await.map_err(fault) })
    }

    fn issue_token(&self, request: TokenRequest) -> BoxFuture<'_, Result<IssuedToken, KeyManagerError>> {
        Box::pin(async move {
            let TokenRequest { tenant, consumer_key, secret, scopes, validity_seconds, revoke } = request;
            if let Some(secret) = &secret
                && !self.identity.check_client_secret(tenant, &consumer_key, secret).await.map_err(fault)?
            {
                return Err(KeyManagerError::WrongSecret);
            }
            if let Some(token) = &revoke {
                self.revoke(tenant, &consumer_key, token).await?;
            }
            let lifetime = match validity_seconds {
                None => None,
                // WSO2 means "never expires"; the longest we issue is a year.
                Some(negative) if negative < 0 => Some(Duration::from_hours(365 * 24)),
                Some(seconds) => Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
            };
            let issued =
                self.identity.issue_client_token(tenant, &consumer_key, &scopes, lifetime).await.map_err(fault)?;
            Ok(IssuedToken {
                access_token: issued.access_token,
                scopes: issued.scope.split_whitespace().map(str::to_owned).collect(),
                validity_seconds: i64::try_from(issued.expires_in).unwrap_or(i64::MAX),
            })
        })
    }
}
