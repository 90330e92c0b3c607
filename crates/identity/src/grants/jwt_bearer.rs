//! A statement of a trusted issuer about a subject (RFC 7523 section 2.1).

use super::TokenRequest;
use crate::IssuedToken;
use crate::oauth::error::OAuthError;

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let identity = request.identity;
    let client = &request.client.row;
    let assertion = request.form.need("assertion")?;
    let subject = identity.vouched_subject(client.tenant, assertion, request.call, true).await?;
    let granted = identity.federated_scopes(client.tenant, &subject, &request.scopes).await?;
    // The statement is used up, and nobody here can end what it gave: no client's own longer lifetime counts.
    let longest = identity.settings().user_token_lifetime;
    let issued = identity.federated_token(client, &subject, &granted, &request.details(), Some(longest)).await?;
    issued.ok_or_else(|| OAuthError::invalid_grant("The issuer is not trusted any more."))
}
