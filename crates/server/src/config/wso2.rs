//! The keys of WSO2's `deployment.toml` that are no settings here: each is answered by name, with the reason.
//!
//! A pattern is a dotted path; `*` stands for any one key but [`OWN`], a final `**` for everything below. The first that matches
//! answers. A value that would weaken the installation is refused by [`RULES`], wherever a known key has it.

mod list;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::diagnostic::codes;
use super::tree::Value;
use list::GROUPS;

/// Keys below which there are settings: no wildcard stands for them, so that a wrong key there is still unknown.
const OWN: &[&str] = &["apim_db", "tls", "primary", "https", "passthru_https", "passthru_http"];

/// Why a key does nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is nothing to set: Portcullis does it by construction or does not need it.
    NotNeeded,
    /// The feature is not part of this version.
    NotHere,
}

/// Keys with one reason.
pub(super) struct Group {
    pub(super) verdict: Verdict,
    pub(super) why: &'static str,
    /// Patterns with blanks between them.
    pub(super) patterns: &'static str,
}

/// What is said about a key.
pub(super) enum Answer {
    /// An error.
    Refused { code: &'static str, summary: &'static str, why: &'static str, fix: &'static str },
    /// A note; `index` is that of the group.
    Noted { index: usize, code: &'static str, summary: &'static str, why: &'static str },
}

/// A value that is refused.
struct Rule {
    /// Last key of the path, lower case; with `*` at an end it is the end or the beginning.
    keys: &'static [&'static str],
    refuses: fn(&[String], &Value) -> bool,
    code: &'static str,
    summary: &'static str,
    why: &'static str,
    fix: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        keys: &["*protocols", "*protocol", "httpsprotocols"],
        refuses: |_, value| words(value).iter().any(|word| is_weak_version(word)),
        code: codes::TLS_VERSION,
        summary: "protocol version refused",
        why: "SSL, TLS 1.0 and TLS 1.1 are broken; every listener and sender speaks TLS 1.2 and 1.3 only",
        fix: "remove the key, or write TLSv1.2,TLSv1.3",
    },
    Rule {
        keys: &["*ciphers", "*cipher_suites", "*ciphersuites"],
        refuses: |_, value| words(value).iter().any(|word| is_weak_cipher(word)),
        code: codes::TLS_CIPHER,
        summary: "cipher refused",
        why: "only ECDHE key exchange with AES-GCM or ChaCha20-Poly1305 is offered; the list has others",
        fix: "remove the key; the safe list is built in",
    },
    Rule {
        keys: &["*hostnameverifier", "*hostname_verifier"],
        refuses: |_, value| words(value).iter().any(|word| word.eq_ignore_ascii_case("AllowAll")),
        code: codes::NO_VERIFICATION,
        summary: "host name verification cannot be switched off",
        why: "with AllowAll whoever is between can answer in the backend's name",
        fix: "remove the key; for a private authority add its certificate with [truststore] file_name",
    },
    Rule {
        keys: &["*hostname.verification", "ssl_certificate_validation_enabled"],
        refuses: |_, value| is_off(value),
        code: codes::NO_VERIFICATION,
        summary: "certificate verification cannot be switched off",
        why: "without it whoever is between can answer in the other side's name",
        fix: "remove the key; for a private authority add its certificate with [truststore] file_name",
    },
    Rule {
        keys: &["connection_url"],
        refuses: |path, value| {
            path.first().is_some_and(|section| section == "user_store")
                && matches!(value, Value::Text(url) if is_plain_ldap(url))
        },
        code: codes::PLAIN_CONNECTION,
        summary: "directory without TLS on another machine",
        why: "passwords would cross the network in plain text",
        fix: "write ldaps:// in the URL",
    },
    Rule {
        keys: &["key"],
        refuses: |path, value| {
            path.first().is_some_and(|section| section == "encryption")
                && matches!(value, Value::Text(text) if !super::secret::is_reference(text))
        },
        code: codes::PLAIN_SECRET,
        summary: "plain-text secret",
        why: "everyone who can read the file has the key of all encrypted data",
        fix: "remove it; a key of its own is generated for each installation (see [vault])",
    },
    Rule {
        keys: &["anonymous_bind"],
        refuses: |_, value| is_on(value),
        code: "A05.1",
        summary: "anonymous bind refused",
        why: "an anonymous directory connection cannot be limited or traced",
        fix: "remove the key",
    },
    Rule {
        keys: &["enable_h2_console", "*rmi_server_start", "jmx_enable"],
        refuses: |_, value| is_on(value),
        code: "A04.2",
        summary: "listener refused",
        why: "it would open a port that gives full control without a permission check",
        fix: "remove the key; metrics are on the [status] listener",
    },
    Rule {
        keys: &["token_endpoint_allow_http", "allow_http"],
        refuses: |_, value| is_on(value),
        code: codes::PLAIN_CONNECTION,
        summary: "tokens without TLS refused",
        why: "tokens and client secrets would cross the network in plain text",
        fix: "remove the key",
    },
];

