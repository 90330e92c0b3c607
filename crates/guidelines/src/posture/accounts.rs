//! Accounts and roles.

/// Accounts of an installation.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Nobody has been set up yet.
    pub set_up_pending: bool,
    /// Places of accounts whose name and password everybody knows: `file:line` and setting.
    pub known_credentials: Vec<(String, String)>,
    /// How many accounts there are.
    pub total: u64,
    /// Those with the role of administrator.
    pub administrators: Vec<Administrator>,
    /// Failed sign-ins before an account is locked; `None` = never.
    pub lock_after: Option<u32>,
    /// Shortest password.
    pub min_password: u32,
    /// Whether passwords are compared with those of known breaches.
    pub breach_list: bool,
}

/// An administrator.
#[derive(Clone, Debug, Default)]
pub struct Administrator {
    /// Name.
    pub name: String,
    /// Whether the account was ever used; `None` = not recorded.
    pub ever_signed_in: Option<bool>,
    /// Whether it has a second factor; `None` = not recorded.
    pub second_factor: Option<bool>,
    /// Other roles.
    pub other_roles: Vec<String>,
}
