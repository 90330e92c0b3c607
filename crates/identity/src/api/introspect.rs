//! `POST /oauth2/introspect` (RFC 7662), for clients and for administrators.

use std::sync::Arc;

use axum::http::StatusCode;
use model::{ConsumerKey, TenantId};
use serde_json::{Value, json};
use web::{Answer, Authenticator, Call, Credentials, Operation, RouteTable, json as answer};

use crate::oauth::binding::Binding;
use crate::oauth::error::OAuthError;
use crate::oauth::form::Form;
use crate::{Identity, IdentityError};

/// The scope with which a user may introspect.
const SCOPE: &str = "internal_oauth2_introspect";

const INTROSPECT: Operation =
    Operation::new("oauth2.introspect", "POST", "/oauth2/introspect", "Tells whether a token is live (RFC 7662)")
        .body_limit(64 * 1024);

pub(super) fn routes() -> RouteTable<Identity> {
    let reason = "OAuth endpoint: authenticates the client, or a user who may introspect, itself";
    RouteTable::new().public(INTROSPECT, reason, introspect)
}

async fn introspect(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = Form::of_body(&call)?;
    let caller = caller(&identity, &call, &form).await?;
    let document = describe(&identity, caller, form.need("token")?).await?;
    Ok(answer(StatusCode::OK, &document))
}

/// The tenant whose tokens the caller may look at.
async fn caller(identity: &Identity, call: &Call, form: &Form) -> Result<TenantId, OAuthError> {
    if let Some(Credentials::Basic { username, password }) = Credentials::from_headers(&call.headers) {
        let mut work = identity.database.read().await.map_err(IdentityError::Store)?;
        let known = store::repository::client::find_anywhere(&mut work, &ConsumerKey::new(username.as_str())).await;
        if known.map_err(IdentityError::Store)?.is_none() {
            drop(work);
            let credentials = Credentials::Basic { username, password };
            let address = call.peer.map(|p| p.ip());
            let principal = identity
                .authenticate_from(credentials, call.requested_tenant.as_ref(), address)
                .await
                .map_err(|_| OAuthError::invalid_client())?;
            let own_path = call.requested_tenant.as_ref().is_none_or(|d| *d == principal.tenant.domain);
            return if own_path && principal.scopes.contains(SCOPE) {
                Ok(principal.tenant.id)
            } else {
                Err(OAuthError::invalid_client())
            };
        }
    }
    let client = identity.proven_client(call, form).await?;
    // A client that proves nothing could be anybody who looks for live tokens (RFC 7662 section 2.1).
    if client.public { Err(OAuthError::invalid_client()) } else { Ok(client.row.tenant) }
}

async fn describe(identity: &Identity, caller: TenantId, token: &str) -> Result<Value, OAuthError> {
    let mut work = identity.database.read().await.map_err(IdentityError::Store)?;
    let live = identity.live_token(&mut work, token).await?;
    // Another tenant's token is as unknown as a forged one. The super tenant's callers may look at all.
    let Some(live) = live.filter(|l| caller.is_super() || l.client.tenant == caller) else {
        return Ok(json!({"active": false}));
    };
    let Ok(binding) = Binding::of_claims(&live.claims) else { return Ok(json!({"active": false})) };
    let mut document = json!({"active": true, "token_type": Binding::token_type(binding.as_ref())});
    if let Value::Object(members) = &mut document {
        for name in ["scope", "client_id", "sub", "aud", "iss", "jti", "iat", "nbf", "exp", "aut", "cnf", "act"] {
            if let Some(value) = live.claims.all.get(name) {
                members.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(user) = &live.user {
            members.insert("username".into(), format!("{}@{}", user.name, live.tenant.domain).into());
        }
    }
    Ok(document)
}
