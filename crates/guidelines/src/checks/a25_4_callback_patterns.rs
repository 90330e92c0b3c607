use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A25.4", "Patterns of callback addresses cannot be got around").always().wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.wso2.judge(|home| {
        let faults = home.callbacks.iter().filter_map(|callback| {
            let pattern = callback.pattern.as_deref()?;
            let why = weakness(pattern)?;
            let fix =
                format!("write `\"^https://portal\\\\.example\\\\.com/.*$\"` with your host into {}", callback.key);
            Some(Fault::new(format!("{} {why}", callback.key), fix).at(&callback.place))
        });
        Judgement::of(faults.collect(), format!("{} patterns", home.callbacks.len()))
    })
}

/// Why a pattern lets foreign addresses pass: scheme and host must be literal up to the first slash of the path.
fn weakness(pattern: &str) -> Option<&'static str> {
    let Some(body) = pattern.strip_prefix('^') else { return Some("is not anchored at its beginning") };
    if !pattern.ends_with('$') {
        return Some("is not anchored at its end");
    }
    let Some(rest) = body.strip_prefix("https://").or_else(|| body.strip_prefix("https:\\/\\/")) else {
        return Some("does not begin with https://");
    };
    let host: &str = rest.split(['/', '$']).next().unwrap_or_default();
    let host = host.strip_suffix('\\').unwrap_or(host);
    if host.is_empty() {
        return Some("names no host");
    }
    let mut letters = host.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if matches!(letters.next(), Some('.' | '-' | ':')) => {}
            '.' => return Some("has a dot in the host that stands for any character"),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | ':') => {}
            _ => return Some("does not name its host letter by letter"),
        }
    }
    if rest.contains('|') {
        return Some("has alternatives, which are not anchored together");
    }
    (!rest.contains('/')).then_some("does not end the host with a slash")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("any", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some(".*".into())),
    ("anchored any", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^.*$".into())),
    ("no end", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://portal\\.example\\.com/".into())),
    ("raw dot", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://portal.example.com/.*$".into())),
    ("any host", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://.*/callback$".into())),
    ("http", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^http://portal\\.example\\.com/.*$".into())),
    ("suffix", |p| {
        p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://portal\\.example\\.com.*$".into())
    }),
    ("class", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://[a-z.]+/x$".into())),
    ("userinfo", |p| {
        p.wso2.known_mut().unwrap().callbacks[0].pattern = Some("^https://portal\\.example\\.com@evil\\.com/.*$".into())
    }),
    ("alternative", |p| {
        p.wso2.known_mut().unwrap().callbacks[0].pattern =
            Some("^https://portal\\.example\\.com/$|^https://evil\\.com/$".into())
    }),
];
