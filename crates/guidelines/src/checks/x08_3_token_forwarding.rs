#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("X08.3", "Tokens of clients stay at the gateway").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tokens.judge(|tokens| {
        Judgement::expect(!tokens.forwarded, "off", || {
            Fault::new(
                "backends get the tokens of clients, and can use them elsewhere",
                "write `enable_outbound_auth_header = false` below [apim.oauth_config]",
            )
            .at(&tokens.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("on", |p| p.tokens.known_mut().unwrap().forwarded = true),
    ("in a WSO2 home", |p| wso2(p, |p| p.tokens.known_mut().unwrap().forwarded = true)),
];
