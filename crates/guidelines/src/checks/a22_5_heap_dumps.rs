#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A22.5", "Heap dumps are not written where others can read").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.scripts.is_empty() {
            return super::rule::no_script();
        }
        let faults = home.scripts.iter().flat_map(|script| {
            let found = script.options.iter().filter(|(option, _)| {
                option.strip_prefix("-XX:HeapDumpPath=").is_some_and(|path| {
                    let path = path.trim_matches('"');
                    path.starts_with("/tmp") || path.starts_with("/var/tmp") || path.starts_with("/dev/shm")
                })
            });
            found.map(|(option, line)| {
                Fault::new(
                    format!("{option}: a heap dump holds every secret"),
                    "write a directory that only the service's user can enter",
                )
                .at(format!("{}:{line}", script.place))
            })
        });
        Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("tmp", |p| option(p, "-XX:HeapDumpPath=", "-XX:HeapDumpPath=/tmp/heap.hprof")),
    ("shm", |p| option(p, "-XX:HeapDumpPath=", "-XX:HeapDumpPath=/dev/shm/heap.hprof")),
];
