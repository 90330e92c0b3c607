//! Usage analytics: who called what, how often, how fast, and how it was answered.

use model::{ApiId, ApplicationId, Timestamp, UsageKey, UsageTotals};
use store::UnitOfWork;
use store::repository::usage::{self, DAY, HOUR, UsageBy, UsageOf};
use store::repository::{api, application};

use crate::application::owned;
use crate::publishing::load::load;
use crate::{Actor, Control, ControlError};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct UsageQuery {
    /// Whose calls.
    pub subject: UsageSubject,
    /// How far back.
    pub span: UsageSpan,
}

/// Whose calls.
#[derive(Clone, Copy, Debug)]
pub enum UsageSubject {
    /// Of all APIs of the actor's tenant.
    Tenant,
    /// Of one API of the actor's tenant.
    Api(ApiId),
    /// By one application of the actor.
    Application(ApplicationId),
}

/// How far back, up to and with the hour or day that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSpan {
    /// 24 hours.
    Day,
    /// Seven days by the hour.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl UsageSpan {
    /// Number of points and width of one, milliseconds.
    const fn points(self) -> (i64, i64) {
        match self {
            Self::Day => (24, HOUR),
            Self::Week => (7 * 24, HOUR),
            Self::Month => (30, DAY),
            Self::Year => (365, DAY),
        }
    }
}

/// Calls of one hour or day.
#[derive(Clone, Copy, Debug)]
pub struct UsagePoint {
    /// Its begin, UTC.
    pub start: Timestamp,
    /// The calls.
    pub totals: UsageTotals,
}

/// The part that one API, application or plan has.
#[derive(Clone, Debug)]
pub struct UsageShare {
    /// Name for people.
    pub name: String,
    /// Its id; the name of a plan.
    pub id: String,
    /// The calls.
    pub totals: UsageTotals,
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct UsageReport {
    /// Every hour or day in order, also those without calls.
    pub points: Vec<UsagePoint>,
    /// All of them.
    pub totals: UsageTotals,
    /// Busiest APIs, at most 20.
    pub apis: Vec<UsageShare>,
    /// Busiest applications, at most 20.
    pub applications: Vec<UsageShare>,
    /// Busiest plans, at most 20.
    pub plans: Vec<UsageShare>,
}

impl Control {
    /// Reports usage.
    ///
    /// # Errors
    /// 404 for an API or an application that the actor does not have.
    pub async fn usage(&self, actor: &Actor, query: &UsageQuery) -> Result<UsageReport, ControlError> {
        let mut work = self.read().await?;
        let of = match query.subject {
            UsageSubject::Tenant => UsageOf::Tenant(actor.tenant()),
            UsageSubject::Api(id) => UsageOf::Api(actor.tenant(), load(&mut work, actor, id).await?.id),
            UsageSubject::Application(id) => UsageOf::Application(owned(&mut work, actor, id).await?.id),
        };
        let (points, width) = query.span.points();
        let now = self.now().millis();
        let since = now - now.rem_euclid(width) - (points - 1) * width;
        let from = Timestamp::from_millis(since);
        let found = usage::over_time(&mut work, of, from, width).await?;
        let mut report = UsageReport::default();
        let mut found = found.into_iter().peekable();
        for n in 0..points {
            let start = Timestamp::from_millis(since + n * width);
            let totals = found.next_if(|(begun, _)| *begun == start).map(|(_, totals)| totals).unwrap_or_default();
            report.totals.add(&totals);
            report.points.push(UsagePoint { start, totals });
        }
        for (id, totals) in usage::shares(&mut work, of, from, UsageBy::Api).await? {
            report.apis.push(UsageShare { name: api_name(&mut work, actor, &id).await?, id, totals });
        }
        for (id, totals) in usage::shares(&mut work, of, from, UsageBy::Application).await? {
            report.applications.push(UsageShare { name: application_name(&mut work, actor, &id).await?, id, totals });
        }
        for (id, totals) in usage::shares(&mut work, of, from, UsageBy::Plan).await? {
            let name = if id.is_empty() { "no plan".to_owned() } else { id.clone() };
            report.plans.push(UsageShare { name, id, totals });
        }
        work.cancel().await?;
        Ok(report)
    }

    /// Adds what the gateway counted to the current hour.
    ///
    /// # Errors
    /// When the database cannot take it; then nothing was added.
    pub async fn add_usage(
        &self,
        counted: impl IntoIterator<Item = (&UsageKey, &UsageTotals)>,
    ) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        usage::add(&mut work, self.now(), counted).await?;
        Ok(work.save().await?)
    }

    /// Adds hours up to days that are older than `hourly_days`, and forgets days older than `daily_days`. One transaction for
    /// each day, so that nobody waits long.
    ///
    /// # Errors
    /// When the database fails; days that were done stay done.
    pub async fn age_usage(&self, hourly_days: u32, daily_days: u32) -> Result<(), ControlError> {
        let ago = |days: u32| Timestamp::from_millis(self.now().millis() - i64::from(days) * DAY);
        loop {
            let mut work = self.begin().await?;
            let more = usage::compact(&mut work, ago(hourly_days)).await?;
            work.save().await?;
            if !more {
                break;
            }
        }
        loop {
            let mut work = self.begin().await?;
            let more = usage::forget(&mut work, ago(daily_days)).await?;
            work.save().await?;
            if !more {
                return Ok(());
            }
        }
    }
}

/// Name and version of an API; usage outlives APIs, and applications may call those of other tenants.
async fn api_name(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<String, ControlError> {
    let found = match id.parse() {
        Ok(id) => api::find(work, actor.tenant(), id).await?,
        Err(_) => None,
    };
    Ok(found.map_or_else(
        || "API that is gone or of another tenant".to_owned(),
        |row| format!("{} {}", row.name, row.version),
    ))
}

async fn application_name(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<String, ControlError> {
    if id.is_empty() {
        return Ok("no application".to_owned());
    }
    let found = match id.parse() {
        Ok(id) => application::find(work, actor.tenant(), id).await?,
        Err(_) => None,
    };
    Ok(found.map_or_else(|| "application that is gone or of another tenant".to_owned(), |row| row.name))
}
