use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A18.6", "Every administrator account is in use"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        if accounts.administrators.iter().any(|administrator| administrator.ever_signed_in.is_none()) {
            return Judgement::Unknown(crate::Gap::new("sign-ins are not recorded for every account", ""));
        }
        let unused = accounts.administrators.iter().filter(|administrator| administrator.ever_signed_in == Some(false));
        let faults = unused.map(|administrator| {
            Fault::new(
                format!("{} never signed in", administrator.name),
                format!("portcullis user lock {}", administrator.name),
            )
        });
        Judgement::of(faults.collect(), format!("{} administrators", accounts.administrators.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("never", |p| p.accounts.known_mut().unwrap().administrators[0].ever_signed_in = Some(false))];
