//! SHA-256 of secrets that are random enough to need no slow hash, and comparison in constant time.

use aws_lc_rs::digest::{SHA256, digest};
use model::{Rng, Secret, Timestamp};
use subtle::ConstantTimeEq;

/// 43 characters of 6 bits: 258 random bits.
const TOKEN_CHARS: usize = 43;

/// SHA-256.
pub(crate) fn sha256(value: &str) -> Vec<u8> {
    digest(&SHA256, value.as_bytes()).as_ref().to_vec()
}

/// Whether two hashes are equal, in a time that does not depend on where they differ.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A new secret with more than 256 random bits, URL-safe.
pub(crate) fn new_secret(rng: &dyn Rng) -> Secret<String> {
    Secret::new(rng.token(TOKEN_CHARS))
}

/// Hexadecimal digits of the second in which an expiring secret was made: enough until the year 4147.
const TIME_CHARS: usize = 9;

/// A new secret that is stored under [`key_of`] in a table whose rows expire. In front of its random characters stands
/// when it was made, which is no secret.
pub(crate) fn new_expiring(rng: &dyn Rng, now: Timestamp) -> Secret<String> {
    let second = u64::try_from(now.seconds()).unwrap_or(0) & ((1 << (4 * TIME_CHARS)) - 1);
    Secret::new(format!("{second:0TIME_CHARS$x}.{}", rng.token(TOKEN_CHARS)))
}

/// What a presented secret is stored under: the second it names, then its SHA-256. Secrets that were made together
/// thereby lie together in the index, and clean-up, which removes what ended together, changes few pages for many rows.
/// A secret without a second, as earlier versions made them, is stored under its SHA-256.
pub(crate) fn key_of(value: &str) -> Vec<u8> {
    let second = value.split_once('.').filter(|(time, random)| {
        time.len() == TIME_CHARS && time.bytes().all(|b| b.is_ascii_hexdigit()) && random.len() == TOKEN_CHARS
    });
    let second = second.and_then(|(time, _)| u64::from_str_radix(time, 16).ok());
    let mut key: Vec<u8> = second.map(|s| s.to_be_bytes().into_iter().skip(3).collect()).unwrap_or_default();
    key.extend(sha256(value));
    key
}

#[cfg(test)]
mod tests {
    use super::{key_of, new_expiring, sha256};
    use model::{Rng, Timestamp};

    struct Fixed(u8);

    impl Rng for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn keys_of_expiring_secrets_follow_the_time() {
        let made = |random, second| new_expiring(&Fixed(random), Timestamp::from_seconds(second));
        let key = |random, second| key_of(made(random, second).expose());
        assert!(key(9, 1_800_000_000) < key(1, 1_800_000_001));
        assert!(key(1, 1_800_000_001) < key(9, 68_719_476_735));
        assert_ne!(key(1, 5), key(2, 5));
        // Another time for the same random characters is another secret, and finds nothing.
        assert_ne!(key(1, 5).get(5..), key(1, 6).get(5..));
    }

    #[test]
    fn secrets_of_earlier_versions_and_foreign_texts_keep_their_hash() {
        for text in ["", ".", "abc", "00000000g.x", &"A".repeat(43), &format!("{}.{}", "0".repeat(9), "A".repeat(42))] {
            assert_eq!(key_of(text), sha256(text), "{text}");
        }
    }
}
