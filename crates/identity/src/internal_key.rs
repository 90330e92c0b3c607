//! Test keys of the Publisher (WSO2: Internal-Key): signed like tokens, but good for one API at the gateway only.

use model::{Secret, TenantId, Timestamp};
use serde_json::{Value, json};
use store::repository::user as users;

use crate::{Identity, IdentityError, LOCAL_OPERATOR};

/// `typ` of a test key. Access tokens have another one.
const KIND: &str = "JWT";
/// What would make an access token of it.
const NOT_OURS: [&str; 4] = ["client_id", "azp", "aut", "scope"];

impl Identity {
    /// Signs a test key for a user of the tenant. `claims` names the user in `sub`, with or without the tenant's domain,
    /// and carries `exp` (seconds) and what the gateway needs (`subscribedAPIs`, `keytype`). This adds `iss`, `jti`,
    /// `nbf`, `token_type` and `realm`, writes `sub` as in access tokens, and sets `iat` to now but never before the
    /// user's epoch: what ends the user's tokens ends their test keys.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] without `sub` or `exp`, [`IdentityError::Forbidden`] when the user or the tenant is not
    /// active.
    pub async fn sign_internal_key(&self, tenant: TenantId, claims: Value) -> Result<Secret<String>, IdentityError> {
        let Value::Object(mut members) = claims else {
            return Err(IdentityError::invalid("The claims of a test key are an object."));
        };
        let now = self.now();
        if members.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= now.seconds()) {
            return Err(IdentityError::invalid("A test key needs an end in the future."));
        }
        self.need_keys(tenant).await?;
        let mut work = self.database.read().await?;
        let tenant = self.need_tenant(&mut work, tenant).await?;
        let named = members.get("sub").and_then(Value::as_str).unwrap_or_default();
        let name = crate::user::strip_domain(named, tenant.domain.as_str()).to_owned();
        let known = users::by_name(&mut work, tenant.id, &name).await?;
        let active = known.as_ref().map_or(name == LOCAL_OPERATOR, |user| !user.locked);
        if !active || !tenant.active {
            return Err(IdentityError::Forbidden("Test keys are for active users of active tenants.".to_owned()));
        }
        let sub = crate::token::subject(&known.map_or(name, |user| user.name), &tenant.domain);
        let epoch = self.epoch_of(&mut work, tenant.id, &sub).await?;
        work.cancel().await?;
        members.retain(|name, _| !NOT_OURS.contains(&name.as_str()));
        members.insert("sub".into(), sub.into());
        members.insert("iss".into(), self.issuer_of(&tenant.domain).into());
        members.insert("iat".into(), epoch.map_or(now, |e: Timestamp| e.max(now)).seconds().into());
        members.insert("nbf".into(), now.seconds().into());
        members.insert("token_type".into(), "InternalKey".into());
        members.insert("realm".into(), json!({"signing_tenant": tenant.domain}));
        members.entry("jti").or_insert_with(|| self.rng.uuid().to_string().into());
        let text = self.sign(tenant.id, KIND, &Value::Object(members))?;
        Ok(Secret::new(text))
    }
}
