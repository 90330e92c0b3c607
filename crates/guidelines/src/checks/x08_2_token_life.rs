use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("X08.2", "Tokens live for hours, not for months").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tokens.judge(|tokens| {
        Judgement::expect(
            tokens.application_seconds <= 86_400
                && tokens.user_seconds <= 86_400
                && tokens.refresh_seconds <= 90 * 86_400,
            format!("{} s, {} s, {} s", tokens.application_seconds, tokens.user_seconds, tokens.refresh_seconds),
            || {
                Fault::new(
                    format!(
                        "tokens live {} s, {} s, refresh tokens {} s",
                        tokens.application_seconds, tokens.user_seconds, tokens.refresh_seconds
                    ),
                    "write at most a day for tokens and 90 days for refresh tokens below [oauth.token_validation]",
                )
                .at(&tokens.place)
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("a year", |p| p.tokens.known_mut().unwrap().application_seconds = 31_536_000),
    ("refresh", |p| p.tokens.known_mut().unwrap().refresh_seconds = 91 * 86_400),
];
