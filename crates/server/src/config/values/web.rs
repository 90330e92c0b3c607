//! Names and addresses of the web: hosts, headers, origins, endpoints, networks.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

use super::text_of;
use crate::config::context::Context;
use crate::config::section::{Kind, Parse};
use crate::config::tree::{Node, Value};

/// A host name (RFC 1123) or an IP address, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a name: labels of letters, digits and hyphens, 253 bytes at most, or an IP address.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let right = text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label));
        right.then_some(Self(text))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Parse for HostName {
    const KIND: Kind = Kind::Text("host name");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a host name")?;
        let name = Self::read(&text);
        if name.is_none() {
            cx.bad_value(
                node.at,
                "a host name has labels of letters, digits and hyphens with dots between them",
                "write the name without scheme, port or path, for example api.example.com",
            );
        }
        name
    }
}

/// Text that may stand in an HTTP header value or name list: visible ASCII and spaces, 256 bytes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText(String);

impl HeaderText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for HeaderText {
    const KIND: Kind = Kind::Text("header value");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a header value")?;
        if text.len() > 256 || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            cx.bad_value(node.at, "a header value is visible ASCII of at most 256 bytes", "shorten or change the text");
            return None;
        }
        Some(Self(text))
    }
}

/// Name of an HTTP header: a token (RFC 9110, section 5.1) of at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(String);

impl HeaderName {
    /// The name as written; compare it without regard to case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for HeaderName {
    const KIND: Kind = Kind::Text("header name");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a header name")?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if text.len() > 64 || !text.bytes().all(token) {
            cx.bad_value(
                node.at,
                "a header name has letters, digits and hyphens, at most 64",
                "write for example \"Authorization\"",
            );
            return None;
        }
        Some(Self(text))
    }
}

/// A browser origin: `https://host[:port]`, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Any origin; never together with credentials (X07).
    Any,
    /// `scheme://host[:port]`, in lower case.
    Exact(String),
}

impl Parse for Origin {
    const KIND: Kind = Kind::Text("origin");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "an origin")?.to_ascii_lowercase();
        if text == "*" {
            return Some(Self::Any);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let right = rest.is_some_and(|rest| {
            let (host, port) = split_port(rest);
            port.is_none_or(|port| port.parse::<NonZeroU16>().is_ok()) && HostName::read(host).is_some()
        });
        if !right {
            cx.bad_value(
                node.at,
                "an origin is a scheme, a host and perhaps a port, without path or trailing slash",
                "write for example \"https://portal.example.com\", or \"*\"",
            );
        }
        right.then_some(Self::Exact(text))
    }
}

/// An HTTP method, in capitals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(String);

impl Method {
    /// The method.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for Method {
    const KIND: Kind = Kind::Text("HTTP method");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "an HTTP method")?.to_ascii_uppercase();
        if text.len() > 32 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            cx.bad_value(node.at, "a method is a word of letters", "write for example \"GET\"");
            return None;
        }
        Some(Self(text))
    }
}

/// An address of another system as WSO2 writes it: scheme, host, and a port or the port of our own listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `http`, `https`, `ws` or `wss`.
    pub scheme: String,
    /// The host.
    pub host: HostName,
    /// `None` = the port of our own listener (`${https.nio.port}`); without a port that of the scheme, 80 or 443.
    pub port: Option<u16>,
    /// The path, empty or beginning with a slash.
    pub path: String,
}

impl Parse for Endpoint {
    const KIND: Kind = Kind::Text("URL");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        const OWN: [&str; 5] =
            ["${https.nio.port}", "${http.nio.port}", "${mgt.transport.https.port}", "${ws.port}", "${wss.port}"];
        let mut node = cx.follow(node)?;
        let mut own = false;
        if let Value::Text(text) = &mut node.value {
            for property in OWN.map(|property| format!(":{property}")) {
                own |= text.contains(&property);
                *text = text.replace(&property, "");
            }
        }
        let text = text_of(&node, cx, "a URL")?;
        let read = || {
            let (scheme, rest) = text.split_once("://")?;
            let scheme = scheme.to_ascii_lowercase();
            let usual = match scheme.as_str() {
                "http" | "ws" => 80,
                "https" | "wss" => 443,
                _ => return None,
            };
            if rest.contains(['@', '?', '#', '\\']) {
                return None;
            }
            let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
            let (host, port) = split_port(authority);
            let port = match port {
                Some(port) => port.parse::<NonZeroU16>().ok()?.get(),
                None => usual,
            };
            let port = (!own).then_some(port);
            Some(Self { scheme, host: HostName::read(host)?, port, path: path.trim_end_matches('/').to_owned() })
        };
        let endpoint = read();
        if endpoint.is_none() {
            cx.bad_value(
                node.at,
                "this is no URL of the form scheme://host:port/path with http, https, ws or wss",
                "write for example \"https://gateway.example.com:8243\"",
            );
        }
        endpoint
    }
}

/// Host and port of an authority; brackets around an IPv6 address are removed.
pub(in crate::config) fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[')
        && let Some((host, tail)) = rest.split_once(']')
    {
        return (host, tail.strip_prefix(':'));
    }
    authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
}

/// Where the control plane and the gateway may connect to beside public addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressRule {
    /// Every address of a network, on any port.
    Network(ipnet::IpNet),
    /// A host by name, with a port or on any.
    Host {
        /// The name; when `subdomains` is set, the part after `*.`.
        name: HostName,
        /// `*.name` was written: every host below it.
        subdomains: bool,
        /// `None` = any port.
        port: Option<u16>,
    },
}

impl Parse for EgressRule {
    const KIND: Kind = Kind::Text("network or host");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a network or a host")?;
        let read = || {
            if let Ok(network) = text.parse::<ipnet::IpNet>() {
                return Some(Self::Network(network.trunc()));
            }
            if let Ok(address) = text.parse::<IpAddr>() {
                return Some(Self::Network(address.into()));
            }
            let (host, port) = split_port(&text);
            let port = match port {
                Some(port) => Some(port.parse::<NonZeroU16>().ok()?.get()),
                None => None,
            };
            let (host, subdomains) = host.strip_prefix("*.").map_or((host, false), |rest| (rest, true));
            Some(Self::Host { name: HostName::read(host)?, subdomains, port })
        };
        let rule = read();
        if rule.is_none() {
            cx.bad_value(
                node.at,
                "this is neither a network, nor an address, nor a host name",
                "write for example \"10.0.0.0/8\", \"127.0.0.1\", \"backend.internal:8080\" or \"*.internal\"",
            );
        }
        rule
    }
}
