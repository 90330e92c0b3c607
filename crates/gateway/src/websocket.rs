//! WebSocket (RFC 6455): the opening handshake, and with `frame` and `tunnel` what follows it.
//!
//! Frames pass as they are, but not unseen: whatever is not a well-formed frame in its place, or is larger or more often
//! than allowed, ends the tunnel with a close code on both sides. Extensions are never agreed on, so that what is counted
//! is what is meant.

pub(crate) mod frame;
pub(crate) mod subscription;
pub(crate) mod tunnel;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use percent_encoding::percent_decode_str;

use crate::compile::{Api, Scheme};
use crate::fault::Fault;

/// RFC 6455 section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
/// Query parameter that carries the token of a client that cannot set headers, as no browser can here (WSO2).
const TOKEN_PARAMETER: &str = "access_token";

/// A client's opening handshake that holds what RFC 6455 section 4.2.1 asks for.
pub(crate) struct Handshake {
    /// Becomes the client's connection after the answer.
    pub(crate) upgrade: OnUpgrade,
    /// What `Sec-WebSocket-Accept` has to be.
    accept: HeaderValue,
    /// Sub-protocols the client offers.
    offered: Vec<Box<[u8]>>,
}

impl Handshake {
    /// Reads the handshake out of a request.
    pub(crate) fn read(parts: &mut Parts, has_body: bool) -> Result<Self, Fault> {
        let headers = &parts.headers;
        let upgrades = tokens(headers, &UPGRADE).any(|t| t.eq_ignore_ascii_case(b"websocket"))
            && tokens(headers, &CONNECTION).any(|t| t.eq_ignore_ascii_case(b"upgrade"));
        if parts.method != Method::GET || parts.version != Version::HTTP_11 || !upgrades {
            return Err(required());
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|v| v.as_bytes() != b"13") {
            return Err(required());
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let key = match (keys.next(), keys.next()) {
            (Some(key), None) if STANDARD.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == 16) => key,
            _ => return Err(Fault::bad_request("Sec-WebSocket-Key is not 16 bytes in base64.")),
        };
        if has_body {
            return Err(Fault::desynchronised("An opening handshake has no body."));
        }
        let accept = accept_of(key.as_bytes())?;
        let offered = tokens(headers, &SEC_WEBSOCKET_PROTOCOL).map(Into::into).collect();
        // Without it the connection cannot become a tunnel, whatever the fields say.
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(required)?;
        Ok(Self { upgrade, accept, offered })
    }

    /// Offers the upstream only the sub-protocols that are understood here.
    ///
    /// # Errors
    /// The client offers none of them.
    pub(crate) fn narrow(&mut self, headers: &mut HeaderMap, understood: &[&str]) -> Result<(), Fault> {
        self.offered.retain(|offered| understood.iter().any(|name| name.as_bytes() == &**offered));
        let names: Vec<&str> = self.offered.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect();
        let reason = "Name the sub-protocol in Sec-WebSocket-Protocol: graphql-transport-ws or graphql-ws.";
        let value = Some(names.join(", ")).filter(|names| !names.is_empty());
        let value = value.and_then(|names| HeaderValue::try_from(names).ok()).ok_or(Fault::bad_request(reason))?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
        Ok(())
    }

    /// The fields that ask the upstream for the same.
    pub(crate) fn ask(headers: &mut HeaderMap) {
        headers.remove(SEC_WEBSOCKET_EXTENSIONS);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, WEBSOCKET);
    }

    /// Whether an upstream's 101 answers this handshake (RFC 6455 section 4.1).
    pub(crate) fn is_answered_by(&self, headers: &HeaderMap) -> bool {
        let mut accepts = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter();
        let accepted = accepts.next() == Some(&self.accept) && accepts.next().is_none();
        let mut chosen = tokens(headers, &SEC_WEBSOCKET_PROTOCOL);
        let protocol = match (chosen.next(), chosen.next()) {
            (None, _) => true,
            (Some(chosen), None) => self.offered.iter().any(|offered| **offered == *chosen),
            _ => false,
        };
        accepted
            && protocol
            && tokens(headers, &UPGRADE).any(|t| t.eq_ignore_ascii_case(b"websocket"))
            && tokens(headers, &CONNECTION).any(|t| t.eq_ignore_ascii_case(b"upgrade"))
            // None was asked for.
            && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
    }

    /// Adds the fields of our own 101 to what is left of the upstream's.
    pub(crate) fn answer(&self, headers: &mut HeaderMap) {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, WEBSOCKET);
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
    }
}

