//! Every error the gateway answers itself: WSO2's codes and texts, as JSON, XML or SOAP fault.
//!
//! Texts never repeat what the client sent, and never what an upstream or we ourselves know.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use model::Timestamp;
use model::snapshot::Quota;
use policy::FaultFormat;
use std::borrow::Cow;

use crate::limit::Refusal;

/// Which XML namespace and which extra members a fault has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Authentication and authorisation.
    Security,
    /// Limits and blocks.
    Throttling,
    /// Everything else; has a `type` member.
    Status,
}

/// An error answer.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// WSO2 code, or the status for routing errors.
    pub(crate) code: u32,
    family: Family,
    message: Cow<'static, str>,
    description: Cow<'static, str>,
    /// When a throttled client may come again.
    pub(crate) next_access: Option<Timestamp>,
    /// What a throttled client has used up.
    pub(crate) quota: Option<Quota>,
    /// Whether the answer carries a challenge, and with which error.
    pub(crate) challenge: Option<Challenge>,
    /// Whether the connection is closed after the answer.
    pub(crate) close: bool,
}

/// What `WWW-Authenticate` says besides the realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// No credential was sent (RFC 6750: no error code).
    Missing,
    /// The credential is not accepted.
    Invalid,
}

/// What gRPC escapes in a message: all but printable ASCII, and the percent sign.
const GRPC_ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');

const BAD_REQUEST: &str = "Bad Request";
const RUNTIME: &str = "Runtime Error";
const INVALID: &str = "Make sure you have provided the correct security credentials";

