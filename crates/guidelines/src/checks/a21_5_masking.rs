use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A21.5", "Sensitive values are masked in logs").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| match &home.log {
        None => Judgement::Unknown(Gap::new("the home has no log4j2.properties", "repository/conf/log4j2.properties")),
        Some(log) => Judgement::expect(log.masks, "a masking converter", || {
            let fix = "write %mm in place of %m in the patterns, and keep wso2-log-masking.properties up to date";
            Fault::new("no pattern masks sensitive values", fix).at(&log.place)
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("off", |p| p.wso2.known_mut().unwrap().log.as_mut().unwrap().masks = false)];
