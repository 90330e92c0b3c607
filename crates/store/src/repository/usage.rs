//! Usage analytics: calls added up by hour and day.

use model::{ApiId, ApplicationId, TenantId, Timestamp, UsageKey, UsageTotals};

use crate::{Row, StoreError, UnitOfWork};

/// Milliseconds of an hour: the width of new rows.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of a day: the width of old rows.
pub const DAY: i64 = 24 * HOUR;

/// Whose calls.
#[derive(Clone, Copy, Debug)]
pub enum UsageOf {
    /// Of all APIs of a tenant.
    Tenant(TenantId),
    /// Of one API.
    Api(TenantId, ApiId),
    /// By one application, whose tenant the caller has checked. It may call APIs of other tenants.
    Application(ApplicationId),
}

/// What calls are divided by.
#[derive(Clone, Copy, Debug)]
pub enum UsageBy {
    /// The API; its id.
    Api,
    /// The application; its id, empty for calls without one.
    Application,
    /// The business plan; its name, empty for calls without one.
    Plan,
}

/// The sums of all counters.
macro_rules! sums {
    () => {
        "CAST(SUM(succeeded) AS BIGINT) AS succeeded, CAST(SUM(redirected) AS BIGINT) AS redirected, \
         CAST(SUM(client_errors) AS BIGINT) AS client_errors, CAST(SUM(server_errors) AS BIGINT) AS server_errors, \
         CAST(SUM(micros) AS BIGINT) AS micros, CAST(SUM(bytes_in) AS BIGINT) AS bytes_in, \
         CAST(SUM(bytes_out) AS BIGINT) AS bytes_out, CAST(SUM(d0) AS BIGINT) AS d0, CAST(SUM(d1) AS BIGINT) AS d1, \
         CAST(SUM(d2) AS BIGINT) AS d2, CAST(SUM(d3) AS BIGINT) AS d3, CAST(SUM(d4) AS BIGINT) AS d4, \
         CAST(SUM(d5) AS BIGINT) AS d5, CAST(SUM(d6) AS BIGINT) AS d6, CAST(SUM(d7) AS BIGINT) AS d7, \
         CAST(SUM(d8) AS BIGINT) AS d8, CAST(SUM(d9) AS BIGINT) AS d9"
    };
}

const DURATIONS: [&str; 10] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9"];
const ANSWERS: [&str; 4] = ["succeeded", "redirected", "client_errors", "server_errors"];

fn totals(row: &Row) -> Result<UsageTotals, StoreError> {
    let number = |column: &str| row.int(column).map(|number| u64::try_from(number).unwrap_or(0));
    let mut totals = UsageTotals {
        micros: number("micros")?,
        bytes_in: number("bytes_in")?,
        bytes_out: number("bytes_out")?,
        ..UsageTotals::default()
    };
    for (place, column) in totals.answers.iter_mut().zip(ANSWERS).chain(totals.buckets.iter_mut().zip(DURATIONS)) {
        *place = number(column)?;
    }
    Ok(totals)
}

