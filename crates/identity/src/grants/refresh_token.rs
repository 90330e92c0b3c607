//! Renewal. The rules are in [`crate::refresh`].

use super::TokenRequest;
use crate::IssuedToken;
use crate::oauth::error::OAuthError;
use crate::refresh::Wanted;

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let wanted = Wanted {
        scopes: &request.scopes,
        resource: &request.resource,
        binding: request.binding.clone(),
        public: request.client.public,
    };
    let token = request.form.need("refresh_token")?;
    let issued = request.identity.refresh(&request.client.row, token, &wanted).await?;
    issued.ok_or_else(|| OAuthError::invalid_grant("The refresh token is not valid."))
}
