use super::rule::OptionRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A22.3", "No debugger can attach over the network").wso2(), run);

const RULE: OptionRule = OptionRule {
    found: |option| option.starts_with("-agentlib:jdwp") || option.starts_with("-Xrunjdwp") || option == "-Xdebug",
    says: " lets whoever reaches the port run code",
    fix: "remove it from the start script",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("jdwp", |p| option(p, "-agentlib", "-agentlib:jdwp=transport=dt_socket,server=y,address=5005")),
    ("Xdebug", |p| option(p, "-Xdebug", "-Xdebug")),
];
