use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("M02.2", "Only the configured super administrator is one").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let own = home.text_or("super_admin.username", "admin");
        let others = home.users.iter().filter(|user| user.admin && user.name != own);
        let faults = others.map(|user| {
            let fix = "remove it from [[internal_apis.users]], or write `user.is_admin = false`";
            Fault::new(format!("{} is a super administrator too", user.name), fix).at(&user.place)
        });
        Judgement::of(faults.collect(), format!("{} users in the file user store", home.users.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("another", |p| {
    p.wso2.known_mut().unwrap().users.push(crate::Wso2User {
        name: "eve".into(),
        admin: true,
        place: "deployment.toml:8".into(),
    })
})];
