use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A08.3", "Every exposed listener speaks TLS").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.listeners.each("listeners", |listener| {
        (listener.is_exposed() && !listener.tls).then(|| {
            let fix = match (listener.off.as_str(), listener.address_key.as_str()) {
                (off, "") => format!("write `{off}`"),
                (off, address) => format!("write `{off}`, or 127.0.0.1 into {address}"),
            };
            Fault::new(format!("{} speaks plain text", listener.name), fix).at(listener.address.to_string())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("first", |p| p.listeners.known_mut().unwrap()[0].tls = false),
    ("gateway", |p| p.listeners.known_mut().unwrap()[2].address.set_ip("10.0.0.1".parse().unwrap())),
];
