//! Whether the audit log is what was written: the chain of hashes, its end, and the sealed checkpoints (guideline A21).
//!
//! The chain alone tells of records that were changed, removed or put in between. Whoever can write to the database could cut
//! its end off, or write all of it anew with right hashes; what the end was is therefore sealed by the vault from time to
//! time, in the database and in a file beside it.

use std::collections::BTreeMap;
use std::fmt;

use model::Timestamp;
use serde_json::{Value, json};
use store::repository::audit::{self, AuditRecord};
use store::repository::audit_checkpoint::{self, CheckpointRow};
use store::{StoreError, UnitOfWork};

use crate::{Control, ControlError, Sealer};

/// What the vault binds a checkpoint to.
const PLACE: &str = "audit-log-checkpoint";
/// Rows that are read at a time.
const PAGE: i64 = 500;

/// The first thing that is wrong with the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFault {
    /// A record is not what was written: its hash is not that of its content.
    Changed(i64),
    /// A record does not follow on the one before it: that one was changed, or this one was put in.
    Unlinked(i64),
    /// Records are missing, first and last.
    Missing(i64, i64),
    /// Records are missing at the end: the last one that is there, and the last one that there was.
    Cut {
        /// Number of the last record.
        last: i64,
        /// Number of the last record as it is known to have been.
        known: i64,
    },
    /// There are records after the one that the log says is its last.
    Appended(i64),
    /// All hashes are right, but up to this record they are not what they were: the log was written anew.
    Rewritten(i64),
    /// A checkpoint is not one that this installation's vault sealed.
    Forged(i64),
    /// Checkpoints are missing, first and last.
    CheckpointsMissing(i64, i64),
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(n) => write!(f, "record {n} is not what was written there"),
            Self::Unlinked(n) => {
                write!(f, "record {n} does not follow on the one before it: one of them was put there")
            }
            Self::Missing(from, to) if from == to => write!(f, "record {from} is missing"),
            Self::Missing(from, to) => write!(f, "records {from} to {to} are missing"),
            Self::Cut { last, known } => {
                write!(f, "records {} to {known} are missing: the end of the log was cut off", last.saturating_add(1))
            }
            Self::Appended(n) => write!(f, "record {n} stands after the one that the log says is its last"),
            Self::Rewritten(n) => {
                write!(f, "records up to {n} were written anew: their hashes fit, and are not those that were sealed")
            }
            Self::Forged(n) => write!(f, "checkpoint {n} was not sealed by the vault of this installation"),
            Self::CheckpointsMissing(from, to) if from == to => write!(f, "checkpoint {from} is missing"),
            Self::CheckpointsMissing(from, to) => write!(f, "checkpoints {from} to {to} are missing"),
        }
    }
}

/// A log that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditChain {
    /// How many records it has.
    pub records: u64,
    /// The last record that a checkpoint vouches for; 0 without one. What follows is vouched for by the chain alone.
    pub sealed_to: i64,
    /// When that checkpoint was made.
    pub sealed_at: Option<Timestamp>,
}

/// What a checkpoint says.
#[derive(Clone, Debug)]
struct Mark {
    number: i64,
    sequence: i64,
    hash: String,
    at: Timestamp,
}

impl Mark {
    fn seal(&self, sealer: &dyn Sealer) -> Result<String, ControlError> {
        let plain = json!([self.number, self.sequence, self.hash, self.at.millis()]).to_string();
        sealer.seal(plain.as_bytes(), PLACE).map_err(|e| ControlError::internal(format!("a checkpoint: {e}")))
    }

    /// `None` for what this vault did not seal.
    fn open(sealed: &str, sealer: &dyn Sealer) -> Option<Self> {
        let plain = sealer.open(sealed, PLACE).ok()?;
        let fields: Value = serde_json::from_slice(plain.expose()).ok()?;
        Some(Self {
            number: fields.get(0)?.as_i64()?,
            sequence: fields.get(1)?.as_i64()?,
            hash: fields.get(2)?.as_str()?.to_owned(),
            at: Timestamp::from_millis(fields.get(3)?.as_i64()?),
        })
    }
}

