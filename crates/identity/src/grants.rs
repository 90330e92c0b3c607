//! The grants of the token endpoint: one file and one variant each.
//!
//! To add one: a file with `run`, a variant of [`Grant`] with its name, an arm in [`Grant::run`].

mod authorization_code;
mod client_credentials;
mod device_code;
mod jwt_bearer;
mod password;
mod refresh_token;
mod token_exchange;

use std::collections::BTreeSet;

use web::Call;

use crate::oauth::authorize::CODE_GRANT;
use crate::oauth::binding::{Binding, Details};
use crate::oauth::client_auth::ProvenClient;
use crate::oauth::device::DEVICE_GRANT;
use crate::oauth::error::OAuthError;
use crate::oauth::form::Form;
use crate::token::REFRESH_GRANT;
use crate::{Identity, IssuedToken, scope};

/// A way to get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// RFC 6749 section 4.1 with RFC 7636.
    AuthorizationCode,
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 8628.
    DeviceCode,
    /// RFC 7523 section 2.1.
    JwtBearer,
    /// RFC 6749 section 4.3; only where configured.
    Password,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 8693.
    TokenExchange,
}

impl Grant {
    const ALL: [Self; 7] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::Password,
        Self::RefreshToken,
        Self::TokenExchange,
    ];

    /// The value of `grant_type`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => CODE_GRANT,
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => DEVICE_GRANT,
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Password => "password",
            Self::RefreshToken => REFRESH_GRANT,
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// What this server offers.
    pub(crate) fn offered(identity: &Identity) -> Vec<Self> {
        let allowed = |grant: &Self| *grant != Self::Password || identity.settings().password_grant;
        Self::ALL.into_iter().filter(allowed).collect()
    }

    /// Whether a client that proves nothing may use it: what it presents must itself be bound to it.
    const fn is_for_public_clients(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::RefreshToken)
    }

    async fn run(self, request: &TokenRequest<'_>) -> Result<Granted, OAuthError> {
        let issued = match self {
            Self::AuthorizationCode => authorization_code::run(request).await?,
            Self::ClientCredentials => client_credentials::run(request).await?,
            Self::DeviceCode => device_code::run(request).await?,
            Self::JwtBearer => jwt_bearer::run(request).await?,
            Self::Password => password::run(request).await?,
            Self::RefreshToken => refresh_token::run(request).await?,
            Self::TokenExchange => token_exchange::run(request).await?,
        };
        let issued_token_type = (self == Self::TokenExchange).then_some(token_exchange::ACCESS_TOKEN_TYPE);
        Ok(Granted { issued, issued_token_type })
    }
}

/// What the token endpoint answers with.
pub(crate) struct Granted {
    pub(crate) issued: IssuedToken,
    /// RFC 8693 section 2.2.1.
    pub(crate) issued_token_type: Option<&'static str>,
}

/// A request of a client that proved who it is, as far as it must.
struct TokenRequest<'a> {
    identity: &'a Identity,
    call: &'a Call,
    form: &'a Form,
    client: &'a ProvenClient,
    scopes: BTreeSet<String>,
    resource: Vec<String>,
    binding: Option<Binding>,
}

impl TokenRequest<'_> {
    /// What a token inherits from this request alone.
    fn details(&self) -> Details {
        Details { resource: self.resource.clone(), binding: self.binding.clone(), ..Details::default() }
    }
}

/// Issues a token by the grant that the form names.
pub(crate) async fn issue(
    identity: &Identity,
    call: &Call,
    form: &Form,
    client: &ProvenClient,
) -> Result<Granted, OAuthError> {
    let wanted = form.need("grant_type")?;
    let grant = Grant::offered(identity).into_iter().find(|g| g.as_str() == wanted);
    let grant = grant.ok_or_else(|| OAuthError::bad("unsupported_grant_type", "This grant type is not offered."))?;
    let registered = client.row.grants.iter().any(|g| g == grant.as_str());
    if !registered || (client.public && !grant.is_for_public_clients()) {
        let text = "The client is not registered for this grant type.";
        return Err(OAuthError::bad("unauthorized_client", text));
    }
    let scopes =
        scope::parse(form.get("scope").unwrap_or_default()).map_err(|text| OAuthError::bad("invalid_scope", text))?;
    let resource = form.resources()?;
    let binding = identity.binding(call, &client.metadata).await?;
    grant.run(&TokenRequest { identity, call, form, client, scopes, resource, binding }).await
}
