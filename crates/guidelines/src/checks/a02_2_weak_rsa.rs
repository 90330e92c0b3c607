use super::certificate::{any, judge};
#[cfg(test)]
use crate::testing::{cert, wso2};
use crate::{CertificateRule, Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.2", "RSA keys have at least 2048 bits").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, CertificateRule::WeakRsa, any)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("the first certificate", |p| cert(p, 0, CertificateRule::WeakRsa)),
    ("of a WSO2 home", |p| wso2(p, |p| cert(p, 0, CertificateRule::WeakRsa))),
];
