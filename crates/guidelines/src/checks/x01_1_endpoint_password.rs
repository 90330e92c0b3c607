#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X01.1", "Identity endpoints have a client password of their own").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.product != Wso2Product::ApiManager {
            return Judgement::NotApplicable("a setting of API Manager".to_owned());
        }
        let key = "identity.auth_framework.endpoint.app_password";
        let value = home.text_or(key, "");
        Judgement::expect(value.starts_with("$secret{") || value.starts_with("$env{"), "a reference to a secret", || {
            let observed = if value.is_empty() { "is left out, so the shipped one is used" } else { "is in plain text" };
            let fix = "write `app_password = \"$secret{app_password}\"` below [identity.auth_framework.endpoint], and its SHA-256 into account_recovery.endpoint.auth.hash";
            Fault::new(format!("{key} {observed}"), fix).at(home.place_of(key))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("plain", |p| set(p, "identity.auth_framework.endpoint.app_password", "dashboard")),
    ("left out", |p| unset(p, "identity.auth_framework.endpoint.app_password")),
];
