//! OAuth clients: registered by users, or made as the keys of applications.

use std::time::Duration;

use model::{ConsumerKey, Secret, TenantId, Timestamp};
use serde_json::{Map, Value};
use store::UnitOfWork;
use store::repository::client::{self as clients, ClientKind, ClientRow, SecretRow};
use store::repository::{tenant as tenants, token as tokens};

use crate::oauth::metadata::ClientMetadata;
use crate::settings::MAX_LIFETIME;
use crate::{Identity, IdentityError, hash};

/// Live secrets of one client; with a new one beyond that the oldest goes.
const MAX_SECRETS: usize = 20;
const MAX_GRANTS: usize = 20;
const MAX_TEXT: usize = 2048;
const MAX_EXTRA: usize = 16 * 1024;
/// Random characters of a client id: 168 bits.
const CLIENT_ID_CHARS: usize = 28;

/// Who made a client, which decides what tokens in its own name may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// Registered by a user: acts for its owner, management scopes included.
    Service,
    /// Keys of an application: never gets a management scope in its own name.
    Application,
}

/// A client to create.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Who made it.
    pub origin: ClientOrigin,
    /// User name of the owner, without the tenant.
    pub owner: String,
    /// Name; unique per owner for [`ClientOrigin::Service`].
    pub name: String,
    /// Client id, when it must be a certain one; random otherwise.
    pub id: Option<ConsumerKey>,
    /// Grant types.
    pub grants: Vec<String>,
    /// Callback URL, may be empty.
    pub callback: String,
    /// Whether users of other tenants may get tokens through it.
    pub saas: bool,
    /// Lifetime of its access tokens; `None` for the default.
    pub access_token_lifetime: Option<Duration>,
    /// Lifetime of its refresh tokens; `None` for the default.
    pub refresh_token_lifetime: Option<Duration>,
    /// Further properties, kept as they are; at most 16 KiB.
    pub extra: Map<String, Value>,
    /// What else it registered.
    pub metadata: ClientMetadata,
}

impl NewClient {
    /// A client with default lifetimes and a random id.
    pub fn new(origin: ClientOrigin, owner: impl Into<String>, name: impl Into<String>, grants: Vec<String>) -> Self {
        Self {
            origin,
            owner: owner.into(),
            name: name.into(),
            id: None,
            grants,
            callback: String::new(),
            saas: false,
            access_token_lifetime: None,
            refresh_token_lifetime: None,
            extra: Map::new(),
            metadata: ClientMetadata::default(),
        }
    }
}

/// What changes of a client; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// User name of the owner.
    pub owner: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Grant types.
    pub grants: Option<Vec<String>>,
    /// Callback URL.
    pub callback: Option<String>,
    /// Whether users of other tenants may get tokens through it.
    pub saas: Option<bool>,
    /// Lifetime of its access tokens; `Some(None)` for the default.
    pub access_token_lifetime: Option<Option<Duration>>,
    /// Lifetime of its refresh tokens; `Some(None)` for the default.
    pub refresh_token_lifetime: Option<Option<Duration>>,
    /// Further properties.
    pub extra: Option<Map<String, Value>>,
    /// What else it registered.
    pub metadata: Option<ClientMetadata>,
}

/// A client.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// Client id (WSO2: consumer key).
    pub id: ConsumerKey,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Who made it.
    pub origin: ClientOrigin,
    /// User name of the owner, without the tenant.
    pub owner: String,
    /// Name.
    pub name: String,
    /// Grant types.
    pub grants: Vec<String>,
    /// Callback URL, may be empty.
    pub callback: String,
    /// Whether users of other tenants may get tokens through it.
    pub saas: bool,
    /// A client that is not active gets no tokens, and its tokens are not valid.
    pub active: bool,
    /// Lifetime of its access tokens; `None` for the default.
    pub access_token_lifetime: Option<Duration>,
    /// Lifetime of its refresh tokens; `None` for the default.
    pub refresh_token_lifetime: Option<Duration>,
    /// Further properties.
    pub extra: Map<String, Value>,
    /// What else it registered.
    pub metadata: ClientMetadata,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<ClientRow> for OAuthClient {
    fn from(row: ClientRow) -> Self {
        let metadata = ClientMetadata::of(&row).unwrap_or_default();
        let lifetime = |s: Option<i64>| s.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        Self {
            id: row.id,
            tenant: row.tenant,
            origin: match row.kind {
                ClientKind::Service => ClientOrigin::Service,
                ClientKind::Application => ClientOrigin::Application,
            },
            owner: row.owner,
            name: row.name,
            grants: row.grants,
            callback: row.callback,
            saas: row.saas,
            active: row.active,
            access_token_lifetime: lifetime(row.access_seconds),
            refresh_token_lifetime: lifetime(row.refresh_seconds),
            metadata,
            extra: row.extra,
            created_at: row.created_at,
        }
    }
}

