use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// O01: the service has a user of its own.
pub(super) struct RunsAsRoot;

impl Check for RunsAsRoot {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "O01.1",
            title: "The service does not run as root",
            severity: Severity::Must,
            enforcement: Enforcement::Exposed,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        if posture.uid != 0 {
            return Vec::new();
        }
        vec![Finding::new(
            self.meta(),
            "the process runs as uid 0",
            "useradd --system portcullis, give it the home directory, and start as that user",
        )]
    }
}
