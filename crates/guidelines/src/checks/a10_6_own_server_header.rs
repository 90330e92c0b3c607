use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A10.6", "The Server header does not name product or version"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| {
        let header = program.server_header.as_deref().unwrap_or_default();
        Judgement::expect(!super::rule::names_product(header), format!("Server: {header:?}"), || {
            let fix = "remove `server` from [transport.https.properties]";
            Fault::new(format!("the Server header is {header:?}"), fix).at(&program.server_header_place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("product", |p| p.program.known_mut().unwrap().server_header = Some("Portcullis".into())),
    ("version", |p| p.program.known_mut().unwrap().server_header = Some("gateway/1.2".into())),
];
