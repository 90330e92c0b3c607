use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.19", "Every configuration file can be read to its end").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let faults = home.unreadable.iter().map(|(place, why)| {
            let fix = "repair the file, or run the audit as a user that may read it; what is in it was not judged";
            Fault::new(why.clone(), fix).at(place)
        });
        Judgement::of(faults.collect(), "every file that was looked for")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("malformed", |p| p.wso2.known_mut().unwrap().unreadable.push(("deployment.toml:3".into(), "is not TOML".into()))),
    ("missing", |p| p.wso2.known_mut().unwrap().unreadable.push(("log4j2.properties".into(), "No such file".into()))),
];
