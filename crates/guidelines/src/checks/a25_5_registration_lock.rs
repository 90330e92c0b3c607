#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A25.5", "Accounts that people register themselves wait for approval").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.product != Wso2Product::ApiManager {
            return Judgement::NotApplicable("Micro Integrator has no self-registration".to_owned());
        }
        let key = "identity_mgt.user_self_registration.lock_on_creation";
        if home.text_or("identity_mgt.user_self_registration.allow_self_registration", "true") != "true" {
            return Judgement::NotApplicable("self-registration is off".to_owned());
        }
        Judgement::expect(home.text_or(key, "false") == "true", "locked on creation", || {
            let fix = "write `lock_on_creation = true` below [identity_mgt.user_self_registration] in deployment.toml";
            Fault::new("anybody can make an account that works at once", fix).at(home.place_of(key))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("false", |p| set(p, "identity_mgt.user_self_registration.lock_on_creation", "false")),
    ("left out", |p| unset(p, "identity_mgt.user_self_registration.lock_on_creation")),
];
