use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A17.4", "Cookies are not sent with requests of other sites").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "web_app.cookie_processor.same_site_cookies",
    shipped: "",
    holds: |value| matches!(value.to_ascii_lowercase().as_str(), "strict" | "lax"),
    section: "web_app.cookie_processor",
    line: "same_site_cookies = \"strict\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "web_app.cookie_processor.same_site_cookies")),
    ("none", |p| set(p, "web_app.cookie_processor.same_site_cookies", "none")),
];
