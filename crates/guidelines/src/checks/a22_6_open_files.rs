use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A22.6", "The process may open as many files as it can need"), run);

fn run(posture: &Posture) -> Judgement {
    posture.process.judge(|process| match process.open_files {
        None => Judgement::Unknown(Gap::new("the limit of open files is not known", "a Linux process")),
        Some(limit) => Judgement::expect(
            limit >= process.open_files_needed,
            format!("{limit} of {}", process.open_files_needed),
            || {
                let fix = format!(
                    "write LimitNOFILE={} into the unit, or lower max_connections in [gateway]",
                    process.open_files_needed
                );
                Fault::new(format!("{limit} files may be open, {} can be needed", process.open_files_needed), fix)
            },
        ),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("1024", |p| p.process.known_mut().unwrap().open_files = Some(1024)),
    ("one short", |p| {
        let f = p.process.known_mut().unwrap();
        f.open_files = Some(f.open_files_needed - 1);
    }),
];
