use super::cipher::{is_weak, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A09.3", "Connections to backends offer no weak cipher").both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Sender, "weak ciphers", is_weak)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("cbc", |p| tls(p, 2).ciphers.as_mut().unwrap().push("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA".into())),
    ("static", |p| wso2(p, |p| tls(p, 2).ciphers.as_mut().unwrap().push("TLS_RSA_WITH_AES_128_GCM_SHA256".into()))),
];
