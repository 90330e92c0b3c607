#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.15", "The vault keeps no secret that nothing uses").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.unused.iter().map(|found| {
            Fault::new(format!("nothing refers to {}", found.key), "remove the line from [secrets]").at(&found.place)
        });
        Judgement::of(faults.collect(), format!("{} files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| p.secrets.known_mut().unwrap().unused.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.secrets.known_mut().unwrap().unused.push(crate::PlainSecret::new("conf/deployment.toml:3", "x.password"))
        })
    }),
];
