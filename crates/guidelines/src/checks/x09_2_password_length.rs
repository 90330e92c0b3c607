#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X09.2", "Passwords have at least ten characters").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        Judgement::expect(accounts.min_password >= 10, format!("{} characters", accounts.min_password), || {
            let fix = "WSO2: write `PasswordJavaRegEx = '^[\\S]{12,128}$'` below [user_store.properties]";
            Fault::new(format!("{} characters are enough", accounts.min_password), fix)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("5", |p| p.accounts.known_mut().unwrap().min_password = 5),
    ("in a WSO2 home", |p| wso2(p, |p| p.accounts.known_mut().unwrap().min_password = 8)),
];
