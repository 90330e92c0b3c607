//! What was seen from outside, over sockets, as a scanner or an intruder would.

/// What a listener could be talked into.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TlsProbe {
    /// The listener, as in `gateway 127.0.0.1:8243`.
    pub place: String,
    /// Protocol versions that were agreed on, as in `TLS 1.2`.
    pub versions: Vec<String>,
    /// Suites that were agreed on, with what speaks against each; nothing does against a fit one.
    pub suites: Vec<(String, Vec<String>)>,
    /// Key exchange groups by name.
    pub groups: Vec<String>,
    /// The smallest of them in bits.
    pub smallest_group: Option<u16>,
    /// The smallest modulus of a finite-field exchange in bits; `None` = there is no such exchange.
    pub finite_field: Option<usize>,
    /// Whether it compresses.
    pub compression: bool,
    /// Whether a client can start a renegotiation; `None` = it could not be tried.
    pub client_renegotiation: Option<bool>,
    /// Whether secure renegotiation is signalled, or cannot happen.
    pub secure_renegotiation: bool,
    /// Whether a downgrade is refused or noticed.
    pub downgrade_refused: bool,
    /// Certificates that were shown.
    pub certificates: Vec<ProbedCertificate>,
}

/// A certificate as it was served.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProbedCertificate {
    /// Its subject.
    pub subject: String,
    /// What is wrong with its key, as in `RSA 1024`; `None` = nothing.
    pub weak_key: Option<String>,
    /// Its signature algorithm when that is broken.
    pub weak_signature: Option<String>,
    /// Valid from, milliseconds since 1970.
    pub not_before: i64,
    /// Valid until, milliseconds since 1970.
    pub not_after: i64,
    /// Whether it is made for the configured host name.
    pub for_host: bool,
}

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Exchange {
    /// The listener.
    pub place: String,
    /// What was sent, as in `GET /nothing`.
    pub request: String,
    /// The status; `None` = the connection was closed without an answer.
    pub status: Option<u16>,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whether the request was no whole HTTP: its refusal is made before anything is known, and holds nothing.
    pub malformed: bool,
    /// Whether this is a file that may be cached, because its name changes with its content.
    pub immutable: bool,
    /// Names of products found in the answer outside of documents.
    pub product_names: Vec<String>,
}

impl Exchange {
    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What was sent where.
    pub fn what(&self) -> String {
        format!("{} to {}", self.request, self.place)
    }

    /// Whether the answer is a page.
    pub fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }
}

/// Something that must not succeed, and whether it did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attempt {
    /// What was tried, as in `password grant with admin/admin`.
    pub what: String,
    /// Where.
    pub place: String,
    /// Whether it was refused.
    pub refused: bool,
    /// What came back, in a few words, never with a secret.
    pub observed: String,
}
