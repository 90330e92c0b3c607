//! Tokens that only work together with a key: DPoP (RFC 9449) and client certificates (RFC 8705).

use std::time::Duration;

use jose::{DPOP_LIFETIME, DpopExpectation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::repository::oauth as rows;
use web::Call;

use super::error::OAuthError;
use super::metadata::ClientMetadata;
use crate::{Identity, IdentityError, hash};

/// The key a token is bound to, as `cnf` says it (RFC 7800).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Binding {
    /// Thumbprint of the key that proofs are signed with.
    #[serde(rename = "jkt")]
    Key(String),
    /// SHA-256 of the certificate of the connection, base64url.
    #[serde(rename = "x5t#S256")]
    Certificate(String),
}

impl Binding {
    /// `token_type` of a token that is bound so.
    pub(crate) const fn token_type(binding: Option<&Self>) -> &'static str {
        match binding {
            Some(Self::Key(_)) => "DPoP",
            _ => "Bearer",
        }
    }

    /// What a token's `cnf` says; `Err` for a binding that is not known here, which nobody could check.
    pub(crate) fn of_claims(claims: &jose::Claims) -> Result<Option<Self>, ()> {
        match claims.all.get("cnf") {
            None => Ok(None),
            Some(cnf) => serde_json::from_value::<Self>(cnf.clone()).map(Some).map_err(|_| ()),
        }
    }
}

/// What a token inherits from the way it was asked for; kept with codes and refresh tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    /// Audiences (RFC 8707); empty means the client itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource: Vec<String>,
    /// Key binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binding: Option<Binding>,
    /// When the user signed in, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<i64>,
    /// How the user signed in (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    /// Public id of the user's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// The client's `nonce`, for the first ID token only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    /// Who acts for the subject (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Value>,
}

impl Details {
    /// From what the store kept.
    pub(crate) fn of_stored(value: &Value) -> Result<Self, IdentityError> {
        serde_json::from_value(value.clone()).map_err(|e| IdentityError::Internal(format!("stored OAuth details: {e}")))
    }

    /// For the store.
    pub(crate) fn to_stored(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Identity {
    /// The address that a request was sent to, without query: what `htu` of a proof must name.
    pub(crate) fn target(&self, call: &Call) -> String {
        let tenant = call.requested_tenant.as_ref().map(|d| format!("/t/{d}")).unwrap_or_default();
        format!("{}{tenant}{}", self.settings.base_url, call.uri.path())
    }

    /// The key or certificate that tokens of this request are to be bound to: the key of a DPoP proof, else the
    /// certificate of the connection for clients that asked for that.
    ///
    /// # Errors
    /// `invalid_dpop_proof` for a proof that does not hold or is missing, `invalid_request` without a certificate.
    pub(crate) async fn binding(&self, call: &Call, metadata: &ClientMetadata) -> Result<Option<Binding>, OAuthError> {
        let mut proofs = call.headers.get_all("dpop").iter();
        if let Some(proof) = proofs.next() {
            if proofs.next().is_some() {
                return Err(OAuthError::invalid_proof("Send one DPoP header."));
            }
            let proof = proof.to_str().map_err(|_| OAuthError::invalid_proof("The DPoP header is not text."))?;
            return self.proved_key(call, proof).await.map(Some);
        }
        if metadata.dpop_bound_access_tokens {
            return Err(OAuthError::invalid_proof("This client registered for DPoP; send a proof."));
        }
        if !metadata.tls_client_certificate_bound_access_tokens {
            return Ok(None);
        }
        let certificate = call.peer_certificate.as_ref();
        let thumbprint = certificate.map(|c| super::client_auth::certificate_thumbprint(&c.der));
        let text = "This client registered for certificate-bound tokens; connect with a client certificate.";
        thumbprint.map(|t| Some(Binding::Certificate(t))).ok_or_else(|| OAuthError::invalid_request(text))
    }

    async fn proved_key(&self, call: &Call, proof: &str) -> Result<Binding, OAuthError> {
        let target = self.target(call);
        let expected = DpopExpectation { method: call.method.as_str(), target: &target, access_token: None };
        let now = self.now();
        let proof = jose::verify_dpop(proof, &expected, now.seconds())
            .map_err(|reason| OAuthError::invalid_proof(format!("The DPoP proof is refused: {reason}.")))?;
        if !self.first_use("dpop", &proof.thumbprint, &proof.id, DPOP_LIFETIME).await? {
            return Err(OAuthError::invalid_proof("The DPoP proof was used before."));
        }
        Ok(Binding::Key(proof.thumbprint))
    }

    /// Whether a one-time id of somebody is seen for the first time; it is remembered for the given seconds.
    pub(crate) async fn first_use(
        &self,
        purpose: &str,
        owner: &str,
        id: &str,
        seconds: i64,
    ) -> Result<bool, IdentityError> {
        let now = self.now();
        // Lengths keep two different pairs from running together into one text.
        let digest = hash::sha256(&format!("{purpose}:{}:{owner}:{id}", owner.len()));
        let until = now.plus(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        let mut work = self.database.begin().await?;
        let first = rows::use_proof(&mut work, &digest, until).await?;
        work.save().await?;
        Ok(first)
    }
}
