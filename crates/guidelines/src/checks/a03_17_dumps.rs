use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.17", "No memory dump lies in the installation").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Dump)).collect();
        let faults = kind.iter().filter(|file| file.mode != 0).map(|file| {
            Fault::new("a dump holds every secret that was in memory", format!("shred -u {}", file.path)).at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("heap dump", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "heap-dump.hprof".into(),
            kind: FileKind::Dump,
            mode: 0o100_600,
            owner: 990,
        })
    }),
    ("core", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "core.123".into(),
            kind: FileKind::Dump,
            mode: 0o100_600,
            owner: 990,
        })
    }),
];
