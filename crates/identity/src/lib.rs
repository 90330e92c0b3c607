//! User stores, sign-in, OAuth2 key manager, SCIM, tenants.
//!
//! [`Identity`] is the service: its methods are use cases that know no HTTP; `api` puts them on WSO2's paths
//! ([`Identity::routes`]). It implements [`web::Authenticator`], so every guarded route of the management listener asks
//! it who is calling. Depends on `model`, `jose`, `store`, `vault`, `web`.
//!
//! Rules that hold everywhere here: passwords are kept as Argon2id, secrets and tokens as SHA-256; a wrong password, an
//! unknown user and a locked user get the same answer at the same cost; whatever ends a right (lock, deletion, a role or
//! password change, revocation) is visible to gateways through [`Identity::changes`].
//!
//! To add an operation: a use case here, a handler in `api/`, one line in the route table of that file.

mod address;
mod api;
mod attribute;
mod authenticate;
mod client;
mod error;
mod hash;
mod internal_key;
mod keys;
mod name;
mod password;
mod refresh;
mod revocation;
mod role;
mod scope;
mod service;
mod settings;
mod setup;
mod sign_in;
mod tenant;
mod token;
mod user;

pub use client::{ClientChange, ClientOrigin, ClientSecret, NewClient, OAuthClient, SecretInfo};
pub use error::IdentityError;
pub use keys::TokenKeys;
pub use password::{MIN_PASSWORD_CHARS, PasswordFault};
pub use revocation::{SubjectEpoch, TokenRevocation};
pub use role::Role;
pub use scope::{ScopeBinding, system_scopes};
pub use service::{Identity, LOCAL_OPERATOR};
pub use settings::IdentitySettings;
pub use tenant::{NewTenant, TenantDetails, TenantOwner, UserStore};
pub use token::IssuedToken;
pub use user::{NewUser, User};

/// The role that may do everything in its tenant.
pub const ADMIN_ROLE: &str = "admin";
