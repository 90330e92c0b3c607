//! Connections to other systems, as configured.

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionPurpose {
    /// A database.
    Database,
    /// A directory of users.
    UserStore,
    /// A mail server.
    Mail,
    /// Another node or product of the same platform.
    Peer,
    /// A message broker.
    Broker,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Plain,
    /// By TLS whose certificate or host name is not verified, or that falls back to plain text.
    Unverified,
    /// By TLS with verified certificate and host name.
    Verified,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What it is for.
    pub purpose: ConnectionPurpose,
    /// The setting that says where it goes, as in `database.apim_db.url`.
    pub key: String,
    /// `file:line` of it.
    pub place: String,
    /// Host, socket or file; never with a password.
    pub target: String,
    /// Whether it stays on this machine.
    pub local: bool,
    /// How it is protected.
    pub protection: Protection,
    /// The value to write for a protected one.
    pub remedy: String,
    /// Account it uses; empty when it has none or it is a reference to a secret.
    pub user: String,
    /// Whether the account's name and password are those of the shipped example.
    pub default_credentials: bool,
    /// Whether it is an embedded database that is meant for trying out.
    pub embedded_example: bool,
}
