#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.2", "An external directory is connected read-only").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let kind = home.text_or(
            "user_store.type",
            if home.product == Wso2Product::MicroIntegrator { "read_only_ldap" } else { "database_unique_id" },
        );
        if kind.starts_with("database") || kind.is_empty() {
            return Judgement::NotApplicable(format!("the user store is {kind}"));
        }
        Judgement::expect(kind.starts_with("read_only"), kind.clone(), || {
            let fix = "write `type = \"read_only_ldap_unique_id\"` below [user_store] in deployment.toml";
            Fault::new(format!("user_store.type is {kind:?}, which writes to the directory"), fix)
                .at(home.place_of("user_store.type"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("read-write", |p| set(p, "user_store.type", "read_write_ldap_unique_id")),
    ("active directory", |p| set(p, "user_store.type", "active_directory_unique_id")),
];
