use super::rule::OptionRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A22.4", "Remote management of Java needs a password and TLS").wso2(), run);

const RULE: OptionRule = OptionRule {
    found: |option| {
        let option = option.replace(' ', "");
        option == "-Dcom.sun.management.jmxremote.authenticate=false"
            || option == "-Dcom.sun.management.jmxremote.ssl=false"
    },
    says: "",
    fix: "remove it; JMX gives full control of the server",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("authenticate", |p| {
        option(p, "-Dcom.sun.management.jmxremote.authenticate=", "-Dcom.sun.management.jmxremote.authenticate=false")
    }),
    ("ssl", |p| option(p, "-Dcom.sun.management.jmxremote.ssl=", "-Dcom.sun.management.jmxremote.ssl=false")),
];
