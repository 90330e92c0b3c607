#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A09.2", "Connections to backends use TLS 1.2 and 1.3 only").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        if endpoint.role != TlsRole::Sender {
            return None;
        }
        super::rule::old_protocols(endpoint)
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("1.1", |p| tls(p, 2).protocols.push("TLSv1.1".into())),
    ("in a WSO2 home", |p| wso2(p, |p| tls(p, 2).protocols.push("TLSv1".into()))),
];
