//! Reading the audit log of a tenant.

mod chain;

use model::Timestamp;
use store::repository::audit::{self, AuditFilter, AuditRecord};

use crate::{Actor, Control, ControlError};

pub use chain::{AuditChain, AuditFault, verify};

/// How many numbers of the log one search looks through at most.
const SPAN: i64 = 50_000;
/// Most records of one answer.
const MAX_RECORDS: i64 = 10_000;

/// What is looked for. An empty text does not restrict; texts are parts of the value, in any case.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Who did it.
    pub principal: String,
    /// The operation's id, as in `publisher.apis.create`.
    pub action: String,
    /// What was changed, as in `api/<uuid>`.
    pub target: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only records with smaller numbers: the next page.
    pub before: Option<i64>,
    /// Most records, at most 10,000.
    pub limit: i64,
}

/// One record.
#[derive(Clone, Debug)]
pub struct AuditView {
    /// Its number in the log of the whole installation.
    pub sequence: i64,
    /// UUIDv7.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub principal: String,
    /// Operation id.
    pub action: String,
    /// What was changed.
    pub target: String,
    /// Hash of the record before, empty for the first.
    pub previous_hash: String,
    /// Hash of this record.
    pub hash: String,
    /// Whether the record is as it was written: the hash is that of its content.
    pub intact: bool,
}

/// Records, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditView>,
    /// What [`AuditQuery::before`] continues with; `None` at the end of the log.
    pub next: Option<i64>,
}

impl From<AuditRecord> for AuditView {
    fn from(record: AuditRecord) -> Self {
        let intact = record.hash == audit::hash_of(&record);
        Self {
            sequence: record.sequence,
            id: record.id,
            at: record.at,
            principal: record.principal,
            action: record.action,
            target: record.target,
            previous_hash: record.previous_hash,
            hash: record.hash,
            intact,
        }
    }
}

impl Control {
    /// Records of the actor's tenant. One search looks through 50,000 numbers of the log at most; where it stops is in
    /// the answer, also when it found nothing there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn audit_log(&self, actor: &Actor, query: &AuditQuery) -> Result<AuditPage, ControlError> {
        let mut work = self.read().await?;
        let end = audit::newest(&mut work).await?.saturating_add(1);
        let high = query.before.map_or(end, |before| before.clamp(0, end));
        let low = high.saturating_sub(SPAN).max(0);
        let limit = query.limit.clamp(1, MAX_RECORDS);
        let filter = AuditFilter {
            principal: query.principal.clone(),
            action: query.action.clone(),
            target: query.target.clone(),
            from: query.from,
            until: query.until,
        };
        // One more tells whether there are further ones.
        let further = limit.saturating_add(1);
        let mut found = audit::search(&mut work, actor.tenant(), &filter, (low, high), further).await?;
        work.cancel().await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = if found.len() > most {
            found.truncate(most);
            found.last().map(|last| last.sequence)
        } else {
            (low > 0).then(|| low.saturating_add(1))
        };
        Ok(AuditPage { records: found.into_iter().map(AuditView::from).collect(), next })
    }

    /// One record of the actor's tenant, and whether it follows on the record before it.
    ///
    /// # Errors
    /// Not found, also for a record of another tenant.
    pub async fn audit_record(&self, actor: &Actor, sequence: i64) -> Result<(AuditView, bool), ControlError> {
        let mut work = self.read().await?;
        let found = audit::find(&mut work, actor.tenant(), sequence).await?;
        let record = found.ok_or_else(|| ControlError::not_found(format!("There is no record {sequence}.")))?;
        let follows = audit::hash_at(&mut work, sequence.saturating_sub(1)).await? == record.previous_hash;
        work.cancel().await?;
        Ok((record.into(), follows))
    }
}
