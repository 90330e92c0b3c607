//! Subscriptions of applications to APIs.

use model::{ApiId, ApplicationId, SubscriptionId, TenantId, Timestamp};

use super::workflow;
use crate::{Row, StoreError, UnitOfWork};

/// A subscription.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// Its id.
    pub id: SubscriptionId,
    /// Tenant of the application.
    pub tenant: TenantId,
    /// The application.
    pub application: ApplicationId,
    /// The API.
    pub api: ApiId,
    /// Business plan in force.
    pub plan: String,
    /// Business plan asked for last.
    pub requested_plan: String,
    /// WSO2's `status`: `UNBLOCKED`, `BLOCKED`, `PROD_ONLY_BLOCKED`, `ON_HOLD`, `REJECTED`, `TIER_UPDATE_PENDING`,
    /// `DELETE_PENDING`.
    pub status: String,
    /// Who subscribed.
    pub subscriber: String,
    /// When.
    pub created: Timestamp,
}

/// Appends a condition to the common select.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, application, api, plan, requested_plan, status, subscriber, created_at \
             FROM subscription ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<SubscriptionRow, StoreError> {
    Ok(SubscriptionRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        application: row.parse("application")?,
        api: row.parse("api")?,
        plan: row.text("plan")?,
        requested_plan: row.text("requested_plan")?,
        status: row.text("status")?,
        subscriber: row.text("subscriber")?,
        created: row.timestamp("created_at")?,
    })
}

/// Adds a subscription.
///
/// # Errors
/// [`StoreError::Conflict`] when the application has one to the API.
pub async fn insert(work: &mut UnitOfWork, s: &SubscriptionRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO subscription (id, tenant, application, api, plan, requested_plan, status, subscriber, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            s.id.into(),
            s.tenant.into(),
            s.application.into(),
            s.api.into(),
            s.plan.as_str().into(),
            s.requested_plan.as_str().into(),
            s.status.as_str().into(),
            s.subscriber.as_str().into(),
            s.created.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces plans and status; whether it was there.
pub async fn update(work: &mut UnitOfWork, s: &SubscriptionRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE subscription SET plan = $2, requested_plan = $3, status = $4 WHERE id = $1",
            [s.id.into(), s.plan.as_str().into(), s.requested_plan.as_str().into(), s.status.as_str().into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a subscription with its undecided requests; whether it was there.
pub async fn delete(work: &mut UnitOfWork, id: SubscriptionId) -> Result<bool, StoreError> {
    workflow::forget(work, &id.to_string(), None).await?;
    Ok(work.execute("DELETE FROM subscription WHERE id = $1", [id.into()]).await? > 0)
}

/// A subscription by id. The caller checks whose application or API it is.
pub async fn find(work: &mut UnitOfWork, id: SubscriptionId) -> Result<Option<SubscriptionRow>, StoreError> {
    work.find(select!("WHERE id = $1"), [id.into()]).await?.as_ref().map(row).transpose()
}

/// The subscription of an application to an API.
pub async fn find_pair(
    work: &mut UnitOfWork,
    application: ApplicationId,
    api: ApiId,
) -> Result<Option<SubscriptionRow>, StoreError> {
    work.find(select!("WHERE application = $1 AND api = $2"), [application.into(), api.into()])
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// The subscriptions of an application in order of creation, at most 10 000.
pub async fn of_application(
    work: &mut UnitOfWork,
    application: ApplicationId,
) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(select!("WHERE application = $1 ORDER BY created_at, id LIMIT 10000"), [application.into()])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// The subscriptions of all applications of an owner to an API, at most 10 000.
pub async fn of_owner_to_api(
    work: &mut UnitOfWork,
    tenant: TenantId,
    owner: &str,
    api: ApiId,
) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(
        select!(
            "WHERE api = $3 AND application IN (SELECT id FROM application WHERE tenant = $1 AND owner = $2) \
             ORDER BY created_at, id LIMIT 10000"
        ),
        [tenant.into(), owner.into(), api.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The subscriptions to an API in order of creation, at most 100 000.
pub async fn of_api(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(select!("WHERE api = $1 ORDER BY created_at, id LIMIT 100000"), [api.into()])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// The subscriptions to all APIs of a tenant, at most 100 000.
pub async fn of_api_tenant(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(
        select!("WHERE api IN (SELECT id FROM api WHERE tenant_id = $1) ORDER BY created_at, id LIMIT 100000"),
        [tenant.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// How many subscriptions an application has.
pub async fn count_of_application(work: &mut UnitOfWork, application: ApplicationId) -> Result<i64, StoreError> {
    let found =
        work.find("SELECT COUNT(*) AS n FROM subscription WHERE application = $1", [application.into()]).await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// How many subscriptions an API has.
pub async fn count_of_api(work: &mut UnitOfWork, api: ApiId) -> Result<i64, StoreError> {
    let found = work.find("SELECT COUNT(*) AS n FROM subscription WHERE api = $1", [api.into()]).await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// How many subscriptions to APIs of a tenant are on a plan.
pub async fn count_with_plan(work: &mut UnitOfWork, tenant: TenantId, plan: &str) -> Result<i64, StoreError> {
    let found = work
        .find(
            "SELECT COUNT(*) AS n FROM subscription WHERE plan = $2 AND api IN (SELECT id FROM api WHERE tenant_id = $1)",
            [tenant.into(), plan.into()],
        )
        .await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// The subscriptions of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(select!("ORDER BY created_at, id"), []).await?.iter().map(row).collect()
}
