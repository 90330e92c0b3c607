#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X05.1", "The encryption key is the installation's own").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let key = "encryption.key";
        match home.setting(key).map(|setting| setting.value.text()) {
            None => Judgement::Unknown(Gap::new("encryption.key is left out, so each version decides", "write it as a reference to a secret")),
            Some(value) if value.starts_with('$') => Judgement::Holds("a reference to a secret".to_owned()),
            Some(value) => {
                let observed = if value == "SECRET_KEY" { "is the shipped example" } else { "is in plain text" };
                let fix = "write `key = \"$secret{encryption_key}\"` below [encryption], with 64 random hexadecimal digits behind it";
                Judgement::Broken(vec![Fault::new(format!("{key} {observed}"), fix).at(home.place_of(key))])
            }
        }
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("example", |p| set(p, "encryption.key", "SECRET_KEY")), ("plain", |p| set(p, "encryption.key", "00aa"))];
