//! What a request head must look like beyond what the HTTP parser checks, and which of its fields travel on.
//!
//! Decided here because the parser accepts them: a missing or second `Host`, an absolute-form target that disagrees with
//! `Host`, transfer codings other than `chunked`, raw or ambiguous bytes in the path. What two readers of a
//! connection could frame differently is refused before the parser, see `connection::framing`; a `#fragment` is cut by the
//! parser before anything else sees the target, so route, log and upstream agree.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use std::borrow::Cow;

use crate::fault::Fault;
use crate::path::{canonical, query_is_clean};
use crate::settings::Caps;

/// Checks framing and size, and returns the host in lower case without port; empty for HTTP/1.0 without `Host`.
pub(crate) fn host<'a>(parts: &'a Parts, present: Present, caps: &Caps) -> Result<Cow<'a, str>, Fault> {
    let headers = &parts.headers;
    if headers.len() > caps.headers {
        return Err(Fault::head_too_large());
    }
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Fault::no_method());
    }
    if present.coding {
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        if codings.next().is_some_and(|c| !c.as_bytes().eq_ignore_ascii_case(b"chunked")) || codings.next().is_some() {
            return Err(Fault::desynchronised("The only accepted transfer coding is chunked."));
        }
    }
    let authority = parts.uri.authority();
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(Fault::desynchronised("The request has more than one Host.")),
        (Some(host), None) => {
            let host = host.to_str().map_err(|_| Fault::desynchronised("The Host is not valid."))?;
            if authority.is_some_and(|a| !a.as_str().eq_ignore_ascii_case(host)) {
                return Err(Fault::desynchronised("The request target and Host disagree."));
            }
            host
        }
        (None, None) => match authority {
            Some(authority) if parts.version == Version::HTTP_2 => authority.as_str(),
            _ if parts.version == Version::HTTP_10 => "",
            _ => return Err(Fault::desynchronised("The request has no Host.")),
        },
    };
    let clean = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if !host.bytes().all(clean) {
        return Err(Fault::desynchronised("The Host is not valid."));
    }
    let name = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => host.get(..colon).unwrap_or(host),
        _ => host,
    };
    let lower = !name.bytes().any(|b| b.is_ascii_uppercase());
    Ok(if lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) })
}

/// The canonical path of a request.
pub(crate) fn path<'a>(parts: &'a Parts, caps: &Caps) -> Result<Cow<'a, str>, Fault> {
    let (path, query) = (parts.uri.path(), parts.uri.query());
    if path.len() + query.map_or(0, str::len) > caps.target_bytes {
        return Err(Fault::target_too_long());
    }
    if query.is_some_and(|q| !query_is_clean(q)) {
        return Err(Fault::bad_request("The query contains a character that must be percent-encoded."));
    }
    canonical(path).map_err(|fault| Fault::bad_request(fault.reason()))
}

/// Takes note of what the client expects (RFC 9110 section 10.1.1): `100-continue` is answered by this hop when the body is
/// first wanted, and nothing else is known.
pub(crate) fn expectation(headers: &mut HeaderMap) -> Result<(), Fault> {
    match headers.remove(http::header::EXPECT) {
        Some(expected) if !expected.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Fault::expectation()),
        _ => Ok(()),
    }
}

/// Fields that only the gateway may set towards an upstream, in lower case with `-` for `_`: many upstreams read
/// `X_JWT_Assertion` and `X-JWT-Assertion` as the same variable (threat model row 4).
const OWNED: [&str; 9] = [
    "x-jwt-assertion",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-original-url",
    "x-rewrite-url",
    "internal-key",
    "apikey",
    "via",
];
const OWNED_PREFIXES: [&str; 2] = ["x-forwarded-", "x-wso2-"];

fn is_owned(name: &str, own: [Option<&HeaderName>; 2], credentials: &[&HeaderName]) -> bool {
    let dashed = |b: u8| if b == b'_' { b'-' } else { b };
    let same = |owned: &str| owned.len() == name.len() && owned.bytes().map(dashed).eq(name.bytes().map(dashed));
    let prefixed = |prefix: &&str| {
        name.get(..prefix.len())
            .is_some_and(|start| prefix.bytes().zip(start.bytes()).all(|(p, s)| p == s || p == b'-' && s == b'_'))
    };
    // `X-Forwarded` and `X_Forwarded` alone have no meaning, so the prefixes include their dash.
    OWNED.iter().any(|o| same(o))
        || OWNED_PREFIXES.iter().any(prefixed)
        || own.iter().flatten().chain(credentials).any(|c| same(c.as_str()))
}

/// How many fields belong to a hop.
const HOPS: usize = 9;

static HOP_BY_HOP: [HeaderName; HOPS] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Bit `n` is set when one of [`HOP_BY_HOP`] has `n` bytes.
const HOP_LENGTHS: u32 = 1 << 2 | 1 << 7 | 1 << 10 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 19;