impl Fault {
    const fn new(
        status: StatusCode,
        code: u32,
        family: Family,
        message: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            family,
            message: Cow::Borrowed(message),
            description: Cow::Borrowed(description),
            next_access: None,
            quota: None,
            challenge: None,
            close: false,
        }
    }

    /// A request that HTTP or our caps refuse.
    pub(crate) const fn bad_request(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 400, Family::Status, BAD_REQUEST, reason)
    }

    /// A body in a form that is not read here.
    pub(crate) const fn unsupported_media(reason: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, Family::Status, "Unsupported Media Type", reason)
    }

    /// An expectation that nobody here meets.
    pub(crate) const fn expectation() -> Self {
        let reason = "The only expectation that is met is 100-continue.";
        let mut fault = Self::new(StatusCode::EXPECTATION_FAILED, 417, Family::Status, "Expectation Failed", reason);
        fault.close = true;
        fault
    }

    /// A request whose framing cannot be trusted: the connection is closed.
    pub(crate) const fn desynchronised(reason: &'static str) -> Self {
        let mut fault = Self::bad_request(reason);
        fault.close = true;
        fault
    }

    /// Path and query beyond the cap.
    pub(crate) const fn target_too_long() -> Self {
        let reason = "The request target is longer than the gateway accepts.";
        Self::new(StatusCode::URI_TOO_LONG, 414, Family::Status, "URI Too Long", reason)
    }

    /// Header fields beyond the cap.
    pub(crate) const fn head_too_large() -> Self {
        let reason = "The request headers are larger than the gateway accepts.";
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, 431, Family::Status, "Request Header Fields Too Large", reason)
    }

    /// A body that a policy needs as a whole is beyond the cap.
    pub(crate) const fn body_too_large() -> Self {
        let reason = "The body is larger than this gateway, or a policy of this API, accepts.";
        let mut fault = Self::new(StatusCode::PAYLOAD_TOO_LARGE, 413, Family::Status, "Payload Too Large", reason);
        // The rest of the body is not read.
        fault.close = true;
        fault
    }

    /// The client's body broke off or stalled.
    pub(crate) const fn incomplete_body() -> Self {
        Self::desynchronised("The request body did not arrive completely.")
    }

    /// No API at this address.
    pub(crate) const fn no_api() -> Self {
        let text = "The requested resource is not available.";
        Self::new(StatusCode::NOT_FOUND, 404, Family::Status, "Not Found", text)
    }

    /// The API has no such resource.
    pub(crate) const fn no_resource() -> Self {
        let text = "No matching resource found for given API Request";
        Self::new(StatusCode::NOT_FOUND, 404, Family::Status, "Not Found", text)
    }

    /// The resource has no such method.
    pub(crate) const fn no_method() -> Self {
        let text = "Method not allowed for given API resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 405, Family::Status, "Method Not Allowed", text)
    }

    /// The API is not offered over this transport.
    pub(crate) const fn wrong_transport() -> Self {
        let text = "This API is not available over this transport.";
        Self::new(StatusCode::FORBIDDEN, 900_908, Family::Security, "Resource forbidden ", text)
    }

    /// No snapshot was published yet.
    pub(crate) const fn not_ready() -> Self {
        let text = "The gateway is starting. Please try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 503, Family::Status, "Service Unavailable", text)
    }

    /// 700700.
    pub(crate) const fn api_blocked() -> Self {
        let text =
            "This API has been blocked temporarily. Please try again later or contact the system administrators.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 700_700, Family::Status, "API blocked", text)
    }

    const fn unauthorized(code: u32, message: &'static str, description: &'static str, challenge: Challenge) -> Self {
        let mut fault = Self::new(StatusCode::UNAUTHORIZED, code, Family::Security, message, description);
        fault.challenge = Some(challenge);
        fault
    }

    /// 900901.
    pub(crate) const fn invalid_credentials() -> Self {
        Self::unauthorized(900_901, "Invalid Credentials", INVALID, Challenge::Invalid)
    }

    /// 900902, with WSO2's hint about the header that is missing.
    pub(crate) fn missing_credentials(hint: String) -> Self {
        let mut fault = Self::unauthorized(900_902, "Missing Credentials", "", Challenge::Missing);
        fault.description = Cow::Owned(hint);
        fault
    }

    /// 900903.
    pub(crate) const fn expired() -> Self {
        let text = "Access token expired. Renew the access token and try again";
        Self::unauthorized(900_903, "Access Token Expired", text, Challenge::Invalid)
    }

    /// 900901 for a key of one kind where the API has no endpoint of that kind.
    pub(crate) const fn no_endpoint_for_key(production: bool) -> Self {
        let text = if production {
            "Production key offered to the API with no production endpoint"
        } else {
            "Sandbox key offered to the API with no sandbox endpoint"
        };
        Self::new(StatusCode::FORBIDDEN, 900_901, Family::Security, RUNTIME, text)
    }

    /// 900901 for a key of one kind at a gateway that serves the other.
    pub(crate) const fn wrong_gateway_for_key(production: bool) -> Self {
        let text = if production {
            "Production Key Provided for Sandbox Gateway"
        } else {
            "Sandbox Key Provided for Production Gateway"
        };
        Self::unauthorized(900_901, "Invalid Credentials", text, Challenge::Invalid)
    }

    /// 900907: the subscription is blocked.
    pub(crate) const fn subscription_blocked() -> Self {
        let message = "The requested API is temporarily blocked";
        Self::new(StatusCode::UNAUTHORIZED, 900_907, Family::Security, message, message)
    }

    /// 900908.
    pub(crate) const fn no_subscription() -> Self {
        let text = "User is NOT authorized to access the Resource. API Subscription validation failed.";
        Self::new(StatusCode::FORBIDDEN, 900_908, Family::Security, "Resource forbidden ", text)
    }

    /// 900908 for a user of another tenant.
    pub(crate) const fn foreign_user() -> Self {
        let text = "User is NOT authorized to access the Resource. The user belongs to another tenant.";
        Self::new(StatusCode::FORBIDDEN, 900_908, Family::Security, "Resource forbidden ", text)
    }

    /// 900908 for an API key used from elsewhere.
    pub(crate) const fn key_not_permitted_here() -> Self {
        let text = "Access forbidden for the invocations";
        Self::new(StatusCode::FORBIDDEN, 900_908, Family::Security, "Resource forbidden ", text)
    }

    /// 900908 for a page of another site.
    pub(crate) const fn wrong_origin() -> Self {
        let text = "Pages of this origin may not open this API.";
        Self::new(StatusCode::FORBIDDEN, 900_908, Family::Security, "Resource forbidden ", text)
    }

    /// 900900: something of ours failed.
    pub(crate) const fn unclassified() -> Self {
        let (message, text) =
            ("Unclassified Authentication Failure", "Error while accessing backend services for API key validation");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 900_900, Family::Security, message, text)
    }

    /// 900910.
    pub(crate) const fn wrong_scope() -> Self {
        let message = "The access token does not allow you to access the requested resource";
        let text = "User is NOT authorized to access the Resource. Scope validation failed.";
        Self::new(StatusCode::FORBIDDEN, 900_910, Family::Security, message, text)
    }

    /// 900800 to 900807.
    pub(crate) const fn throttled(refusal: Refusal) -> Self {
        let text = "You have exceeded your quota";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut fault = Self::new(status, refusal.level.code(), Family::Throttling, "Message throttled out", text);
        fault.next_access = Some(refusal.next_access);
        fault.quota = Some(refusal.quota);
        fault
    }

    /// 900801, 503 as WSO2 has it.
    pub(crate) const fn backend_limit(refusal: Refusal) -> Self {
        let text = "API Limit Reached. Try again later.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut fault = Self::new(status, refusal.level.code(), Family::Throttling, "Message throttled out", text);
        fault.next_access = Some(refusal.next_access);
        fault
    }

    /// 900805.
    pub(crate) const fn denied() -> Self {
        let text = "You have been blocked from accessing the resource";
        Self::new(StatusCode::FORBIDDEN, 900_805, Family::Throttling, "Message blocked", text)
    }

    /// 101503: no connection to the upstream, or it broke before an answer.
    pub(crate) const fn upstream_unreachable() -> Self {
        let text = "Error connecting to the back end";
        Self::new(StatusCode::BAD_GATEWAY, 101_503, Family::Status, RUNTIME, text)
    }

    /// 101504: no answer in time.
    pub(crate) const fn upstream_timeout() -> Self {
        let text = "No response from the back end in time";
        Self::new(StatusCode::GATEWAY_TIMEOUT, 101_504, Family::Status, RUNTIME, text)
    }

    /// 303001: all targets are suspended.
    pub(crate) const fn upstream_suspended() -> Self {
        let text = "The back end is not available at the moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 303_001, Family::Status, RUNTIME, text)
    }

    /// 303001: no endpoint address may be called.
    pub(crate) const fn upstream_refused() -> Self {
        let text = "The endpoint lies in a network that the gateway does not call";
        Self::new(StatusCode::BAD_GATEWAY, 303_001, Family::Status, RUNTIME, text)
    }

    /// A policy decided to answer.
    pub(crate) fn from_policy(
        status: u16,
        code: u32,
        message: Cow<'static, str>,
        description: Cow<'static, str>,
    ) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut fault = Self::new(status, code, Family::Status, "", "");
        fault.message = message;
        fault.description = description;
        fault
    }

    /// The body and its content type.
    pub(crate) fn render(&self, format: Format) -> (&'static str, Vec<u8>) {
        match format {
            Format::Json => ("application/json; charset=UTF-8", self.json()),
            Format::Problem => ("application/problem+json", self.problem()),
            Format::Xml => ("application/xml; charset=UTF-8", self.xml().into_bytes()),
            Format::Soap => ("text/xml; charset=UTF-8", self.soap().into_bytes()),
            Format::Grpc => ("application/grpc", Vec::new()),
        }
    }

    /// gRPC's status and message (its `PROTOCOL-HTTP2` document), the message percent-encoded.
    pub(crate) fn grpc(&self) -> (u8, String) {
        let status = match self.status.as_u16() {
            400 | 414 | 415 | 417 | 422 | 431 => 3,
            401 => 16,
            403 => 7,
            404 | 405 | 426 => 12,
            413 | 429 => 8,
            408 | 504 => 4,
            502 | 503 => 14,
            _ => 13,
        };
        let text =
            format!("{}: {}", self.code, if self.description.is_empty() { &self.message } else { &self.description });
        (status, percent_encoding::utf8_percent_encode(&text, GRPC_ESCAPED).to_string())
    }

    fn json(&self) -> Vec<u8> {
        let mut body = serde_json::Map::new();
        body.insert("code".into(), self.code.to_string().into());
        if self.family == Family::Status {
            body.insert("type".into(), "Status report".into());
        }
        body.insert("message".into(), self.message.as_ref().into());
        body.insert("description".into(), self.description.as_ref().into());
        if let Some(next) = self.next_access {
            body.insert("nextAccessTime".into(), next_access_text(next).into());
        }
        serde_json::Value::Object(body).to_string().into_bytes()
    }

    /// RFC 9457, with WSO2's code as an extension member.
    fn problem(&self) -> Vec<u8> {
        let mut body = serde_json::Map::new();
        body.insert("type".into(), "about:blank".into());
        body.insert("title".into(), self.message.trim().into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.description.as_ref().into());
        body.insert("code".into(), self.code.to_string().into());
        if let Some(next) = self.next_access {
            body.insert("nextAccessTime".into(), next_access_text(next).into());
        }
        serde_json::Value::Object(body).to_string().into_bytes()
    }

    fn xml(&self) -> String {
        let (prefix, space) = match self.family {
            Family::Security => ("ams", "http://wso2.org/apimanager/security"),
            Family::Throttling => ("amt", "http://wso2.org/apimanager/throttling"),
            Family::Status => ("am", "http://wso2.org/apimanager"),
        };
        let element = |name: &str, text: &str| format!("<{prefix}:{name}>{}</{prefix}:{name}>", escape(text));
        let mut body = element("code", &self.code.to_string());
        if self.family == Family::Status {
            body.push_str(&element("type", "Status report"));
        }
        body.push_str(&element("message", &self.message));
        body.push_str(&element("description", &self.description));
        if let Some(next) = self.next_access {
            body.push_str(&element("nextAccessTime", &next_access_text(next)));
        }
        format!("<{prefix}:fault xmlns:{prefix}=\"{space}\">{body}</{prefix}:fault>")
    }

    fn soap(&self) -> String {
        let side = if self.status.is_client_error() { "Client" } else { "Server" };
        format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
             <soapenv:Fault><faultcode>soapenv:{side}</faultcode><faultstring>{}</faultstring>\
             <detail>{}</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>",
            escape(&self.message),
            self.xml()
        )
    }
}

