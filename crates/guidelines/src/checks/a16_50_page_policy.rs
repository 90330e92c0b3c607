use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A16.50", "Every page has a content security policy without unsafe sources"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (found.is_html() && !found.header("content-security-policy").is_some_and(is_strict)).then(|| {
            Fault::new(
                match found.header("content-security-policy") {
                    Some(value) => format!("Content-Security-Policy: {value}"),
                    None => "no Content-Security-Policy".to_owned(),
                },
                "let the header through in what stands before this listener",
            )
            .at(found.what())
        })
    })
}

/// Nothing inline, nothing evaluated, and a default.
fn is_strict(value: &str) -> bool {
    value.contains("default-src") && !value.contains("unsafe-inline") && !value.contains("unsafe-eval")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("missing", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "content-security-policy");
    }),
    ("unsafe", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.headers.retain(|(name, _)| name != "content-security-policy");
        found.headers.push(("content-security-policy".into(), "default-src 'self' 'unsafe-inline'".into()));
    }),
];
