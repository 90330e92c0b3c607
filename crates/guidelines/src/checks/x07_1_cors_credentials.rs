#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("X07.1", "Cross-origin calls with credentials come from listed origins").always().both(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tokens.judge(|tokens| {
        Judgement::expect(
            !(tokens.cors_credentials && tokens.cors_origins.iter().any(|origin| origin == "*")),
            tokens.cors_origins.join(", "),
            || {
                Fault::new(
                    "any web site may call with the credentials of its visitors",
                    "list the origins: write `allow_origins = [\"https://app.example.com\"]` below [apim.cors]",
                )
                .at(&tokens.place)
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("any", |p| {
        let t = p.tokens.known_mut().unwrap();
        t.cors_credentials = true;
        t.cors_origins = vec!["*".into()];
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            let t = p.tokens.known_mut().unwrap();
            t.cors_credentials = true;
            t.cors_origins = vec!["https://a.example".into(), "*".into()];
        })
    }),
];
