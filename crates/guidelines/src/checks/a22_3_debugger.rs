#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A22.3", "No debugger can attach over the network").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.scripts.is_empty() {
            return super::rule::no_script();
        }
        let faults = home.scripts.iter().flat_map(|script| {
            let found = script.options.iter().filter(|(option, _)| {
                option.starts_with("-agentlib:jdwp") || option.starts_with("-Xrunjdwp") || option == "-Xdebug"
            });
            found.map(|(option, line)| {
                Fault::new(
                    format!("{option} lets whoever reaches the port run code"),
                    "remove it from the start script",
                )
                .at(format!("{}:{line}", script.place))
            })
        });
        Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("jdwp", |p| option(p, "-agentlib", "-agentlib:jdwp=transport=dt_socket,server=y,address=5005")),
    ("Xdebug", |p| option(p, "-Xdebug", "-Xdebug")),
];
