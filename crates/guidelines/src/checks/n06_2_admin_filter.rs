#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Fault, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("N06.2", "The console and the admin services are closed on public listeners").wso2(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        if home.product != Wso2Product::ApiManager {
            return Judgement::NotApplicable("Micro Integrator has no /carbon".to_owned());
        }
        let filter = home.settings.keys().any(|key| key.starts_with("servlet_access_control_filter."));
        let list = home.text_or("admin_console.control_access.enable", "false") == "true";
        Judgement::expect(filter || list, "a filter or an allow-list", || {
            let fix = "block /services and /carbon at the proxy, and add [[servlet_access_control_filter]] or [admin_console.control_access] enable = true";
            Fault::new("nothing in this home keeps /services and /carbon from the public", fix).at(&home.config_place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("open", |p| {
    unset(p, "servlet_access_control_filter.0.url");
    set(p, "admin_console.control_access.enable", "false");
})];