/// A secret just made: the only time its value is known.
pub struct ClientSecret {
    /// Its id, a UUID in text form.
    pub id: String,
    /// Its value.
    pub value: Secret<String>,
    /// Until when it is accepted; `None` means without end.
    pub expires_at: Option<Timestamp>,
}

/// A secret of a client without its value, which nobody knows any more.
#[derive(Clone, Debug)]
pub struct SecretInfo {
    /// Its id, a UUID in text form.
    pub id: String,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is accepted; `None` means without end.
    pub expires_at: Option<Timestamp>,
}

impl Identity {
    /// Creates a client with its first secret.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] when the id is taken, or the owner has a service client of this name.
    pub async fn create_client(
        &self,
        tenant: TenantId,
        new: NewClient,
    ) -> Result<(OAuthClient, ClientSecret), IdentityError> {
        let row = self.client_row(tenant, new)?;
        let mut work = self.database.begin().await?;
        if row.kind == ClientKind::Service {
            self.need_room(&mut work, &row).await?;
        }
        let secret = self.insert_client(&mut work, &row).await?;
        self.record_client(&mut work, tenant, "create", &row.id).await?;
        work.save().await?;
        Ok((row.into(), secret))
    }

    /// A user who registers clients without end would fill the database.
    async fn need_room(&self, work: &mut UnitOfWork, new: &ClientRow) -> Result<(), IdentityError> {
        let most = self.settings.max_clients_per_owner;
        if clients::services_of(work, new.tenant, &new.owner).await?.len() < most {
            return Ok(());
        }
        Err(IdentityError::Limit(format!(
            "{} has {most} registered clients, the most there can be. Delete some, or register one of the names again.",
            new.owner
        )))
    }

    /// Without an actor the call comes from the control plane, whose own record of the application's change names who
    /// asked for it.
    async fn record_client(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        verb: &str,
        id: &ConsumerKey,
    ) -> Result<(), IdentityError> {
        if self.actor.is_none() {
            return Ok(());
        }
        self.record(work, tenant, &format!("identity.clients.{verb}"), &format!("client/{id}")).await
    }

    /// The owner's service client of this name with a further secret, created when there is none. Earlier secrets go on
    /// working, up to 20: several programs may register the same name.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`].
    pub async fn register_client(
        &self,
        tenant: TenantId,
        new: NewClient,
    ) -> Result<(OAuthClient, ClientSecret), IdentityError> {
        let row = self.client_row(tenant, new)?;
        let mut work = self.database.begin().await?;
        // Two programs may register the same name at the same time.
        tenants::lock(&mut work, tenant).await?;
        let (row, secret) = match clients::find_service(&mut work, tenant, &row.owner, &row.name).await? {
            Some(found) => {
                let changed = ClientRow {
                    grants: row.grants,
                    callback: row.callback,
                    saas: row.saas,
                    extra: row.extra,
                    updated_at: row.updated_at,
                    ..found
                };
                clients::update(&mut work, &changed).await?;
                let secret = self.add_secret(&mut work, &changed.id, "", None).await?;
                (changed, secret)
            }
            None => {
                self.need_room(&mut work, &row).await?;
                let secret = self.insert_client(&mut work, &row).await?;
                (row, secret)
            }
        };
        self.record_client(&mut work, tenant, "register", &row.id).await?;
        work.save().await?;
        Ok((row.into(), secret))
    }

