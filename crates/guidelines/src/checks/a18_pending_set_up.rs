use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A18: an exposed console has an administrator before it is exposed.
pub(super) struct PendingSetUp;

impl Check for PendingSetUp {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A18.2",
            title: "The first administrator exists before a console is exposed",
            severity: Severity::Must,
            enforcement: Enforcement::Exposed,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let exposed = posture.listeners.iter().any(|l| l.name == "management" && l.is_exposed());
        if !(exposed && posture.administrators.set_up_pending) {
            return Vec::new();
        }
        vec![Finding::new(
            self.meta(),
            "the management listener is exposed and nobody is set up as administrator",
            "run `portcullis user add NAME --role admin` first, or finish the set-up on 127.0.0.1",
        )]
    }
}
