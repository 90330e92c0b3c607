use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O02.1", "Samples and unused applications are removed").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let faults = home.unneeded.iter().map(|(path, why)| Fault::new(why.clone(), format!("rm -r {path}")).at(path));
        Judgement::of(faults.collect(), "no samples")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("samples", |p| {
    p.wso2.known_mut().unwrap().unneeded.push(("samples".into(), "samples of the distribution".into()))
})];
