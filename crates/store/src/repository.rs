//! Repositories: one file per kind of thing. Functions take the unit of work and the tenant, and return domain rows.

pub mod api;
pub mod api_key;
pub mod application;
pub mod application_key;
pub mod artifact;
pub mod audit;
pub mod catalogue;
pub mod certificate;
pub mod change;
pub mod comment;
pub mod deny;
pub mod document;
pub mod operation_policy;
pub mod revision;
pub mod shared_scope;
pub mod subscription;
pub mod tenant_setting;
pub mod throttling;

pub mod client;
pub mod directory;
pub mod login_session;
pub mod oauth;
pub mod recovery;
pub mod role;
pub mod second_factor;
pub mod session;
pub mod setup;
pub mod sign_in;
pub mod sign_up;
pub mod signing_key;
pub mod tenant;
pub mod token;
pub mod trusted_issuer;
pub mod usage;
pub mod user;
