//! People who want an account and have none yet.

use model::{TenantId, Timestamp};
use serde_json::{Map, Value};

use crate::{Row, StoreError, UnitOfWork};

/// A request for an account. `password_hash` is a PHC string, which is not `Debug`-printed.
#[derive(Clone)]
pub struct SignUpRow {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The wanted user name.
    pub name: String,
    /// PHC string of the chosen password.
    pub password_hash: String,
    /// Mail address, in the words of the person.
    pub email: String,
    /// Where the person goes on to afterwards; may be empty.
    pub callback: String,
    /// SCIM attributes of the account to be.
    pub attributes: Map<String, Value>,
    /// `unconfirmed` or `awaiting_approval`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it lapses.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for SignUpRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignUpRow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

fn sign_up(row: &Row) -> Result<SignUpRow, StoreError> {
    Ok(SignUpRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        email: row.text("email")?,
        callback: row.text("callback")?,
        attributes: row.json("attributes")?,
        state: row.text("state")?,
        created_at: row.timestamp("created_at")?,
        expires_at: row.timestamp("expires_at")?,
    })
}

/// Adds a request under the hash of the link in its mail.
pub async fn insert(work: &mut UnitOfWork, hash: &[u8], new: &SignUpRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO sign_up (id, tenant_id, name, password_hash, email, attributes, state, hash, created_at, \
         expires_at, callback) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            (&new.id).into(),
            new.tenant.into(),
            (&new.name).into(),
            (&new.password_hash).into(),
            (&new.email).into(),
            Value::Object(new.attributes.clone()).to_string().into(),
            (&new.state).into(),
            hash.into(),
            new.created_at.into(),
            new.expires_at.into(),
            (&new.callback).into(),
        ],
    )
    .await?;
    Ok(())
}

/// The unconfirmed request of a link.
pub async fn by_link(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<Option<SignUpRow>, StoreError> {
    work.find(
        "SELECT * FROM sign_up WHERE hash = $1 AND state = 'unconfirmed' AND expires_at > $2",
        [hash.into(), now.into()],
    )
    .await?
    .as_ref()
    .map(sign_up)
    .transpose()
}

/// A request of the tenant that waits for approval.
pub async fn waiting(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: &str,
    now: Timestamp,
) -> Result<Option<SignUpRow>, StoreError> {
    work.find(
        "SELECT * FROM sign_up WHERE tenant_id = $1 AND id = $2 AND state = 'awaiting_approval' AND expires_at > $3",
        [tenant.into(), id.into(), now.into()],
    )
    .await?
    .as_ref()
    .map(sign_up)
    .transpose()
}

/// The requests of the tenant that wait for approval, the oldest first; at most `limit`.
pub async fn list_waiting(
    work: &mut UnitOfWork,
    tenant: TenantId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<SignUpRow>, StoreError> {
    work.query(
        "SELECT * FROM sign_up WHERE tenant_id = $1 AND state = 'awaiting_approval' AND expires_at > $2 \
         ORDER BY created_at, id LIMIT $3",
        [tenant.into(), now.into(), limit.into()],
    )
    .await?
    .iter()
    .map(sign_up)
    .collect()
}

/// How many requests of the tenant have not lapsed.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId, now: Timestamp) -> Result<i64, StoreError> {
    let row = work
        .find("SELECT COUNT(*) AS n FROM sign_up WHERE tenant_id = $1 AND expires_at > $2", [tenant.into(), now.into()])
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// How many requests were made for a mail address since a time.
pub async fn count_for(
    work: &mut UnitOfWork,
    tenant: TenantId,
    email: &str,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let row = work
        .find(
            "SELECT COUNT(*) AS n FROM sign_up WHERE tenant_id = $1 AND email = $2 AND created_at > $3",
            [tenant.into(), email.into(), since.into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// Moves an unconfirmed request on; `false` when somebody was faster.
pub async fn confirm(work: &mut UnitOfWork, id: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE sign_up SET state = 'awaiting_approval', expires_at = $2 WHERE id = $1 AND state = 'unconfirmed'",
            [id.into(), expires_at.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a request; `false` when there is none.
pub async fn remove(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM sign_up WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()]).await? > 0)
}
