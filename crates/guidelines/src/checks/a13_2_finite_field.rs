#[cfg(test)]
use crate::testing::tls;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A13.2", "Finite-field Diffie-Hellman is not offered, and curves have 253 bits or more").both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tls.each("TLS endpoints", |endpoint| {
        let ciphers = endpoint.ciphers.iter().flatten().filter(|name| super::cipher::is_finite_field(name));
        let small = |group: &&String| {
            let group = group.to_ascii_lowercase();
            ["ffdhe", "secp192", "secp224", "sect1", "sect2", "secp16", "prime192"]
                .iter()
                .any(|weak| group.starts_with(weak))
        };
        let found: Vec<&str> =
            ciphers.chain(endpoint.groups.iter().flatten().filter(small)).map(String::as_str).collect();
        (!found.is_empty()).then(|| {
            let fix = format!("remove them from {}", endpoint.cipher_key);
            Fault::new(format!("{} offers {}", endpoint.name, found.join(", ")), fix).at(&endpoint.cipher_place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("dhe", |p| tls(p, 0).ciphers.as_mut().unwrap().push("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384".into())),
    ("ffdhe", |p| tls(p, 1).groups = Some(vec!["ffdhe2048".into(), "X25519MLKEM768".into()])),
];
