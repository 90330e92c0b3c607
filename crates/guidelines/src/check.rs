//! What a check is.

use crate::{Finding, Posture};

/// How much a guideline weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A condition of starting with an exposed listener.
    Must,
    /// Reported, never a reason to refuse the start.
    Should,
}

/// When a failed `must` check refuses the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Whatever the listeners are bound to.
    Always,
    /// As soon as one listener is bound to another address than loopback.
    Exposed,
}

/// What is known about a check without running it.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct CheckMeta {
    /// Stable id, as in `A07.1`; never reused.
    pub id: &'static str,
    /// What holds when the check passes, one line.
    pub title: &'static str,
    /// Its weight.
    pub severity: Severity,
    /// When it refuses the start.
    pub enforcement: Enforcement,
}

impl CheckMeta {
    /// The guideline the check belongs to: `A07` of `A07.1`.
    pub fn guideline(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(guideline, _)| guideline)
    }
}

/// One check: a pure function of the posture.
pub trait Check: Sync {
    /// Its metadata.
    fn meta(&self) -> CheckMeta;
    /// What is wrong; empty when the guideline holds.
    fn run(&self, posture: &Posture) -> Vec<Finding>;
}