/// How a fault is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The default.
    Json,
    /// For clients that ask for problem details (RFC 9457), first or last among what they accept.
    Problem,
    /// For clients that ask for XML.
    Xml,
    /// For SOAP clients.
    Soap,
    /// For gRPC clients: in fields, with HTTP's own status 200.
    Grpc,
}

const PROBLEM: &[u8] = b"application/problem+json";

impl Format {
    /// By `Accept`, then by `Content-Type`; JSON when neither asks for XML, and for browsers.
    pub(crate) fn negotiate(headers: &HeaderMap, wanted: FaultFormat) -> Self {
        let mentions_xml =
            |name| headers.get(name).is_some_and(|v| v.as_bytes().windows(3).any(|w| w.eq_ignore_ascii_case(b"xml")));
        // Most clients never say XML; this runs on every call.
        let asks = mentions_xml(ACCEPT) || mentions_xml(CONTENT_TYPE) || headers.contains_key("soapaction");
        if wanted == FaultFormat::Json || !asks {
            // First or last in the list is found without looking through it.
            let accept = headers.get(ACCEPT).map_or(&b""[..], http::HeaderValue::as_bytes);
            let problem = accept.starts_with(PROBLEM) || accept.ends_with(PROBLEM);
            return if problem && wanted != FaultFormat::Json { Self::Problem } else { Self::Json };
        }
        let lower = |name| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_ascii_lowercase);
        let kind = lower(CONTENT_TYPE).unwrap_or_default();
        let soap = kind.contains("soap+xml") || headers.contains_key("soapaction");
        let accept = lower(ACCEPT).unwrap_or_default();
        if accept.contains("json") || accept.contains("text/html") {
            return Self::Json;
        }
        if soap {
            return Self::Soap;
        }
        let undecided = accept.is_empty() || accept.contains("*/*");
        if accept.contains("xml") || undecided && kind.contains("xml") { Self::Xml } else { Self::Json }
    }
}

