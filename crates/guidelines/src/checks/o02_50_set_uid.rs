use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("O02.50", "No program gives its user's rights away that the system does not need"),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.software.judge(|found| {
        Judgement::expect(found.set_uid.is_empty(), format!("{} files", found.looked_at), || {
            Fault::new(format!("set-user-id: {}", found.set_uid.join(", ")), "chmod u-s FILE, or remove the package")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("nmap", |p| {
    p.software.known_mut().unwrap().set_uid.push("/usr/bin/nmap".into());
})];
