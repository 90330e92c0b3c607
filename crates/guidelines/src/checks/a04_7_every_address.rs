use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A04.7", "Exposed listeners name the address that they listen on").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.listeners.each("listeners", |listener| {
        let all = listener.address.ip().is_unspecified() && !listener.address_key.is_empty();
        all.then(|| {
            let fix =
                format!("write the address of the network card that should serve it into {}", listener.address_key);
            Fault::new(format!("{} listens on every address", listener.name), fix).at(listener.address.to_string())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("v4", |p| p.listeners.known_mut().unwrap()[0].address.set_ip("0.0.0.0".parse().unwrap())),
    ("v6", |p| p.listeners.known_mut().unwrap()[1].address.set_ip("::".parse().unwrap())),
];
