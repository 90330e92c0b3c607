//! What the composition root decides for this crate.

use std::time::Duration;

/// Longest lifetime of an access token: 366 days.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(366 * 24);

/// Settings of the key manager and of sign-in.
#[derive(Clone, Debug)]
pub struct IdentitySettings {
    /// Exact `iss` of our tokens; WSO2's form is `https://<host>:<port>/oauth2/token`.
    pub issuer: String,
    /// Where this service is reached, as in `https://localhost:9443`, without a slash at the end.
    pub base_url: String,
    /// Whether the password grant is offered. Off unless configured: it teaches applications to ask for passwords.
    pub password_grant: bool,
    /// Lifetime of access tokens unless the client has its own. WSO2: one hour.
    pub access_token_lifetime: Duration,
    /// Lifetime of refresh tokens unless the client has its own. WSO2: one day.
    pub refresh_token_lifetime: Duration,
    /// Failed attempts in a row after which an account is locked. WSO2: 5.
    pub lock_threshold: u32,
    /// How long the first lock lasts; each further one lasts twice as long, at most one hour.
    pub lock_duration: Duration,
    /// Failed attempts from one address within five minutes after which it is refused for the rest of them.
    pub address_budget: u32,
    /// How many passwords are hashed at the same time; each takes 19 MiB and one core.
    pub parallel_hashes: usize,
}

impl IdentitySettings {
    /// WSO2's defaults for the given issuer and address.
    pub fn new(issuer: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            base_url: base_url.into(),
            password_grant: false,
            access_token_lifetime: Duration::from_hours(1),
            refresh_token_lifetime: Duration::from_hours(24),
            lock_threshold: 5,
            lock_duration: Duration::from_mins(5),
            address_budget: 100,
            parallel_hashes: 2,
        }
    }
}
