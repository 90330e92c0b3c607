//! What goes in and out: egress rules, tokens, caps.

/// Where connections may go beside public addresses.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// Exceptions from the refusal of private addresses.
    pub rules: Vec<EgressRule>,
}

/// One exception.
#[derive(Clone, Debug)]
pub struct EgressRule {
    /// As written.
    pub text: String,
    /// What it is.
    pub kind: EgressRuleKind,
}

/// What an exception covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressRuleKind {
    /// A network: bits of the prefix, whether it is IPv6, and whether it covers link-local (metadata) addresses.
    Network {
        /// Length of the prefix.
        prefix: u8,
        /// Version 6.
        v6: bool,
        /// Covers `169.254.0.0/16`, `fe80::/10` or `fd00:ec2::/32`.
        link_local: bool,
        /// Covers loopback.
        loopback: bool,
    },
    /// A host name.
    Host {
        /// Whether it stands for many.
        wildcard: bool,
    },
}

/// Tokens and grants.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// `file:line` of the settings, or of the file.
    pub place: String,
    /// Whether the password grant is on.
    pub password_grant: bool,
    /// Life of an application's token, seconds.
    pub application_seconds: u64,
    /// Life of a person's token, seconds.
    pub user_seconds: u64,
    /// Life of a refresh token, seconds.
    pub refresh_seconds: u64,
    /// Whether the token goes on to the backend.
    pub forwarded: bool,
    /// Origins that may call, as configured.
    pub cors_origins: Vec<String>,
    /// Whether they may send credentials.
    pub cors_credentials: bool,
    /// Whether visitors who are not signed in see the portal.
    pub anonymous_portal: bool,
}

/// Caps on requests and connections.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// `file:line` of the settings, or of the file.
    pub place: String,
    /// Most bytes of a request's head; `None` = no cap.
    pub head_bytes: Option<u64>,
    /// Most bytes of a body; `None` = no cap.
    pub body_bytes: Option<u64>,
    /// Seconds in which a client must send its head; `None` = for ever.
    pub head_seconds: Option<u64>,
    /// Most connections; `None` = no cap.
    pub connections: Option<u64>,
}
