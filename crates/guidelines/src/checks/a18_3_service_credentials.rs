use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A18.3", "No internal account has publicly known credentials").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let others = accounts.known_credentials.iter();
        let others = others.filter(|(_, key)| !key.starts_with("super_admin") && !key.starts_with("internal_apis"));
        let faults = others.map(|(place, key)| {
            let fix = format!("make an account of its own, seal its password, and write a reference into {key}");
            Fault::new(format!("{key} is a password that everybody knows"), fix).at(place)
        });
        Judgement::of(faults.collect(), "configured accounts")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("key manager", |p| {
        p.accounts
            .known_mut()
            .unwrap()
            .known_credentials
            .push(("deployment.toml:4".into(), "apim.key_manager.password".into()))
    }),
    ("event hub", |p| {
        p.accounts
            .known_mut()
            .unwrap()
            .known_credentials
            .push(("deployment.toml:9".into(), "apim.event_hub.password".into()))
    }),
];
