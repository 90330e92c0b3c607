//! Revoked access tokens, subject epochs, refresh tokens.

use model::{ConsumerKey, TenantId, Timestamp, UserId};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A revoked access token that has not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedRow {
    /// `jti`.
    pub token_id: String,
    /// `exp`.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Timestamp,
}

/// Tokens of the subject issued before the time are not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// The subject's tenant.
    pub tenant: TenantId,
    /// `sub` of the tokens.
    pub subject: String,
    /// The time.
    pub not_before: Timestamp,
}

/// A refresh token as stored: its hash and what it stands for.
#[derive(Clone, Debug)]
pub struct RefreshRow {
    /// SHA-256 of the value.
    pub hash: Vec<u8>,
    /// All tokens that descend from one sign-in share it.
    pub family: String,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The client it was issued to.
    pub client: ConsumerKey,
    /// The user.
    pub user: UserId,
    /// Granted scopes, separated by blanks.
    pub scopes: String,
    /// What renewed tokens inherit, as crate `identity` writes it.
    pub details: Value,
    /// `jti` of the access token issued together with it.
    pub access_token_id: String,
    /// `exp` of that access token.
    pub access_expires_at: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used; a second use reveals a theft.
    pub used_at: Option<Timestamp>,
}

/// Revokes the tokens that a query with `$1` names, and all that were issued for them. `$2` is the time.
macro_rules! revoke_below {
    ($first:literal) => {
        concat!(
            "INSERT INTO revoked_token (token_id, tenant_id, expires_at, revoked_at) \
             WITH RECURSIVE below (token_id) AS (",
            $first,
            " UNION SELECT d.token_id FROM derived_token d JOIN below b ON d.origin = b.token_id) \
             SELECT token_id, tenant_id, expires_at, CAST($2 AS BIGINT) FROM derived_token \
             WHERE token_id IN (SELECT token_id FROM below) AND expires_at > $2 ON CONFLICT (token_id) DO NOTHING"
        )
    };
}

fn refresh(row: &Row) -> Result<RefreshRow, StoreError> {
    Ok(RefreshRow {
        hash: row.bytes("hash")?,
        family: row.text("family")?,
        tenant: row.tenant("tenant_id")?,
        client: ConsumerKey::new(row.text("client_id")?),
        user: row.parse("user_id")?,
        scopes: row.text("scopes")?,
        details: row.json("details")?,
        access_token_id: row.text("access_token_id")?,
        access_expires_at: row.timestamp("access_expires_at")?,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        used_at: row.opt_timestamp("used_at")?,
    })
}

