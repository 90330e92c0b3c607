//! How the gateway proves itself to an upstream that wants HTTP digest authentication (RFC 7616; WSO2: endpoint security
//! `DIGEST`).
//!
//! The upstream's challenge is remembered, so that only the first call, and the first after a nonce has ended, is sent twice.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method};
use md5::{Digest as _, Md5};
use model::Secret;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Longest member of a challenge, bytes.
const MAX_MEMBER: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    /// What most servers still offer. The password travels over TLS or a network that the operator allowed; the hash is not
    /// what protects it.
    Md5,
    Sha256,
}

impl Algorithm {
    fn hash(self, text: &str) -> String {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _infallible = write!(text, "{byte:02x}");
                text
            })
        };
        match self {
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
            Self::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
        }
    }
}

/// What an upstream asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Challenge {
    algorithm: Algorithm,
    /// The text of `algorithm`, if there was one: it is sent back as it came.
    named: Option<String>,
    session: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Whether `qop=auth` was offered; RFC 2069 knew none.
    quality: bool,
    /// How often the nonce was used.
    count: u32,
}

/// Name and password for one endpoint, with the challenge that was seen last.
pub(crate) struct DigestAuth {
    username: String,
    password: Secret<String>,
    challenge: Mutex<Option<Challenge>>,
}

impl std::fmt::Debug for DigestAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestAuth(..)")
    }
}

impl DigestAuth {
    /// For an endpoint; `None` for a name that no header can carry.
    pub(crate) fn new(username: &str, password: &str) -> Option<Self> {
        let sound = !username.chars().any(char::is_control) && !username.is_empty();
        sound.then(|| Self {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
            challenge: Mutex::default(),
        })
    }

    /// The value of `Authorization` for a request, once a challenge is known.
    pub(crate) fn value(&self, method: &Method, target: &[u8]) -> Option<HeaderValue> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        let client_nonce = format!("{:032x}", u128::from_le_bytes(bytes));
        let challenge = {
            let mut known = self.challenge.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.as_mut()?;
            known.count = known.count.checked_add(1)?;
            known.clone()
        };
        let text = self.response(&challenge, method, std::str::from_utf8(target).ok()?, &client_nonce);
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Takes over the challenge of a refusal; false when there is none that can be answered.
    pub(crate) fn learn(&self, headers: &HeaderMap) -> bool {
        let offered = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let Some(best) = offered.flat_map(challenges).max_by_key(|challenge| challenge.algorithm) else { return false };
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(best);
        true
    }

    fn response(&self, challenge: &Challenge, method: &Method, target: &str, client_nonce: &str) -> String {
        let Challenge { algorithm, realm, nonce, count, .. } = challenge;
        let mut first = algorithm.hash(&format!("{}:{realm}:{}", self.username, self.password.expose()));
        if challenge.session {
            first = algorithm.hash(&format!("{first}:{nonce}:{client_nonce}"));
        }
        let second = algorithm.hash(&format!("{method}:{target}"));
        let middle = if challenge.quality { format!("{count:08x}:{client_nonce}:auth:") } else { String::new() };
        let response = algorithm.hash(&format!("{first}:{nonce}:{middle}{second}"));
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{target}\", response=\"{response}\"",
            quoted(&self.username),
            quoted(realm),
            quoted(nonce)
        );
        if let Some(named) = &challenge.named {
            value.push_str(&format!(", algorithm={named}"));
        }
        if challenge.quality {
            value.push_str(&format!(", qop=auth, nc={count:08x}"));
        }
        if challenge.quality || challenge.session {
            value.push_str(&format!(", cnonce=\"{client_nonce}\""));
        }
        if let Some(opaque) = &challenge.opaque {
            value.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        value
    }
}

