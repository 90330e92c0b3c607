//! Requests that wait for an administrator (WSO2: workflows), and what became of them.

use model::{ApiId, ApplicationId, TenantId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::{Row, StoreError, UnitOfWork};

/// Status of a request that nobody has decided.
pub const WAITING: &str = "CREATED";
/// Status of a request that was carried out.
pub const APPROVED: &str = "APPROVED";
/// Status of a request that was turned down.
pub const REJECTED: &str = "REJECTED";

/// A request.
#[derive(Clone, Debug)]
pub struct WorkflowRow {
    /// Its id, WSO2's external reference.
    pub id: Uuid,
    /// The tenant whose administrators decide.
    pub tenant: TenantId,
    /// WSO2's name of the kind, as `AM_APPLICATION_CREATION`.
    pub kind: String,
    /// The application it goes away with.
    pub application: Option<ApplicationId>,
    /// The API it goes away with.
    pub api: Option<ApiId>,
    /// Id of what is asked about.
    pub subject: String,
    /// Who asked.
    pub requester: String,
    /// [`WAITING`], [`APPROVED`] or [`REJECTED`].
    pub status: String,
    /// What the administrator is shown, and what was asked.
    pub document: Value,
    /// Who decided; empty while it waits.
    pub decided_by: String,
    /// What they said about it.
    pub note: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was decided, else when it was made.
    pub updated: Timestamp,
}

/// Appends a condition to the common select.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, kind, application, api, subject, requester, status, document, decided_by, note, \
             created_at, updated_at FROM workflow_request ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<WorkflowRow, StoreError> {
    let application = row.text("application")?;
    let api = row.text("api")?;
    Ok(WorkflowRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        kind: row.text("kind")?,
        application: if application.is_empty() { None } else { Some(row.parse("application")?) },
        api: if api.is_empty() { None } else { Some(row.parse("api")?) },
        subject: row.text("subject")?,
        requester: row.text("requester")?,
        status: row.text("status")?,
        document: row.json("document")?,
        decided_by: row.text("decided_by")?,
        note: row.text("note")?,
        created: row.timestamp("created_at")?,
        updated: row.timestamp("updated_at")?,
    })
}

/// Adds a request.
pub async fn insert(work: &mut UnitOfWork, new: &WorkflowRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO workflow_request (id, tenant, kind, application, api, subject, requester, status, document, \
         decided_by, note, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            new.id.to_string().into(),
            new.tenant.into(),
            (&new.kind).into(),
            new.application.map(|id| id.to_string()).unwrap_or_default().into(),
            new.api.map(|id| id.to_string()).unwrap_or_default().into(),
            (&new.subject).into(),
            (&new.requester).into(),
            (&new.status).into(),
            new.document.to_string().into(),
            (&new.decided_by).into(),
            (&new.note).into(),
            new.created.into(),
            new.updated.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A request that waits for the tenant's administrators.
pub async fn waiting(work: &mut UnitOfWork, tenant: TenantId, id: Uuid) -> Result<Option<WorkflowRow>, StoreError> {
    work.find(select!("WHERE id = $2 AND tenant = $1 AND status = 'CREATED'"), [tenant.into(), id.to_string().into()])
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// The requests that wait for the tenant's administrators, the oldest first; of one kind when one is named, at most
/// `limit` from `offset` on.
pub async fn list_waiting(
    work: &mut UnitOfWork,
    tenant: TenantId,
    kind: Option<&str>,
    limit: i64,
    offset: i64,
) -> Result<Vec<WorkflowRow>, StoreError> {
    work.query(
        select!(
            "WHERE tenant = $1 AND status = 'CREATED' AND ($2 = '' OR kind = $2) ORDER BY created_at, id \
             LIMIT $3 OFFSET $4"
        ),
        [tenant.into(), kind.unwrap_or_default().into(), limit.into(), offset.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// How many requests wait for the tenant's administrators; of one kind when one is named.
pub async fn count_waiting(work: &mut UnitOfWork, tenant: TenantId, kind: Option<&str>) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM workflow_request WHERE tenant = $1 AND status = 'CREATED' \
               AND ($2 = '' OR kind = $2)";
    let found = work.find(sql, [tenant.into(), kind.unwrap_or_default().into()]).await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// The requests of an application that wait or were turned down, the oldest first.
pub async fn of_application(work: &mut UnitOfWork, application: ApplicationId) -> Result<Vec<WorkflowRow>, StoreError> {
    work.query(
        select!("WHERE application = $1 AND status IN ('CREATED', 'REJECTED') ORDER BY created_at, id LIMIT 10000"),
        [application.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The requests of an API that wait, the oldest first.
pub async fn of_api(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<WorkflowRow>, StoreError> {
    work.query(select!("WHERE api = $1 AND status = 'CREATED' ORDER BY created_at, id LIMIT 10000"), [api.into()])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// Whether a request of the kind waits about something.
pub async fn waits(work: &mut UnitOfWork, kind: &str, subject: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM workflow_request WHERE subject = $1 AND kind = $2 AND status = 'CREATED'";
    let found = work.find(sql, [subject.into(), kind.into()]).await?;
    Ok(found.map_or(Ok(0), |row| row.int("n"))? > 0)
}

/// Decides a request that waits; `false` when somebody was faster.
pub async fn decide(
    work: &mut UnitOfWork,
    (tenant, id): (TenantId, Uuid),
    status: &str,
    (by, note): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE workflow_request SET status = $3, decided_by = $4, note = $5, updated_at = $6 \
             WHERE tenant = $1 AND id = $2 AND status = 'CREATED'",
            [tenant.into(), id.to_string().into(), status.into(), by.into(), note.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a request, whatever its status; whether it was there.
pub async fn remove(work: &mut UnitOfWork, id: Uuid) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM workflow_request WHERE id = $1", [id.to_string().into()]).await? > 0)
}

/// Removes what waits or was turned down about something; all kinds when none is named.
pub async fn forget(work: &mut UnitOfWork, subject: &str, kind: Option<&str>) -> Result<(), StoreError> {
    work.execute(
        "DELETE FROM workflow_request WHERE subject = $1 AND ($2 = '' OR kind = $2) AND status <> 'APPROVED'",
        [subject.into(), kind.unwrap_or_default().into()],
    )
    .await?;
    Ok(())
}

/// Removes what waits or was turned down of an application.
pub async fn forget_application(work: &mut UnitOfWork, application: ApplicationId) -> Result<(), StoreError> {
    let sql = "DELETE FROM workflow_request WHERE application = $1 AND status <> 'APPROVED'";
    work.execute(sql, [application.into()]).await?;
    Ok(())
}

/// Removes what waits or was turned down of an API.
pub async fn forget_api(work: &mut UnitOfWork, api: ApiId) -> Result<(), StoreError> {
    work.execute("DELETE FROM workflow_request WHERE api = $1 AND status <> 'APPROVED'", [api.into()]).await?;
    Ok(())
}
