use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A17.1", "Session ids have at least 16 random bytes").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| match &home.session_id_bytes {
        None => {
            Judgement::Unknown(Gap::new("the home has no context.xml of Tomcat", "repository/conf/tomcat/context.xml"))
        }
        Some((bytes, place)) => Judgement::expect(*bytes >= 16, format!("{bytes} bytes"), || {
            Fault::new(format!("sessionIdLength is {bytes}"), "write sessionIdLength=\"16\" or more").at(place)
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("8", |p| p.wso2.known_mut().unwrap().session_id_bytes = Some((8, "context.xml".into()))),
    ("15", |p| p.wso2.known_mut().unwrap().session_id_bytes = Some((15, "context.xml".into()))),
];
