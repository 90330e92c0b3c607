#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A18.1", "No administrator has publicly known credentials").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let administrators = accounts.known_credentials.iter().filter(|(_, key)| key.starts_with("super_admin"));
        let faults = administrators.map(|(place, key)| {
            let fix = "choose a password of your own, seal it, and write `password = \"$secret{admin_password}\"` below [super_admin]";
            Fault::new(format!("{key} is a password that everybody knows"), fix).at(place)
        });
        Judgement::of(faults.collect(), "configured administrators")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("admin", |p| {
        p.accounts
            .known_mut()
            .unwrap()
            .known_credentials
            .push(("deployment.toml:4".into(), "super_admin.password".into()))
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            p.accounts
                .known_mut()
                .unwrap()
                .known_credentials
                .push(("deployment.toml:4".into(), "super_admin.password".into()))
        })
    }),
];
