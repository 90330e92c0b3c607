use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O04.1", "Cluster members are listed, not found by multicast").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "clustering.membership_scheme",
    shipped: "",
    holds: |value| !value.eq_ignore_ascii_case("multicast"),
    section: "clustering",
    line: "membership_scheme = \"wka\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("multicast", |p| set(p, "clustering.membership_scheme", "multicast"))];
