//! A user's name and password, handed over by a client; only where configured (guideline X08).

use model::Secret;

use super::TokenRequest;
use crate::IssuedToken;
use crate::oauth::binding::Details;
use crate::oauth::error::OAuthError;

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let TokenRequest { identity, call, form, .. } = request;
    let client = &request.client.row;
    let (login, password) = (form.need("username")?, Secret::new(form.need("password")?.to_owned()));
    // A name without a domain is one of the tenant that the path names, else of the client's.
    let domain = match &call.requested_tenant {
        Some(domain) => domain.to_string(),
        None => identity.tenant(client.tenant).await?.tenant.domain.to_string(),
    };
    let address = call.peer.map(|p| p.ip());
    let refused = || OAuthError::invalid_grant("The user name or password is not right.");
    let signed_in = identity.sign_in(login, Some(&domain), &password, address).await?.ok_or_else(refused)?;
    if signed_in.tenant.id != client.tenant && !client.saas {
        return Err(refused());
    }
    let details =
        Details { auth_time: Some(identity.now().seconds()), amr: vec!["pwd".to_owned()], ..request.details() };
    identity.user_token(client, &signed_in, &request.scopes, &details).await?.ok_or_else(refused)
}
