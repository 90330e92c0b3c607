//! What the composition root decides for this crate.

use std::time::Duration;

use crate::{BreachList, CallbackPattern, SelfRegistration};

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
    /// Whether the listener of the token endpoint asks for client certificates (RFC 8705).
    pub client_certificates: bool,
    /// Lifetime of access tokens of applications unless the client has its own. WSO2: one hour.
    pub access_token_lifetime: Duration,
    /// Lifetime of access tokens of users unless the client has its own. WSO2: one hour.
    pub user_token_lifetime: Duration,
    /// Lifetime of refresh tokens unless the client has its own. WSO2: one day.
    pub refresh_token_lifetime: Duration,
    /// How long an authorization code works. WSO2: five minutes.
    pub code_lifetime: Duration,
    /// Failed attempts in a row after which an account is locked. WSO2: 5.
    pub lock_threshold: u32,
    /// How long the first lock lasts; each further one lasts twice as long, at most one hour.
    pub lock_duration: Duration,
    /// Failed attempts from one address within five minutes after which it is refused for the rest of them.
    pub address_budget: u32,
    /// Failed attempts from all addresses within five minutes after which each address gets a twentieth of its budget.
    pub global_budget: u32,
    /// A browser session ends when it was not used for this time. WSO2: 15 minutes.
    pub session_idle: Duration,
    /// A browser session ends at this age, however much it is used.
    pub session_lifetime: Duration,
    /// Passwords known from breaches, which are refused; `None` without such a list.
    pub breach_list: Option<BreachList>,
    /// Where people may be sent on to after choosing a new password by mail. Recovery is off without it (guideline A25).
    pub recovery: Option<CallbackPattern>,
    /// How people make accounts of their own. Off without it (guideline A25).
    pub self_registration: Option<SelfRegistration>,
    /// How many passwords are hashed at the same time; each takes 19 MiB and one core.
    pub parallel_hashes: usize,
    /// Most expired rows of one kind that one transaction removes (guideline O08).
    pub cleanup_chunk: u32,
    /// Most users of one tenant.
    pub max_users: i64,
    /// Most roles of one tenant, built-in ones included.
    pub max_roles: i64,
    /// Most clients that one user may have registered at the same time.
    pub max_clients_per_owner: usize,
}

impl IdentitySettings {
    /// WSO2's defaults for the given issuer and address.
    pub fn new(issuer: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            base_url: base_url.into(),
            password_grant: false,
            client_certificates: false,
            access_token_lifetime: Duration::from_hours(1),
            user_token_lifetime: Duration::from_hours(1),
            refresh_token_lifetime: Duration::from_hours(24),
            code_lifetime: Duration::from_mins(2),
            lock_threshold: 5,
            lock_duration: Duration::from_mins(5),
            address_budget: 100,
            global_budget: 1000,
            session_idle: Duration::from_mins(15),
            session_lifetime: Duration::from_hours(12),
            breach_list: None,
            recovery: None,
            self_registration: None,
            parallel_hashes: 2,
            cleanup_chunk: 8192,
            max_users: 250_000,
            max_roles: 5_000,
            max_clients_per_owner: 200,
        }
    }
}
