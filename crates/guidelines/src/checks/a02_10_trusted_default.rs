use super::certificate::{judge, trusted};
#[cfg(test)]
use crate::testing::{cert, wso2};
use crate::{CertificateRule, Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A02.10", "No trust store trusts a certificate whose private key is public").always().both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    judge(posture, CertificateRule::PublicDefault, trusted)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("the first certificate", |p| cert(p, 1, CertificateRule::PublicDefault)),
    ("of a WSO2 home", |p| wso2(p, |p| cert(p, 1, CertificateRule::PublicDefault))),
];
