//! Encodings of text that expressions and mediators share.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What `java.net.URLEncoder` leaves alone.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');
/// RFC 3986 unreserved characters.
const URI: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What a value keeps inside of a path: RFC 3986 `pchar` and `/`.
const PATH: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\')
    .add(b'^')
    .add(b'#');

/// As `java.net.URLEncoder`: spaces become `+`.
pub(crate) fn encode_form(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string().replace(' ', "+")
}

/// RFC 3986, everything but unreserved characters.
pub(crate) fn encode_uri(text: &str) -> String {
    utf8_percent_encode(text, URI).to_string()
}

/// Characters that cannot stand in a URL at all are encoded; delimiters stay.
pub(crate) fn encode_loose(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// Percent decoding; `+` is a space.
pub(crate) fn decode_form(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Percent decoding.
pub(crate) fn decode_uri(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 back: with or without padding, standard or URL alphabet, line breaks ignored.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()
}
