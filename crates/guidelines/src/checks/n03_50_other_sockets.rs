use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("N03.50", "Nothing else on the machine listens to the network"), run);

fn run(posture: &Posture) -> Judgement {
    posture.listening.each("sockets that listen", |found| {
        (found.ours != Some(true) && !found.declared && !found.address.ip().to_canonical().is_loopback()).then(|| {
            Fault::new(
                format!(
                    "{} listens on {}",
                    if found.owner.is_empty() { "something" } else { &found.owner },
                    found.address
                ),
                "stop and disable the service, or bind it to 127.0.0.1",
            )
            .at(found.address.to_string())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("other", |p| {
    let s = &mut p.listening.known_mut().unwrap()[0];
    s.ours = Some(false);
    s.declared = false;
    s.address = "0.0.0.0:111".parse().unwrap();
})];
