use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O08.6", "The removal of expired data keeps up"), run);

fn run(posture: &Posture) -> Judgement {
    posture.cleanup.judge(|cleanup| match cleanup.overdue_rows {
        None => Judgement::Unknown(Gap::new("the database was not asked", "an audit without --static")),
        Some(rows) => Judgement::expect(rows <= cleanup.chunk, format!("{rows} rows overdue"), || {
            let fix = "write a larger clean_expired_session_data_in_chunks_of, or a shorter interval, below [session_data.cleanup]";
            Fault::new(format!("{rows} rows are long past their time"), fix).at(&cleanup.place)
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("many", |p| p.cleanup.known_mut().unwrap().overdue_rows = Some(10_000_000))];
