#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A19.9", "Allow-lists of the consoles do not admit everybody").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let lists = ["admin_console.control_access.allow", "web_app.control_access.allow"];
        let faults = lists.iter().filter_map(|key| {
            let setting = home.setting(key)?;
            let text = setting.value.text();
            let everybody = |item: &&str| matches!(item.trim(), "0.0.0.0/0" | "::/0" | "*" | ".*" | "0.0.0.0");
            let item = text.split([',', '|']).find(everybody)?.trim().to_owned();
            let fix = "list the addresses of administrators only";
            Some(Fault::new(format!("{key} has {item:?}"), fix).at(&setting.place))
        });
        Judgement::of(faults.collect(), "allow-lists of the consoles")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("pattern", |p| set(p, "admin_console.control_access.allow", ".*")),
    ("network", |p| set(p, "web_app.control_access.allow", "10.0.0.1,0.0.0.0/0")),
];
