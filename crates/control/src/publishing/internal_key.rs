//! Test keys: short-lived tokens with which a publisher tries an API that nobody is subscribed to.

use std::time::Duration;

use model::{ApiId, Secret};
use serde_json::json;

use super::load::{load, parse};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Lifetime of a test key, seconds (WSO2: `internal_key_ttl`, 60 minutes).
const LIFETIME: u64 = 3600;

impl Control {
    /// Issues a test key for one API: `(key, lifetime in seconds)`. The gateway accepts it in the header `Internal-Key`
    /// for this API alone.
    ///
    /// # Errors
    /// 403, 404; 503 when this server issues no tokens.
    pub async fn internal_key(&self, actor: &Actor, id: ApiId) -> Result<(Secret<String>, u64), ControlError> {
        let issuer = self.internal_keys().ok_or_else(|| {
            ControlError::new(
                FaultKind::Unavailable,
                503,
                "Service Unavailable",
                "This server issues no tokens, so it cannot make test keys.",
            )
        })?;
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        let document = parse(&row)?;
        let now = self.now();
        let expires = now.plus(Duration::from_secs(LIFETIME));
        let claims = json!({
            "sub": actor.name(),
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "exp": expires.seconds(),
            "jti": self.uuid().to_string(),
            "keytype": "PRODUCTION",
            "token_type": "InternalKey",
            "subscribedAPIs": [{
                "subscriberTenantDomain": null,
                "name": row.name,
                "context": document.versioned_context(),
                "publisher": row.provider,
                "version": row.version,
                "subscriptionTier": null,
            }],
        });
        let key = issuer
            .issue(actor.tenant(), claims)
            .await
            .map_err(|reason| ControlError::internal(format!("issuing a test key: {reason}")))?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::managed("publisher.apis.generate-key", &target)).await?;
        Ok((key, LIFETIME))
    }
}
