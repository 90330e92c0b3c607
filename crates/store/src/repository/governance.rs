//! Verdicts of governance rules about APIs, and the jobs that make them.

use model::{ApiId, TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// Target of a job that is about all APIs of a tenant.
pub const ALL: &str = "*";

/// Something to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Tenant.
    pub tenant: TenantId,
    /// Id of an API, or [`ALL`].
    pub target: String,
    /// Changes with every request.
    pub token: String,
}

/// A verdict.
#[derive(Clone, Debug)]
pub struct ResultRow {
    /// The API.
    pub api: ApiId,
    /// Verdicts by ruleset.
    pub document: Value,
    /// When it was made.
    pub evaluated_at: Timestamp,
}

fn result(row: &Row) -> Result<ResultRow, StoreError> {
    Ok(ResultRow {
        api: row.parse("api")?,
        document: row.json("document")?,
        evaluated_at: row.timestamp("evaluated_at")?,
    })
}

/// Asks for a verdict. Asking twice is asking once.
pub async fn request(work: &mut UnitOfWork, job: &JobRow, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO governance_job (tenant, target, token, requested_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, target) DO UPDATE SET token = excluded.token",
        [job.tenant.into(), job.target.as_str().into(), job.token.as_str().into(), now.into()],
    )
    .await?;
    Ok(())
}

/// The oldest requests of all tenants.
pub async fn jobs(work: &mut UnitOfWork, limit: i64) -> Result<Vec<JobRow>, StoreError> {
    work.query(
        "SELECT tenant, target, token FROM governance_job ORDER BY requested_at, tenant, target LIMIT $1",
        [limit.into()],
    )
    .await?
    .iter()
    .map(|row| Ok(JobRow { tenant: row.tenant("tenant")?, target: row.text("target")?, token: row.text("token")? }))
    .collect()
}

/// Whether a verdict about an API, or about all, is asked for.
pub async fn is_requested(work: &mut UnitOfWork, tenant: TenantId, api: ApiId) -> Result<bool, StoreError> {
    let found = work
        .find(
            "SELECT 1 AS n FROM governance_job WHERE tenant = $1 AND target IN ($2, $3)",
            [tenant.into(), api.into(), ALL.into()],
        )
        .await?;
    Ok(found.is_some())
}

/// Ends a request, unless somebody asked again.
pub async fn done(work: &mut UnitOfWork, job: &JobRow) -> Result<(), StoreError> {
    work.execute(
        "DELETE FROM governance_job WHERE tenant = $1 AND target = $2 AND token = $3",
        [job.tenant.into(), job.target.as_str().into(), job.token.as_str().into()],
    )
    .await?;
    Ok(())
}

/// Keeps a verdict in the place of the one before.
pub async fn put(work: &mut UnitOfWork, tenant: TenantId, row: &ResultRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO governance_result (tenant, api, document, evaluated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, api) DO UPDATE SET document = excluded.document, evaluated_at = excluded.evaluated_at",
        [tenant.into(), row.api.into(), row.document.to_string().into(), row.evaluated_at.into()],
    )
    .await?;
    Ok(())
}

/// The verdict about an API.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, api: ApiId) -> Result<Option<ResultRow>, StoreError> {
    work.find(
        "SELECT api, document, evaluated_at FROM governance_result WHERE tenant = $1 AND api = $2",
        [tenant.into(), api.into()],
    )
    .await?
    .as_ref()
    .map(result)
    .transpose()
}

/// All verdicts of a tenant.
pub async fn of_tenant(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<ResultRow>, StoreError> {
    work.query("SELECT api, document, evaluated_at FROM governance_result WHERE tenant = $1", [tenant.into()])
        .await?
        .iter()
        .map(result)
        .collect()
}
