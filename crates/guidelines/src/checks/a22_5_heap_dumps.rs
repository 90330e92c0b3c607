use super::rule::OptionRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A22.5", "Heap dumps are not written where others can read").wso2(), run);

const RULE: OptionRule = OptionRule {
    found: |option| {
        option.strip_prefix("-XX:HeapDumpPath=").is_some_and(|path| {
            let path = path.trim_matches('"');
            ["/tmp", "/var/tmp", "/dev/shm"].iter().any(|open| path.starts_with(open))
        })
    },
    says: ": a heap dump holds every secret",
    fix: "write a directory that only the service's user can enter",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("tmp", |p| option(p, "-XX:HeapDumpPath=", "-XX:HeapDumpPath=/tmp/heap.hprof")),
    ("shm", |p| option(p, "-XX:HeapDumpPath=", "-XX:HeapDumpPath=/dev/shm/heap.hprof")),
];