/// Whether a request asks for a WebSocket, well or badly.
pub(crate) fn is_wanted(parts: &Parts) -> bool {
    tokens(&parts.headers, &UPGRADE).any(|t| t.eq_ignore_ascii_case(b"websocket"))
}

/// 426: this API speaks WebSocket and nothing else.
fn required() -> Fault {
    let (message, text) = ("Upgrade Required", "This API is called with a WebSocket handshake (RFC 6455, version 13).");
    Fault::from_policy(StatusCode::UPGRADE_REQUIRED.as_u16(), 426, message.into(), text.into())
}

fn accept_of(key: &[u8]) -> Result<HeaderValue, Fault> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat());
    HeaderValue::try_from(STANDARD.encode(hash)).map_err(|_| required())
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|v| v.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii).filter(|t| !t.is_empty())
}

/// Refuses pages of other sites where the API, or else the gateway, names its own: a browser sends a handshake anywhere
/// without asking first.
pub(crate) fn check_origin(api: &Api, general: Option<&[String]>, headers: &HeaderMap) -> Result<(), Fault> {
    let own = api.deployed.cors.as_ref().map(|cors| cors.allow_origins.as_slice());
    let (Some(origins), Some(origin)) = (own.or(general), headers.get(ORIGIN)) else { return Ok(()) };
    let allowed = origins.iter().any(|own| own == "*" || own.as_bytes() == origin.as_bytes());
    if allowed { Ok(()) } else { Err(Fault::wrong_origin()) }
}

/// Makes the token of the query a header, where there is no such header, and takes it out of the query: it is for the
/// gateway alone. With both, the request carries two tokens, of which the verifier accepts none.
pub(crate) fn take_token(parts: &mut Parts, api: &Api) -> Result<(), Fault> {
    let is_token = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        percent_decode_str(name).eq(TOKEN_PARAMETER.bytes())
    };
    let Some(query) = parts.uri.query().filter(|q| q.split('&').any(|pair| is_token(&pair))) else { return Ok(()) };
    let wrong = Fault::invalid_credentials;
    if api.schemes.contains(&Scheme::Token) {
        for pair in query.split('&').filter(is_token) {
            let (_, value) = pair.split_once('=').unwrap_or_default();
            let token = percent_decode_str(value).decode_utf8().map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| wrong())?;
            value.set_sensitive(true);
            parts.headers.append(api.token_header.clone(), value);
        }
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
    let path = parts.uri.path();
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(target.parse().map_err(|_| wrong())?);
    parts.uri = http::Uri::from_parts(uri).map_err(|_| wrong())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Handshake, accept_of};
    use http::{HeaderMap, Request};

    #[test]
    fn the_accept_value_is_the_one_of_the_rfc() {
        assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let status = |headers: &[(&str, &str)], has_body: bool| {
            let mut request = Request::builder().uri("/chat");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            Handshake::read(&mut parts, has_body).map(|_| ()).unwrap_err().status.as_u16()
        };
        // Complete, but no connection that could change.
        assert_eq!(status(&good, false), 426);
        assert_eq!(status(&good, true), 400);
        for (at, (wrong, expected)) in
            [("close", 426), ("h2c", 426), ("8", 426), ("dGhlIHNhbXBsZQ==", 400)].into_iter().enumerate()
        {
            let mut headers = good;
            headers[at].1 = wrong;
            assert_eq!(status(&headers, false), expected, "{wrong}");
        }
        let twice = [good.as_slice(), &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]].concat();
        assert_eq!(status(&twice, false), 400);
    }

    #[test]
    fn upstream_answers_are_checked() {
        // The last piece of a handshake comes from a live connection; the checks of the answer need none of it.
        let accept = accept_of(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
        let check = |changes: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("connection", "upgrade".parse().unwrap());
            headers.insert("upgrade", "websocket".parse().unwrap());
            headers.insert("sec-websocket-accept", accept.clone());
            for (name, value) in changes {
                headers.append(*name, value.parse().unwrap());
            }
            let mut request = Request::new(());
            let upgrade = hyper::upgrade::on(&mut request);
            let offered = vec![b"chat".as_slice().into()];
            Handshake { upgrade, accept: accept.clone(), offered }.is_answered_by(&headers)
        };
        assert!(check(&[]));
        assert!(check(&[("sec-websocket-protocol", "chat")]));
        assert!(!check(&[("sec-websocket-protocol", "other")]));
        assert!(!check(&[("sec-websocket-protocol", "chat, other")]));
        assert!(!check(&[("sec-websocket-extensions", "permessage-deflate")]));
        assert!(!check(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]));
    }
}
