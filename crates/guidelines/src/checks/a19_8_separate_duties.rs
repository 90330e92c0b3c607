use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A19.8", "Administrators do not also publish and subscribe"), run);

const DUTIES: [&str; 3] = ["Internal/creator", "Internal/publisher", "Internal/subscriber"];

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let faults = accounts.administrators.iter().filter_map(|administrator| {
            let roles: Vec<&str> =
                administrator.other_roles.iter().map(String::as_str).filter(|role| DUTIES.contains(role)).collect();
            (!roles.is_empty()).then(|| {
                let observed = format!("{} is administrator and has {}", administrator.name, roles.join(", "));
                Fault::new(observed, "give the daily work an account of its own")
            })
        });
        Judgement::of(faults.collect(), format!("{} administrators", accounts.administrators.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("publisher", |p| p.accounts.known_mut().unwrap().administrators[0].other_roles.push("Internal/publisher".into())),
    ("subscriber", |p| {
        p.accounts.known_mut().unwrap().administrators[0].other_roles.push("Internal/subscriber".into())
    }),
];
