use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A20.6", "No logger writes messages and headers of calls").wso2(), run);

/// Loggers that write what clients send, tokens included.
const TALKATIVE: [&str; 6] = [
    "synapse.transport.http.wire",
    "synapse.transport.http.headers",
    "httpclient.wire",
    "http.wire",
    "synapse-wire",
    "synapse-headers",
];

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| match &home.log {
        None => Judgement::Unknown(Gap::new("the home has no log4j2.properties", "repository/conf/log4j2.properties")),
        Some(log) => {
            let faults = log.levels.iter().filter_map(|(logger, level, line)| {
                let verbose = matches!(level.to_ascii_uppercase().as_str(), "DEBUG" | "TRACE" | "ALL");
                let found = verbose && (TALKATIVE.iter().any(|name| logger.contains(name)) || logger == "rootLogger");
                found.then(|| {
                    let fix = format!("write `{logger}.level = ERROR`, or remove the logger");
                    Fault::new(format!("{logger} is at {level}"), fix).at(format!("{}:{line}", log.place))
                })
            });
            Judgement::of(faults.collect(), format!("{} loggers", log.levels.len()))
        }
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("wire", |p| {
        p.wso2.known_mut().unwrap().log.as_mut().unwrap().levels.push((
            "org.apache.synapse.transport.http.wire".into(),
            "DEBUG".into(),
            9,
        ))
    }),
    ("root", |p| {
        p.wso2.known_mut().unwrap().log.as_mut().unwrap().levels.push(("rootLogger".into(), "trace".into(), 9))
    }),
];
