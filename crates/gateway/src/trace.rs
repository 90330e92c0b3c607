//! Which trace a call belongs to: W3C trace context (`traceparent`, `tracestate`) and WSO2's correlation id (`activityid`).
//!
//! Both travel on to the upstream as the client sent them and stand in the access record. What is malformed does neither: an
//! upstream must not have to guess, and a log must not hold what a stranger likes to write there.

use http::{HeaderMap, HeaderName};

use crate::access_log::Rendered;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
const CORRELATION: HeaderName = HeaderName::from_static("activityid");
/// Longest correlation id, bytes.
const MAX_CORRELATION: usize = 64;

/// Settles the fields of a request, and returns what the record says of them.
pub(crate) fn settle(headers: &mut HeaderMap) -> Option<Rendered> {
    let trace = sole(headers, &TRACE_PARENT).and_then(trace_id).map(str::to_owned);
    if trace.is_none() {
        // A state without its parent means nothing (section 3.3).
        headers.remove(TRACE_PARENT);
        headers.remove(TRACE_STATE);
    }
    let correlation = sole(headers, &CORRELATION).filter(|id| is_plain(id)).map(str::to_owned);
    if correlation.is_none() {
        headers.remove(CORRELATION);
    }
    match (&trace, &correlation) {
        (None, None) => None,
        (Some(trace), None) => Some(Rendered::of(&[("trace", trace)])),
        (None, Some(id)) => Some(Rendered::of(&[("correlation", id)])),
        (Some(trace), Some(id)) => Some(Rendered::of(&[("trace", trace), ("correlation", id)])),
    }
}

/// The correlation id of a request that was settled.
pub(crate) fn correlation(headers: &HeaderMap) -> Option<&str> {
    sole(headers, &CORRELATION)
}

fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut fields = headers.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => field.to_str().ok(),
        _ => None,
    }
}

/// The trace of a `traceparent` (section 3.2): version, trace, parent and flags. Later versions may say more behind those.
fn trace_id(field: &str) -> Option<&str> {
    let mut parts = field.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let sound = hexadecimal(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hexadecimal(trace, 32)
        && hexadecimal(parent, 16)
        && hexadecimal(flags, 2)
        && [trace, parent].iter().all(|id| id.bytes().any(|byte| byte != b'0'));
    sound.then_some(trace)
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=MAX_CORRELATION).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{is_plain, trace_id};

    #[test]
    fn only_sound_traces_are_traces() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for good in [
            format!("00-{trace}-00f067aa0ba902b7-01"),
            format!("cc-{trace}-00f067aa0ba902b7-01"),
            format!("cc-{trace}-00f067aa0ba902b7-01-what-comes-later"),
        ] {
            assert_eq!(trace_id(&good), Some(trace), "{good}");
        }
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            "00".into(),
            format!("00-{trace}-00f067aa0ba902b7"),
            format!("00-{trace}-00f067aa0ba902b7-01-x"),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{trace}a-00f067aa0ba902b7-01"),
            format!("0-{trace}-00f067aa0ba902b7-01"),
            format!(" 00-{trace}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(trace_id(&bad), None, "{bad}");
        }
        assert!(is_plain("urn:uuid:6e1d0d5e-1") && !is_plain("") && !is_plain("a b") && !is_plain(&"a".repeat(65)));
    }
}
