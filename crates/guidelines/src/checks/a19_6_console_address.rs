use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A19.6", "The console listens on another address than the gateway").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.listeners.judge(|all| {
        let console = all.iter().filter(|listener| listener.administrative && listener.is_exposed());
        let faults = console.filter_map(|console| {
            let shared = |l: &&crate::ListenerFacts| {
                !l.administrative && l.is_exposed() && l.address.ip() == console.address.ip()
            };
            let gateway = all.iter().find(shared)?;
            let fix = match console.address_key.as_str() {
                "" => "let a proxy or firewall admit administrators only".to_owned(),
                key => format!("write an address of the internal network into {key}"),
            };
            Some(
                Fault::new(format!("{} and {} share {}", console.name, gateway.name, console.address.ip()), fix)
                    .at(console.address.to_string()),
            )
        });
        Judgement::of(faults.collect(), format!("{} listeners", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one address", |p| {
        let all = p.listeners.known_mut().unwrap();
        let ip = all[1].address.ip();
        all[0].address.set_ip(ip);
    }),
    ("all addresses", |p| {
        for l in p.listeners.known_mut().unwrap() {
            l.address.set_ip("0.0.0.0".parse().unwrap())
        }
    }),
];
