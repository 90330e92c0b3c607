use super::cipher::{is_rc4, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A08.5", "Listeners do not offer RC4").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Listener, "RC4", is_rc4)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("management", |p| tls(p, 0).ciphers.as_mut().unwrap().push("TLS_ECDHE_RSA_WITH_RC4_128_SHA".into())),
    ("gateway of a WSO2 home", |p| {
        wso2(p, |p| tls(p, 1).ciphers.as_mut().unwrap().push("TLS_ECDHE_RSA_WITH_RC4_128_SHA".into()))
    }),
];
