#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A20.3", "A second closed file of one day does not replace the first").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (log.by_size && !log.distinct_names).then(|| {
            Fault::new(
                format!("{} closes by size, but its names have the day only", log.name),
                format!("write `%i` into {}.filePattern", log.prefix),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("day only", |p| p.logs.known_mut().unwrap()[0].distinct_names = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[1].distinct_names = false)),
];
