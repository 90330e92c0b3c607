//! What checks found, and when it stops a start.

use crate::{AppliesTo, CHECKS, CheckMeta, Enforcement, Fault, Judgement, Posture, Severity};

/// One fault of one check. Its texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Finding {
    /// The check.
    #[serde(flatten)]
    pub check: CheckMeta,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
}

impl Finding {
    /// Whether this finding refuses the start of an installation that is exposed or not.
    pub fn refuses_start(&self, exposed: bool) -> bool {
        self.check.severity == Severity::Must && (exposed || self.check.enforcement == Enforcement::Always)
    }
}

/// What one check said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The check.
    pub check: CheckMeta,
    /// What it said.
    pub judgement: Judgement,
}

/// Runs every check that has something to say about what is audited, in the order of [`CHECKS`].
pub fn evaluate(posture: &Posture) -> Vec<Evaluation> {
    let asked = CHECKS.iter().filter(|check| match check.meta.applies_to {
        AppliesTo::Both => true,
        AppliesTo::Portcullis => !posture.is_wso2,
        AppliesTo::Wso2 => posture.is_wso2,
    });
    asked.map(|check| Evaluation { check: check.meta, judgement: (check.run)(posture) }).collect()
}

/// The findings alone, in the order of [`CHECKS`].
pub fn findings(posture: &Posture) -> Vec<Finding> {
    let found = evaluate(posture).into_iter().flat_map(|evaluation| {
        let faults = match evaluation.judgement {
            Judgement::Broken(faults) => faults,
            Judgement::Holds(_) | Judgement::Unknown(_) | Judgement::NotApplicable(_) => Vec::new(),
        };
        faults.into_iter().map(move |fault| Finding { check: evaluation.check, fault })
    });
    found.collect()
}
