use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("X06.3", "Bodies and slow clients have caps"), run);

fn run(posture: &Posture) -> Judgement {
    posture.limits.judge(|limits| {
        let caps = [
            (
                limits.body_bytes.is_some_and(|bytes| bytes <= 1 << 30),
                "bodies may be larger than 1 GiB",
                "max_body_size = \"64MiB\"",
            ),
            (
                limits.head_seconds.is_some_and(|s| s <= 60),
                "a client may take over a minute for its head",
                "header_timeout = \"10s\"",
            ),
            (
                limits.connections.is_some_and(|count| count <= 1_000_000),
                "connections have no real cap",
                "max_connections = 10000",
            ),
        ];
        let broken = caps.iter().filter(|(holds, ..)| !holds);
        let faults = broken.map(|(_, observed, line)| {
            Fault::new(*observed, format!("write `{line}` below [gateway]")).at(&limits.place)
        });
        Judgement::of(faults.collect(), "caps of bodies, time and connections")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("body", |p| p.limits.known_mut().unwrap().body_bytes = Some(1 << 40)),
    ("slow", |p| p.limits.known_mut().unwrap().head_seconds = Some(3600)),
    ("connections", |p| p.limits.known_mut().unwrap().connections = None),
];
