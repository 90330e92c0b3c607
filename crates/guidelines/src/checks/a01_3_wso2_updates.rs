use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A01.3", "WSO2 Updates have been applied").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| match home.updated {
        Some(true) => Judgement::Holds("updates/config.json names an update level".to_owned()),
        Some(false) => Judgement::Broken(vec![Fault::new(
            "no update was ever applied to this home",
            "run bin/wso2update_linux, first in a staging environment",
        )]),
        None => Judgement::Unknown(Gap::new("the home has no record of updates", "the folder updates/")),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("never", |p| p.wso2.known_mut().unwrap().updated = Some(false))];
