//! A corpus of forged access tokens: everything a stranger, a broken issuer or a curious client may send in place of a
//! token. Whoever verifies tokens runs it against a real socket and counts how many are accepted: none may be.
//!
//! The corpus knows JSON and base64url only. Signatures are closures, so this crate needs no cryptography.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// Makes a signature or a tag over a message.
pub type Sign<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Makes a tag over a message (second) with a key (first).
pub type Tag<'a> = &'a dyn Fn(&[u8], &[u8]) -> Vec<u8>;

/// What forging needs to know about the verifier under test.
pub struct Forger<'a> {
    /// The issuer it trusts, as in `iss`.
    pub issuer: &'a str,
    /// Id of that issuer's key.
    pub key_id: &'a str,
    /// That key as the verifier publishes or was given it.
    pub public_jwk: &'a Value,
    /// The time of the verifier, seconds since the Unix epoch.
    pub now: i64,
    /// Claims besides `iss`, `iat` and `exp` that make a token acceptable.
    pub claims: Map<String, Value>,
    /// RS256 by the trusted key: an issuer with a broken library.
    pub trusted: Sign<'a>,
    /// RS256 by a key nobody trusts.
    pub stranger: Sign<'a>,
    /// The stranger's key.
    pub stranger_jwk: &'a Value,
    /// HMAC-SHA-256 of a message (second) by a key (first).
    pub hmac: Tag<'a>,
}

/// One forged token.
#[derive(Clone, Debug)]
pub struct Forged {
    /// What is wrong with it; unique in the corpus.
    pub name: String,
    /// As it goes behind `Bearer`. May hold bytes that no header accepts.
    pub token: String,
}

/// How a token of the corpus is signed.
#[derive(Clone, Copy)]
enum By<'a> {
    Trusted,
    Stranger,
    Hmac(&'a [u8]),
    Bytes(&'a [u8]),
    Nobody,
}

/// Collects tokens under their names.
struct Corpus<'f, 'a> {
    forger: &'f Forger<'a>,
    found: Vec<Forged>,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Forger<'_> {
    /// A token that must be accepted: the corpus proves nothing when this one is refused too.
    pub fn genuine(&self) -> String {
        self.compact(&self.header(&[]).to_string(), &self.payload(&[]).to_string(), By::Trusted)
    }

    /// The corpus.
    pub fn tokens(&self) -> Vec<Forged> {
        let mut corpus = Corpus { forger: self, found: Vec::new() };
        corpus.algorithms();
        corpus.embedded_keys();
        corpus.key_ids();
        corpus.header_members();
        corpus.types();
        corpus.issuers();
        corpus.times();
        corpus.payloads();
        corpus.signatures();
        corpus.shapes();
        corpus.found
    }

    fn header(&self, changes: &[(&str, Value)]) -> Value {
        let mut header = json!({"alg": "RS256", "kid": self.key_id, "typ": "at+jwt"});
        apply(&mut header, changes);
        header
    }

    fn payload(&self, changes: &[(&str, Value)]) -> Value {
        let mut payload = Value::Object(self.claims.clone());
        let own = [("iss", json!(self.issuer)), ("iat", json!(self.now)), ("exp", json!(self.now + 3600))];
        apply(&mut payload, &own);
        apply(&mut payload, changes);
        payload
    }

    fn compact(&self, header: &str, payload: &str, by: By<'_>) -> String {
        self.join(&encode(header), &encode(payload), by)
    }

    fn join(&self, header: &str, payload: &str, by: By<'_>) -> String {
        let signed = format!("{header}.{payload}");
        let signature = match by {
            By::Trusted => (self.trusted)(signed.as_bytes()),
            By::Stranger => (self.stranger)(signed.as_bytes()),
            By::Hmac(key) => (self.hmac)(key, signed.as_bytes()),
            By::Bytes(bytes) => bytes.to_vec(),
            By::Nobody => Vec::new(),
        };
        format!("{signed}.{}", encode(signature))
    }
}

/// Sets members; `null` removes one.
fn apply(object: &mut Value, changes: &[(&str, Value)]) {
    let Some(members) = object.as_object_mut() else { return };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(*name);
        } else {
            members.insert((*name).to_owned(), value.clone());
        }
    }
}

