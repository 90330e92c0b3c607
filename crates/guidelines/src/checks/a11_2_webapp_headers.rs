use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A11.2", "Deployed web applications send security headers").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    let lacks = "has no filter for HSTS and the other security headers";
    let fix = "add Tomcat's HttpHeaderSecurityFilter to its web.xml with hstsEnabled = true";
    super::rule::web_applications(posture, |app| app.header_filter, lacks, fix)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("bare", |p| p.wso2.known_mut().unwrap().webapps[0].header_filter = false),
    ("second", |p| {
        p.wso2.known_mut().unwrap().webapps.push(crate::WebApplication {
            place: "x/web.xml".into(),
            cache_filter: true,
            header_filter: false,
        })
    }),
];
