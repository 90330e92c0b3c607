//! Judging APIs after changes.

use model::TenantId;
use serde_json::json;
use store::UnitOfWork;
use store::repository::api;
use store::repository::catalogue::{self, ItemKind};
use store::repository::governance::{self, ALL, JobRow, ResultRow};

use super::subject::Subject;
use crate::{Change, Control, ControlError, FaultKind};

/// Jobs of one look at the list.
const BATCH: i64 = 100;

/// Id of the API that a change is about, if rules could see it differently afterwards.
pub(crate) fn concerned<'c>(change: &Change<'c>) -> Option<&'c str> {
    let by_publisher = change.action.starts_with("publisher.");
    let target = change.target.strip_prefix("api/").filter(|_| by_publisher)?;
    target.split('/').next()
}

/// Asks for a verdict about an API.
pub(crate) async fn request(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
    target: &str,
) -> Result<(), ControlError> {
    let job = JobRow { tenant, target: target.to_owned(), token: control.uuid().to_string() };
    Ok(governance::request(work, &job, control.now()).await?)
}

/// Asks for verdicts about all APIs of a tenant.
pub(crate) async fn request_all(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
) -> Result<(), ControlError> {
    request(control, work, tenant, ALL).await
}

impl Control {
    /// Judges what is to be judged; returns how many jobs there were. A job that does not end is there next time.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn judge_waiting(&self) -> Result<usize, ControlError> {
        let mut work = self.read().await?;
        let jobs = governance::jobs(&mut work, BATCH).await?;
        work.cancel().await?;
        for job in &jobs {
            self.ensure_governance(job.tenant).await?;
            let judged = if job.target == ALL { self.judge_all(job).await } else { self.judge_one(job).await };
            match judged {
                // What is damaged is damaged next time, too, and must not stand in the way of the others.
                Err(error) if error.kind == FaultKind::Internal => {
                    tracing::error!(api = job.target.as_str(), reason = %error, "an API could not be judged by the rules of governance");
                    self.end_job(job).await?;
                }
                other => other?,
            }
        }
        Ok(jobs.len())
    }

    async fn judge_all(&self, job: &JobRow) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        for row in api::list(&mut work, job.tenant).await? {
            request(self, &mut work, job.tenant, &row.id.to_string()).await?;
        }
        governance::done(&mut work, job).await?;
        Ok(work.save().await?)
    }

    async fn end_job(&self, job: &JobRow) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        governance::done(&mut work, job).await?;
        Ok(work.save().await?)
    }

    async fn judge_one(&self, job: &JobRow) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        let row = match job.target.parse() {
            Ok(id) => api::find(&mut work, job.tenant, id).await?,
            Err(_) => None,
        };
        let Some(row) = row.filter(|row| row.kind != crate::publishing::products::KIND) else {
            // It is gone; its verdict went with it.
            work.cancel().await?;
            return self.end_job(job).await;
        };
        let rulesets = catalogue::list(&mut work, ItemKind::GovernanceRuleset, job.tenant).await?;
        let subject = Subject::of(&mut work, &row).await?;
        work.cancel().await?;
        let verdicts = self.heavy(move || subject.judged(&rulesets)).await?;
        let mut work = self.begin().await?;
        // The API may have been removed meanwhile.
        if api::find(&mut work, job.tenant, row.id).await?.is_some() {
            let result = ResultRow { api: row.id, document: json!({"rulesets": verdicts}), evaluated_at: self.now() };
            governance::put(&mut work, job.tenant, &result).await?;
        }
        governance::done(&mut work, job).await?;
        Ok(work.save().await?)
    }
}
