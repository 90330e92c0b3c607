#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A21.3", "Line ends inside a record are escaped").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (!log.escapes).then(|| {
            Fault::new(
                format!("{} writes line ends as they come", log.name),
                format!("write `%enc{{%m}}{{CRLF}}` in place of `%m` in {}.layout.pattern", log.prefix),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("raw", |p| p.logs.known_mut().unwrap()[0].escapes = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[0].escapes = false)),
];