    /// A client of the tenant.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn find_client(&self, tenant: TenantId, id: &ConsumerKey) -> Result<Option<OAuthClient>, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(clients::find(&mut work, tenant, id).await?.map(Into::into))
    }

    /// Whether the secret is one of the client's, which must be active: for mapping existing keys.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn check_client_secret(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        secret: &Secret<String>,
    ) -> Result<bool, IdentityError> {
        Ok(self.authenticate_client(id, secret).await?.is_some_and(|c| c.tenant == tenant))
    }

    /// Changes a client.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`].
    pub async fn update_client(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        change: ClientChange,
    ) -> Result<OAuthClient, IdentityError> {
        let mut work = self.database.begin().await?;
        let mut row = clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        row.owner = change.owner.unwrap_or(row.owner);
        row.name = change.name.unwrap_or(row.name);
        row.grants = change.grants.unwrap_or(row.grants);
        row.callback = change.callback.unwrap_or(row.callback);
        row.saas = change.saas.unwrap_or(row.saas);
        row.extra = change.extra.unwrap_or(row.extra);
        if let Some(metadata) = change.metadata {
            row.metadata = metadata.to_stored()?;
        }
        if let Some(lifetime) = change.access_token_lifetime {
            row.access_seconds = seconds(lifetime)?;
        }
        if let Some(lifetime) = change.refresh_token_lifetime {
            row.refresh_seconds = seconds(lifetime)?;
        }
        row.updated_at = self.now();
        check(&row)?;
        clients::update(&mut work, &row).await?;
        self.record_client(&mut work, tenant, "update", id).await?;
        work.save().await?;
        Ok(row.into())
    }

    /// Switches a client on or off. Off ends every token issued to it.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn set_client_active(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        active: bool,
    ) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        let mut row = clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        row.active = active;
        row.updated_at = self.now();
        clients::update(&mut work, &row).await?;
        if !active {
            self.end_tokens_of_client(&mut work, tenant, id).await?;
        }
        self.record_client(&mut work, tenant, if active { "enable" } else { "disable" }, id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Removes a client; every token issued to it ends. `false` when there is none.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn delete_client(&self, tenant: TenantId, id: &ConsumerKey) -> Result<bool, IdentityError> {
        let mut work = self.database.begin().await?;
        if clients::find(&mut work, tenant, id).await?.is_none() {
            return Ok(false);
        }
        self.end_tokens_of_client(&mut work, tenant, id).await?;
        clients::delete(&mut work, tenant, id).await?;
        self.record_client(&mut work, tenant, "delete", id).await?;
        work.save().await?;
        self.announce();
        Ok(true)
    }

    /// Makes one more secret; the others go on working.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`] for an expiry in the past.
    pub async fn new_client_secret(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        description: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<ClientSecret, IdentityError> {
        let mut work = self.database.begin().await?;
        clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        let secret = self.add_secret(&mut work, id, description, expires_at).await?;
        self.record_client(&mut work, tenant, "add-secret", id).await?;
        work.save().await?;
        Ok(secret)
    }

    /// Replaces all secrets by a new one at once.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn regenerate_client_secret(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
    ) -> Result<ClientSecret, IdentityError> {
        let mut work = self.database.begin().await?;
        clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        clients::trim_secrets(&mut work, id, 0).await?;
        let secret = self.add_secret(&mut work, id, "", None).await?;
        self.record_client(&mut work, tenant, "regenerate-secret", id).await?;
        work.save().await?;
        Ok(secret)
    }

    /// The secrets of a client, the newest first.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn client_secrets(&self, tenant: TenantId, id: &ConsumerKey) -> Result<Vec<SecretInfo>, IdentityError> {
        let mut work = self.database.read().await?;
        clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        let info = |s: SecretRow| SecretInfo {
            id: s.id,
            description: s.description,
            created_at: s.created_at,
            expires_at: s.expires_at,
        };
        Ok(clients::secrets(&mut work, id).await?.into_iter().map(info).collect())
    }

    /// Ends one secret.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Conflict`] for the last one, without which the client is dead.
    pub async fn revoke_client_secret(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        secret: &str,
    ) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        clients::find(&mut work, tenant, id).await?.ok_or_else(no_client)?;
        let present = clients::secrets(&mut work, id).await?;
        if present.len() == 1 && present.iter().any(|s| s.id == secret) {
            return Err(IdentityError::conflict("This is the only secret; make another one first."));
        }
        if !clients::delete_secret(&mut work, id, secret).await? {
            return Err(IdentityError::not_found("The client has no such secret."));
        }
        self.record_client(&mut work, tenant, "revoke-secret", id).await?;
        work.save().await?;
        Ok(())
    }

    /// The active client of an id and secret, unless its tenant or its owner is not active. Takes the same time for an
    /// unknown id as for a wrong secret.
    pub(crate) async fn authenticate_client(
        &self,
        id: &ConsumerKey,
        secret: &Secret<String>,
    ) -> Result<Option<ClientRow>, IdentityError> {
        let presented = hash::sha256(secret.expose());
        let now = self.now();
        let mut work = self.database.read().await?;
        let client = clients::find_anywhere(&mut work, id).await?;
        let mut fits = false;
        for known in clients::secrets(&mut work, id).await? {
            let live = known.expires_at.is_none_or(|end| now < end);
            fits |= hash::equal(&known.hash, &presented) && live;
        }
        let Some(client) = client.filter(|c| c.active && fits) else { return Ok(None) };
        Ok(self.may_act(&mut work, &client).await?.then_some(client))
    }

    fn client_row(&self, tenant: TenantId, new: NewClient) -> Result<ClientRow, IdentityError> {
        let now = self.now();
        let row = ClientRow {
            id: new.id.unwrap_or_else(|| self.new_client_id()),
            tenant,
            kind: match new.origin {
                ClientOrigin::Service => ClientKind::Service,
                ClientOrigin::Application => ClientKind::Application,
            },
            owner: new.owner,
            name: new.name,
            grants: new.grants,
            callback: new.callback,
            token_type: "JWT".to_owned(),
            saas: new.saas,
            active: true,
            access_seconds: seconds(new.access_token_lifetime)?,
            refresh_seconds: seconds(new.refresh_token_lifetime)?,
            extra: new.extra,
            metadata: new.metadata.to_stored()?,
            created_at: now,
            updated_at: now,
        };
        check(&row)?;
        Ok(row)
    }

    fn new_client_id(&self) -> ConsumerKey {
        // Letters and digits only: a hyphen in front would look like an option on a command line.
        let text: String =
            self.rng.token(CLIENT_ID_CHARS).chars().map(|c| if c.is_alphanumeric() { c } else { 'a' }).collect();
        ConsumerKey::new(text)
    }

    async fn insert_client(&self, work: &mut UnitOfWork, row: &ClientRow) -> Result<ClientSecret, IdentityError> {
        clients::insert(work, row).await?;
        self.add_secret(work, &row.id, "", None).await
    }

    async fn add_secret(
        &self,
        work: &mut UnitOfWork,
        id: &ConsumerKey,
        description: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<ClientSecret, IdentityError> {
        if expires_at.is_some_and(|end| end <= self.now()) {
            return Err(IdentityError::invalid("The secret would have expired already."));
        }
        if description.len() > MAX_TEXT {
            return Err(IdentityError::invalid(format!("A description has at most {MAX_TEXT} bytes.")));
        }
        let value = hash::new_secret(&*self.rng);
        let row = SecretRow {
            id: self.rng.uuid().to_string(),
            hash: hash::sha256(value.expose()),
            description: description.to_owned(),
            created_at: self.now(),
            expires_at,
        };
        clients::add_secret(work, id, &row).await?;
        clients::trim_secrets(work, id, MAX_SECRETS as i64).await?;
        Ok(ClientSecret { id: row.id, value, expires_at })
    }

    pub(crate) async fn end_tokens_of_client(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        id: &ConsumerKey,
    ) -> Result<(), IdentityError> {
        // Tokens in the client's own name have its id as subject.
        self.raise_client_epoch(work, tenant, id).await?;
        tokens::revoke_refresh_of_client(work, id, self.now()).await?;
        Ok(())
    }
}

