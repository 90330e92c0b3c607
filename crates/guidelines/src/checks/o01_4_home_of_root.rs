#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O01.4", "The home does not belong to root").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Home)).collect();
        let faults = kind.iter().filter(|file| file.owner == 0).map(|file| {
            Fault::new(
                "belongs to root, so the product is started as root or cannot write",
                format!("useradd --system wso2 && chown -R wso2 {}", file.path),
            )
            .at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("root", |p| file(p, FileKind::Home).owner = 0)];
