#[cfg(test)]
use crate::testing::unset;
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("N01.2", "The product runs as a cluster").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.product != Wso2Product::ApiManager {
            return Judgement::NotApplicable("nodes of Micro Integrator are counted by their orchestrator".to_owned());
        }
        let hub = home.settings.keys().any(|key| key.starts_with("apim.event_hub."));
        Judgement::expect(hub || home.setting("clustering.membership_scheme").is_some(), "configured for several nodes", || {
            let fix = "configure a second node: [clustering] membership_scheme, or [apim.event_hub] of a distributed set-up";
            Fault::new("configured as a single node", fix).at(&home.config_place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("single", |p| {
    unset(p, "clustering.membership_scheme");
    unset(p, "apim.event_hub.enable");
})];
