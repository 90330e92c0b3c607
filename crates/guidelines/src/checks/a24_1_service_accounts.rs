use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A24.1", "Parts of the product use an account of their own").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let shared = home.service_accounts.iter().filter(|(_, _, shared)| *shared);
        let faults = shared.map(|(key, place, _)| {
            let fix = format!("make a system account without sign-in to the portals, and write it into {key}");
            Fault::new(format!("{key} is the super administrator"), fix).at(place)
        });
        Judgement::of(faults.collect(), format!("{} accounts between nodes", home.service_accounts.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("key manager", |p| {
        p.wso2.known_mut().unwrap().service_accounts.push((
            "apim.key_manager.username".into(),
            "deployment.toml".into(),
            true,
        ))
    }),
    ("throttling", |p| {
        p.wso2.known_mut().unwrap().service_accounts.push((
            "apim.throttling.username".into(),
            "deployment.toml:7".into(),
            true,
        ))
    }),
];
