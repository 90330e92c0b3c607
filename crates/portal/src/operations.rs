//! What the Admin console needs from the process around it; the composition root implements it. Everything here is about
//! the installation as a whole, so only administrators of the super tenant see it.

use model::Timestamp;
use web::BoxFuture;

/// The running installation.
pub trait Operations: Send + Sync + 'static {
    /// How the process is.
    fn health(&self) -> Health;

    /// Every gateway that this control plane feeds.
    fn gateways(&self) -> Vec<GatewayState>;

    /// The certificates in use.
    fn certificates(&self) -> Vec<CertificateState>;

    /// Every setting that was read at the start, in the order of the reference. Secrets are references, never values.
    fn settings(&self) -> Vec<SettingState>;

    /// The backups there are.
    fn backups(&self) -> BoxFuture<'_, Result<BackupState, String>>;

    /// Makes a backup; returns its file.
    fn back_up(&self) -> BoxFuture<'_, Result<String, String>>;

    /// The audits that were kept, the newest first.
    fn audits(&self) -> BoxFuture<'_, Result<Vec<KeptAudit>, String>>;

    /// A kept audit by [`KeptAudit::id`], the newest without one; `None` when there is none.
    fn audit<'a>(&'a self, id: Option<&'a str>) -> BoxFuture<'a, Result<Option<AuditReport>, String>>;

    /// Starts an audit of this installation. Returns when it has ended, or after a few seconds while it goes on.
    ///
    /// # Errors
    /// Why none could be made, for the person who asked.
    fn run_audit(&self) -> BoxFuture<'_, Result<AuditRun, String>>;
}

/// How the process is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Version of the program.
    pub program: String,
    /// Its home directory.
    pub home: String,
    /// The database, as in `SQLite` or `PostgreSQL on db.example`.
    pub database: String,
    /// Whether that is the embedded one.
    pub is_embedded: bool,
    /// Since when the process runs.
    pub started: Timestamp,
    /// Whether calls are served.
    pub is_ready: bool,
    /// Whether a listener can be reached from other machines.
    pub is_exposed: bool,
    /// Log records that were lost since the start.
    pub log_records_lost: u64,
}

/// A gateway.
#[derive(Clone, Debug)]
pub struct GatewayState {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// Whether it serves from a snapshot.
    pub is_ready: bool,
    /// The version of that snapshot: the number of the last change in it.
    pub version: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Calls answered since its start.
    pub calls: u64,
    /// Of those, answers with a status from 500 on.
    pub errors: u64,
    /// Calls that failed at an upstream.
    pub upstream_failures: u64,
}

/// A certificate in use.
#[derive(Clone, Debug)]
pub struct CertificateState {
    /// What it is for.
    pub purpose: String,
    /// Names it is for, or its subject.
    pub names: Vec<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    /// The last moment at which it is valid.
    pub not_after: Timestamp,
    /// Where it comes from: a file, or the setting to change.
    pub place: String,
    /// Whether this installation made it: browsers trust it only when they are told to.
    pub is_self_made: bool,
}

/// A setting.
#[derive(Clone, Debug)]
pub struct SettingState {
    /// Dotted path in `deployment.toml`.
    pub path: String,
    /// The value as TOML; empty when it is not set.
    pub value: String,
    /// `file:line`, or `default`.
    pub origin: String,
    /// What it does, one line.
    pub summary: String,
}

/// The backups of an installation.
#[derive(Clone, Debug, Default)]
pub struct BackupState {
    /// Whether they are made by the clock.
    pub is_scheduled: bool,
    /// How often, as in `1 day`.
    pub every: String,
    /// How many are kept.
    pub keep: usize,
    /// Where.
    pub directory: String,
    /// The newest first.
    pub files: Vec<BackupFile>,
    /// The last drill: when, which file, whether it could be restored.
    pub drill: Option<(Timestamp, String, bool)>,
}

