#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O04.2", "The cluster port is on an address of the internal network").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.setting("clustering.membership_scheme").is_none() {
            return Judgement::NotApplicable("clustering is off".to_owned());
        }
        let key = "clustering.local_member_host";
        let host = home.text_or(key, "");
        Judgement::expect(!matches!(host.as_str(), "" | "0.0.0.0" | "::"), format!("{key} = {host}"), || {
            let fix = "write the address of the internal network card below [clustering]: local_member_host = \"10.0.0.5\", and let the firewall admit members only";
            Fault::new("the cluster port has no TLS and no authentication, and listens on every address", fix).at(home.place_of(key))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("every address", |p| set(p, "clustering.local_member_host", "0.0.0.0")),
    ("left out", |p| unset(p, "clustering.local_member_host")),
];