/// WSO2's form, as in `2026-Nov-21 20:00:00+0000 UTC`.
fn next_access_text(next: Timestamp) -> String {
    let t = next.to_utc();
    let month = t.month().to_string();
    format!(
        "{:04}-{}-{:02} {:02}:{:02}:{:02}+0000 UTC",
        t.year(),
        month.get(..3).unwrap_or(&month),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Fault, Format};
    use crate::limit::{Level, Refusal};
    use http::HeaderMap;
    use model::Timestamp;
    use policy::FaultFormat;

    #[test]
    fn json_is_compact_and_in_wso2_order() {
        let (_, body) = Fault::invalid_credentials().render(Format::Json);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"code":"900901","message":"Invalid Credentials","description":"Make sure you have provided the correct security credentials"}"#
        );
        let refusal = Refusal {
            level: Level::Application,
            next_access: Timestamp::from_seconds(1_795_291_200),
            quota: model::snapshot::Quota { amount: 1, unit: model::snapshot::QuotaUnit::Requests, window_seconds: 60 },
        };
        let (_, body) = Fault::throttled(refusal).render(Format::Json);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"code":"900803","message":"Message throttled out","description":"You have exceeded your quota","nextAccessTime":"2026-Nov-21 20:00:00+0000 UTC"}"#
        );
        let (kind, body) = Fault::throttled(refusal).render(Format::Problem);
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((kind, &problem["status"]), ("application/problem+json", &serde_json::json!(429)));
        assert_eq!((&problem["code"], &problem["type"]), (&"900803".into(), &"about:blank".into()));
        let (_, body) = Fault::no_api().render(Format::Xml);
        assert!(
            String::from_utf8(body)
                .unwrap()
                .starts_with("<am:fault xmlns:am=\"http://wso2.org/apimanager\"><am:code>404")
        );
    }

    #[test]
    fn the_format_follows_the_client() {
        for (accept, content, soap, expected) in [
            ("", "", false, Format::Json),
            ("*/*", "application/json", false, Format::Json),
            ("application/xml", "", false, Format::Xml),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", false, Format::Json),
            ("application/json, application/xml", "", false, Format::Json),
            ("application/problem+json", "", false, Format::Problem),
            ("application/json, application/problem+json", "application/json", false, Format::Problem),
            ("*/*", "application/xml", false, Format::Xml),
            ("", "text/xml", true, Format::Soap),
            ("*/*", "application/soap+xml; action=x", false, Format::Soap),
            ("application/json", "text/xml", true, Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert("accept", accept.parse().unwrap());
            }
            if !content.is_empty() {
                headers.insert("content-type", content.parse().unwrap());
            }
            if soap {
                headers.insert("soapaction", "\"x\"".parse().unwrap());
            }
            assert_eq!(Format::negotiate(&headers, FaultFormat::Negotiated), expected, "{accept} {content}");
            assert_eq!(Format::negotiate(&headers, FaultFormat::Json), Format::Json);
        }
    }
}
