use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.15", "The TLS certificate is for the names that clients use").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.each("key stores", |store| {
        let own = store.certificates.iter().find(|certificate| certificate.has_key)?;
        let covers = |wanted: &String| own.names.iter().any(|name| stands_for(name, wanted));
        let missing: Vec<&str> = store.wanted_names.iter().filter(|name| !covers(name)).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            let observed = format!("{} is not for {}", own.alias, missing.join(", "));
            Fault::new(observed, "get a certificate with these subject alternative names").at(&store.place)
        })
    })
}

/// `*` stands for one label (RFC 6125, 6.4.3).
fn stands_for(name: &str, wanted: &str) -> bool {
    let rest = |text: &str| text.split_once('.').map(|(_, rest)| rest.to_ascii_lowercase());
    name.eq_ignore_ascii_case(wanted) || (name.starts_with("*.") && rest(name) == rest(wanted))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("another host", |p| p.keystores.known_mut().unwrap()[0].wanted_names = vec!["gw.example.org".into()]),
    ("a deeper one", |p| p.keystores.known_mut().unwrap()[0].wanted_names = vec!["a.b.example.com".into()]),
];
