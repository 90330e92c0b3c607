#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.7", "Every reference to a secret has its secret").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.dangling.iter().map(|found| Fault::new(format!("refers to {}, which is not in [secrets]", found.key), format!("add it: portcullis vault encrypt --alias {} (WSO2: write `{} = \"[value]\"` below [secrets] and run bin/ciphertool.sh -Dconfigure)", found.key, found.key)).at(&found.place));
        Judgement::of(faults.collect(), format!("{} files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| {
        p.secrets.known_mut().unwrap().dangling.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.secrets
                .known_mut()
                .unwrap()
                .dangling
                .push(crate::PlainSecret::new("conf/deployment.toml:3", "x.password"))
        })
    }),
];
