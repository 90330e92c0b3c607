#[cfg(test)]
use crate::testing::{tls, wso2};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A08.12", "Every listener offers a cipher with a key of 256 bits").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        let long = |name: &String| {
            name.contains("AES_256") || name.contains("AES256") || name.to_ascii_uppercase().contains("CHACHA20")
        };
        let listed = endpoint.ciphers.as_ref().filter(|_| endpoint.role == TlsRole::Listener)?;
        (!listed.iter().any(long)).then(|| {
            let fix = format!("add TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 to {}", endpoint.cipher_key);
            Fault::new(format!("{} offers keys of 128 bits only", endpoint.name), fix).at(&endpoint.cipher_place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("128 only", |p| tls(p, 0).ciphers = Some(vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into()])),
    ("in a WSO2 home", |p| wso2(p, |p| tls(p, 1).ciphers = Some(vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into()]))),
];
