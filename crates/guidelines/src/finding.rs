//! What a check found, and when it stops a start.

use crate::{CHECKS, CheckMeta, Enforcement, Posture, Severity};

/// One fault. Its texts never hold a secret.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    /// The check.
    #[serde(flatten)]
    pub check: CheckMeta,
    /// What was observed, with the place.
    pub observed: String,
    /// What to do next.
    pub fix: String,
}

impl Finding {
    /// A finding of a check.
    pub fn new(check: CheckMeta, observed: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, observed: observed.into(), fix: fix.into() }
    }

    /// Whether this finding refuses the start of an installation that is exposed or not.
    pub fn refuses_start(&self, exposed: bool) -> bool {
        self.check.severity == Severity::Must && (exposed || self.check.enforcement == Enforcement::Always)
    }
}

/// Runs every check. Findings come in the order of [`CHECKS`].
pub fn evaluate(posture: &Posture) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check.run(posture)).collect()
}
