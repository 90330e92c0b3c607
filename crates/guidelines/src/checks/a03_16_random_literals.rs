#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.16", "No setting holds a literal that looks like a key").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.suspicious.iter().map(|found| {
            Fault::new(
                format!("{} looks like a key or token", found.key),
                "if it is one, seal it: portcullis vault encrypt; if it is not, waive this with the reason",
            )
            .at(&found.place)
        });
        Judgement::of(faults.collect(), format!("{} files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| {
        p.secrets.known_mut().unwrap().suspicious.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.secrets
                .known_mut()
                .unwrap()
                .suspicious
                .push(crate::PlainSecret::new("conf/deployment.toml:3", "x.password"))
        })
    }),
];
