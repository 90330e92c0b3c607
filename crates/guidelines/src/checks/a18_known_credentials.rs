use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A18: no administrator has a name and password that everybody knows.
pub(super) struct KnownCredentials;

impl Check for KnownCredentials {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A18.1",
            title: "No administrator has publicly known credentials",
            severity: Severity::Must,
            enforcement: Enforcement::Always,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        if !posture.administrators.known_credentials {
            return Vec::new();
        }
        vec![Finding::new(
            self.meta(),
            "the configured administrator has a publicly known password",
            "choose another password for [super_admin], or remove create_admin_account and use the set-up link",
        )]
    }
}
