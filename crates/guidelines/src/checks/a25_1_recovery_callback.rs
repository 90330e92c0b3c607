use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A25.1", "Recovery of passwords sends people to listed addresses only").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let open = home
            .callbacks
            .iter()
            .filter(|c| c.key.starts_with("identity_mgt.recovery.") && c.in_use && c.pattern.is_none());
        let faults = open.map(|c| {
            let fix =
                "write `callback_url = \"^https://portal\\\\.example\\\\.com/.*$\"` below [identity_mgt.recovery]";
            Fault::new(format!("{} is left out, so any address is allowed", c.key), fix).at(&c.place)
        });
        Judgement::of(faults.collect(), "a pattern, or not in use")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("left out", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = None)];
