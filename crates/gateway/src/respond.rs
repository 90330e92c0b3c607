//! Phase "respond": what the client gets to see.

use bytes::Bytes;
use http::header::{
    CONTENT_TYPE, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_VERSION, SERVER, STRICT_TRANSPORT_SECURITY, UPGRADE,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use model::snapshot::{Quota, QuotaUnit};

use crate::body::AnswerBody;
use crate::compile::{Api, Scheme};
use crate::exchange::Record;
use crate::fault::{Challenge, Fault, Format};
use crate::head::strip_hop_by_hop;
use crate::worker::Worker;

/// Guideline A11: one year. Sub-domains are not ours to promise.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

/// Prepares an upstream's headers: nothing of the hop, no product names, HSTS over TLS, cross-origin.
pub(crate) fn prepare_headers(headers: &mut HeaderMap, api: &Api, origin: Option<&HeaderValue>, secure: bool) {
    strip_hop_by_hop(headers);
    for product in [SERVER, X_POWERED_BY] {
        // Comparing few names costs less than a lookup of one that is rarely there.
        if headers.keys().any(|name| *name == product) {
            headers.remove(product);
        }
    }
    decorate(headers, Some(api), origin, secure);
}

fn decorate(headers: &mut HeaderMap, api: Option<&Api>, origin: Option<&HeaderValue>, secure: bool) {
    if secure && !headers.keys().any(|name| *name == STRICT_TRANSPORT_SECURITY) {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if let (Some(cors), Some(origin)) = (api.and_then(|api| api.cors.as_ref()), origin) {
        cors.decorate(origin, headers);
    }
}

/// What an error answer depends on besides the fault.
pub(crate) struct FaultContext<'a> {
    /// The API, if one was found.
    pub(crate) api: Option<&'a Api>,
    /// Origin of the request.
    pub(crate) origin: Option<&'a HeaderValue>,
    /// How the body is written.
    pub(crate) format: Format,
    /// Whether the client came over TLS.
    pub(crate) secure: bool,
    /// Headers that fault policies added.
    pub(crate) headers: HeaderMap,
}

/// The one place that writes errors.
pub(crate) fn fault(
    worker: &Worker,
    fault: &Fault,
    context: FaultContext<'_>,
    record: Option<Box<Record>>,
) -> Response<AnswerBody> {
    let (kind, body) = fault.render(context.format);
    let mut headers = context.headers;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // What the gateway itself says holds for this moment, and is what it says it is (guidelines A12, A16).
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(challenge) = fault.challenge {
        for value in challenges(worker, context.api, challenge) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    if let Some(next) = fault.next_access {
        let wait = next.since(worker.now()).as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&wait.to_string()) {
            headers.insert(RETRY_AFTER, value);
        }
        if let Some(quota) = fault.quota {
            rate_limit(&mut headers, quota, wait);
        }
    }
    if fault.status == StatusCode::UPGRADE_REQUIRED {
        // RFC 9110 section 15.5.22.
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if record.as_ref().is_none_or(|r| r.is_http1()) {
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
    }
    if fault.close && record.as_ref().is_none_or(|r| r.is_http1()) {
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    }
    decorate(&mut headers, context.api, context.origin, context.secure);
    if context.format == Format::Grpc {
        let (status, message) = fault.grpc();
        headers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(u16::from(status)));
        if let Ok(message) = HeaderValue::try_from(message) {
            headers.insert(HeaderName::from_static("grpc-message"), message);
        }
        return answer(StatusCode::OK, headers, body.into(), record);
    }
    answer(fault.status, headers, body.into(), record)
}

/// What is used up and when it is there again (draft-ietf-httpapi-ratelimit-headers-10). Written from the refusal itself,
/// so that it cannot disagree with it.
fn rate_limit(headers: &mut HeaderMap, quota: Quota, wait: u128) {
    let unit = match quota.unit {
        QuotaUnit::Requests => "requests",
        QuotaUnit::Bytes => "content-bytes",
        QuotaUnit::Tokens => "tokens",
    };
    let policy = format!("\"quota\";q={};w={};qu=\"{unit}\"", quota.amount, quota.window_seconds);
    let state = format!("\"quota\";r=0;t={wait}");
    for (name, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// An answer that the gateway makes itself.
pub(crate) fn answer(
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    record: Option<Box<Record>>,
) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::whole(body, record));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A preflight's answer.
pub(crate) fn preflight(mut headers: HeaderMap, secure: bool, record: Box<Record>) -> Response<AnswerBody> {
    decorate(&mut headers, None, None, secure);
    answer(StatusCode::OK, headers, Bytes::new(), Some(record))
}

/// One challenge per accepted scheme, in WSO2's words.
fn challenges(worker: &Worker, api: Option<&Api>, challenge: Challenge) -> Vec<HeaderValue> {
    let realm = &worker.shared.settings.realm;
    let schemes = api.map_or(&[][..], |api| api.schemes.as_slice());
    let render = |scheme: &Scheme| {
        let text = match (scheme, challenge) {
            (Scheme::Token, Challenge::Missing) => format!("OAuth2 realm=\"{realm}\""),
            (Scheme::Token, Challenge::Invalid) => format!(
                "OAuth2 realm=\"{realm}\", error=\"invalid_token\", error_description=\"The provided token is invalid\""
            ),
            (Scheme::Basic, _) => format!("Basic realm=\"{realm}\", charset=\"UTF-8\""),
            (Scheme::Key, _) => format!("API Key realm=\"{realm}\""),
        };
        HeaderValue::from_str(&text).ok()
    };
    // In one field, as WSO2 sends it.
    let texts: Vec<HeaderValue> = schemes.iter().filter_map(render).collect();
    if texts.len() < 2 {
        return texts;
    }
    let joined = texts.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    HeaderValue::from_bytes(&joined).into_iter().collect()
}
