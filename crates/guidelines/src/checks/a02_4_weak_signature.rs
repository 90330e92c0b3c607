use super::certificate::{any, judge};
#[cfg(test)]
use crate::testing::{cert, wso2};
use crate::{CertificateRule, Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.4", "Certificates are signed with SHA-256 or better").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, CertificateRule::WeakSignature, any)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("the first certificate", |p| cert(p, 0, CertificateRule::WeakSignature)),
    ("of a WSO2 home", |p| wso2(p, |p| cert(p, 0, CertificateRule::WeakSignature))),
];
