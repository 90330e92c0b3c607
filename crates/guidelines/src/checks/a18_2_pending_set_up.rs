use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A18.2", "The first administrator exists before a console is exposed"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        let exposed = |all: &Vec<crate::ListenerFacts>| all.iter().any(|l| l.administrative && l.is_exposed());
        let exposed = posture.listeners.known().is_none_or(exposed);
        Judgement::expect(
            !(exposed && accounts.set_up_pending),
            "an administrator exists, or the console is local",
            || {
                Fault::new(
                    "the console is exposed and nobody is set up as administrator",
                    "run `portcullis user add NAME --role admin` first, or finish the set-up on 127.0.0.1",
                )
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("pending", |p| p.accounts.known_mut().unwrap().set_up_pending = true)];
