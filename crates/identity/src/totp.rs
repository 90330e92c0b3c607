//! Time-based one-time passwords (RFC 6238) as authenticator apps make them: HMAC-SHA-1, 30 seconds, six digits.

use aws_lc_rs::hmac;
use model::Timestamp;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// Digits of a code.
pub(crate) const DIGITS: usize = 6;
/// Bytes of a shared secret: the length of the hash (RFC 4226 4).
pub(crate) const SECRET: usize = 20;
const PERIOD: i64 = 30;
/// Steps before and after now whose codes are accepted: clocks may differ by half a minute.
const WINDOW: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code in a text, without the blanks that apps show; `None` when it is no code of an app.
pub(crate) fn digits(text: &str) -> Option<String> {
    let found: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    (found.len() == DIGITS && found.bytes().all(|b| b.is_ascii_digit())).then_some(found)
}

/// The time step whose code this is, if it lies around now and after `after`, the last one used. Every step is compared,
/// so the time does not tell which one fits.
pub(crate) fn matching_step(secret: &[u8], code: &str, now: Timestamp, after: i64) -> Option<i64> {
    let current = now.seconds().div_euclid(PERIOD);
    let mut found = -1_i64;
    for step in current - WINDOW..=current + WINDOW {
        let expected = format!("{:0width$}", truncated(secret, step) % 1_000_000, width = DIGITS);
        found.conditional_assign(&step, expected.as_bytes().ct_eq(code.as_bytes()));
    }
    (found > after).then_some(found)
}

/// The code of a time.
#[cfg(feature = "for-tests")]
pub(crate) fn code(secret: &[u8], seconds: i64) -> String {
    format!("{:0width$}", truncated(secret, seconds.div_euclid(PERIOD)) % 1_000_000, width = DIGITS)
}

/// RFC 4226 5.3: 31 bits of the HMAC of a counter.
fn truncated(secret: &[u8], counter: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0x0f);
    let word = bytes.get(offset..offset + 4).and_then(|w| <[u8; 4]>::try_from(w).ok()).unwrap_or_default();
    u32::from_be_bytes(word) & 0x7fff_ffff
}

/// RFC 4648 base 32 without padding, as apps take secrets.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut word = [0_u8; 8];
        for (place, byte) in word.iter_mut().skip(3).zip(chunk) {
            *place = *byte;
        }
        let bits = u64::from_be_bytes(word);
        let chars = (chunk.len() * 8).div_ceil(5);
        for n in 0..chars {
            let index = usize::try_from((bits >> (35 - 5 * n)) & 31).unwrap_or(0);
            out.push(char::from(BASE32.get(index).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// The link in the picture that apps scan. Issuer and account are for display.
pub(crate) fn link(issuer: &str, account: &str, secret: &[u8]) -> String {
    let (issuer, account) = (encoded(issuer), encoded(account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", base32(secret))
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(b));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{base32, digits, link, matching_step, truncated};
    use model::Timestamp;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn rfc_6238_appendix_b() {
        for (time, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000_i64, 65_353_130),
        ] {
            assert_eq!(truncated(SECRET, time / 30) % 100_000_000, code, "{time}");
        }
    }

    #[test]
    fn rfc_4226_appendix_d() {
        let codes = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (counter, code) in (0_i64..).zip(codes) {
            assert_eq!(truncated(SECRET, counter) % 1_000_000, code, "{counter}");
        }
    }

    #[test]
    fn rfc_4648_vectors() {
        for (text, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_code_counts_once_and_for_half_a_minute_around_its_own() {
        let at = |s: i64| Timestamp::from_seconds(s);
        // 287082 is the code of step 1, which is seconds 30 to 59.
        for (second, fits) in [(0, true), (30, true), (59, true), (89, true), (90, false), (600, false)] {
            assert_eq!(matching_step(SECRET, "287082", at(second), 0).is_some(), fits, "{second}");
        }
        assert_eq!(matching_step(SECRET, "287082", at(45), 1), None, "used before");
        assert_eq!(matching_step(SECRET, "755224", at(15), -1), Some(0));
        assert_eq!(matching_step(SECRET, "755224", at(15), 0), None, "an older code after a newer one");
        for wrong in ["287083", "28708", "2870820", "", "abcdef"] {
            assert_eq!(matching_step(SECRET, wrong, at(45), 0), None, "{wrong}");
        }
    }

    #[test]
    fn codes_and_links_are_written_as_apps_do() {
        assert_eq!(digits(" 287 082\n").as_deref(), Some("287082"));
        for wrong in ["", "28708", "2870821", "２８７０８２", "28708a", "-28708"] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
        assert_eq!(
            link("Portcullis a:b", "alice@x/ä", b"foobar"),
            "otpauth://totp/Portcullis%20a%3Ab:alice%40x%2F%C3%A4?secret=MZXW6YTBOI&issuer=Portcullis%20a%3Ab"
        );
    }
}
