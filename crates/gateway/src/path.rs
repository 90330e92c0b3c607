//! The one canonical path. Routing, authorisation, log and upstream all use it (threat model row 5).

use std::borrow::Cow;

/// Why a request target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathFault {
    /// Does not start with a slash.
    NotAbsolute,
    /// A byte that a path cannot have: control, space, backslash, `#`, raw non-ASCII and the like.
    Byte,
    /// `;`: upstreams disagree about what a path parameter is.
    Parameter,
    /// `%` without two hexadecimal digits.
    Escape,
    /// `%2F`, `%5C`, `%3B`, `%00` or another control character.
    EncodedDelimiter,
    /// `%25` followed by two hexadecimal digits: an upstream that decodes twice would see something else.
    DoubleEncoding,
    /// Escapes that are not UTF-8.
    Utf8,
    /// `//`.
    EmptySegment,
    /// `.` or `..`, plain or escaped.
    DotSegment,
}

impl PathFault {
    /// Public reason; never repeats the input.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NotAbsolute => "The path must start with a slash.",
            Self::Byte => "The path contains a character that must be percent-encoded.",
            Self::Parameter => "The path contains ';', which is not accepted.",
            Self::Escape => "The path contains '%' without two hexadecimal digits.",
            Self::EncodedDelimiter => "The path contains an encoded delimiter or control character.",
            Self::DoubleEncoding => "The path is percent-encoded twice.",
            Self::Utf8 => "The path is not valid UTF-8 after decoding.",
            Self::EmptySegment => "The path contains an empty segment ('//').",
            Self::DotSegment => "The path contains a dot segment.",
        }
    }
}

/// Bytes that stand for themselves in a canonical path (RFC 3986 `pchar` without `;`, and the slash).
const PLAIN: [bool; 256] = plain();

const fn plain() -> [bool; 256] {
    let mut table = [false; 256];
    let allowed = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/";
    let mut i = 0;
    while i < allowed.len() {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation, both indices are in bounds")]
        {
            table[allowed[i] as usize] = true;
        }
        i += 1;
    }
    table
}

fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// Makes a path canonical or refuses it: escapes of unreserved characters are decoded, other escapes are upper case,
/// nothing ambiguous is left. Borrowed when the text is canonical already, which is the common case.
pub(crate) fn canonical(raw: &str) -> Result<Cow<'_, str>, PathFault> {
    if !raw.starts_with('/') {
        return Err(PathFault::NotAbsolute);
    }
    let mut escaped = false;
    for byte in raw.bytes() {
        if !is_plain(byte) {
            match byte {
                b'%' => escaped = true,
                b';' => return Err(PathFault::Parameter),
                _ => return Err(PathFault::Byte),
            }
        }
    }
    let path = if escaped { Cow::Owned(decode_unreserved(raw)?) } else { Cow::Borrowed(raw) };
    check_segments(&path)?;
    Ok(path)
}

fn decode_unreserved(raw: &str) -> Result<String, PathFault> {
    let mut text = String::with_capacity(raw.len());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            text.push(char::from(byte));
            decoded.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (hex(tail.first()), hex(tail.get(1))) else { return Err(PathFault::Escape) };
        rest = tail.get(2..).unwrap_or_default();
        let value = high << 4 | low;
        match value {
            b'/' | b'\\' | b';' | 0..=0x1f | 0x7f => return Err(PathFault::EncodedDelimiter),
            b'%' if hex(rest.first()).is_some() && hex(rest.get(1)).is_some() => {
                return Err(PathFault::DoubleEncoding);
            }
            _ if is_unreserved(value) => text.push(char::from(value)),
            _ => text.push_str(&format!("%{value:02X}")),
        }
        decoded.push(value);
    }
    if std::str::from_utf8(&decoded).is_err() {
        return Err(PathFault::Utf8);
    }
    Ok(text)
}

fn check_segments(path: &str) -> Result<(), PathFault> {
    let bytes = path.as_bytes();
    // Only a slash or a dot after a slash can be wrong, so one scan for slashes is enough.
    for slash in memchr::memchr_iter(b'/', bytes) {
        match bytes.get(slash + 1) {
            Some(b'/') => return Err(PathFault::EmptySegment),
            Some(b'.') => {
                let after = bytes.get(slash + 2);
                let one = matches!(after, None | Some(b'/'));
                let two = after == Some(&b'.') && matches!(bytes.get(slash + 3), None | Some(b'/'));
                if one || two {
                    return Err(PathFault::DotSegment);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a query is fit to travel: visible ASCII without backslash. It decides nothing, so it is passed on as it is.
pub(crate) fn query_is_clean(query: &str) -> bool {
    query.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::{PathFault, canonical};

    #[test]
    fn canonical_paths_are_borrowed() {
        for path in
            ["/", "/pizza/1.0.0/menu", "/a/", "/special,-._~resource", "/a/b:c@d!$&'()*+=", "/.well", "/a/...", "/a./b"]
        {
            assert!(matches!(canonical(path), Ok(std::borrow::Cow::Borrowed(p)) if p == path), "{path}");
        }
    }

    #[test]
    fn escapes_are_normalised() {
        for (raw, expected) in [
            ("/%41%7e%2d", "/A~-"),
            ("/S2222-0496%2815%2927436-0", "/S2222-0496%2815%2927436-0"),
            ("/%c3%a9", "/%C3%A9"),
            ("/a%20b", "/a%20b"),
            ("/100%25", "/100%25"),
            ("/a%3fb", "/a%3Fb"),
        ] {
            assert_eq!(canonical(raw).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        use PathFault as F;
        for (raw, fault) in [
            ("", F::NotAbsolute),
            ("*", F::NotAbsolute),
            ("a", F::NotAbsolute),
            ("//", F::EmptySegment),
            ("/a//b", F::EmptySegment),
            ("/.", F::DotSegment),
            ("/..", F::DotSegment),
            ("/a/../b", F::DotSegment),
            ("/a/./b", F::DotSegment),
            ("/a/%2e%2e/b", F::DotSegment),
            ("/a/.%2E/b", F::DotSegment),
            ("/a/%2e", F::DotSegment),
            ("/a%2fb", F::EncodedDelimiter),
            ("/a%5Cb", F::EncodedDelimiter),
            ("/a%00b", F::EncodedDelimiter),
            ("/a%0d%0aX:1", F::EncodedDelimiter),
            ("/a%3bb", F::EncodedDelimiter),
            ("/a%7f", F::EncodedDelimiter),
            ("/a;b", F::Parameter),
            ("/a/..;/b", F::Parameter),
            ("/%252f", F::DoubleEncoding),
            ("/%252e%252e", F::DoubleEncoding),
            ("/%", F::Escape),
            ("/%2", F::Escape),
            ("/%zz", F::Escape),
            ("/%u002f", F::Escape),
            ("/%c0%af", F::Utf8),
            ("/%ff", F::Utf8),
            ("/a\\b", F::Byte),
            ("/a b", F::Byte),
            ("/a#b", F::Byte),
            ("/é", F::Byte),
            ("/a\u{0}", F::Byte),
            ("/{x}", F::Byte),
        ] {
            assert_eq!(canonical(raw), Err(fault), "{raw:?}");
        }
    }
}
