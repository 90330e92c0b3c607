use super::cipher::{is_md5, judge};
#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A08.6", "Listeners do not offer MD5").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    judge(posture, TlsRole::Listener, "MD5", is_md5)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("management", |p| tls(p, 0).ciphers.as_mut().unwrap().push("SSL_RSA_WITH_RC4_128_MD5".into())),
    ("gateway of a WSO2 home", |p| {
        wso2(p, |p| tls(p, 1).ciphers.as_mut().unwrap().push("SSL_RSA_WITH_RC4_128_MD5".into()))
    }),
];