/// An access token that was issued for something else, with which it ends.
#[derive(Clone, Debug)]
pub struct DerivedRow {
    /// `jti`.
    pub token_id: String,
    /// `jti` of the token that it was issued for, or `issuer:` and the id of the trusted issuer whose statement it was.
    pub origin: String,
    /// The client that had that token, or that brought the statement.
    pub client: ConsumerKey,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// Remembers where an access token came from.
pub async fn derive(work: &mut UnitOfWork, tenant: TenantId, derived: &DerivedRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO derived_token (token_id, origin, tenant_id, client_id, expires_at) VALUES ($1, $2, $3, $4, $5)",
        [
            (&derived.token_id).into(),
            (&derived.origin).into(),
            tenant.into(),
            (&derived.client).into(),
            derived.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Revokes everything that was issued for an origin (see [`DerivedRow`]), and for that in turn; returns how much.
pub async fn revoke_derived(work: &mut UnitOfWork, origin: &str, now: Timestamp) -> Result<u64, StoreError> {
    work.execute(revoke_below!("SELECT token_id FROM derived_token WHERE origin = $1"), [origin.into(), now.into()])
        .await
}

/// Whether an access token is not revoked; whoever wants to revoke it waits for the end of this transaction, and then sees
/// what was derived in it.
pub async fn hold(
    work: &mut UnitOfWork,
    tenant: TenantId,
    token_id: &str,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    // A row of the same key is the lock that both backends know; nobody else ever sees it.
    let row = RevokedRow { token_id: token_id.to_owned(), expires_at, revoked_at: expires_at };
    if !retire(work, tenant, &row).await? {
        return Ok(false);
    }
    work.execute("DELETE FROM revoked_token WHERE token_id = $1", [token_id.into()]).await?;
    Ok(true)
}

/// Revokes an access token and everything that was issued for it; a second time changes nothing.
pub async fn revoke(work: &mut UnitOfWork, tenant: TenantId, revoked: &RevokedRow) -> Result<bool, StoreError> {
    let is_new = retire(work, tenant, revoked).await?;
    revoke_derived(work, &revoked.token_id, revoked.revoked_at).await?;
    Ok(is_new)
}

/// Revokes an access token that a newer one of the same sign-in replaces: what was issued for it goes on.
pub async fn retire(work: &mut UnitOfWork, tenant: TenantId, revoked: &RevokedRow) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "INSERT INTO revoked_token (token_id, tenant_id, expires_at, revoked_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (token_id) DO NOTHING",
            [(&revoked.token_id).into(), tenant.into(), revoked.expires_at.into(), revoked.revoked_at.into()],
        )
        .await?;
    Ok(rows > 0)
}

/// Whether an access token was revoked.
pub async fn is_revoked(work: &mut UnitOfWork, token_id: &str) -> Result<bool, StoreError> {
    Ok(work.find("SELECT token_id FROM revoked_token WHERE token_id = $1", [token_id.into()]).await?.is_some())
}

/// Tokens revoked at or after a time that have not expired, in the order of their revocation; at most 100,000.
pub async fn revoked_since(
    work: &mut UnitOfWork,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<RevokedRow>, StoreError> {
    // All of them are found by when they end: by when they were revoked, every row that clean-up has not reached yet would
    // be looked at. The sign before the column keeps the database from taking that index.
    let statement = if since.millis() == 0 {
        "SELECT token_id, expires_at, revoked_at FROM revoked_token WHERE +revoked_at >= $1 AND expires_at > $2 \
         ORDER BY +revoked_at, token_id LIMIT 100000"
    } else {
        "SELECT token_id, expires_at, revoked_at FROM revoked_token WHERE revoked_at >= $1 AND expires_at > $2 \
         ORDER BY revoked_at, token_id LIMIT 100000"
    };
    let rows = work.query(statement, [since.into(), now.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(RevokedRow {
                token_id: row.text("token_id")?,
                expires_at: row.timestamp("expires_at")?,
                revoked_at: row.timestamp("revoked_at")?,
            })
        })
        .collect()
}

/// Makes all tokens of a subject issued before the time invalid; never moves the time back.
pub async fn raise_epoch(
    work: &mut UnitOfWork,
    tenant: TenantId,
    subject: &str,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO subject_epoch (tenant_id, subject, not_before) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, subject) DO UPDATE SET not_before = excluded.not_before \
         WHERE subject_epoch.not_before < excluded.not_before",
        [tenant.into(), subject.into(), not_before.into()],
    )
    .await?;
    Ok(())
}

/// The time before which tokens of the subject are not valid.
pub async fn epoch(work: &mut UnitOfWork, tenant: TenantId, subject: &str) -> Result<Option<Timestamp>, StoreError> {
    let row = work
        .find(
            "SELECT not_before FROM subject_epoch WHERE tenant_id = $1 AND subject = $2",
            [tenant.into(), subject.into()],
        )
        .await?;
    row.map(|r| r.timestamp("not_before")).transpose()
}

