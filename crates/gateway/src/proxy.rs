//! Proxies in front of the gateway that may say who their client is: by the PROXY protocol, version 2, before the first byte
//! of a connection, or by a field of each request.
//!
//! Nobody is believed who is not listed. A listed peer of the PROXY protocol has to speak it, as a receiver must not guess
//! (its section 2.2): else a client that reaches the gateway through such a peer could be anybody.

use http::HeaderMap;
use ipnet::IpNet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Start of a header, version 2.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Most bytes behind the fixed part: addresses and extensions that nobody here reads.
const MAX_REST: usize = 2048;
/// Addresses of a forwarding field that are looked at, from the nearest on.
const MAX_HOPS: usize = 32;

/// The peers that are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Who sends a PROXY protocol header before everything else.
    pub protocol: Vec<IpNet>,
    /// Whose forwarding field counts.
    pub forwarded: Vec<IpNet>,
    /// Which field that is. One only: a proxy overwrites the field that it knows and passes on the other one.
    pub field: ForwardedField,
}

/// A field that says for whom a request was forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedField {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the protocol.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Who calls, and whether over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) secure: bool,
}

impl Proxies {
    /// Whether a peer has to begin with a PROXY protocol header.
    pub(crate) fn speaks_protocol(&self, peer: IpAddr) -> bool {
        contains(&self.protocol, peer)
    }

    /// Whether the forwarding field of a peer counts.
    pub(crate) fn forwards(&self, peer: IpAddr) -> bool {
        contains(&self.forwarded, peer)
    }

    /// The client of a request that came through a peer whose field counts: the nearest address that is not such a peer
    /// itself. What stands behind it was written by somebody who is not believed.
    pub(crate) fn client(&self, headers: &HeaderMap, peer: Client) -> Client {
        let mut client = peer;
        let name = match self.field {
            ForwardedField::XForwardedFor => "x-forwarded-for",
            ForwardedField::Forwarded => "forwarded",
        };
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        let quoted = self.field == ForwardedField::Forwarded;
        let elements = values.iter().rev().flat_map(|value| FromBehind { rest: Some(value), quoted });
        for element in elements.take(MAX_HOPS) {
            // Each alone: what a client wrote must not make unreadable what the proxy put behind it.
            let Ok(element) = std::str::from_utf8(element) else { break };
            let found = match self.field {
                ForwardedField::XForwardedFor => node(element.trim()),
                ForwardedField::Forwarded => parameter(element, "for").and_then(node),
            };
            // Something else than an address hides the client, and everything behind it with it.
            let Some(address) = found else { break };
            client.address = address;
            if let Some(proto) = parameter(element, "proto").filter(|_| self.field == ForwardedField::Forwarded) {
                client.secure = proto.eq_ignore_ascii_case("https");
            }
            if !self.forwards(address) {
                break;
            }
        }
        if self.field == ForwardedField::XForwardedFor {
            let mut protocols = headers.get_all("x-forwarded-proto").iter();
            if let (Some(proto), None) = (protocols.next(), protocols.next()) {
                client.secure = proto.as_bytes().eq_ignore_ascii_case(b"https");
            }
        }
        client
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// The elements of a list, the last one first; `quoted` says that commas in quotes are none (RFC 7239 section 4). Read from
/// behind, so that a quote that a client left open reaches nothing that a proxy put after it.
struct FromBehind<'a> {
    rest: Option<&'a [u8]>,
    quoted: bool,
}

impl<'a> Iterator for FromBehind<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let mut inside = false;
        for (at, byte) in rest.iter().enumerate().rev() {
            let before = rest.get(..at).unwrap_or_default();
            match byte {
                b'"' if self.quoted => {
                    let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
                    inside ^= escapes % 2 == 0;
                }
                b',' if !inside => {
                    self.rest = Some(before);
                    return rest.get(at + 1..);
                }
                _ => {}
            }
        }
        self.rest = None;
        Some(rest)
    }
}

/// A parameter of one element of `Forwarded`, without its quotes. A semicolon in quotes ends none: `host` repeats what the
/// client wrote.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    let (mut inside, mut escaped) = (false, false);
    let pairs = element.split(|character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
        character == ';' && !inside
    });
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim_matches('"'))
}

