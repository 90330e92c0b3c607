#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A08.1", "Listeners speak TLS 1.2 and 1.3 only").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        if endpoint.role != TlsRole::Listener {
            return None;
        }
        super::rule::old_protocols(endpoint)
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("1.0", |p| tls(p, 0).protocols.push("TLSv1".into())),
    ("1.1", |p| tls(p, 0).protocols.push("TLSv1.1".into())),
    ("sslv3 in a WSO2 home", |p| wso2(p, |p| tls(p, 0).protocols.push("SSLv3".into()))),
];
