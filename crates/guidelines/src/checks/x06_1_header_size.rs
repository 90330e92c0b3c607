use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("X06.1", "Heads of requests fit long tokens, and no more"), run);

fn run(posture: &Posture) -> Judgement {
    posture.limits.judge(|limits| {
        let fits = limits.head_bytes.is_some_and(|bytes| (32 << 10..=128 << 10).contains(&bytes));
        Judgement::expect(fits, format!("{:?} bytes", limits.head_bytes), || {
            let fix = "write `max_header_size = \"32KiB\"` below [gateway]";
            Fault::new(format!("heads of requests may have {:?} bytes", limits.head_bytes), fix).at(&limits.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("8 KiB", |p| p.limits.known_mut().unwrap().head_bytes = Some(8 << 10)),
    ("no cap", |p| p.limits.known_mut().unwrap().head_bytes = None),
];
