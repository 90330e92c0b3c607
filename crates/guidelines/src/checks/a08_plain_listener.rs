use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A08: nothing that other machines can reach speaks plain text.
pub(super) struct PlainListener;

impl Check for PlainListener {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A08.3",
            title: "Every exposed listener speaks TLS",
            severity: Severity::Must,
            enforcement: Enforcement::Exposed,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let plain = posture.listeners.iter().filter(|l| l.is_exposed() && !l.tls);
        plain
            .map(|l| {
                let observed = format!("{} listener on {} speaks plain HTTP", l.name, l.address);
                let fix = format!("bind it to 127.0.0.1 or remove `enable` in [{}]", l.section);
                Finding::new(self.meta(), observed, fix)
            })
            .collect()
    }
}
