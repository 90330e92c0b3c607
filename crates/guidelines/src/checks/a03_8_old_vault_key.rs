use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.8", "Secrets are sealed under the current key of the vault"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.old_key.iter().map(|found| {
            Fault::new(format!("{} is sealed under an older key", found.key), "portcullis vault rotate")
                .at(&found.place)
        });
        Judgement::of(faults.collect(), format!("{} files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| {
        p.secrets.known_mut().unwrap().old_key.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))
    }),
    ("two", |p| {
        p.secrets
            .known_mut()
            .unwrap()
            .old_key
            .extend([crate::PlainSecret::new("a:1", "b"), crate::PlainSecret::new("a:2", "c")])
    }),
];
