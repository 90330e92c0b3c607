#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A22.4", "Remote management of Java needs a password and TLS").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.scripts.is_empty() {
            return super::rule::no_script();
        }
        let faults = home.scripts.iter().flat_map(|script| {
            let found = script.options.iter().filter(|(option, _)| {
                let option = option.replace(' ', "");
                option == "-Dcom.sun.management.jmxremote.authenticate=false"
                    || option == "-Dcom.sun.management.jmxremote.ssl=false"
            });
            found.map(|(option, line)| {
                Fault::new(option.clone(), "remove it; JMX gives full control of the server")
                    .at(format!("{}:{line}", script.place))
            })
        });
        Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("authenticate", |p| {
        option(p, "-Dcom.sun.management.jmxremote.authenticate=", "-Dcom.sun.management.jmxremote.authenticate=false")
    }),
    ("ssl", |p| option(p, "-Dcom.sun.management.jmxremote.ssl=", "-Dcom.sun.management.jmxremote.ssl=false")),
];
