use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A03: configuration holds references to secrets, never secrets.
pub(super) struct PlainSecrets;

impl Check for PlainSecrets {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A03.2",
            title: "No configuration file holds a secret in plain text",
            severity: Severity::Must,
            enforcement: Enforcement::Exposed,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let plain = posture.plain_secrets.iter();
        plain.map(|p| Finding::new(self.meta(), format!("{} {}", p.place, p.key), "portcullis vault encrypt")).collect()
    }
}
