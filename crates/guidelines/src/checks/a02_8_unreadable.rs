#[cfg(test)]
use crate::testing::cert;
use crate::{CertificateRule, Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.8", "Every key store can be read to its end").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.judge(|all| {
        let mut faults = Vec::new();
        for store in all {
            if let Some(why) = &store.unreadable {
                let fix = "repair it, remove it, or give its password to the audit with --password-file";
                faults.push(Fault::new(why.clone(), fix).at(&store.place));
            }
            let broken = store.certificates.iter().flat_map(|certificate| &certificate.faults);
            for fault in broken.filter(|fault| fault.rule == CertificateRule::Unreadable) {
                faults.push(Fault::new(fault.observed.clone(), fault.fix.clone()).at(&store.place));
            }
        }
        Judgement::of(faults, format!("{} key stores", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("cut short", |p| p.keystores.known_mut().unwrap()[0].unreadable = Some("it ends too early".into())),
    ("no certificate", |p| cert(p, 0, CertificateRule::Unreadable)),
];
