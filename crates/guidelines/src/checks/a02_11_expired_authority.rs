use super::certificate::{judge, trusted};
#[cfg(test)]
use crate::testing::{cert, wso2};
use crate::{CertificateRule, Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.11", "Trust stores hold no authority that has ended").both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, CertificateRule::Expired, trusted)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("the first certificate", |p| cert(p, 1, CertificateRule::Expired)),
    ("of a WSO2 home", |p| wso2(p, |p| cert(p, 1, CertificateRule::Expired))),
];
