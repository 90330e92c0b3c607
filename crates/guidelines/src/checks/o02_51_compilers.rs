use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O02.51", "No compiler lies on the machine"), run);

fn run(posture: &Posture) -> Judgement {
    posture.software.judge(|found| {
        Judgement::expect(found.compilers.is_empty(), "none", || {
            Fault::new(found.compilers.join(", "), "apt-get remove gcc clang")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("gcc", |p| {
    p.software.known_mut().unwrap().compilers.push("/usr/bin/gcc".into());
})];