/// Removes what belongs to this hop (RFC 9110 section 7.6.1): the named fields and those that `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none or one of them; one pass is cheaper than a lookup for each, and the length alone rules
    // most names out.
    let mut present = [false; HOPS];
    for name in headers.keys() {
        let text = name.as_str();
        if HOP_LENGTHS & 1u32.checked_shl(u32::try_from(text.len()).unwrap_or(u32::MAX)).unwrap_or(0) != 0 {
            for (flag, hop) in present.iter_mut().zip(&HOP_BY_HOP) {
                *flag |= text == hop.as_str();
            }
        }
    }
    if !present.contains(&true) {
        return;
    }
    let [connection, ..] = present;
    if connection {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map(str::trim)
            .filter(|token| !token.eq_ignore_ascii_case("keep-alive") && !token.eq_ignore_ascii_case("close"))
            .filter_map(|token| token.parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for (_, hop) in present.iter().zip(&HOP_BY_HOP).filter(|(flag, _)| **flag) {
        headers.remove(hop);
    }
}

/// Which fields may be there that most requests do not have. One pass over the names costs less than a lookup for each; what
/// is not ruled out by its length is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present {
    /// `traceparent`, `tracestate`, `activityid`.
    pub(crate) trace: bool,
    /// `Accept`, `Content-Type`, `SOAPAction`.
    pub(crate) format: bool,
    /// `Origin`.
    pub(crate) origin: bool,
    /// `Transfer-Encoding`.
    coding: bool,
}

impl Present {
    /// Looks at the names.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut present = Self::default();
        for name in headers.keys() {
            match name.as_str().len() {
                6 => (present.origin, present.format) = (true, true),
                10 => (present.trace, present.format) = (true, true),
                11 => present.trace = true,
                12 => present.format = true,
                17 => present.coding = true,
                _ => {}
            }
        }
        present
    }
}

/// Whether a request is gRPC, by its content type: `application/grpc` or that with a suffix.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let rest = kind.get(..16).filter(|start| start.eq_ignore_ascii_case(b"application/grpc")).and(kind.get(16..));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// Removes everything that must not reach an upstream; `Host` is replaced later. `own` are the fields that only the gateway
/// reads or says by its settings, `credentials` the API's own credential headers.
pub(crate) fn strip_request(
    headers: &mut HeaderMap,
    own: [Option<&HeaderName>; 2],
    credentials: &[&HeaderName],
    forward_authorization: bool,
) {
    strip_hop_by_hop(headers);
    let kept = if forward_authorization { &[][..] } else { credentials };
    let doomed = |name: &&HeaderName| {
        **name == CONTENT_LENGTH
            || **name == AUTHORIZATION && !forward_authorization
            || is_owned(name.as_str(), own, kept)
    };
    while let Some(name) = headers.keys().find(doomed).cloned() {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::{HOP_BY_HOP, HOP_LENGTHS, Present, strip_request};
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn what_is_ruled_out_by_its_length_is_not_there() {
        let of = |name: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
            Present::of(&headers)
        };
        assert!(["traceparent", "tracestate", "activityid"].iter().all(|name| of(name).trace));
        assert!(["accept", "content-type", "soapaction"].iter().all(|name| of(name).format));
        assert!(of("origin").origin && of("transfer-encoding").coding);
        assert!(["host", "authorization", "user-agent-x"].iter().all(|name| !of(name).origin));
        assert_eq!(of("authorization"), Present::default());
    }

    #[test]
    fn hop_lengths_are_those_of_the_names() {
        let lengths = HOP_BY_HOP.iter().fold(0, |bits, name| bits | 1u32 << name.as_str().len());
        assert_eq!(lengths, HOP_LENGTHS);
    }

    #[test]
    fn owned_headers_are_stripped_in_every_spelling() {
        let mut headers = HeaderMap::new();
        for name in [
            "X-JWT-Assertion",
            "x_jwt_assertion",
            "X-Jwt_Assertion",
            "X-Forwarded-For",
            "x_forwarded_for",
            "X-Forwarded_Host",
            "Forwarded",
            "x-real-ip",
            "X_Real_IP",
            "Internal-Key",
            "internal_key",
            "ApiKey",
            "My-Token",
            "my_token",
            "X-Client-Cert",
            "x_client-cert",
            "x_who",
            "X-Who",
            "Authorization",
            "Connection",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authorization",
            "TE",
            "Upgrade",
            "X-WSO2-Anything",
        ] {
            let value = if name == "Connection" { "close, X-Named" } else { "evil" };
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers.insert("x-named", "1".parse().unwrap());
        for kept in ["accept", "cookie", "x-forward", "x-request-id", "activityid"] {
            headers.insert(kept.parse::<HeaderName>().unwrap(), "ok".parse().unwrap());
        }
        let own = [Some(&HeaderName::from_static("x-client-cert")), Some(&HeaderName::from_static("x_who"))];
        let mut forwarded = headers.clone();
        strip_request(&mut forwarded, own, &[&HeaderName::from_static("my-token")], true);
        assert!(forwarded.contains_key("authorization") && forwarded.contains_key("my-token"));
        assert!(!["x-client-cert", "x_client-cert", "x_who", "x-who"].iter().any(|name| forwarded.contains_key(*name)));
        strip_request(&mut headers, own, &[&HeaderName::from_static("my-token")], false);
        let mut left: Vec<_> = headers.keys().map(|k| k.as_str().to_owned()).collect();
        left.sort();
        assert_eq!(left, ["accept", "activityid", "cookie", "x-forward", "x-request-id"]);
    }
}
