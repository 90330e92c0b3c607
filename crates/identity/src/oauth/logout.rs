//! Sign-out that a client asks for (OpenID Connect RP-Initiated Logout 1.0).

use jose::TokenKind;
use model::ConsumerKey;
use store::repository::client as clients;

use super::form::Form;
use super::metadata::ClientMetadata;
use crate::{Identity, IdentityError, Session};

/// What a client's sign-out leads to.
#[derive(Clone, Debug)]
pub struct SignOutRequest {
    /// Where the browser goes afterwards; a page of ours without it.
    pub destination: Option<String>,
    /// Whether the request shows that it comes from a client where this very person is signed in; without that the
    /// person is asked.
    pub certain: bool,
    /// Name of the client, if it is known.
    pub client: Option<String>,
}

impl Identity {
    /// Reads a sign-out request. An address that the client has not registered is left out: nobody is sent there.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a repeated parameter, [`IdentityError::Store`].
    pub async fn sign_out_request(
        &self,
        parameters: Vec<(String, String)>,
        session: Option<&Session>,
    ) -> Result<SignOutRequest, IdentityError> {
        let form = Form::of_pairs(parameters).map_err(|e| IdentityError::Invalid(e.description().to_owned()))?;
        let hint = form.get("id_token_hint").and_then(|token| self.verify(TokenKind::IdHint, token).ok());
        let hinted = hint.as_ref().and_then(|(_, claims)| claims.text("aud").map(str::to_owned));
        let named = form.get("client_id").map(str::to_owned);
        if let (Some(hinted), Some(named)) = (&hinted, &named)
            && hinted != named
        {
            return Err(IdentityError::invalid("id_token_hint was issued to another client than client_id."));
        }
        let mut request = SignOutRequest { destination: None, certain: false, client: None };
        let Some(id) = hinted.or(named) else { return Ok(request) };
        let mut work = self.database.read().await?;
        let client = clients::find_anywhere(&mut work, &ConsumerKey::new(id)).await?.filter(|c| c.active);
        let Some(client) = client else { return Ok(request) };
        let registered = ClientMetadata::of(&client)?.post_logout_redirect_uris;
        request.destination = form.get("post_logout_redirect_uri").and_then(|wanted| {
            let known = registered.into_iter().find(|uri| uri == wanted)?;
            let Some(state) = form.get("state") else { return Some(known) };
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
            Some(format!("{known}{}{query}", if known.contains('?') { '&' } else { '?' }))
        });
        request.client = Some(client.name);
        request.certain = match (&hint, session) {
            (Some((_, claims)), Some(session)) => {
                let subject = crate::token::subject(&session.name, &session.tenant.domain);
                claims.subject() == Some(subject.as_str()) && claims.text("sid").is_none_or(|sid| sid == session.id)
            }
            // Nobody is signed in: nothing is at stake.
            (_, None) => true,
            _ => false,
        };
        Ok(request)
    }
}
