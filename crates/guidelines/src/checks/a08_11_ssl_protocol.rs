#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A08.11", "The old setting sslProtocol is not used").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let old = home.settings.iter().filter(|(key, setting)| {
            let key = key.to_ascii_lowercase();
            key.ends_with(".sslprotocol") && !setting.value.text().is_empty()
        });
        let faults = old.map(|(key, setting)| {
            let fix = "remove it, and write `protocols=\"+TLSv1.2,+TLSv1.3\"` below [transport.https.sslHostConfig.properties]";
            Fault::new(format!("{key} is {:?}, which lets the Java version decide", setting.value.text()), fix).at(&setting.place)
        });
        Judgement::of(faults.collect(), "no sslProtocol")
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("TLS", |p| set(p, "transport.https.sslHostConfig.properties.sslProtocol", "TLS")),
    ("SSLV3", |p| set(p, "internal_api_ssl_config.parameter.sslProtocol", "SSLV3")),
];
