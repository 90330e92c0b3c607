//! TLS settings of listeners and senders.

/// Which side an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsRole {
    /// Accepts connections.
    Listener,
    /// Opens connections.
    Sender,
}

/// One place where TLS is configured.
#[derive(Clone, Debug)]
pub struct TlsEndpoint {
    /// What it is, as in `gateway listener`.
    pub name: String,
    /// Which side.
    pub role: TlsRole,
    /// Whether it carries API traffic (WSO2's PassThrough transport).
    pub gateway: bool,
    /// The setting of the protocols.
    pub protocol_key: String,
    /// `file:line`; the file alone when the setting is left out.
    pub protocol_place: String,
    /// Protocols in effect, in WSO2's words, as in `TLSv1.2`.
    pub protocols: Vec<String>,
    /// The setting of the ciphers.
    pub cipher_key: String,
    /// `file:line`; the file alone when the setting is left out.
    pub cipher_place: String,
    /// Cipher suites by their IANA names; `None` = what the platform likes.
    pub ciphers: Option<Vec<String>>,
    /// Key exchange groups by name; `None` = what the platform likes.
    pub groups: Option<Vec<String>>,
}