/// A backup.
#[derive(Clone, Debug)]
pub struct BackupFile {
    /// Name of the file.
    pub name: String,
    /// When it was made; `None` for a file that cannot be read as a backup.
    pub made: Option<Timestamp>,
    /// Bytes.
    pub size: u64,
    /// `sqlite` or `postgresql`, and the version of the program that made it.
    pub holds: String,
}

/// An audit that was kept.
#[derive(Clone, Debug)]
pub struct KeptAudit {
    /// Its name: letters, digits, `-`, `.` and `Z`, made of the time.
    pub id: String,
    /// When the facts were gathered, RFC 3339.
    pub taken_at: String,
    /// 0 to 100.
    pub score: u64,
    /// Checks that fail, those of them that are `must`, and checks that could not be seen.
    pub fails: u64,
    /// Of those, `must` checks.
    pub must_fails: u64,
    /// Checks that could not be seen.
    pub unknown: u64,
}

/// What a check or a guideline came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditStatus {
    /// It does not hold.
    Fails,
    /// It could not be seen.
    Unknown,
    /// It does not hold, and somebody accepts that until a day.
    Waived,
    /// Somebody vouches for it until a day.
    Attested,
    /// It holds.
    Holds,
    /// There is nothing of the kind here.
    NotApplicable,
}

impl AuditStatus {
    /// All, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Fails, Self::Unknown, Self::Waived, Self::Attested, Self::Holds, Self::NotApplicable];

    /// Its word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fails => "Fails",
            Self::Unknown => "Unknown",
            Self::Waived => "Waived",
            Self::Attested => "Attested",
            Self::Holds => "Holds",
            Self::NotApplicable => "Not applicable",
        }
    }

    /// Its word in addresses and reports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::Waived => "waived",
            Self::Attested => "attested",
            Self::Holds => "holds",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// A report.
#[derive(Clone, Debug)]
pub struct AuditReport {
    /// The line of the history that it belongs to.
    pub kept: KeptAudit,
    /// Version of the program that made it.
    pub program: String,
    /// Chapters of guidelines.
    pub groups: Vec<(String, Vec<GuidelineState>)>,
    /// What people accept until a day.
    pub waivers: Vec<Acceptance>,
    /// What people vouch for until a day.
    pub attestations: Vec<Acceptance>,
    /// Waivers and statements without effect, and why.
    pub ineffective: Vec<String>,
}

/// A guideline in a report.
#[derive(Clone, Debug)]
pub struct GuidelineState {
    /// Stable id, as in `A07`.
    pub id: String,
    /// What should be.
    pub title: String,
    /// The row of WSO2's guide that it stands for.
    pub seed: String,
    /// What goes wrong without it.
    pub rationale: String,
    /// What Portcullis does about it by itself.
    pub built: String,
    /// Whether one of its checks is a condition of starting with an exposed listener.
    pub is_must: bool,
    /// The worst of its checks.
    pub status: AuditStatus,
    /// Its checks.
    pub checks: Vec<CheckState>,
}

/// A check in a report.
#[derive(Clone, Debug)]
pub struct CheckState {
    /// Stable id, as in `A07.1`.
    pub id: String,
    /// What holds when it passes.
    pub title: String,
    /// Whether it is a `must`.
    pub is_must: bool,
    /// Whether somebody may accept that it fails.
    pub is_waivable: bool,
    /// What it came to.
    pub status: AuditStatus,
    /// What was looked at, or why it is not known.
    pub detail: String,
    /// What it takes to know it.
    pub needs: String,
    /// What is wrong.
    pub findings: Vec<FindingState>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct FindingState {
    /// Where.
    pub place: String,
    /// What was observed.
    pub observed: String,
    /// What to do.
    pub fix: String,
    /// Whether somebody accepts it.
    pub is_waived: bool,
}

/// A waiver or a statement.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Check or guideline.
    pub id: String,
    /// Who.
    pub owner: String,
    /// Why, or what was looked at.
    pub reason: String,
    /// Last day.
    pub expires: String,
    /// Which findings, by a part of their place; empty: all.
    pub scope: String,
}

/// How an audit that was asked for stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditRun {
    /// It is kept under this id.
    Done(String),
    /// It goes on.
    Running,
}
