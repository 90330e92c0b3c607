//! Keys that sign tokens: one row for each key of a tenant, the private half sealed.

use model::{TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A signing key as stored.
#[derive(Clone, Debug)]
pub struct SigningKeyRow {
    /// Key id, unique over all tenants.
    pub kid: String,
    /// The tenant whose tokens it signs.
    pub tenant: TenantId,
    /// `RS256`, `PS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    /// The private key under the vault's keyring; `None` for the key of a file.
    pub sealed: Option<String>,
    /// The public key as JWK.
    pub public_jwk: Value,
    /// When it was made, or first seen.
    pub created_at: Timestamp,
    /// From when it signs; it is published before.
    pub signs_from: Timestamp,
    /// Until when its tokens are accepted; `None` while no key has taken its place.
    pub verifies_until: Option<Timestamp>,
}

fn key(row: &Row) -> Result<SigningKeyRow, StoreError> {
    Ok(SigningKeyRow {
        kid: row.text("kid")?,
        tenant: row.tenant("tenant_id")?,
        algorithm: row.text("algorithm")?,
        sealed: row.opt_text("sealed")?,
        public_jwk: row.json("public_jwk")?,
        created_at: row.timestamp("created_at")?,
        signs_from: row.timestamp("signs_from")?,
        verifies_until: row.opt_timestamp("verifies_until")?,
    })
}

/// The keys of all tenants whose tokens may still be accepted, oldest first; at most 100,000.
pub async fn live(work: &mut UnitOfWork, now: Timestamp) -> Result<Vec<SigningKeyRow>, StoreError> {
    let rows = work
        .query(
            "SELECT * FROM signing_key WHERE verifies_until IS NULL OR verifies_until > $1 \
             ORDER BY tenant_id, signs_from, kid LIMIT 100000",
            [now.into()],
        )
        .await?;
    rows.iter().map(key).collect()
}

/// Adds a key; `false` when it is there already.
pub async fn insert(work: &mut UnitOfWork, new: &SigningKeyRow) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "INSERT INTO signing_key (kid, tenant_id, algorithm, sealed, public_jwk, created_at, signs_from, \
             verifies_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kid) DO NOTHING",
            [
                (&new.kid).into(),
                new.tenant.into(),
                (&new.algorithm).into(),
                new.sealed.clone().into(),
                new.public_jwk.to_string().into(),
                new.created_at.into(),
                new.signs_from.into(),
                new.verifies_until.into(),
            ],
        )
        .await?;
    Ok(rows > 0)
}

/// Sets until when the tenant's keys other than the named one are accepted, where no end is set yet.
pub async fn retire_others(
    work: &mut UnitOfWork,
    tenant: TenantId,
    kid: &str,
    until: Timestamp,
) -> Result<u64, StoreError> {
    work.execute(
        "UPDATE signing_key SET verifies_until = $3 WHERE tenant_id = $1 AND kid <> $2 AND verifies_until IS NULL",
        [tenant.into(), kid.into(), until.into()],
    )
    .await
}

/// Takes the end of a key away and lets it sign from a time: the operator put it back in place.
pub async fn reinstate(work: &mut UnitOfWork, tenant: TenantId, kid: &str, from: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "UPDATE signing_key SET verifies_until = NULL, signs_from = $3 WHERE tenant_id = $1 AND kid = $2",
        [tenant.into(), kid.into(), from.into()],
    )
    .await?;
    Ok(())
}
