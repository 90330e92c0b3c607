use crate::{Check, CheckMeta, Fault, Judgement, Posture, TlsProbe};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A08.51", "No listener agrees on a weak cipher suite"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (found.suites.iter().any(|(_, weak)| !weak.is_empty())).then(|| {
            Fault::new(
                format!("it agrees on {}", weak_suites(found)),
                "put nothing before this listener that offers more than ECDHE with authenticated encryption",
            )
            .at(found.place.clone())
        })
    })
}

/// The first few with what speaks against them.
fn weak_suites(probe: &TlsProbe) -> String {
    let weak = probe.suites.iter().filter(|(_, weak)| !weak.is_empty());
    weak.take(5).map(|(name, weak)| format!("{name} ({})", weak.join(", "))).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("RC4", |p| {
        p.tls_probes.known_mut().unwrap()[0].suites.push(("TLS_RSA_WITH_RC4_128_SHA".into(), vec!["RC4".into()]));
    }),
    ("CBC", |p| {
        p.tls_probes.known_mut().unwrap()[0].suites =
            vec![("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA".into(), vec!["CBC".into()])];
    }),
];
