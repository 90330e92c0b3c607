use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O06.54", "The switches of the kernel protect its users"), run);

fn run(posture: &Posture) -> Judgement {
    posture.kernel.judge(|found| {
        Judgement::expect(found.weak_switches.is_empty(), format!("{} switches", found.looked_at), || {
            Fault::new(
                found
                    .weak_switches
                    .iter()
                    .map(|(name, is, want)| format!("{name} is {is} instead of {want}"))
                    .collect::<Vec<_>>()
                    .join("; "),
                format!(
                    "write to /etc/sysctl.d/60-portcullis.conf: {}",
                    found
                        .weak_switches
                        .iter()
                        .map(|(name, _, want)| format!("{name} = {want}"))
                        .collect::<Vec<_>>()
                        .join("; ")
                ),
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("aslr", |p| {
    p.kernel.known_mut().unwrap().weak_switches.push(("kernel.randomize_va_space".into(), "0".into(), "2".into()));
})];
