use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A02: served certificates keep the certificate rules.
pub(super) struct ServedCertificates;

impl Check for ServedCertificates {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A02.1",
            title: "Served certificates are this installation's own, strong and valid",
            severity: Severity::Must,
            enforcement: Enforcement::Always,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let found = posture.certificates.iter().flat_map(|certificate| {
            certificate.faults.iter().map(|fault| {
                Finding::new(self.meta(), format!("{}: {}", certificate.place, fault.observed), fault.fix.clone())
            })
        });
        found.collect()
    }
}
