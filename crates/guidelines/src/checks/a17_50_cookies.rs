use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A17.50", "Every cookie is Secure, HttpOnly, SameSite and bound to its host"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (found.headers.iter().any(|(n, v)| n == "set-cookie" && !is_sound(v))).then(|| {
            Fault::new(
                "a cookie lacks the prefix __Host- or one of Secure, HttpOnly, SameSite",
                "report it: no setting makes such a cookie",
            )
            .at(found.what())
        })
    })
}

/// RFC 6265bis: the prefix makes browsers insist on Secure, a path of `/` and no domain.
fn is_sound(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower.starts_with("__host-") && ["secure", "httponly", "samesite="].iter().all(|word| lower.contains(word))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("bare", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.push(("set-cookie".into(), "JSESSIONID=1; Path=/".into()));
    }),
    ("no SameSite", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.push(("set-cookie".into(), "__Host-s=1; Path=/; Secure; HttpOnly".into()));
    }),
];