/// The digest challenges of one field that can be answered.
fn challenges(field: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut members: Option<Vec<(String, String)>> = None;
    for item in items(field) {
        // A challenge begins where a name is followed by a blank instead of an equals sign.
        let (scheme, member) = match item.split_once('=') {
            Some((name, _)) if name.trim().contains(' ') => item.trim().split_once(' ').unwrap_or(("", item)),
            Some(_) => ("", item),
            None => (item.trim(), ""),
        };
        if !scheme.is_empty() {
            found.extend(members.take().and_then(|members| challenge(&members)));
            members = scheme.eq_ignore_ascii_case("digest").then(Vec::new);
        }
        if let (Some(members), Some((name, value))) = (&mut members, member.split_once('=')) {
            members.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
    }
    found.extend(members.and_then(|members| challenge(&members)));
    found
}

/// A field at its commas, but for those in quotes.
fn items(field: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in field.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.extend(field.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    items.extend(field.get(start..));
    items
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for character in inner.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            text.push(character);
        }
    }
    text
}

fn challenge(members: &[(String, String)]) -> Option<Challenge> {
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let sound = |(_, value): &(String, String)| value.len() <= MAX_MEMBER && !value.chars().any(char::is_control);
    let named = member("algorithm");
    let (algorithm, session) = match named.unwrap_or("MD5").to_ascii_uppercase().as_str() {
        "MD5" => (Algorithm::Md5, false),
        "MD5-SESS" => (Algorithm::Md5, true),
        "SHA-256" => (Algorithm::Sha256, false),
        "SHA-256-SESS" => (Algorithm::Sha256, true),
        _ => return None,
    };
    let quality = member("qop").map(|offered| offered.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
    // Only `auth-int` would need a hash of the body.
    if quality == Some(false) || !members.iter().all(sound) {
        return None;
    }
    Some(Challenge {
        algorithm,
        named: named.map(str::to_owned),
        session,
        realm: member("realm")?.to_owned(),
        nonce: member("nonce")?.to_owned(),
        opaque: member("opaque").map(str::to_owned),
        quality: quality.is_some(),
        count: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, DigestAuth, challenges};
    use http::{HeaderMap, HeaderValue, Method};

    /// RFC 7616 section 3.9.1.
    const RFC: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        let proof = DigestAuth::new("Mufasa", "Circle of Life").unwrap();
        let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (field, response) in [
            (RFC.to_owned(), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            (RFC.replace("SHA-256", "MD5"), "8ca523f5e9506fed4657c9700eebdbec"),
        ] {
            let mut challenge = challenges(&field).remove(0);
            challenge.count = 1;
            let value = proof.response(&challenge, &Method::GET, "/dir/index.html", client_nonce);
            assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
            assert!(value.contains("qop=auth, nc=00000001") && value.contains("opaque=\"FQhe/"), "{value}");
        }
    }

    #[test]
    fn the_better_challenge_is_answered_and_others_are_left_alone() {
        let proof = DigestAuth::new("me", "pw").unwrap();
        let headers = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(http::header::WWW_AUTHENTICATE, HeaderValue::from_str(field).unwrap());
            }
            headers
        };
        let md5 = "Digest realm=\"a, b=\\\"c\\\"\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
        assert!(proof.value(&Method::GET, b"/").is_none(), "nothing is known yet");
        assert!(proof.learn(&headers(&[&format!("Basic realm=\"x\", {md5}, Bearer"), RFC])));
        assert!(proof.value(&Method::GET, b"/a?b").unwrap().to_str().unwrap().contains("algorithm=SHA-256"));
        assert!(proof.value(&Method::GET, b"/").unwrap().to_str().unwrap().contains("nc=00000002"));
        let both = challenges(&format!("Basic realm=\"x\", {md5}, Bearer"));
        assert_eq!((both.len(), both[0].realm.as_str(), both[0].algorithm), (1, "a, b=\"c\"", Algorithm::Md5));
        for bad in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest nonce=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
            "",
            "Digest",
            "Digest =,=,\"",
        ] {
            assert!(!proof.learn(&headers(&[bad])), "{bad}");
        }
        assert!(DigestAuth::new("a\nb", "").is_none());
    }
}
