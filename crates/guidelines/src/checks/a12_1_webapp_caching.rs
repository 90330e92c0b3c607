use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A12.1", "Deployed web applications forbid browsers to keep their pages").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    let lacks = "has no cache prevention filter";
    let fix = "add the URLBasedCachePreventionFilter, or ContentTypeBasedCachePreventionFilter, to its web.xml";
    super::rule::web_applications(posture, |app| app.cache_filter, lacks, fix)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("bare", |p| p.wso2.known_mut().unwrap().webapps[0].cache_filter = false),
    ("second", |p| {
        p.wso2.known_mut().unwrap().webapps.push(crate::WebApplication {
            place: "x/web.xml".into(),
            cache_filter: false,
            header_filter: true,
        })
    }),
];