/// All epochs at or after a time; older ones matter to no live token. At most 100,000, the newest first.
pub async fn epochs_since(work: &mut UnitOfWork, since: Timestamp) -> Result<Vec<EpochRow>, StoreError> {
    let rows = work
        .query(
            "SELECT tenant_id, subject, not_before FROM subject_epoch WHERE not_before >= $1 \
             ORDER BY not_before DESC LIMIT 100000",
            [since.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(EpochRow {
                tenant: row.tenant("tenant_id")?,
                subject: row.text("subject")?,
                not_before: row.timestamp("not_before")?,
            })
        })
        .collect()
}

/// Adds a refresh token.
pub async fn insert_refresh(work: &mut UnitOfWork, new: &RefreshRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO refresh_token (hash, family, tenant_id, client_id, user_id, scopes, access_token_id, \
         access_expires_at, issued_at, expires_at, used_at, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            new.hash.as_slice().into(),
            (&new.family).into(),
            new.tenant.into(),
            (&new.client).into(),
            new.user.into(),
            (&new.scopes).into(),
            (&new.access_token_id).into(),
            new.access_expires_at.into(),
            new.issued_at.into(),
            new.expires_at.into(),
            new.used_at.into(),
            new.details.to_string().into(),
        ],
    )
    .await?;
    Ok(())
}

/// A refresh token by the hash of its value.
pub async fn find_refresh(work: &mut UnitOfWork, hash: &[u8]) -> Result<Option<RefreshRow>, StoreError> {
    work.find("SELECT * FROM refresh_token WHERE hash = $1", [hash.into()]).await?.as_ref().map(refresh).transpose()
}

/// Marks a refresh token as used; `false` when somebody was faster.
pub async fn use_refresh(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let rows = work
        .execute("UPDATE refresh_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL", [hash.into(), now.into()])
        .await?;
    Ok(rows > 0)
}

/// Removes a family of refresh tokens and revokes their access tokens.
pub async fn revoke_family(work: &mut UnitOfWork, family: &str, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO revoked_token (token_id, tenant_id, expires_at, revoked_at) \
         SELECT access_token_id, tenant_id, access_expires_at, CAST($2 AS BIGINT) FROM refresh_token \
         WHERE family = $1 AND access_expires_at > $2 ON CONFLICT (token_id) DO NOTHING",
        [family.into(), now.into()],
    )
    .await?;
    work.execute(
        revoke_below!(
            "SELECT d.token_id FROM derived_token d JOIN refresh_token r ON d.origin = r.access_token_id \
             WHERE r.family = $1"
        ),
        [family.into(), now.into()],
    )
    .await?;
    work.execute("DELETE FROM refresh_token WHERE family = $1", [family.into()]).await?;
    Ok(())
}

/// The refresh token that was issued together with an access token.
pub async fn refresh_of_access_token(work: &mut UnitOfWork, token_id: &str) -> Result<Option<RefreshRow>, StoreError> {
    let row = work.find("SELECT * FROM refresh_token WHERE access_token_id = $1 LIMIT 1", [token_id.into()]).await?;
    row.as_ref().map(refresh).transpose()
}

/// Removes the refresh tokens of a user: after a lock or a change of password.
pub async fn delete_refresh_of_user(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<u64, StoreError> {
    work.execute("DELETE FROM refresh_token WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()]).await
}

/// Removes the refresh tokens of a client and revokes the access tokens issued together with them.
pub async fn revoke_refresh_of_client(
    work: &mut UnitOfWork,
    client: &ConsumerKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO revoked_token (token_id, tenant_id, expires_at, revoked_at) \
         SELECT access_token_id, tenant_id, access_expires_at, CAST($2 AS BIGINT) FROM refresh_token \
         WHERE client_id = $1 AND access_expires_at > $2 ON CONFLICT (token_id) DO NOTHING",
        [client.into(), now.into()],
    )
    .await?;
    work.execute(revoke_below!("SELECT token_id FROM derived_token WHERE client_id = $1"), [client.into(), now.into()])
        .await?;
    work.execute("DELETE FROM refresh_token WHERE client_id = $1", [client.into()]).await?;
    Ok(())
}
