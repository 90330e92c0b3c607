#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.4", "The administrator is not created in the directory").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let kind = home.text_or(
            "user_store.type",
            if home.product == Wso2Product::MicroIntegrator { "read_only_ldap" } else { "database_unique_id" },
        );
        if !(kind.contains("ldap") || kind.contains("active_directory")) {
            return Judgement::NotApplicable(format!("the user store is {kind}"));
        }
        let value = home.text_or("super_admin.create_admin_account", "true");
        Judgement::expect(value == "false", format!("super_admin.create_admin_account = {value}"), || {
            let fix = "write `create_admin_account = false` below [super_admin] in deployment.toml";
            Fault::new(format!("super_admin.create_admin_account is {value:?}"), fix)
                .at(home.place_of("super_admin.create_admin_account"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("true", |p| set(p, "super_admin.create_admin_account", "true")),
    ("left out", |p| unset(p, "super_admin.create_admin_account")),
];
