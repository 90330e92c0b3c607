use super::cipher::{is_static, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A08.8", "Listeners do not offer key exchange without forward secrecy").always().both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Listener, "no forward secrecy", is_static)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("management", |p| tls(p, 0).ciphers.as_mut().unwrap().push("TLS_RSA_WITH_AES_128_GCM_SHA256".into())),
    ("gateway of a WSO2 home", |p| {
        wso2(p, |p| tls(p, 1).ciphers.as_mut().unwrap().push("TLS_RSA_WITH_AES_128_GCM_SHA256".into()))
    }),
];