fn check(row: &ClientRow) -> Result<(), IdentityError> {
    let id = row.id.as_str();
    // A colon ends the name in HTTP Basic, and `sub` with an `@` is a user's.
    if id.is_empty() || id.len() > 255 || !id.chars().all(|c| c.is_ascii_graphic() && !matches!(c, ':' | '@')) {
        return Err(IdentityError::invalid("A client id has 1 to 255 visible ASCII characters, no colon and no @."));
    }
    if row.name.is_empty() || row.name.chars().count() > 255 || row.name.chars().any(char::is_control) {
        return Err(IdentityError::invalid("A client name has 1 to 255 characters."));
    }
    if row.grants.len() > MAX_GRANTS || row.grants.iter().any(|g| g.is_empty() || g.len() > 100) {
        return Err(IdentityError::invalid("A client has at most 20 grant types of at most 100 characters."));
    }
    if row.callback.len() > MAX_TEXT || row.callback.chars().any(char::is_control) {
        return Err(IdentityError::invalid(format!("A callback URL has at most {MAX_TEXT} bytes.")));
    }
    if serde_json::to_vec(&row.extra).map_or(usize::MAX, |v| v.len()) > MAX_EXTRA {
        return Err(IdentityError::invalid(format!("The properties of a client have at most {MAX_EXTRA} bytes.")));
    }
    Ok(())
}

fn seconds(lifetime: Option<Duration>) -> Result<Option<i64>, IdentityError> {
    let Some(lifetime) = lifetime else { return Ok(None) };
    if lifetime < Duration::from_secs(1) || lifetime > MAX_LIFETIME {
        return Err(IdentityError::invalid("The lifetime of a token is 1 second to 366 days."));
    }
    Ok(i64::try_from(lifetime.as_secs()).ok())
}

fn no_client() -> IdentityError {
    IdentityError::not_found("There is no such client.")
}
