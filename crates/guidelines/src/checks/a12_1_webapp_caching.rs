use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A12.1", "Deployed web applications forbid browsers to keep their pages").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let bare = home.webapps.iter().filter(|app| !app.cache_filter);
        let faults = bare.map(|app| {
            let fix = "add the URLBasedCachePreventionFilter, or ContentTypeBasedCachePreventionFilter, to its web.xml";
            Fault::new("has no cache prevention filter", fix).at(&app.place)
        });
        Judgement::of(faults.collect(), format!("{} web applications", home.webapps.len()))
    })
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
