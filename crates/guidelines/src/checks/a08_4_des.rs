use super::cipher::{is_des, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A08.4", "Listeners do not offer DES and Triple DES").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Listener, "DES", is_des)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("management", |p| tls(p, 0).ciphers.as_mut().unwrap().push("TLS_RSA_WITH_3DES_EDE_CBC_SHA".into())),
    ("gateway of a WSO2 home", |p| {
        wso2(p, |p| tls(p, 1).ciphers.as_mut().unwrap().push("TLS_RSA_WITH_3DES_EDE_CBC_SHA".into()))
    }),
];
