//! Subscriptions of applications to APIs.

use model::{ApiId, ApplicationId, SubscriptionId, TenantId, Timestamp};

use super::api::ApiSearch;
use super::workflow;
use crate::row::containing;
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
        "INSERT INTO subscription (id, tenant, application, api, plan, requested_plan, status, subscriber, created_at, \
         api_tenant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT tenant_id FROM api WHERE id = $4))",
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

/// A part of the subscriptions to an API with a text in the subscriber's name, in order of creation, and how many there are.
pub async fn search_of_api(
    work: &mut UnitOfWork,
    api: ApiId,
    subscriber: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<SubscriptionRow>, i64), StoreError> {
    let wanted = containing(subscriber);
    let sql =
        select!("WHERE api = $1 AND lower(subscriber) LIKE $2 ESCAPE '\\' ORDER BY created_at, id LIMIT $3 OFFSET $4");
    let rows = work.query(sql, [api.into(), (&wanted).into(), limit.into(), offset.into()]).await?;
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    let sql = "SELECT COUNT(*) AS n FROM subscription WHERE api = $1 AND lower(subscriber) LIKE $2 ESCAPE '\\'";
    let count = work.find(sql, [api.into(), wanted.into()]).await?;
    Ok((rows, count.map_or(Ok(0), |row| row.int("n"))?))
}

/// The condition of the next function: $1 tenant, $2 subscriber, $3 whether all APIs are seen, $4 tokens of who asks.
macro_rules! of_tenant {
    ($list:literal) => {
        concat!(
            "WHERE api_tenant = $1 AND lower(subscriber) LIKE $2 ESCAPE '\\' AND ($3 = 1 OR EXISTS \
             (SELECT 1 FROM api a WHERE a.id = subscription.api AND (a.restricted = 0 OR EXISTS (SELECT 1 FROM api_facet f \
             WHERE f.tenant_id = $1 AND f.field = 'access' AND f.api_id = a.id AND f.value IN ",
            $list,
            "))))"
        )
    };
}

/// The same of all APIs of a tenant that somebody may see, as [`super::api::ApiSearch`] says who may.
pub async fn search_of_api_tenant(
    work: &mut UnitOfWork,
    seen: &ApiSearch,
    subscriber: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<SubscriptionRow>, i64), StoreError> {
    macro_rules! both {
        ($list:literal) => {
            (
                concat!(
                    "SELECT id, tenant, application, api, plan, requested_plan, status, subscriber, created_at \
                     FROM subscription ",
                    of_tenant!($list),
                    " ORDER BY created_at, id LIMIT $5 OFFSET $6"
                ),
                concat!("SELECT COUNT(*) AS n FROM subscription ", of_tenant!($list)),
            )
        };
    }
    let (list, count) = if work.is_postgres() {
        both!("(SELECT jsonb_array_elements_text(CAST($4 AS jsonb)))")
    } else {
        both!("(SELECT value FROM json_each($4))")
    };
    let tokens = serde_json::Value::from(seen.tokens.clone()).to_string();
    let who: [crate::Arg; 4] =
        [seen.tenant.into(), containing(subscriber).into(), seen.all_access.into(), tokens.into()];
    let [a, b, c, d] = who.clone();
    let rows = work.query(list, [a, b, c, d, limit.into(), offset.into()]).await?;
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    let count = work.find(count, who).await?;
    Ok((rows, count.map_or(Ok(0), |row| row.int("n"))?))
}

/// A part of the subscriptions of an application in order of creation, and how many there are.
pub async fn part_of_application(
    work: &mut UnitOfWork,
    application: ApplicationId,
    (limit, offset): (i64, i64),
) -> Result<(Vec<SubscriptionRow>, i64), StoreError> {
    let sql = select!("WHERE application = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3");
    let rows = work.query(sql, [application.into(), limit.into(), offset.into()]).await?;
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    Ok((rows, count_of_application(work, application).await?))
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
            "SELECT COUNT(*) AS n FROM subscription WHERE plan = $2 AND api_tenant = $1",
            [tenant.into(), plan.into()],
        )
        .await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// The subscriptions of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<SubscriptionRow>, StoreError> {
    work.query(concat!("/* whole: the snapshot holds every one */ ", select!("ORDER BY created_at, id")), [])
        .await?
        .iter()
        .map(row)
        .collect()
}
