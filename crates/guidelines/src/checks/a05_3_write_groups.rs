#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.3", "Groups of the directory are not written").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let kind = home.text_or(
            "user_store.type",
            if home.product == Wso2Product::MicroIntegrator { "read_only_ldap" } else { "database_unique_id" },
        );
        if !(kind.contains("ldap") || kind.contains("active_directory")) {
            return Judgement::NotApplicable(format!("the user store is {kind}"));
        }
        let value = home.text_or("user_store.write_groups", "true");
        Judgement::expect(value == "false", format!("user_store.write_groups = {value}"), || {
            let fix = "write `write_groups = false` below [user_store] in deployment.toml";
            Fault::new(format!("user_store.write_groups is {value:?}"), fix)
                .at(home.place_of("user_store.write_groups"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("true", |p| set(p, "user_store.write_groups", "true")), ("left out", |p| unset(p, "user_store.write_groups"))];
