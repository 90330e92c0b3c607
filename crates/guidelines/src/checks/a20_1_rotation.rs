#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A20.1", "Log files are closed by size or time").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (!log.by_size && !log.by_time).then(|| {
            Fault::new(
                format!("{} grows without end", log.name),
                format!(
                    "write `{}.policies.time.interval = 1` or `{}.policies.size.size = 10MB` with their types",
                    log.prefix, log.prefix
                ),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("never", |p| {
        let log = &mut p.logs.known_mut().unwrap()[0];
        log.by_size = false;
        log.by_time = false;
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            let log = &mut p.logs.known_mut().unwrap()[0];
            log.by_size = false;
            log.by_time = false;
        })
    }),
];
