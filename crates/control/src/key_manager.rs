//! The port to the authorisation server, and the registry of key managers.
//!
//! The composition root implements [`KeyManager`] over crate `identity`. OAuth clients, their secrets and tokens live
//! there; this crate only knows which client belongs to which application.

pub(crate) mod discover;
pub(crate) mod known;
pub(crate) mod registry;

use model::{ConsumerKey, Secret, TenantId, Timestamp};
use serde_json::{Map, Value};
use web::BoxFuture;

/// Name of the key manager that is part of this server.
pub const RESIDENT: &str = "Resident Key Manager";

/// Why the authorisation server did not do it.
#[derive(Debug, thiserror::Error)]
pub enum KeyManagerError {
    /// What was asked for is wrong; the text is for the caller.
    #[error("{0}")]
    Invalid(String),
    /// There is no such client, or it belongs to another tenant.
    #[error("there is no such client")]
    UnknownClient,
    /// The client secret is wrong.
    #[error("the client secret is wrong")]
    WrongSecret,
    /// A bound was reached; the text is for the caller.
    #[error("{0}")]
    Limit(String),
    /// It cannot be reached or failed; the text is for the log.
    #[error("the authorisation server failed: {0}")]
    Failed(String),
}

/// A client to be made.
pub struct NewClient {
    /// Tenant of the application.
    pub tenant: TenantId,
    /// Owner of the application as WSO2 reports it: `alice`, or `alice@example.com` outside the super tenant.
    pub owner: String,
    /// Name, unique per owner, as in `alice_PizzaApp_PRODUCTION`.
    pub name: String,
    /// What the client may do and how.
    pub settings: ClientSettings,
    /// Client id and secret to use instead of fresh ones, when the consumer brings their own.
    pub chosen: Option<(ConsumerKey, Option<Secret<String>>)>,
}

/// What a client may do and how.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// OAuth grant types, as in `client_credentials`.
    pub grant_types: Vec<String>,
    /// Redirect URL or URLs as WSO2 writes them: one URL, or `regexp=(...)`.
    pub callback: Option<String>,
    /// `JWT` or `OAUTH`.
    pub token_type: String,
    /// Further properties by WSO2's names: `application_access_token_expiry_time`, `pkceMandatory`, `bypassClientCredentials`...
    pub properties: Map<String, Value>,
}

/// A client.
pub struct Client {
    /// Its id.
    pub consumer_key: ConsumerKey,
    /// Owner as WSO2 reports it.
    pub owner: String,
    /// Settings.
    pub settings: ClientSettings,
}

/// A client that was just made, with its secret unless it has none.
pub type CreatedClient = (Client, Option<Secret<String>>);

/// One of a client's secrets, without its value.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// Its id.
    pub id: String,
    /// What its owner wrote about it.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    pub expires: Option<Timestamp>,
}

/// A token to be issued for a client.
pub struct TokenRequest {
    /// Tenant of the application.
    pub tenant: TenantId,
    /// The client.
    pub consumer_key: ConsumerKey,
    /// Its secret; must be right when present.
    pub secret: Option<Secret<String>>,
    /// Requested scopes.
    pub scopes: Vec<String>,
    /// Lifetime in seconds; `None` means the default, a negative number as long as the server allows.
    pub validity_seconds: Option<i64>,
    /// A token to revoke first.
    pub revoke: Option<Secret<String>>,
}

/// An issued token.
pub struct IssuedToken {
    /// The access token.
    pub access_token: Secret<String>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// Lifetime, seconds.
    pub validity_seconds: i64,
}

/// Makes and manages the OAuth clients behind an application's keys. Object safe.
pub trait KeyManager: Send + Sync + 'static {
    /// Makes a client; the secret is shown to its owner once and is not kept by this crate.
    fn create_client(&self, request: NewClient) -> BoxFuture<'_, Result<CreatedClient, KeyManagerError>>;

    /// A client of the tenant.
    fn find_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Option<Client>, KeyManagerError>>;

    /// Replaces the settings of a client.
    fn update_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        settings: ClientSettings,
    ) -> BoxFuture<'a, Result<Client, KeyManagerError>>;

    /// Gives a client to another owner of the same tenant.
    fn change_owner<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<(), KeyManagerError>>;

    /// Removes a client and revokes its tokens. A client that is not there is no error.
    fn delete_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<(), KeyManagerError>>;

    /// Replaces all secrets of a client by a new one.
    fn regenerate_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Secret<String>, KeyManagerError>>;

    /// Adds a secret to a client.
    fn add_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        description: Option<String>,
        expires: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(ClientSecret, Secret<String>), KeyManagerError>>;

    /// The secrets of a client, newest first, without their values.
    fn secrets<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Vec<ClientSecret>, KeyManagerError>>;

    /// Removes one secret; whether it was there.
    fn revoke_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        id: &'a str,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>>;

    /// Whether the secret is one of the client's.
    fn verify_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        secret: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>>;

    /// Issues an access token to a client (client credentials).
    fn issue_token(&self, request: TokenRequest) -> BoxFuture<'_, Result<IssuedToken, KeyManagerError>>;
}
