#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A03.12", "No start script or service definition passes a secret as an argument").both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| {
        let faults = secrets.in_arguments.iter().map(|found| {
            Fault::new(
                format!("{} shows in every list of processes", found.key),
                "pass it in a file that only the service can read",
            )
            .at(&found.place)
        });
        Judgement::of(faults.collect(), format!("{} scripts and files searched", secrets.searched))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one", |p| {
        p.secrets.known_mut().unwrap().in_arguments.push(crate::PlainSecret::new("deployment.toml:3", "x.password"))
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.secrets
                .known_mut()
                .unwrap()
                .in_arguments
                .push(crate::PlainSecret::new("conf/deployment.toml:3", "x.password"))
        })
    }),
];
