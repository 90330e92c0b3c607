use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A01.2", "The product release still gets security updates").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| match &home.version {
        None => Judgement::Unknown(Gap::new("the home does not say its version", "bin/version.txt or release-notes")),
        Some(version) => Judgement::expect(is_current(version), version.clone(), || {
            let fix = "move to a release of the last three years; WSO2 does not publish patches for older ones";
            Fault::new(format!("{} {version}", home.product.name()), fix)
        }),
    })
}

/// The oldest releases of the last three years: API Manager and Micro Integrator 4.3.
fn is_current(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (4, 3)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("2.6", |p| p.wso2.known_mut().unwrap().version = Some("2.6.0".into())),
    ("4.0", |p| p.wso2.known_mut().unwrap().version = Some("4.0.0".into())),
];