/// Verifies the log. `kept` is a checkpoint that was kept outside of the database.
///
/// # Errors
/// When the database cannot be read. What is wrong with the log is no error.
pub async fn verify(
    work: &mut UnitOfWork,
    sealer: &dyn Sealer,
    kept: Option<&str>,
) -> Result<Result<AuditChain, AuditFault>, StoreError> {
    let kept = match kept.map(|sealed| Mark::open(sealed, sealer)) {
        Some(None) => return Ok(Err(AuditFault::Forged(0))),
        Some(mark) => mark,
        None => None,
    };
    let marks = match marks(work, sealer, kept.as_ref()).await? {
        Ok(marks) => marks,
        Err(fault) => return Ok(Err(fault)),
    };
    let (mut count, mut last, mut hash) = (0_u64, 0_i64, String::new());
    loop {
        let page = audit::after(work, last, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for record in page {
            if let Some(fault) = fault_of(&record, last, &hash) {
                return Ok(Err(fault));
            }
            if marks.get(&record.sequence).is_some_and(|mark| mark.hash != record.hash) {
                return Ok(Err(AuditFault::Rewritten(record.sequence)));
            }
            (last, hash) = (record.sequence, record.hash);
            count = count.saturating_add(1);
        }
    }
    let newest = marks.values().next_back();
    let end = audit::newest(work).await?;
    let known = newest.map_or(end, |mark| mark.sequence.max(end));
    if known > last {
        return Ok(Err(AuditFault::Cut { last, known }));
    }
    if end < last {
        return Ok(Err(AuditFault::Appended(end.saturating_add(1))));
    }
    Ok(Ok(AuditChain {
        records: count,
        sealed_to: newest.map_or(0, |mark| mark.sequence),
        sealed_at: newest.map(|mark| mark.at),
    }))
}

/// What is wrong with a record that should follow on number `last` with its `hash`.
fn fault_of(record: &AuditRecord, last: i64, hash: &str) -> Option<AuditFault> {
    let next = last.saturating_add(1);
    if record.hash != audit::hash_of(record) {
        return Some(AuditFault::Changed(record.sequence));
    }
    if record.sequence != next {
        return Some(AuditFault::Missing(next, record.sequence.saturating_sub(1)));
    }
    (record.previous_hash != hash).then_some(AuditFault::Unlinked(record.sequence))
}

/// The checkpoints by the record that each is about.
async fn marks(
    work: &mut UnitOfWork,
    sealer: &dyn Sealer,
    kept: Option<&Mark>,
) -> Result<Result<BTreeMap<i64, Mark>, AuditFault>, StoreError> {
    let mut marks = BTreeMap::new();
    let mut number = 0;
    loop {
        let page = audit_checkpoint::after(work, number, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            let Some(mark) = Mark::open(&row.sealed, sealer).filter(|mark| mark.number == row.number) else {
                return Ok(Err(AuditFault::Forged(row.number)));
            };
            let next = number.saturating_add(1);
            // The oldest ones are removed in the course of time.
            if number > 0 && row.number != next {
                return Ok(Err(AuditFault::CheckpointsMissing(next, row.number.saturating_sub(1))));
            }
            number = row.number;
            marks.insert(mark.sequence, mark);
        }
    }
    if let Some(kept) = kept {
        // The log is looked at first: that says which records went with the checkpoints.
        marks.entry(kept.sequence).or_insert_with(|| kept.clone());
    }
    Ok(Ok(marks))
}

impl Control {
    /// Seals what the end of the audit log is now, when it has moved since the last time; the sealed text, which is to be
    /// kept outside of the database too.
    ///
    /// # Errors
    /// When the database cannot be written. That the log is shorter than it was is logged, and no checkpoint is made.
    pub async fn checkpoint_audit_log(&self) -> Result<Option<String>, ControlError> {
        let mut work = self.read().await?;
        let last = audit_checkpoint::newest(&mut work).await?;
        let sequence = audit::newest(&mut work).await?;
        let hash = audit::hash_at(&mut work, sequence).await?;
        work.cancel().await?;
        let known = last.as_ref().map_or(0, |last| last.sequence);
        if sequence < known {
            tracing::error!(sequence, known, "the audit log is shorter than it was; run portcullis audit-log verify");
            return Ok(None);
        }
        if sequence == known {
            return Ok(None);
        }
        let now = self.now();
        let number = last.map_or(0, |last| last.number).saturating_add(1);
        let mark = Mark { number, sequence, hash, at: now };
        let sealed = mark.seal(self.ports().sealer.as_ref())?;
        let mut work = self.begin().await?;
        let row = CheckpointRow { number, sequence, at: now, sealed: sealed.clone() };
        match audit_checkpoint::insert(&mut work, &row).await {
            Ok(()) => work.save().await?,
            // Another process was faster.
            Err(StoreError::Conflict(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.keep_checkpoint(sealed.clone());
        Ok(Some(sealed))
    }

    /// Remembers the newest checkpoint that was kept outside of the database, for [`Control::verify_audit_log`].
    pub fn keep_checkpoint(&self, sealed: String) {
        *self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(sealed);
    }

    /// Verifies the audit log of the installation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify_audit_log(&self) -> Result<Result<AuditChain, AuditFault>, ControlError> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let mut work = self.read().await?;
        let found = verify(&mut work, self.ports().sealer.as_ref(), kept.as_deref()).await?;
        work.cancel().await?;
        Ok(found)
    }
}
