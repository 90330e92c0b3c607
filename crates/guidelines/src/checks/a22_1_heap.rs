#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A22.1", "Java has at least 2 GB of heap").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.scripts.is_empty() {
            return super::rule::no_script();
        }
        let faults = home.scripts.iter().filter_map(|script| {
            let given =
                script.options.iter().rev().find_map(|(option, line)| Some((option.strip_prefix("-Xmx")?, *line)));
            let enough = given.and_then(|(size, _)| megabytes(size)).is_some_and(|size| size >= 2048);
            let observed = given.map_or_else(|| "-Xmx is not given".to_owned(), |(size, _)| format!("-Xmx{size}"));
            let place = given.map_or_else(|| script.place.clone(), |(_, line)| format!("{}:{line}", script.place));
            (!enough).then(|| Fault::new(observed, "write -Xmx2048m on a machine with 4 GB of memory").at(place))
        });
        Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
    })
}

fn megabytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match size.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "g" => number.checked_mul(1024),
        "m" => Some(number),
        "k" => Some(number / 1024),
        "" => Some(number >> 20),
        _ => None,
    }
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("1 GB", |p| option(p, "-Xmx", "-Xmx1024m")), ("left out", |p| option(p, "-Xmx", ""))];
