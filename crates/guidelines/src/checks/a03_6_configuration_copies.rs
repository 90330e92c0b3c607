use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.6", "No copies of configuration files lie about").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::ConfigurationCopy)).collect();
        let faults = kind.iter().filter(|file| file.mode != 0).map(|file| {
            Fault::new("a copy keeps secrets and settings of another day", format!("rm {}", file.path)).at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("backup", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "deployment.toml.bak".into(),
            kind: FileKind::ConfigurationCopy,
            mode: 0o100_600,
            owner: 990,
        })
    }),
    ("editor", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "deployment.toml~".into(),
            kind: FileKind::ConfigurationCopy,
            mode: 0o100_600,
            owner: 990,
        })
    }),
];
