use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A12.50", "Dynamic answers are not kept by browsers"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (found.status.is_some()
            && !found.malformed
            && !found.immutable
            && !found.header("cache-control").is_some_and(|v| v.contains("no-store")))
        .then(|| {
            Fault::new(
                match found.header("cache-control") {
                    Some(value) => format!("Cache-Control: {value}"),
                    None => "no Cache-Control".to_owned(),
                },
                "let the header through in what stands before this listener",
            )
            .at(found.what())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("missing", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "cache-control");
    }),
    ("public", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "cache-control");
        found.headers.push(("cache-control".into(), "public, max-age=60".into()));
    }),
];
