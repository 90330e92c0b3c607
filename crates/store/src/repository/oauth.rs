//! Steps of OAuth flows: waiting requests, codes, devices, consent, and proofs that work once.

use model::{ConsumerKey, TenantId, Timestamp, UserId};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// An authorization request that waits.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// SHA-256 of its id.
    pub hash: Vec<u8>,
    /// The client.
    pub client: ConsumerKey,
    /// `pushed` or `pending`.
    pub kind: String,
    /// Its parameters, as crate `identity` writes them.
    pub request: Value,
    /// When it arrived.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// Keeps a waiting request.
pub async fn insert_request(work: &mut UnitOfWork, new: &RequestRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO authorization_request (hash, client_id, kind, request, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        [
            new.hash.as_slice().into(),
            (&new.client).into(),
            (&new.kind).into(),
            new.request.to_string().into(),
            new.created_at.into(),
            new.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A waiting request that has not expired.
pub async fn find_request(
    work: &mut UnitOfWork,
    hash: &[u8],
    kind: &str,
    now: Timestamp,
) -> Result<Option<RequestRow>, StoreError> {
    let row = work
        .find(
            "SELECT * FROM authorization_request WHERE hash = $1 AND kind = $2 AND expires_at > $3",
            [hash.into(), kind.into(), now.into()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(RequestRow {
        hash: row.bytes("hash")?,
        client: ConsumerKey::new(row.text("client_id")?),
        kind: row.text("kind")?,
        request: row.json("request")?,
        created_at: row.timestamp("created_at")?,
        expires_at: row.timestamp("expires_at")?,
    }))
}

/// Takes a waiting request away; `false` when somebody was faster.
pub async fn take_request(work: &mut UnitOfWork, hash: &[u8]) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM authorization_request WHERE hash = $1", [hash.into()]).await? > 0)
}

/// An authorization code.
#[derive(Clone, Debug)]
pub struct CodeRow {
    /// SHA-256 of its value.
    pub hash: Vec<u8>,
    /// Family of the tokens that it leads to.
    pub family: String,
    /// The client it was issued to.
    pub client: ConsumerKey,
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// What it stands for, as crate `identity` writes it.
    pub details: Value,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// `jti` and `exp` of the access token that it led to.
    pub access_token: Option<(String, Timestamp)>,
}

/// Adds a code.
pub async fn insert_code(work: &mut UnitOfWork, new: &CodeRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO authorization_code (hash, family, client_id, tenant_id, user_id, details, issued_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            new.hash.as_slice().into(),
            (&new.family).into(),
            (&new.client).into(),
            new.tenant.into(),
            new.user.into(),
            new.details.to_string().into(),
            new.issued_at.into(),
            new.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A code by the hash of its value, used and expired ones included.
pub async fn find_code(work: &mut UnitOfWork, hash: &[u8]) -> Result<Option<CodeRow>, StoreError> {
    let Some(row) = work.find("SELECT * FROM authorization_code WHERE hash = $1", [hash.into()]).await? else {
        return Ok(None);
    };
    let access_token = match (row.opt_text("access_token_id")?, row.opt_timestamp("access_expires_at")?) {
        (Some(id), Some(end)) => Some((id, end)),
        _ => None,
    };
    Ok(Some(CodeRow {
        hash: row.bytes("hash")?,
        family: row.text("family")?,
        client: ConsumerKey::new(row.text("client_id")?),
        tenant: row.tenant("tenant_id")?,
        user: row.parse("user_id")?,
        details: row.json("details")?,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        used_at: row.opt_timestamp("used_at")?,
        access_token,
    }))
}

/// Marks a code as used; `false` when somebody was faster. It is kept for `keep_until`, so that a second use is noticed
/// as long as the tokens it led to may live.
pub async fn use_code(
    work: &mut UnitOfWork,
    hash: &[u8],
    now: Timestamp,
    keep_until: Timestamp,
) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "UPDATE authorization_code SET used_at = $2, expires_at = $3 WHERE hash = $1 AND used_at IS NULL",
            [hash.into(), now.into(), keep_until.into()],
        )
        .await?;
    Ok(rows > 0)
}

/// Notes which access token a code led to.
pub async fn note_access_token(
    work: &mut UnitOfWork,
    hash: &[u8],
    token_id: &str,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "UPDATE authorization_code SET access_token_id = $2, access_expires_at = $3 WHERE hash = $1",
        [hash.into(), token_id.into(), expires_at.into()],
    )
    .await?;
    Ok(())
}

/// A device that waits for its user (RFC 8628).
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// SHA-256 of the device code.
    pub hash: Vec<u8>,
    /// SHA-256 of the user code, without separators and in upper case.
    pub user_code_hash: Vec<u8>,
    /// The client.
    pub client: ConsumerKey,
    /// What was asked for, as crate `identity` writes it.
    pub request: Value,
    /// `waiting`, `approved`, `denied` or `used`.
    pub state: String,
    /// Who decided.
    pub user: Option<(TenantId, UserId)>,
    /// How they had signed in, as crate `identity` writes it.
    pub details: Value,
    /// Seconds between two polls.
    pub interval: i64,
    /// When the device last asked.
    pub polled_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

fn device(row: &Row) -> Result<DeviceRow, StoreError> {
    let user = match (row.opt_int("tenant_id")?, row.opt_text("user_id")?) {
        (Some(_), Some(_)) => Some((row.tenant("tenant_id")?, row.parse("user_id")?)),
        _ => None,
    };
    Ok(DeviceRow {
        hash: row.bytes("hash")?,
        user_code_hash: row.bytes("user_code_hash")?,
        client: ConsumerKey::new(row.text("client_id")?),
        request: row.json("request")?,
        state: row.text("state")?,
        user,
        details: row.json("details")?,
        interval: row.int("interval_seconds")?,
        polled_at: row.opt_timestamp("polled_at")?,
        created_at: row.timestamp("created_at")?,
        expires_at: row.timestamp("expires_at")?,
    })
}

/// Adds a device.
///
/// # Errors
/// [`StoreError::Conflict`] when the user code is in use.
pub async fn insert_device(work: &mut UnitOfWork, new: &DeviceRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO device_code (hash, user_code_hash, client_id, request, state, details, interval_seconds, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            new.hash.as_slice().into(),
            new.user_code_hash.as_slice().into(),
            (&new.client).into(),
            new.request.to_string().into(),
            (&new.state).into(),
            new.details.to_string().into(),
            new.interval.into(),
            new.created_at.into(),
            new.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A device by the hash of its code.
pub async fn find_device(work: &mut UnitOfWork, hash: &[u8]) -> Result<Option<DeviceRow>, StoreError> {
    work.find("SELECT * FROM device_code WHERE hash = $1", [hash.into()]).await?.as_ref().map(device).transpose()
}

/// A device that waits, by the hash of the code that its user types.
pub async fn find_waiting_device(
    work: &mut UnitOfWork,
    user_code_hash: &[u8],
    now: Timestamp,
) -> Result<Option<DeviceRow>, StoreError> {
    work.find(
        "SELECT * FROM device_code WHERE user_code_hash = $1 AND state = 'waiting' AND expires_at > $2",
        [user_code_hash.into(), now.into()],
    )
    .await?
    .as_ref()
    .map(device)
    .transpose()
}

/// Notes a poll and the interval that holds from now on.
pub async fn note_poll(work: &mut UnitOfWork, hash: &[u8], now: Timestamp, interval: i64) -> Result<(), StoreError> {
    work.execute(
        "UPDATE device_code SET polled_at = $2, interval_seconds = $3 WHERE hash = $1",
        [hash.into(), now.into(), interval.into()],
    )
    .await?;
    Ok(())
}

/// Notes the user's decision; `false` when the device does not wait any more.
pub async fn decide_device(
    work: &mut UnitOfWork,
    hash: &[u8],
    state: &str,
    user: (TenantId, UserId),
    details: &Value,
) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "UPDATE device_code SET state = $2, tenant_id = $3, user_id = $4, details = $5 \
             WHERE hash = $1 AND state = 'waiting'",
            [hash.into(), state.into(), user.0.into(), user.1.into(), details.to_string().into()],
        )
        .await?;
    Ok(rows > 0)
}

/// Marks an approved device as served; `false` when somebody was faster.
pub async fn use_device(work: &mut UnitOfWork, hash: &[u8]) -> Result<bool, StoreError> {
    let rows = work
        .execute("UPDATE device_code SET state = 'used' WHERE hash = $1 AND state = 'approved'", [hash.into()])
        .await?;
    Ok(rows > 0)
}

/// The scopes that a user agreed to for a client, separated by blanks.
pub async fn consent(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    client: &ConsumerKey,
) -> Result<Option<String>, StoreError> {
    let row = work
        .find(
            "SELECT scopes FROM consent WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3",
            [tenant.into(), user.into(), client.into()],
        )
        .await?;
    row.map(|r| r.text("scopes")).transpose()
}

/// Keeps what a user agreed to, in place of what was there.
pub async fn save_consent(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    client: &ConsumerKey,
    scopes: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO consent (tenant_id, user_id, client_id, scopes, given_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET scopes = excluded.scopes, \
         given_at = excluded.given_at",
        [tenant.into(), user.into(), client.into(), scopes.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Remembers a proof until it expires; `false` when it was seen before.
pub async fn use_proof(work: &mut UnitOfWork, hash: &[u8], expires_at: Timestamp) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "INSERT INTO used_proof (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING",
            [hash.into(), expires_at.into()],
        )
        .await?;
    Ok(rows > 0)
}
