use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("A08.52", "Every listener offers a key exchange that outlives quantum computers"),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (!found.groups.iter().any(|g| g.contains("MLKEM"))).then(|| {
            Fault::new(
                format!("its groups are {}", found.groups.join(", ")),
                "let clients reach the listener of Portcullis itself: it offers X25519MLKEM768",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("none", |p| {
        p.tls_probes.known_mut().unwrap()[0].groups = vec!["x25519".into()];
    }),
    ("no group", |p| {
        p.tls_probes.known_mut().unwrap()[0].groups.clear();
    }),
];
