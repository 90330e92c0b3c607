//! What the operator is told when something does not work: what happened, why, what to do.

use std::fmt;
use std::path::Path;

use guidelines::Finding;
use store::StoreError;

use crate::config::diagnostic::{Diagnostic, Severity};
use crate::exit::Exit;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Stable code or guideline check.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) what: String,
    /// Why, possibly empty.
    pub(crate) why: String,
    /// What to do, possibly empty.
    pub(crate) fix: String,
}

/// Why a command ended without success.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What is wrong, at least one.
    pub(crate) reports: Vec<Report>,
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// One fault.
    pub(crate) fn new(
        exit: Exit,
        code: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { exit, reports: vec![Report { code, what: what.into(), why: why.into(), fix: fix.into() }] }
    }

    /// The command line is wrong beyond what its grammar can say.
    pub(crate) fn usage(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "CLI001", what, "", fix)
    }

    /// A file operation failed.
    pub(crate) fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let fix = match error.kind() {
            _ if is_full(error) => "free some space; nothing was left half-written".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                format!("let this user read and write it: ls -l {}", path.display())
            }
            std::io::ErrorKind::NotFound => "check the path".to_owned(),
            _ => String::new(),
        };
        Self::new(Exit::Io, "IO001", format!("cannot {doing} {}", path.display()), error.to_string(), fix)
    }

    /// The store failed.
    pub(crate) fn store(error: &StoreError) -> Self {
        let (exit, code, fix) = match error {
            StoreError::Unavailable(_) => {
                (Exit::Database, "DB001", "start the database, or correct [database.apim_db] in deployment.toml")
            }
            StoreError::Refused(_) => {
                (Exit::Database, "DB002", "correct the user name and password in [database.apim_db]")
            }
            StoreError::SchemaOlder { .. } => {
                (Exit::Database, "DB003", "run `portcullis db migrate` as the owner role")
            }
            StoreError::SchemaNewer { .. } => {
                (Exit::Database, "DB004", "start the version of portcullis that wrote this database, or a newer one")
            }
            StoreError::DiskFull => (Exit::Io, "IO002", "free some space; nothing was left half-written"),
            StoreError::Inconsistent { .. } => (Exit::Database, "DB005", "restore the database from a backup"),
            StoreError::Conflict(_) => (Exit::Refused, "DB006", "choose another name"),
            StoreError::Database(_) => (Exit::Database, "DB007", "look into the log of the database"),
        };
        Self::new(exit, code, "the database cannot be used", error.to_string(), fix)
    }

    /// The configuration is wrong.
    pub(crate) fn configuration(found: Vec<Diagnostic>) -> Self {
        let reports = found.into_iter().filter(|f| f.severity == Severity::Error).map(Report::from).collect();
        Self { exit: Exit::Configuration, reports }
    }

    /// Guidelines that refuse the start.
    pub(crate) fn guidelines(found: &[Finding]) -> Self {
        let report = |finding: &Finding| Report {
            code: finding.check.id,
            what: match finding.fault.place.as_str() {
                "" => finding.fault.observed.clone(),
                place => format!("{place}: {}", finding.fault.observed),
            },
            why: format!("{} (a condition of starting)", finding.check.title),
            fix: finding.fault.fix.clone(),
        };
        Self { exit: Exit::Refused, reports: found.iter().map(report).collect() }
    }

    /// A fault of a library whose text ends with `Fix: ...`.
    pub(crate) fn from_text(exit: Exit, code: &'static str, what: impl Into<String>, text: &str) -> Self {
        let (why, fix) = split_fix(text);
        Self::new(exit, code, what, why, fix)
    }

    /// As [`Self::from_text`], unless the disk is full below: then that is what is said, with its own exit code.
    pub(crate) fn from_error(
        exit: Exit,
        code: &'static str,
        what: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let full = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(is_full);
        if full {
            let (why, _) = split_fix(&error.to_string());
            return Self::new(Exit::Io, "IO002", what, why, "free some space; nothing was left half-written");
        }
        Self::from_text(exit, code, what, &error.to_string())
    }

    /// The same with a way out, where none is said yet.
    pub(crate) fn with_fix(mut self, fix: &str) -> Self {
        for report in self.reports.iter_mut().filter(|report| report.fix.is_empty()) {
            fix.clone_into(&mut report.fix);
        }
        self
    }

    /// Our fault.
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::new(Exit::Internal, "INT001", what, "this should not happen", "report it with this text")
    }
}

/// Whether no more can be written: the disk is full, a quota or a limit of the process is reached.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// What is wrong, and what to do, of a text of the libraries.
fn split_fix(text: &str) -> (String, String) {
    let (why, fix) = text.split_once(" Fix: ").unwrap_or((text, ""));
    (why.to_owned(), fix.to_owned())
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<Diagnostic> for Report {
    fn from(found: Diagnostic) -> Self {
        let mut what = format!("{} in {}", found.summary, found.place());
        if !found.path.is_empty() {
            what = format!("{what}: {}", found.path);
        }
        Self { code: found.code, what, why: found.reason, fix: found.fix }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, report) in self.reports.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "error[{}]: {}", report.code, report.what)?;
            for (label, text) in [("why", &report.why), ("fix", &report.fix)] {
                if !text.is_empty() {
                    write!(f, "\n  {label}: {text}")?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
