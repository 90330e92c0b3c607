#[cfg(test)]
use crate::testing::tls;
use crate::{Check, CheckMeta, Fault, Judgement, Posture, TlsRole};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("A08.13", "Listeners offer a key exchange that stays secret from quantum computers"),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        let listed = endpoint.groups.as_ref().filter(|_| endpoint.role == TlsRole::Listener)?;
        (!listed.iter().any(|group| group == "X25519MLKEM768")).then(|| {
            Fault::new(
                format!("{} does not offer X25519MLKEM768", endpoint.name),
                "use a build with the default TLS provider",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("x25519 only", |p| tls(p, 0).groups = Some(vec!["X25519".into()])),
    ("none", |p| tls(p, 1).groups = Some(Vec::new())),
];
