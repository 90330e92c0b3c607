use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// Ports that everybody who knows WSO2's products tries first.
const WELL_KNOWN: [u16; 5] = [8243, 8280, 9443, 9763, 10389];

/// A04: exposed listeners do not use WSO2's well-known ports.
pub(super) struct DefaultPorts;

impl Check for DefaultPorts {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A04.1",
            title: "Exposed listeners use other ports than the well-known ones",
            severity: Severity::Should,
            enforcement: Enforcement::Exposed,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let known = posture.listeners.iter().filter(|l| l.is_exposed() && WELL_KNOWN.contains(&l.address.port()));
        known
            .map(|l| {
                let observed = format!("{} listener on {}", l.name, l.address);
                Finding::new(self.meta(), observed, "set `offset` in [server], or a port in the listener's section")
            })
            .collect()
    }
}
