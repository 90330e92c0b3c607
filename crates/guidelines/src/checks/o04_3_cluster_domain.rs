use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O04.3", "The cluster has a name of its own").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "clustering.domain",
    shipped: "wso2.carbon.domain",
    holds: |value| value != "wso2.carbon.domain",
    section: "clustering",
    line: "domain = \"example.prod\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "clustering.domain")),
    ("wso2.carbon.domain", |p| set(p, "clustering.domain", "wso2.carbon.domain")),
];
