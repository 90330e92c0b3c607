use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A16.51", "Browsers do not guess the type of an answer"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (found.header("content-type").is_some() && found.header("x-content-type-options") != Some("nosniff")).then(
            || {
                Fault::new(
                    "no X-Content-Type-Options: nosniff",
                    "let the header through in what stands before this listener",
                )
                .at(found.what())
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("missing", |p| {
    let found = &mut p.exchanges.known_mut().unwrap()[0];
    found.headers.retain(|(name, _)| name != "x-content-type-options");
})];
