use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A04.1", "Exposed listeners use other ports than the well-known ones").both(), run);

/// Ports that everybody who knows WSO2's products tries first.
const WELL_KNOWN: [u16; 12] = [5672, 8243, 8253, 8280, 8290, 8672, 9164, 9443, 9611, 9711, 9763, 10389];

fn run(posture: &Posture) -> Judgement {
    posture.listeners.each("listeners", |listener| {
        let known = listener.is_exposed() && WELL_KNOWN.contains(&listener.address.port());
        known.then(|| {
            let fix = format!("write `offset = 100` below [server], or another {}", listener.port_key);
            Fault::new(format!("{} on {}", listener.name, listener.address), fix).at(listener.address.to_string())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("9443", |p| p.listeners.known_mut().unwrap()[0].address.set_port(9443)),
    ("8243", |p| p.listeners.known_mut().unwrap()[1].address.set_port(8243)),
];
