use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O01.1", "The service does not run as root"), run);

fn run(posture: &Posture) -> Judgement {
    posture.process.judge(|process| {
        Judgement::expect(process.uid != 0, format!("uid {}", process.uid), || {
            let fix = "useradd --system portcullis, give it the home directory, and start as that user";
            Fault::new("the process runs as uid 0", fix)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("root", |p| {
    p.process.known_mut().unwrap().uid = 0;
    for f in p.files.known_mut().unwrap() {
        f.owner = 0
    }
})];
