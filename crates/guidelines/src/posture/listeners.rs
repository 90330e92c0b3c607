//! Listeners that are configured.

use std::net::SocketAddr;

/// One listener.
#[derive(Clone, Debug)]
pub struct ListenerFacts {
    /// What it is for, as in `management`.
    pub name: String,
    /// The setting of its port, as in `transport.https.properties.port`.
    pub port_key: String,
    /// The setting of its address; empty when there is none.
    pub address_key: String,
    /// The setting and value that switch it off, as in `transport.http.enable = false`; empty when it must be there.
    pub off: String,
    /// Address and port.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether people administer through it.
    pub administrative: bool,
}

impl ListenerFacts {
    /// Whether other machines can reach it; `::ffff:127.0.0.1` is this machine.
    pub fn is_exposed(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }
}
