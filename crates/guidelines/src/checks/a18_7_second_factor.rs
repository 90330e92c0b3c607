use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A18.7", "Every administrator has a second factor"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        if accounts.administrators.iter().any(|administrator| administrator.second_factor.is_none()) {
            return Judgement::Unknown(crate::Gap::new("second factors are not recorded for every account", ""));
        }
        let bare = accounts.administrators.iter().filter(|administrator| administrator.second_factor == Some(false));
        let faults = bare.map(|administrator| {
            Fault::new(
                format!("{} has no second factor", administrator.name),
                "let them sign in to the console and add one below Account",
            )
        });
        Judgement::of(faults.collect(), format!("{} administrators", accounts.administrators.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("bare", |p| p.accounts.known_mut().unwrap().administrators[0].second_factor = Some(false))];