/// An address, with or without a port, IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
            port_is_fine.then_some(address)?
        }
        None => text.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok())?.0,
    };
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Reads the header that a listed peer begins with. `None` means the peer speaks for itself, as its health checks do.
pub(crate) async fn read_header(stream: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let mut fixed = [0; 16];
    stream.read_exact(&mut fixed).await?;
    let [signature @ .., version_command, family, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if signature != SIGNATURE || version_command >> 4 != 2 || length > MAX_REST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (version_command & 0x0f, family >> 4) {
        // LOCAL.
        (0, _) => Ok(None),
        (1, 1) => {
            let source: Option<[u8; 4]> = rest.get(..12).and_then(|_| rest.first_chunk().copied());
            source.map(|source| Some(IpAddr::V4(Ipv4Addr::from(source)))).ok_or(io::ErrorKind::InvalidData.into())
        }
        (1, 2) => {
            let source: Option<[u8; 16]> = rest.get(..36).and_then(|_| rest.first_chunk().copied());
            let address = source.map(|source| IpAddr::V6(Ipv6Addr::from(source)).to_canonical());
            address.map(Some).ok_or(io::ErrorKind::InvalidData.into())
        }
        // Somebody whose address has no place here; the peer's own would be a lie.
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, ForwardedField, Proxies};
    use http::HeaderMap;

    fn client(field: ForwardedField, fields: &[(&'static str, &'static str)]) -> (String, bool) {
        let proxies = Proxies {
            protocol: Vec::new(),
            forwarded: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            field,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let found = proxies.client(&headers, Client { address: "10.0.0.1".parse().unwrap(), secure: false });
        (found.address.to_string(), found.secure)
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_client() {
        for (fields, expected) in [
            (&[][..], "10.0.0.1"),
            (&[("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
            (&[("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.1.1")], "192.0.2.7"),
            (&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
            (&[("x-forwarded-for", "6.6.6.6, unknown, 10.2.2.2")], "10.2.2.2"),
            (&[("x-forwarded-for", "6.6.6.6, , 10.2.2.2")], "10.2.2.2"),
            (&[("x-forwarded-for", "192.0.2.7:4711")], "192.0.2.7"),
            (&[("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1"),
            (&[("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
            (&[("x-forwarded-for", "::ffff:192.0.2.7")], "192.0.2.7"),
            (&[("x-forwarded-for", "evil\tname")], "10.0.0.1"),
            (&[("forwarded", "for=6.6.6.6")], "10.0.0.1"),
        ] {
            assert_eq!(client(ForwardedField::XForwardedFor, fields).0, expected, "{fields:?}");
        }
        let long = "10.0.0.2,".repeat(100) + "10.0.0.3";
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", format!("6.6.6.6,{long}").parse().unwrap());
        let proxies = Proxies { forwarded: vec!["10.0.0.0/8".parse().unwrap()], ..Proxies::default() };
        let peer = Client { address: "10.0.0.1".parse().unwrap(), secure: false };
        assert_eq!(proxies.client(&headers, peer).address.to_string(), "10.0.0.2");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nobody() {
        for (field, name, value) in [
            (ForwardedField::XForwardedFor, "x-forwarded-for", &b"\xff, 192.0.2.7"[..]),
            (ForwardedField::XForwardedFor, "x-forwarded-for", b"6.6.6.6, \xe9\x80, 192.0.2.7, 10.1.1.1"),
            (ForwardedField::Forwarded, "forwarded", b"for=\xff, for=192.0.2.7;proto=http"),
            (ForwardedField::Forwarded, "forwarded", b"for=\"\xff, for=192.0.2.7, for=10.1.1.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, http::HeaderValue::from_bytes(value).unwrap());
            let forwarded = vec!["10.0.0.0/8".parse().unwrap()];
            let proxies = Proxies { protocol: Vec::new(), forwarded, field };
            let peer = Client { address: "10.0.0.1".parse().unwrap(), secure: false };
            assert_eq!(proxies.client(&headers, peer).address.to_string(), "192.0.2.7", "{value:?}");
        }
    }

    #[test]
    fn the_protocol_comes_from_the_same_source() {
        let x = ForwardedField::XForwardedFor;
        assert!(client(x, &[("x-forwarded-proto", "https")]).1);
        assert!(!client(x, &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")]).1);
        let forwarded =
            |value| client(ForwardedField::Forwarded, &[("forwarded", value), ("x-forwarded-for", "6.6.6.6")]);
        assert_eq!(forwarded("for=192.0.2.7;proto=https"), ("192.0.2.7".into(), true));
        assert_eq!(forwarded("For=\"[2001:db8::1]:80\"; Proto=http"), ("2001:db8::1".into(), false));
        assert_eq!(forwarded("for=6.6.6.6, for=192.0.2.7, for=10.9.9.9"), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("for=192.0.2.7;by=\"a,for=6.6.6.6\""), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("host=\"x;for=6.6.6.6;proto=https\";for=192.0.2.7"), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("host=\"x\\\";for=6.6.6.6\";for=192.0.2.7"), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("for=\"6.6.6.6, for=192.0.2.7, for=10.1.1.1"), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("for=6.6.6.6\", for=192.0.2.7"), ("192.0.2.7".into(), false));
        assert_eq!(forwarded("for=\"[2001:db8::1]:80\", for=\"10.1.1.1:80\""), ("2001:db8::1".into(), false));
        assert_eq!(forwarded("for=_hidden"), ("10.0.0.1".into(), false));
        assert_eq!(forwarded("by=1.2.3.4"), ("10.0.0.1".into(), false));
    }
}
