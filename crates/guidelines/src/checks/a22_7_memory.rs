use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A22.7", "A ceiling of memory is set, and the buffers fit below it"), run);

fn run(posture: &Posture) -> Judgement {
    posture.process.judge(|process| match process.memory_ceiling {
        None => Judgement::Unknown(Gap::new("no ceiling of memory is set for this process", "MemoryMax= in the unit")),
        Some(ceiling) => Judgement::expect(ceiling >= process.memory_needed, format!("{} MiB", ceiling >> 20), || {
            let observed =
                format!("{} MiB allowed, buffers can take {} MiB", ceiling >> 20, process.memory_needed >> 20);
            Fault::new(observed, "raise MemoryMax=, or lower max_connections and max_header_size in [gateway]")
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("64 MiB", |p| p.process.known_mut().unwrap().memory_ceiling = Some(64 << 20)),
    ("need grows", |p| p.process.known_mut().unwrap().memory_needed = 1 << 50),
];
