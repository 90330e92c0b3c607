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
mod backend_token;
mod breach_list;
mod callback;
mod clean_up;
mod client;
mod delegation;
mod error;
mod federation;
#[cfg(feature = "for-tests")]
pub mod for_tests;
mod grants;
mod hash;
mod internal_key;
mod keys;
mod mail;
mod name;
mod oauth;
mod password;
mod recovery;
mod refresh;
mod registration;
mod reseal;
mod revocation;
mod role;
mod scope;
mod second_factor;
mod service;
mod session;
mod settings;
mod setup;
mod sign_in;
mod tenant;
mod token;
mod totp;
mod user;
mod user_store;

pub use authenticate::ApiUser;
pub use breach_list::BreachList;
pub use callback::{CallbackFault, CallbackPattern};
pub use clean_up::CleanUpReport;
pub use client::{ClientChange, ClientOrigin, ClientSecret, NewClient, OAuthClient, SecretInfo};
pub use error::IdentityError;
pub use federation::{FederatedReturn, FederatedStart, SignInProvider};
pub use keys::{KeyPolicy, ResidentIssuer, TokenKeys};
pub use mail::{Mail, MailTls, Mailer, SmtpMailer, SmtpSettings};
pub use oauth::authorize::{AuthorizationStep, ConsentQuestion};
pub use oauth::device::WaitingDevice;
pub use oauth::logout::SignOutRequest;
pub use oauth::metadata::{ClientAuthMethod, ClientMetadata};
pub use password::{MIN_PASSWORD_CHARS, PasswordFault};
pub use recovery::Recovery;
pub use registration::{PendingSignUp, SelfRegistration, SignUpConfirmed, SignUpForm};
pub use reseal::sealed_context;
pub use revocation::{SubjectEpoch, TokenRevocation};
pub use role::Role;
pub use scope::{ScopeBinding, system_scopes};
pub use second_factor::{AuthenticatorOffer, SecondFactorState};
pub use service::{Identity, LOCAL_OPERATOR};
pub use session::{Browser, Factor, Session};
pub use settings::IdentitySettings;
pub use sign_in::browser::{BrowserSignIn, CodeStep, SetUpStep, SignInForm, SignInStep, WaitingSetUp};
pub use tenant::{NewTenant, TenantDetails, TenantOwner, UserStore};
pub use token::IssuedToken;
pub use user::{NewUser, User};
pub use user_store::{
    AttributeName, DirectoryError, DirectoryListing, DirectoryStore, DirectoryUser, FilterFault, FilterTemplate,
    GroupSearch, LdapDirectory, LdapServer, LdapSettings, Nesting, ServerFault, UserDirectory, UserSearch,
};

/// The role that may do everything in its tenant.
pub const ADMIN_ROLE: &str = "admin";
