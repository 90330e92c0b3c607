use super::certificate::{judge, own};
#[cfg(test)]
use crate::testing::{cert, wso2};
use crate::{CertificateRule, Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.7", "Private keys belong to their certificates").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, CertificateRule::KeyMismatch, own)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("the first certificate", |p| cert(p, 0, CertificateRule::KeyMismatch)),
    ("of a WSO2 home", |p| wso2(p, |p| cert(p, 0, CertificateRule::KeyMismatch))),
];
