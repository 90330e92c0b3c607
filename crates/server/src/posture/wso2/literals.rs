//! Texts that look like keys or tokens, by their length, alphabet and randomness.

use guidelines::PlainSecret;

/// Shortest text that is taken for a key.
const MIN_LENGTH: usize = 32;

/// Places of random-looking literals in a TOML text, under keys that do not say what they are. Sealed secrets are
/// random by nature and stand in `[secrets]`.
pub(in crate::posture) fn suspicious(text: &str, place: &str) -> Vec<PlainSecret> {
    let mut section = "";
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
        } else if let Some((key, value)) =
            line.split_once('=').filter(|_| !line.starts_with('#') && section != "secrets")
        {
            let value = value.trim().trim_matches(['"', '\'']);
            if looks_random(value) {
                found.push(PlainSecret::new(format!("{place}:{}", number + 1), format!("{section}.{}", key.trim())));
            }
        }
    }
    found
}

/// Whether a text is one long word of letters and digits with more than 3.5 bits to a character.
pub(super) fn looks_random(text: &str) -> bool {
    let text = text.trim();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    // Names of ciphers, classes and the like are words with separators.
    let parts = text.split(['_', '-', '/']).count();
    if parts > 3 || text.len() < MIN_LENGTH || text.len() > 4096 || !text.bytes().all(word) {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    // Words of a language, paths and host names have hardly any digits.
    digits * 20 >= text.len() && letters * 10 >= text.len() && entropy(text) > 3.3 && !text.contains("//")
}

/// Shannon entropy in bits to a character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}

#[cfg(test)]
mod tests {
    use super::{looks_random, suspicious};

    #[test]
    fn keys_are_told_from_words() {
        assert!(looks_random("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
        assert!(looks_random("AKIAIOSFODNN7EXAMPLEwJalrXUtnFEMI7MDENG"));
        for word in [
            "org.wso2.carbon.identity.oauth.Handler",
            "repository/resources/security/client-truststore.jks",
            "00000000000000000000000000000000000000",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "short1",
        ] {
            assert!(!looks_random(word), "{word}");
        }
    }

    #[test]
    fn sealed_secrets_are_not_suspicious() {
        let text = "[secrets]\na = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c\"\n[x]\nid = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c\"\n";
        let found = suspicious(text, "f");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].place.as_str(), found[0].key.as_str()), ("f:4", "x.id"));
    }
}
