#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A20.2", "The number of kept log files is limited").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (log.keep.is_none()).then(|| {
            Fault::new(
                format!("{} keeps every closed file", log.name),
                format!("write `{}.strategy.max = 20`", log.prefix),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("all", |p| p.logs.known_mut().unwrap()[0].keep = None),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[1].keep = None)),
];