/// The words of a text or a list of texts.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => text
            .split(|letter: char| letter == ',' || letter == ':' || letter.is_whitespace())
            .map(|word| word.trim_start_matches('+').to_owned())
            .filter(|word| !word.is_empty())
            .collect(),
        Value::List(items) => items.iter().flat_map(|item| words(&item.value)).collect(),
        _ => Vec::new(),
    }
}

fn is_weak_version(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let version = word.starts_with("ssl") || word.starts_with("tls");
    version && !matches!(word.as_str(), "tls" | "tlsv1.2" | "tlsv1.3" | "tls1.2" | "tls1.3")
}

fn is_weak_cipher(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    let forward = word.contains("ECDHE") || word.starts_with("TLS_AES_") || word.starts_with("TLS_CHACHA20");
    let sealed = word.contains("GCM") || word.contains("CHACHA20");
    let reference = word.starts_with('$');
    !(reference || forward && sealed)
}

fn is_off(value: &Value) -> bool {
    matches!(value, Value::Bool(false)) || matches!(value, Value::Text(text) if text.eq_ignore_ascii_case("false"))
}

fn is_on(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || matches!(value, Value::Text(text) if text.eq_ignore_ascii_case("true"))
}

fn is_plain_ldap(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("ldap://") else { return false };
    let (host, _) = super::values::split_port(rest.split('/').next().unwrap_or_default());
    host != "localhost" && !host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A pattern: the index of its group, and its segments.
type Split = (usize, Vec<&'static str>);

/// Every pattern as its segments.
pub(super) fn patterns() -> impl Iterator<Item = &'static [&'static str]> {
    by_section().values().flatten().map(|(_, segments)| segments.as_slice())
}

/// The patterns by their first segment, which is never a wildcard, each in the order of the list.
fn by_section() -> &'static BTreeMap<&'static str, Vec<Split>> {
    static SPLIT: OnceLock<BTreeMap<&'static str, Vec<Split>>> = OnceLock::new();
    SPLIT.get_or_init(|| {
        let mut sections: BTreeMap<&'static str, Vec<Split>> = BTreeMap::new();
        for (index, group) in GROUPS.iter().enumerate() {
            for pattern in group.patterns.split_whitespace() {
                let segments: Vec<&'static str> = pattern.split('.').collect();
                let first = segments.first().copied().unwrap_or_default();
                sections.entry(first).or_default().push((index, segments));
            }
        }
        sections
    })
}

/// The patterns that can match a path.
fn candidates(path: &[String]) -> &'static [Split] {
    path.first().and_then(|first| by_section().get(first.as_str())).map_or(&[], Vec::as_slice)
}

/// Whether a pattern is at or below a path.
pub(super) fn reaches(path: &[String]) -> bool {
    candidates(path).iter().any(|(_, segments)| {
        let open = segments.last() == Some(&"**");
        let fixed = if open { segments.len() - 1 } else { segments.len() };
        let agree = segments.iter().take(fixed).zip(path).all(|(segment, key)| stands_for(segment, key));
        agree && (path.len() <= fixed || open)
    })
}

/// Whether a path, or a section, is listed letter by letter, so that it cannot be a slip.
pub(super) fn is_listed(path: &[String]) -> bool {
    candidates(path)
        .iter()
        .any(|(_, segments)| segments.len() >= path.len() && segments.iter().zip(path).all(|(a, b)| a == b))
}

/// The answer to a key with its value; `None` when WSO2 has no such key either.
pub(super) fn answer(path: &[String], value: &Value) -> Option<Answer> {
    let index = candidates(path).iter().find(|(_, segments)| matches(segments, path)).map(|(index, _)| *index)?;
    let group = GROUPS.get(index)?;
    let last = path.last()?.to_ascii_lowercase();
    let rule = RULES.iter().find(|rule| {
        let named = rule.keys.iter().any(|key| key.strip_prefix('*').map_or(last == *key, |end| last.ends_with(end)));
        named && (rule.refuses)(path, value)
    });
    if let Some(rule) = rule {
        return Some(Answer::Refused { code: rule.code, summary: rule.summary, why: rule.why, fix: rule.fix });
    }
    Some(match group.verdict {
        Verdict::NotNeeded => {
            Answer::Noted { index, code: codes::NOT_NEEDED, summary: "key not needed", why: group.why }
        }
        Verdict::NotHere => {
            Answer::Noted { index, code: codes::NOT_HERE, summary: "key without effect", why: group.why }
        }
    })
}

fn matches(segments: &[&str], path: &[String]) -> bool {
    if let Some((last, before)) = segments.split_last()
        && *last == "**"
    {
        return path.len() > before.len() && equal(before, path);
    }
    segments.len() == path.len() && equal(segments, path)
}

fn equal(segments: &[&str], path: &[String]) -> bool {
    segments.iter().zip(path).all(|(segment, key)| stands_for(segment, key))
}

fn stands_for(segment: &str, key: &str) -> bool {
    segment == key || (segment == "*" && !OWN.contains(&key))
}

/// Groups for the reference page.
pub(super) const fn groups() -> &'static [Group] {
    GROUPS
}
