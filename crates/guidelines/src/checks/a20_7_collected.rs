use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A20.7", "Log records reach a file or a collector"), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.judge(|all| {
        if all.is_empty() {
            let needs = "write `file = \"logs/server.log\"` below [logging], or attest A20.7 when a service manager collects it";
            return Judgement::Unknown(Gap::new("records go to the standard error stream", needs));
        }
        let faults = all.iter().filter(|log| !log.attached).map(|log| Fault::new(format!("nothing is written to {}", log.name), "check the permissions of its directory").at(&log.place));
        Judgement::of(faults.collect(), format!("{} log files", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("unattached", |p| p.logs.known_mut().unwrap()[0].attached = false)];
