#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.2", "No configuration file holds a secret in plain text").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.plain.iter().map(|found| Fault::new(format!("{} is a secret in plain text", found.key), format!("write `{} = \"$secret{{alias}}\"` and seal the value: portcullis vault encrypt (WSO2: bin/ciphertool.sh -Dconfigure)", found.key)).at(&found.place));
        Judgement::of(faults.collect(), format!("{} files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| p.secrets.known_mut().unwrap().plain.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.secrets.known_mut().unwrap().plain.push(crate::PlainSecret::new("conf/deployment.toml:3", "x.password"))
        })
    }),
];