impl Corpus<'_, '_> {
    fn add(&mut self, name: impl Into<String>, token: String) {
        self.found.push(Forged { name: name.into(), token });
    }

    /// Header members changed, claims good.
    fn header(&mut self, name: impl Into<String>, changes: &[(&str, Value)], by: By<'_>) {
        let header = self.forger.header(changes).to_string();
        let token = self.forger.compact(&header, &self.forger.payload(&[]).to_string(), by);
        self.add(name, token);
    }

    /// Claims changed, header and signature good.
    fn claims(&mut self, name: impl Into<String>, changes: &[(&str, Value)]) {
        let header = self.forger.header(&[]).to_string();
        let token = self.forger.compact(&header, &self.forger.payload(changes).to_string(), By::Trusted);
        self.add(name, token);
    }

    /// Whole texts, signed by the trusted key.
    fn texts(&mut self, name: impl Into<String>, header: Option<&str>, payload: Option<&str>) {
        let (good_header, good_payload) = (self.forger.header(&[]).to_string(), self.forger.payload(&[]).to_string());
        let (header, payload) = (header.unwrap_or(&good_header), payload.unwrap_or(&good_payload));
        let token = self.forger.compact(header, payload, By::Trusted);
        self.add(name, token);
    }

    fn algorithms(&mut self) {
        for spelling in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "undefined"] {
            for (how, by) in [("unsigned", By::Nobody), ("signed", By::Trusted), ("one byte", By::Bytes(b"\0"))] {
                self.header(format!("alg {spelling:?}, {how}"), &[("alg", json!(spelling))], by);
            }
        }
        let jwk = self.forger.public_jwk.to_string();
        let modulus = self.forger.public_jwk.get("n").and_then(Value::as_str).unwrap_or_default().to_owned();
        let raw = URL_SAFE_NO_PAD.decode(&modulus).unwrap_or_default();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&raw));
        let keys: [(&str, &[u8]); 6] = [
            ("the key as JWK", jwk.as_bytes()),
            ("the modulus as text", modulus.as_bytes()),
            ("the modulus", &raw),
            ("the key as PEM", pem.as_bytes()),
            ("no key", b""),
            ("secret", b"secret"),
        ];
        for algorithm in ["HS256", "HS384", "HS512", "hs256", "RS256"] {
            for (what, key) in keys {
                self.header(format!("{algorithm} by HMAC with {what}"), &[("alg", json!(algorithm))], By::Hmac(key));
            }
        }
        for algorithm in [
            "RS384",
            "RS512",
            "PS256",
            "PS384",
            "PS512",
            "ES256",
            "ES384",
            "ES512",
            "ES256K",
            "EdDSA",
            "Ed25519",
            "rs256",
            "Rs256",
            "RS-256",
            "RS256 ",
            "RS256\u{0}",
            "RSA1_5",
            "RSA-OAEP",
            "dir",
            "A128KW",
            "ECDH-ES",
        ] {
            self.header(format!("alg {algorithm:?} on an RS256 signature"), &[("alg", json!(algorithm))], By::Trusted);
        }
        for (what, value) in
            [("a list", json!(["RS256"])), ("a number", json!(256)), ("true", json!(true)), ("an object", json!({}))]
        {
            self.header(format!("alg is {what}"), &[("alg", value)], By::Trusted);
        }
        self.header("no alg", &[("alg", Value::Null)], By::Trusted);
        // CVE-2022-21449: the all-zero ECDSA signature.
        self.header("ES256 with zeros", &[("alg", json!("ES256"))], By::Bytes(&[0; 64]));
    }

    fn embedded_keys(&mut self) {
        let jwk = self.forger.stranger_jwk.clone();
        let own = self.forger.public_jwk.clone();
        let id = jwk.get("kid").cloned().unwrap_or(json!("stranger"));
        for (what, changes) in [
            ("jwk", vec![("jwk", jwk.clone())]),
            ("jwk and no kid", vec![("jwk", jwk.clone()), ("kid", Value::Null)]),
            ("jwk and its kid", vec![("jwk", jwk.clone()), ("kid", id.clone())]),
            ("jku", vec![("jku", json!("https://attacker.invalid/jwks.json")), ("kid", id.clone())]),
            ("jku of a file", vec![("jku", json!("file:///etc/passwd"))]),
            ("jku of a loopback service", vec![("jku", json!("http://127.0.0.1:9/jwks"))]),
            ("jku below the issuer", vec![("jku", json!(format!("{}/../jwks", self.forger.issuer)))]),
            ("x5u", vec![("x5u", json!("https://attacker.invalid/cert.pem"))]),
            ("x5c", vec![("x5c", json!(["MIIB"]))]),
            ("x5t", vec![("x5t", json!("AAAA")), ("kid", Value::Null)]),
            ("only its kid", vec![("kid", id)]),
            ("no kid", vec![("kid", Value::Null)]),
            ("the trusted kid", vec![]),
        ] {
            self.header(format!("stranger's signature with {what}"), &changes, By::Stranger);
        }
        // Even a genuine signature is no excuse for a key that travels with the token.
        for (what, member, value) in [
            ("jwk", "jwk", own),
            ("jku", "jku", json!("https://attacker.invalid/")),
            ("x5u", "x5u", json!("https://attacker.invalid/")),
            ("x5c", "x5c", json!([])),
        ] {
            self.header(format!("genuine signature with {what}"), &[(member, value)], By::Trusted);
        }
    }

    fn key_ids(&mut self) {
        let id = self.forger.key_id.to_owned();
        for kid in [
            "../../../../etc/passwd",
            "/dev/null",
            "..\\..\\windows\\win.ini",
            "' OR '1'='1",
            "'; DROP TABLE keys; --",
            "$(id)",
            "`id`",
            "|id",
            "http://127.0.0.1/key",
            "%00",
            "*",
            "?",
            "0",
            "null",
            "true",
            "",
            " ",
            "${jndi:x}",
            "{{7*7}}",
            "__proto__",
            "constructor",
        ] {
            self.header(format!("kid {kid:?}"), &[("kid", json!(kid))], By::Trusted);
            if matches!(kid, "/dev/null" | "") {
                self.header(format!("kid {kid:?} by HMAC with nothing"), &[("kid", json!(kid))], By::Hmac(b""));
            }
        }
        for (what, kid) in [
            ("upper case", json!(id.to_uppercase())),
            ("with a blank", json!(format!("{id} "))),
            ("with a zero byte", json!(format!("{id}\0"))),
            ("doubled", json!(format!("{id}{id}"))),
            ("cut", json!(id.get(..id.len() / 2))),
            ("of 65 bytes", json!("k".repeat(65))),
            ("of 8 KiB", json!("k".repeat(8192))),
            ("a number", json!(1)),
            ("a list", json!([id])),
            ("an object", json!({"kid": id})),
        ] {
            self.header(format!("kid {what}"), &[("kid", kid)], By::Trusted);
        }
    }

    fn header_members(&mut self) {
        for (what, changes) in [
            ("crit exp", vec![("crit", json!(["exp"]))]),
            ("crit empty", vec![("crit", json!([]))]),
            ("crit unknown", vec![("crit", json!(["x"])), ("x", json!(1))]),
            ("crit a text", vec![("crit", json!("exp"))]),
            ("b64 false", vec![("b64", json!(false))]),
            ("b64 false, critical", vec![("b64", json!(false)), ("crit", json!(["b64"]))]),
            ("b64 true", vec![("b64", json!(true))]),
            ("zip", vec![("zip", json!("DEF"))]),
            ("enc", vec![("enc", json!("A128GCM"))]),
            ("epk", vec![("epk", json!({}))]),
            ("cty JWT", vec![("cty", json!("JWT"))]),
        ] {
            self.header(what, &changes, By::Trusted);
        }
        let twice = |member: &str| {
            let text = self.forger.header(&[]).to_string();
            text.replacen('{', &format!("{{{member},"), 1)
        };
        let headers = [
            ("alg twice", twice(r#""alg":"none""#)),
            ("alg twice, the same", twice(r#""alg":"RS256""#)),
            ("kid twice", twice(r#""kid":"x""#)),
            ("typ twice", twice(r#""typ":"JWT""#)),
            ("alg twice, escaped", twice(r#""\u0061lg":"none""#)),
            ("crit escaped", twice(r#""\u0063rit":["exp"]"#)),
        ];
        for (what, header) in headers {
            self.texts(what, Some(&header), None);
        }
        for (what, header) in [
            ("header a list", "[]"),
            ("header a text", "\"alg\""),
            ("header null", "null"),
            ("header empty", ""),
            ("header empty object", "{}"),
            ("header cut", "{\"alg\":\"RS256\""),
            ("header in UTF-16", "\u{feff}{\"alg\":\"RS256\",\"typ\":\"JWT\"}"),
            ("header and more", "{\"alg\":\"RS256\",\"typ\":\"JWT\"}{}"),
            ("header with a comment", "{/**/\"alg\":\"RS256\",\"typ\":\"JWT\"}"),
            ("header in single quotes", "{'alg':'RS256','typ':'JWT'}"),
        ] {
            self.texts(what, Some(header), None);
        }
        self.texts("header nested 5000 deep", Some(&"[".repeat(5000)), None);
    }

    fn types(&mut self) {
        for typ in [
            "dpop+jwt",
            "logout+jwt",
            "secevent+jwt",
            "id+jwt",
            "application/dpop+jwt",
            "JWE",
            "JOSE",
            "JOSE+JSON",
            "at+jwt;x",
            "at jwt",
            "xat+jwt",
            "",
        ] {
            self.header(format!("typ {typ:?}"), &[("typ", json!(typ))], By::Trusted);
        }
        self.header("no typ", &[("typ", Value::Null)], By::Trusted);
        self.header("typ a list", &[("typ", json!(["at+jwt"]))], By::Trusted);
        for claim in ["nonce", "at_hash", "c_hash"] {
            self.claims(format!("an ID token by its {claim}"), &[(claim, json!("x"))]);
        }
    }

    fn issuers(&mut self) {
        let own = self.forger.issuer.to_owned();
        for (what, issuer) in [
            ("of another", json!("https://attacker.invalid")),
            ("with a slash more", json!(format!("{own}/"))),
            ("in upper case", json!(own.to_uppercase())),
            ("with a blank before", json!(format!(" {own}"))),
            ("with a blank after", json!(format!("{own} "))),
            ("with a zero byte", json!(format!("{own}\0"))),
            ("with a line break", json!(format!("{own}\n"))),
            ("with a fragment", json!(format!("{own}#"))),
            ("as user of another host", json!(format!("{own}@attacker.invalid"))),
            ("cut", json!(own.get(..own.len() - 1))),
            ("empty", json!("")),
            ("a list", json!([own])),
            ("a list of two", json!([own, "x"])),
            ("an object", json!({"iss": own})),
            ("a number", json!(0)),
            ("absent", Value::Null),
        ] {
            self.claims(format!("iss {what}"), &[("iss", issuer)]);
        }
    }

    fn times(&mut self) {
        let now = self.forger.now;
        for (what, changes) in [
            ("exp absent", vec![("exp", Value::Null)]),
            ("exp now", vec![("exp", json!(now))]),
            ("exp a second ago", vec![("exp", json!(now - 1))]),
            ("exp within the skew that others get", vec![("exp", json!(now - 59))]),
            ("exp a minute ago", vec![("exp", json!(now - 60))]),
            ("exp a year ago", vec![("exp", json!(now - 31_536_000))]),
            ("exp zero", vec![("exp", json!(0))]),
            ("exp negative", vec![("exp", json!(-1))]),
            ("exp a text", vec![("exp", json!((now + 60).to_string()))]),
            ("exp a text of now", vec![("exp", json!("now"))]),
            ("exp a list", vec![("exp", json!([now + 60]))]),
            ("exp an object", vec![("exp", json!({}))]),
            ("exp true", vec![("exp", json!(true))]),
            ("exp 2^63", vec![("exp", json!(9_223_372_036_854_775_808_u64))]),
            ("exp 2^64 - 1", vec![("exp", json!(u64::MAX))]),
            ("exp 1e300", vec![("exp", json!(1e300))]),
            ("exp just past in fractions", vec![("exp", json!(now as f64 - 0.5))]),
            ("exp in milliseconds", vec![("exp", json!((now + 60) * 1_000_000))]),
            ("nbf beyond the skew", vec![("nbf", json!(now + 61))]),
            ("nbf tomorrow", vec![("nbf", json!(now + 86_400))]),
            ("nbf a text", vec![("nbf", json!("0"))]),
            ("nbf true", vec![("nbf", json!(true))]),
            ("nbf 2^64 - 1", vec![("nbf", json!(u64::MAX))]),
            ("iat beyond the skew", vec![("iat", json!(now + 61))]),
            ("iat tomorrow", vec![("iat", json!(now + 86_400))]),
            ("iat a text", vec![("iat", json!("0"))]),
        ] {
            self.claims(what, &changes);
        }
    }

    fn payloads(&mut self) {
        let good = self.forger.payload(&[]).to_string();
        let with = |member: &str| good.replacen('{', &format!("{{{member},"), 1);
        for (what, payload) in [
            ("exp twice", with(r#""exp":99999999999"#)),
            ("iss twice", with(r#""iss":"https://attacker.invalid""#)),
            ("sub twice", with(r#""sub":"admin","sub":"admin""#)),
            ("exp null", with(r#""\u0065xp":null"#)),
            ("exp 1e999", with(r#""nbf":1e999"#)),
            ("a member twice far below", with(r#""x":{"y":{"z":1,"z":2}}"#)),
            ("payload empty", String::new()),
            ("payload null", "null".into()),
            ("payload a list", format!("[{good}]")),
            ("payload a text", "\"x\"".into()),
            ("payload cut", good.get(..good.len() - 1).unwrap_or_default().to_owned()),
            ("payload and more", format!("{good}{good}")),
            ("payload with a trailing comma", good.replacen('}', ",}", 1)),
            ("payload NaN", with(r#""x":NaN"#)),
            ("payload with a raw control character", with("\"x\":\"a\u{1}b\"")),
            ("payload nested 10000 deep", with(&format!("\"x\":{}{}", "[".repeat(5000), "]".repeat(5000)))),
            ("payload a JWT in a JWT", self.forger.genuine()),
        ] {
            self.texts(what, None, Some(&payload));
        }
        let header = encode(self.forger.header(&[]).to_string());
        let invalid = self.forger.join(&header, &encode(b"{\"iss\":\"\xff\xfe\"}"), By::Trusted);
        self.add("payload is not UTF-8", invalid);
    }

    fn signatures(&mut self) {
        let forger = self.forger;
        let genuine = forger.genuine();
        let parts: Vec<&str> = genuine.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return };
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let flipped = |at: usize| {
            let mut copy = bytes.clone();
            if let Some(byte) = copy.get_mut(at) {
                *byte ^= 1;
            }
            copy
        };
        let cut = |length: usize| bytes.get(..length.min(bytes.len())).unwrap_or_default().to_vec();
        for (what, forged) in [
            ("first bit flipped", flipped(0)),
            ("middle bit flipped", flipped(bytes.len() / 2)),
            ("last bit flipped", flipped(bytes.len().saturating_sub(1))),
            ("a byte short", cut(bytes.len().saturating_sub(1))),
            ("half of it", cut(bytes.len() / 2)),
            ("one byte of it", cut(1)),
            ("none", Vec::new()),
            ("a byte more", [bytes.as_slice(), &[0]].concat()),
            ("a zero before", [&[0], bytes.as_slice()].concat()),
            ("all zeros", vec![0; bytes.len()]),
            ("all ones", vec![0xff; bytes.len()]),
            ("reversed", bytes.iter().rev().copied().collect()),
            ("of the header alone", (forger.trusted)(header.as_bytes())),
            ("of the payload alone", (forger.trusted)(payload.as_bytes())),
            ("of nothing", (forger.trusted)(b"")),
            ("of 64 KiB", vec![7; 7000]),
        ] {
            self.add(format!("signature: {what}"), format!("{header}.{payload}.{}", encode(forged)));
        }
        let admin = encode(forger.payload(&[("sub", json!("admin")), ("scope", json!("admin"))]).to_string());
        self.add("signature of another payload", format!("{header}.{admin}.{signature}"));
        let other = encode(forger.header(&[("x", json!(1))]).to_string());
        self.add("signature of another header", format!("{other}.{payload}.{signature}"));
        self.add("signature padded", format!("{header}.{payload}.{}", URL_SAFE.encode(&bytes)));
        self.add("signature in plain base64", format!("{header}.{payload}.{}+/", STANDARD.encode(&bytes)));
        self.add("signature with a line break", format!("{header}.{payload}\n.{signature}"));
        self.add("signature with a blank inside", {
            let (first, second) = signature.split_at(signature.len() / 2);
            format!("{header}.{payload}.{first} {second}")
        });
        self.add("stranger's signature", forger.join(header, payload, By::Stranger));
    }

    fn shapes(&mut self) {
        let genuine = self.forger.genuine();
        let parts: Vec<&str> = genuine.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return };
        for (what, token) in [
            ("nothing", String::new()),
            ("a dot", ".".into()),
            ("two dots", "..".into()),
            ("three dots", "...".into()),
            ("four dots", "....".into()),
            ("a word", "token".into()),
            ("a UUID", "0b1cf1a5-5f1e-4d5e-9c0a-3e4f5a6b7c8d".into()),
            ("null", "null".into()),
            ("undefined", "undefined".into()),
            ("header alone", (*header).into()),
            ("header and payload", format!("{header}.{payload}")),
            ("header, payload, dot", format!("{header}.{payload}.")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("four parts", format!("{genuine}.{signature}")),
            ("five parts, as a JWE", format!("{header}.{payload}.{signature}.{signature}.{signature}")),
            ("a dot before", format!(".{genuine}")),
            ("a dot after", format!("{genuine}.")),
            ("twice", format!("{genuine}{genuine}")),
            ("two with a comma", format!("{genuine},{genuine}")),
            ("two with a blank", format!("{genuine} {genuine}")),
            ("in quotes", format!("\"{genuine}\"")),
            ("reversed", genuine.chars().rev().collect()),
            ("in lower case", genuine.to_lowercase()),
            ("percent-encoded dots", genuine.replace('.', "%2E")),
            ("full-width dots", genuine.replace('.', "\u{ff0e}")),
            ("a zero byte after", format!("{genuine}\0")),
            ("a tab inside", format!("{header}.\t{payload}.{signature}")),
            ("a soft hyphen", format!("{header}.\u{ad}{payload}.{signature}")),
            ("a Cyrillic letter", format!("{header}.{payload}.{signature}\u{430}")),
            (
                "JSON serialisation",
                json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
            ),
            ("16 KiB and a byte", "a".repeat(16 * 1024 + 1)),
            ("20 KiB of dots", ".".repeat(20 * 1024)),
            ("a genuine one grown to 20 KiB", {
                let big = self.forger.payload(&[("x", json!("y".repeat(15 * 1024)))]).to_string();
                self.forger.compact(&self.forger.header(&[]).to_string(), &big, By::Trusted)
            }),
        ] {
            self.add(format!("shape: {what}"), token);
        }
        let rest = |n: usize| genuine.get(..genuine.len() * n / 10).unwrap_or_default().to_owned();
        for tenths in 1..10 {
            self.add(format!("shape: the first {tenths} tenths"), rest(tenths));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Forger;
    use serde_json::{Map, json};
    use std::collections::BTreeSet;

    /// Depends on every byte, as a signature does.
    fn sum(message: &[u8], seed: u64) -> Vec<u8> {
        let hash = message.iter().fold(seed, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
        hash.to_le_bytes().to_vec()
    }

    #[test]
    fn the_corpus_is_large_and_never_holds_the_genuine_token() {
        let key = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k"});
        let forger = Forger {
            issuer: "https://issuer",
            key_id: "k-1",
            public_jwk: &key,
            now: 1_795_000_000,
            claims: Map::new(),
            trusted: &|m| sum(m, 1),
            stranger: &|m| sum(m, 2),
            stranger_jwk: &key,
            hmac: &|k, m| [k, m].concat(),
        };
        let tokens = forger.tokens();
        let names: BTreeSet<&str> = tokens.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names.len(), tokens.len(), "names are unique");
        assert!(tokens.len() >= 200, "{} tokens", tokens.len());
        let genuine = forger.genuine();
        assert!(tokens.iter().all(|t| t.token != genuine));
    }
}
