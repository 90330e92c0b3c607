#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A09.1", "The gateway has an explicit list of ciphers").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        let open = endpoint.role == TlsRole::Listener && endpoint.gateway && endpoint.ciphers.is_none();
        open.then(|| super::rule::no_ciphers(endpoint))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("none", |p| tls(p, 1).ciphers = None), ("in a WSO2 home", |p| wso2(p, |p| tls(p, 1).ciphers = None))];
