//! A client in its own name.

use super::TokenRequest;
use crate::IssuedToken;
use crate::oauth::error::OAuthError;

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let client = &request.client.row;
    Ok(request.identity.client_token(client, &request.scopes, None, &request.details()).await?)
}
