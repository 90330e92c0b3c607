use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.12", "No key store has a password that everybody knows").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.each("key stores", |store| {
        let fix = match store.section.as_str() {
            "" => "keytool -storepasswd -keystore FILE, with a password of your own".to_owned(),
            section => format!(
                "change it with keytool -storepasswd, then write `password = \"$secret{{..}}\"` below [{section}]"
            ),
        };
        store
            .known_password
            .then(|| Fault::new("opens with a password that is in WSO2's documentation", fix).at(&store.place))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("wso2carbon", |p| p.keystores.known_mut().unwrap()[0].known_password = true),
    ("trust store", |p| p.keystores.known_mut().unwrap()[1].known_password = true),
];
