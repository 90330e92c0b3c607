use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A18.4", "No user of the file user store has publicly known credentials").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let users = accounts.known_credentials.iter().filter(|(_, key)| key.starts_with("internal_apis"));
        let faults = users.map(|(place, key)| {
            let fix = "give the user a password of its own, or switch the file user store off: `file_user_store.enable = false`";
            Fault::new(format!("{key} is a password that everybody knows"), fix).at(place)
        });
        Judgement::of(faults.collect(), "users of the file user store")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("default", |p| {
    p.accounts
        .known_mut()
        .unwrap()
        .known_credentials
        .push(("deployment.toml:4".into(), "internal_apis.users.0.user.password".into()))
})];
