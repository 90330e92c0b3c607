//! OAuth clients and their secrets. Of a secret only the SHA-256 is kept: it has 256 random bits, so nothing slower is
//! needed.

use model::{ConsumerKey, TenantId, Timestamp};
use serde_json::{Map, Value};

use super::user::name_key;
use crate::{Row, StoreError, UnitOfWork};

/// Who made a client, which decides what its own tokens may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Registered by a user through dynamic client registration: acts for its owner on the management APIs.
    Service,
    /// Keys of an application: calls APIs, never the management APIs in its own name.
    Application,
}

impl ClientKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Application => "application",
        }
    }
}

/// A client as stored.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// Client id (WSO2: consumer key).
    pub id: ConsumerKey,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Who made it.
    pub kind: ClientKind,
    /// User name of the owner, without the tenant.
    pub owner: String,
    /// Name. Unique per owner for [`ClientKind::Service`].
    pub name: String,
    /// Grant types it may use.
    pub grants: Vec<String>,
    /// Callback URL, empty when it has none.
    pub callback: String,
    /// `JWT`.
    pub token_type: String,
    /// Whether users of other tenants may get tokens through it (WSO2: `saasApp`).
    pub saas: bool,
    /// A client that is not active gets no tokens, and its tokens are not valid.
    pub active: bool,
    /// Lifetime of its access tokens, seconds; `None` for the default.
    pub access_seconds: Option<i64>,
    /// Lifetime of its refresh tokens, seconds; `None` for the default.
    pub refresh_seconds: Option<i64>,
    /// Further properties, as the client sent them.
    pub extra: Map<String, Value>,
    /// What it registered beside that (RFC 7591), as crate `identity` writes it.
    pub metadata: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A secret of a client, without its value.
#[derive(Clone, Debug)]
pub struct SecretRow {
    /// Its id, a UUID in text form.
    pub id: String,
    /// SHA-256 of the value.
    pub hash: Vec<u8>,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is accepted; `None` means without end.
    pub expires_at: Option<Timestamp>,
}

fn client(row: &Row) -> Result<ClientRow, StoreError> {
    let kind = match row.text("kind")?.as_str() {
        "service" => ClientKind::Service,
        "application" => ClientKind::Application,
        other => {
            return Err(StoreError::Inconsistent { column: "kind".into(), reason: format!("{other:?} is not known") });
        }
    };
    Ok(ClientRow {
        id: ConsumerKey::new(row.text("client_id")?),
        tenant: row.tenant("tenant_id")?,
        kind,
        owner: row.text("owner")?,
        name: row.text("name")?,
        grants: row.json("grants")?,
        callback: row.text("callback")?,
        token_type: row.text("token_type")?,
        saas: row.flag("saas")?,
        active: row.flag("active")?,
        access_seconds: row.opt_int("access_seconds")?,
        refresh_seconds: row.opt_int("refresh_seconds")?,
        extra: row.json("extra")?,
        metadata: row.json("metadata")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

/// Adds a client.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken, or the owner has a service client of this name.
pub async fn insert(work: &mut UnitOfWork, new: &ClientRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO oauth_client (client_id, tenant_id, kind, owner, owner_key, name, grants, callback, token_type, \
         saas, active, access_seconds, refresh_seconds, extra, created_at, updated_at, metadata) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        [
            (&new.id).into(),
            new.tenant.into(),
            new.kind.as_str().into(),
            (&new.owner).into(),
            name_key(&new.owner).into(),
            (&new.name).into(),
            Value::from(new.grants.clone()).to_string().into(),
            (&new.callback).into(),
            (&new.token_type).into(),
            new.saas.into(),
            new.active.into(),
            new.access_seconds.into(),
            new.refresh_seconds.into(),
            Value::Object(new.extra.clone()).to_string().into(),
            new.created_at.into(),
            new.updated_at.into(),
            Value::Object(new.metadata.clone()).to_string().into(),
        ],
    )
    .await?;
    Ok(())
}

/// Stores everything that may change: owner, name, grants, callback, lifetimes, state, properties.
pub async fn update(work: &mut UnitOfWork, changed: &ClientRow) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "UPDATE oauth_client SET owner = $3, owner_key = $4, name = $5, grants = $6, callback = $7, saas = $8, \
             active = $9, access_seconds = $10, refresh_seconds = $11, extra = $12, updated_at = $13, \
             metadata = $14 \
             WHERE tenant_id = $1 AND client_id = $2",
            [
                changed.tenant.into(),
                (&changed.id).into(),
                (&changed.owner).into(),
                name_key(&changed.owner).into(),
                (&changed.name).into(),
                Value::from(changed.grants.clone()).to_string().into(),
                (&changed.callback).into(),
                changed.saas.into(),
                changed.active.into(),
                changed.access_seconds.into(),
                changed.refresh_seconds.into(),
                Value::Object(changed.extra.clone()).to_string().into(),
                changed.updated_at.into(),
                Value::Object(changed.metadata.clone()).to_string().into(),
            ],
        )
        .await?;
    Ok(rows > 0)
}

