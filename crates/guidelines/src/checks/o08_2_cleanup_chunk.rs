use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("O08.2", "Expired data is removed in chunks that do not hold locks for long").both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.cleanup.judge(|cleanup| {
        Judgement::expect(
            (64..=65_536).contains(&cleanup.chunk),
            format!("every {} s, {} rows at a time", cleanup.every_seconds, cleanup.chunk),
            || {
                Fault::new(
                    format!("{} rows in one transaction", cleanup.chunk),
                    "write `cleanup.clean_expired_session_data_in_chunks_of = 8192` below [session_data]",
                )
                .at(&cleanup.place)
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("all at once", |p| p.cleanup.known_mut().unwrap().chunk = 10_000_000),
    ("one by one", |p| p.cleanup.known_mut().unwrap().chunk = 1),
];
