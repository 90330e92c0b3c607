use super::cipher::{is_not_sealed, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A08.2", "Listeners do not offer CBC and other unauthenticated encryption").always().both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Listener, "CBC", is_not_sealed)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("management", |p| tls(p, 0).ciphers.as_mut().unwrap().push("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384".into())),
    ("gateway of a WSO2 home", |p| {
        wso2(p, |p| tls(p, 1).ciphers.as_mut().unwrap().push("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384".into()))
    }),
];
