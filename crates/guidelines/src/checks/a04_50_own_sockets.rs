use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A04.50", "The server listens on declared ports only"), run);

fn run(posture: &Posture) -> Judgement {
    posture.listening.each("sockets that listen", |found| {
        (found.ours == Some(true) && !found.declared).then(|| {
            Fault::new(
                format!("the server listens on {}", found.address),
                "report it; no setting opens a port that is not declared",
            )
            .at(found.address.to_string())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("extra", |p| {
    let s = &mut p.listening.known_mut().unwrap()[0];
    s.ours = Some(true);
    s.declared = false;
})];
