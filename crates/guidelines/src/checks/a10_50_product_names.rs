use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A10.50", "No answer names a product or version"), run);

fn run(posture: &Posture) -> Judgement {
    posture.exchanges.each("answers looked at", |found| {
        (!found.product_names.is_empty()).then(|| Fault::new(format!("the answer names {}", found.product_names.join(", ")), "remove `server` from [transport.https.properties], and the header from what stands before this listener").at(found.what()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("name", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.product_names.push("wso2".into());
    }),
    ("version", |p| {
        let found = &mut p.exchanges.known_mut().unwrap()[0];
        found.product_names.push("nginx/1.2".into());
    }),
];
