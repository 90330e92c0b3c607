use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A20.4", "Administrative actions are logged to a file of their own").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.judge(|all| {
        let audit = all.iter().any(|log| log.audit && log.attached);
        Judgement::expect(audit, "an audit appender with a logger", || {
            let place = posture.wso2.known().and_then(|home| home.log.as_ref()).map(|log| log.place.clone());
            let fix = "restore appender.AUDIT_LOGFILE and logger.AUDIT_LOG of the shipped log4j2.properties";
            Fault::new("nothing is written to an audit log", fix).at(place.unwrap_or_default())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("no appender", |p| p.logs.known_mut().unwrap().retain(|log| !log.audit)),
    ("no logger", |p| {
        for log in p.logs.known_mut().unwrap() {
            log.attached = false
        }
    }),
];
