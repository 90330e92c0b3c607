//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use store::repository::oauth::{self as rows, RequestRow};

use super::client_auth::ProvenClient;
use super::error::OAuthError;
use super::form::Form;
use crate::{Identity, IdentityError, hash};

/// How long a pushed request waits for the browser.
const PUSHED_LIFETIME: Duration = Duration::from_secs(90);
/// `kind` of pushed requests.
pub(crate) const PUSHED: &str = "pushed";
/// What a `request_uri` of ours begins with (RFC 9126 section 2.2).
pub(crate) const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";
/// Parameters that authenticate the client and are not kept.
const NOT_KEPT: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

impl Identity {
    /// Keeps a client's request: its `request_uri` and for how many seconds it waits.
    pub(crate) async fn push_request(&self, client: &ProvenClient, form: &Form) -> Result<(String, u64), OAuthError> {
        if form.get("request_uri").is_some() {
            return Err(OAuthError::invalid_request("A pushed request names no request_uri."));
        }
        self.check_request(&client.row, &client.metadata, form)?;
        let id = hash::new_expiring(&*self.rng, self.now());
        let now = self.now();
        let row = RequestRow {
            hash: hash::key_of(id.expose()),
            client: client.row.id.clone(),
            kind: PUSHED.to_owned(),
            request: serde_json::to_value(form.without(&NOT_KEPT))
                .map_err(|e| IdentityError::Internal(e.to_string()))?,
            created_at: now,
            expires_at: now.plus(PUSHED_LIFETIME),
        };
        let mut work = self.database.begin().await?;
        rows::insert_request(&mut work, &row).await?;
        work.save().await?;
        Ok((format!("{REQUEST_URI}{}", id.expose()), PUSHED_LIFETIME.as_secs()))
    }
}
