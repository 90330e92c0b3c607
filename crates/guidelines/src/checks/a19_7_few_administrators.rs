use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A19.7", "Not more than five people are administrators"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let count = accounts.administrators.len();
        Judgement::expect(count <= 5, format!("{count} of {} accounts", accounts.total), || {
            let fix = "give the others the roles they need: creator, publisher, devops, analytics";
            Fault::new(format!("{count} administrators"), fix)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("six", |p| {
    let a = p.accounts.known_mut().unwrap().administrators[0].clone();
    p.accounts.known_mut().unwrap().administrators = vec![a; 6];
})];
