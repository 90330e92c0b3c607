use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.13", "The key store's password is not written down beside it").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::StartPassword)).collect();
        let faults = kind.iter().filter(|file| file.mode != 0).map(|file| {
            Fault::new(
                "holds the password that opens the key store",
                format!("rm {} after the start, or let a secret manager give it", file.path),
            )
            .at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("persist", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "password-persist".into(),
            kind: FileKind::StartPassword,
            mode: 0o100_600,
            owner: 990,
        })
    }),
    ("tmp", |p| {
        p.files.known_mut().unwrap().push(crate::FileFacts {
            path: "password-tmp".into(),
            kind: FileKind::StartPassword,
            mode: 0o100_644,
            owner: 0,
        })
    }),
];
