use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("N01.1", "At least two nodes share the work"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| match program.nodes {
        None => Judgement::Unknown(Gap::new(
            "the other nodes are not known",
            "attest N01.1 when an orchestrator runs several",
        )),
        Some(nodes) => Judgement::expect(nodes >= 2, format!("{nodes} nodes"), || {
            Fault::new("one node: when it fails, every API does", "run a second node on the same PostgreSQL database")
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("one", |p| p.program.known_mut().unwrap().nodes = Some(1))];
