#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A22.2", "No option of an old Java version is left").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.scripts.is_empty() {
            return super::rule::no_script();
        }
        let faults = home.scripts.iter().flat_map(|script| {
            let found = script
                .options
                .iter()
                .filter(|(option, _)| option.starts_with("-XX:PermSize") || option.starts_with("-XX:MaxPermSize"));
            found.map(|(option, line)| {
                Fault::new(format!("{option} means nothing since Java 8"), "remove it")
                    .at(format!("{}:{line}", script.place))
            })
        });
        Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("MaxPermSize", |p| option(p, "-XX:MaxPermSize", "-XX:MaxPermSize=256m")),
    ("PermSize", |p| option(p, "-XX:PermSize", "-XX:PermSize=256m")),
];