/// Adds calls to the hour in which `now` is.
pub async fn add(
    work: &mut UnitOfWork,
    now: Timestamp,
    counted: impl IntoIterator<Item = (&UsageKey, &UsageTotals)>,
) -> Result<(), StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let start = now.millis() - now.millis().rem_euclid(HOUR);
    for (key, t) in counted {
        let [ok, redirected, client, server] = t.answers.map(number);
        let [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9] = t.buckets.map(number);
        work.execute(
            "INSERT INTO api_usage (tenant, api, application, plan, width, start_at, succeeded, redirected, \
             client_errors, server_errors, micros, bytes_in, bytes_out, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
             $22, $23) ON CONFLICT (tenant, api, start_at, application, plan, width) DO UPDATE SET \
             succeeded = api_usage.succeeded + excluded.succeeded, \
             redirected = api_usage.redirected + excluded.redirected, \
             client_errors = api_usage.client_errors + excluded.client_errors, \
             server_errors = api_usage.server_errors + excluded.server_errors, \
             micros = api_usage.micros + excluded.micros, bytes_in = api_usage.bytes_in + excluded.bytes_in, \
             bytes_out = api_usage.bytes_out + excluded.bytes_out, d0 = api_usage.d0 + excluded.d0, \
             d1 = api_usage.d1 + excluded.d1, d2 = api_usage.d2 + excluded.d2, d3 = api_usage.d3 + excluded.d3, \
             d4 = api_usage.d4 + excluded.d4, d5 = api_usage.d5 + excluded.d5, d6 = api_usage.d6 + excluded.d6, \
             d7 = api_usage.d7 + excluded.d7, d8 = api_usage.d8 + excluded.d8, d9 = api_usage.d9 + excluded.d9",
            [
                key.tenant.into(),
                key.api.into(),
                key.application.map(|id| id.to_string()).unwrap_or_default().into(),
                key.plan.as_deref().unwrap_or_default().into(),
                HOUR.into(),
                start.into(),
                ok.into(),
                redirected.into(),
                client.into(),
                server.into(),
                number(t.micros).into(),
                number(t.bytes_in).into(),
                number(t.bytes_out).into(),
                d0.into(),
                d1.into(),
                d2.into(),
                d3.into(),
                d4.into(),
                d5.into(),
                d6.into(),
                d7.into(),
                d8.into(),
                d9.into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Calls since `since` by begin of the hour or day (`width`), in order; times without calls are left out.
pub async fn over_time(
    work: &mut UnitOfWork,
    of: UsageOf,
    since: Timestamp,
    width: i64,
) -> Result<Vec<(Timestamp, UsageTotals)>, StoreError> {
    macro_rules! select {
        ($filter:literal) => {
            concat!(
                "SELECT start_at - start_at % $1 AS begun, ",
                sums!(),
                " FROM api_usage WHERE start_at >= $2 AND ",
                $filter,
                " GROUP BY begun ORDER BY begun"
            )
        };
    }
    let (width, since) = (width.into(), since.into());
    let rows = match of {
        UsageOf::Tenant(tenant) => work.query(select!("tenant = $3"), [width, since, tenant.into()]).await?,
        UsageOf::Api(tenant, api) => {
            work.query(select!("tenant = $3 AND api = $4"), [width, since, tenant.into(), api.into()]).await?
        }
        UsageOf::Application(id) => work.query(select!("application = $3"), [width, since, id.into()]).await?,
    };
    rows.iter().map(|row| Ok((row.timestamp("begun")?, totals(row)?))).collect()
}

/// Calls since `since` by what they are divided by, busiest first, at most 20.
pub async fn shares(
    work: &mut UnitOfWork,
    of: UsageOf,
    since: Timestamp,
    by: UsageBy,
) -> Result<Vec<(String, UsageTotals)>, StoreError> {
    macro_rules! select {
        ($column:literal, $filter:literal) => {
            concat!(
                "SELECT ",
                $column,
                " AS name, ",
                sums!(),
                " FROM api_usage WHERE start_at >= $1 AND ",
                $filter,
                " GROUP BY ",
                $column,
                " ORDER BY SUM(succeeded + redirected + client_errors + server_errors) DESC, ",
                $column,
                " LIMIT 20"
            )
        };
        ($filter:literal) => {
            match by {
                UsageBy::Api => select!("api", $filter),
                UsageBy::Application => select!("application", $filter),
                UsageBy::Plan => select!("plan", $filter),
            }
        };
    }
    let since = since.into();
    let rows = match of {
        UsageOf::Tenant(tenant) => work.query(select!("tenant = $2"), [since, tenant.into()]).await?,
        UsageOf::Api(tenant, api) => {
            work.query(select!("tenant = $2 AND api = $3"), [since, tenant.into(), api.into()]).await?
        }
        UsageOf::Application(id) => work.query(select!("application = $2"), [since, id.into()]).await?,
    };
    rows.iter().map(|row| Ok((row.text("name")?, totals(row)?))).collect()
}

/// Adds the oldest day of hours before `before` up to one row for each key; whether there was one.
pub async fn compact(work: &mut UnitOfWork, before: Timestamp) -> Result<bool, StoreError> {
    let oldest =
        work.find("SELECT start_at FROM api_usage WHERE width = $1 ORDER BY start_at LIMIT 1", [HOUR.into()]).await?;
    let Some(oldest) = oldest else { return Ok(false) };
    let oldest = oldest.int("start_at")?;
    let day = oldest - oldest.rem_euclid(DAY);
    if day + DAY > before.millis() {
        return Ok(false);
    }
    // The sum is over hours and a day row that is there already, which it replaces: a clock that went back loses nothing.
    work.execute(
        concat!(
            "INSERT INTO api_usage (tenant, api, application, plan, width, start_at, succeeded, redirected, \
             client_errors, server_errors, micros, bytes_in, bytes_out, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9) \
             SELECT tenant, api, application, plan, CAST($1 AS BIGINT), CAST($2 AS BIGINT), ",
            sums!(),
            " FROM api_usage WHERE start_at >= $2 AND start_at < $3 GROUP BY tenant, api, application, plan \
             ON CONFLICT (tenant, api, start_at, application, plan, width) DO UPDATE SET \
             succeeded = excluded.succeeded, redirected = excluded.redirected, \
             client_errors = excluded.client_errors, server_errors = excluded.server_errors, \
             micros = excluded.micros, bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out, \
             d0 = excluded.d0, d1 = excluded.d1, d2 = excluded.d2, d3 = excluded.d3, d4 = excluded.d4, \
             d5 = excluded.d5, d6 = excluded.d6, d7 = excluded.d7, d8 = excluded.d8, d9 = excluded.d9"
        ),
        [DAY.into(), day.into(), (day + DAY).into()],
    )
    .await?;
    work.execute(
        "DELETE FROM api_usage WHERE width = $1 AND start_at >= $2 AND start_at < $3",
        [HOUR.into(), day.into(), (day + DAY).into()],
    )
    .await?;
    Ok(true)
}

/// Removes the oldest day before `before`; whether there was one.
pub async fn forget(work: &mut UnitOfWork, before: Timestamp) -> Result<bool, StoreError> {
    let oldest =
        work.find("SELECT start_at FROM api_usage WHERE width = $1 ORDER BY start_at LIMIT 1", [DAY.into()]).await?;
    let Some(oldest) = oldest else { return Ok(false) };
    let oldest = oldest.int("start_at")?;
    if oldest >= before.millis() {
        return Ok(false);
    }
    work.execute("DELETE FROM api_usage WHERE width = $1 AND start_at = $2", [DAY.into(), oldest.into()]).await?;
    Ok(true)
}