/// A client of the tenant.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, id: &ConsumerKey) -> Result<Option<ClientRow>, StoreError> {
    work.find("SELECT * FROM oauth_client WHERE tenant_id = $1 AND client_id = $2", [tenant.into(), id.into()])
        .await?
        .as_ref()
        .map(client)
        .transpose()
}

/// A client of any tenant: for the token endpoint, where the client id is what names the tenant.
pub async fn find_anywhere(work: &mut UnitOfWork, id: &ConsumerKey) -> Result<Option<ClientRow>, StoreError> {
    work.find("SELECT * FROM oauth_client WHERE client_id = $1", [id.into()]).await?.as_ref().map(client).transpose()
}

/// The service client of an owner by its name.
pub async fn find_service(
    work: &mut UnitOfWork,
    tenant: TenantId,
    owner: &str,
    name: &str,
) -> Result<Option<ClientRow>, StoreError> {
    work.find(
        "SELECT * FROM oauth_client WHERE tenant_id = $1 AND owner_key = $2 AND name = $3 AND kind = 'service'",
        [tenant.into(), name_key(owner).into(), name.into()],
    )
    .await?
    .as_ref()
    .map(client)
    .transpose()
}

/// The service clients of an owner.
pub async fn services_of(work: &mut UnitOfWork, tenant: TenantId, owner: &str) -> Result<Vec<ConsumerKey>, StoreError> {
    let rows = work
        .query(
            "SELECT client_id FROM oauth_client WHERE tenant_id = $1 AND owner_key = $2 AND kind = 'service'",
            [tenant.into(), name_key(owner).into()],
        )
        .await?;
    rows.iter().map(|row| Ok(ConsumerKey::new(row.text("client_id")?))).collect()
}

/// The keys of an owner's applications.
pub async fn application_keys_of(
    work: &mut UnitOfWork,
    tenant: TenantId,
    owner: &str,
) -> Result<Vec<ConsumerKey>, StoreError> {
    let rows = work
        .query(
            "SELECT client_id FROM oauth_client WHERE tenant_id = $1 AND owner_key = $2 AND kind = 'application'",
            [tenant.into(), name_key(owner).into()],
        )
        .await?;
    rows.iter().map(|row| Ok(ConsumerKey::new(row.text("client_id")?))).collect()
}

/// Gives the keys of an owner's applications to another owner, in practice
/// [`deleted_owner`](super::user::deleted_owner): whoever gets the name later does not own them.
pub async fn hand_over(work: &mut UnitOfWork, tenant: TenantId, owner: &str, to: &str) -> Result<u64, StoreError> {
    work.execute(
        "UPDATE oauth_client SET owner = $3, owner_key = $4 \
         WHERE tenant_id = $1 AND owner_key = $2 AND kind = 'application'",
        [tenant.into(), name_key(owner).into(), to.into(), name_key(to).into()],
    )
    .await
}

/// Removes a client with its secrets and refresh tokens; `false` when there is none.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: &ConsumerKey) -> Result<bool, StoreError> {
    let rows = work
        .execute("DELETE FROM oauth_client WHERE tenant_id = $1 AND client_id = $2", [tenant.into(), id.into()])
        .await?;
    Ok(rows > 0)
}

/// Adds a secret.
pub async fn add_secret(work: &mut UnitOfWork, id: &ConsumerKey, secret: &SecretRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO client_secret (id, client_id, hash, description, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (&secret.id).into(),
            id.into(),
            secret.hash.as_slice().into(),
            (&secret.description).into(),
            secret.created_at.into(),
            secret.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The secrets of a client, the newest first.
pub async fn secrets(work: &mut UnitOfWork, id: &ConsumerKey) -> Result<Vec<SecretRow>, StoreError> {
    let rows = work
        .query(
            "SELECT * FROM client_secret WHERE client_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1000",
            [id.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(SecretRow {
                id: row.text("id")?,
                hash: row.bytes("hash")?,
                description: row.text("description")?,
                created_at: row.timestamp("created_at")?,
                expires_at: row.opt_timestamp("expires_at")?,
            })
        })
        .collect()
}

/// Removes one secret; `false` when the client has none of this id.
pub async fn delete_secret(work: &mut UnitOfWork, id: &ConsumerKey, secret: &str) -> Result<bool, StoreError> {
    let rows =
        work.execute("DELETE FROM client_secret WHERE client_id = $1 AND id = $2", [id.into(), secret.into()]).await?;
    Ok(rows > 0)
}

/// Keeps the newest `keep` secrets of a client and removes the others.
pub async fn trim_secrets(work: &mut UnitOfWork, id: &ConsumerKey, keep: i64) -> Result<u64, StoreError> {
    work.execute(
        "DELETE FROM client_secret WHERE client_id = $1 AND id NOT IN \
         (SELECT id FROM client_secret WHERE client_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)",
        [id.into(), keep.into()],
    )
    .await
}
