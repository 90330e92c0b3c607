use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A11.50", "Every answer over TLS has Strict-Transport-Security"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (found.status.is_some()
            && !found.malformed
            && found.header("strict-transport-security").is_none_or(|v| max_age(v) < 15_552_000))
        .then(|| {
            Fault::new(
                match found.header("strict-transport-security") {
                    Some(value) => format!("Strict-Transport-Security: {value}"),
                    None => "no Strict-Transport-Security".to_owned(),
                },
                "let the header through in what stands before this listener; Portcullis sends it with every answer",
            )
            .at(found.what())
        })
    })
}

/// Seconds that browsers remember; half a year is the least that counts.
fn max_age(value: &str) -> u64 {
    let mut parts = value.split(';').filter_map(|part| part.trim().strip_prefix("max-age="));
    parts.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("missing", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "strict-transport-security");
    }),
    ("short", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "strict-transport-security");
        found.headers.push(("strict-transport-security".into(), "max-age=60".into()));
    }),
];
