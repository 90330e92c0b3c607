use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture, VaultKeySource};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.14", "The key of the vault does not come from an environment variable"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secrets.judge(|secrets| match secrets.key_source {
        None => Judgement::Unknown(Gap::new("the source of the vault's key is not known", "a readable [vault]")),
        Some(source) => Judgement::expect(source != VaultKeySource::Environment, format!("{source:?}"), || {
            let fix = "write `key_source = \"systemd\"` or `key_source = \"file\"` below [vault]";
            Fault::new("crash reports and administrators can show environment variables", fix).at("[vault]")
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("environment", |p| p.secrets.known_mut().unwrap().key_source = Some(VaultKeySource::Environment))];
