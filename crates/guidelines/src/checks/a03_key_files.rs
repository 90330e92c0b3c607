use crate::{Check, CheckMeta, Enforcement, Finding, Posture, Severity};

/// A03: nobody but the service's user can read its keys.
pub(super) struct KeyFileModes;

impl Check for KeyFileModes {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A03.1",
            title: "Private key files are readable by the service's user only",
            severity: Severity::Must,
            enforcement: Enforcement::Always,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let open = posture.private_files.iter().filter(|file| file.mode & 0o077 != 0 || file.owner != posture.uid);
        open.map(|file| {
            let observed = format!("{} has mode {:04o} and owner {}", file.path, file.mode & 0o7777, file.owner);
            Finding::new(
                self.meta(),
                observed,
                format!("chown {} {path} && chmod 600 {path}", posture.uid, path = file.path),
            )
        })
        .collect()
    }
}
