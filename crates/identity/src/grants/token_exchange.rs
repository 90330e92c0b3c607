//! One token for another (RFC 8693): our own access token for a narrower one, or a trusted issuer's for one of ours.

use std::collections::BTreeSet;
use std::time::Duration;

use jose::Claims;
use model::Timestamp;
use serde_json::{Value, json};
use store::repository::{role as roles, token as tokens};

use super::TokenRequest;
use crate::authenticate::LiveToken;
use crate::oauth::binding::{Binding, Details};
use crate::oauth::client_auth::unverified_issuer;
use crate::oauth::error::OAuthError;
use crate::scope::EVERYONE;
use crate::token::{Issue, Origin, Subject};
use crate::{Identity, IssuedToken};

/// The type of what is issued.
pub(super) const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let TokenRequest { identity, form, .. } = request;
    let client = &request.client.row;
    let token = form.need("subject_token")?;
    let kind = form.need("subject_token_type")?;
    if form.get("requested_token_type").is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE && wanted != JWT_TYPE) {
        return Err(OAuthError::invalid_request("Only access tokens are issued."));
    }
    if kind != ACCESS_TOKEN_TYPE && kind != JWT_TYPE {
        return Err(OAuthError::invalid_request("The subject token is an access token or a JWT."));
    }
    let issuer = unverified_issuer(token).ok_or_else(|| refused("subject"))?;
    if identity.is_own_issuer(&issuer) {
        return own(request, token).await;
    }
    if form.get("actor_token").is_some() {
        return Err(OAuthError::invalid_request("An actor is named for tokens of this server only."));
    }
    let subject = identity.vouched_subject(client.tenant, token, request.call, false).await?;
    let granted = identity.federated_scopes(client.tenant, &subject, &request.scopes).await?;
    let issued =
        identity.federated_token(client, &subject, &granted, &request.details(), Some(subject.remaining)).await?;
    issued.ok_or_else(|| OAuthError::invalid_grant("The issuer is not trusted any more."))
}

fn refused(which: &str) -> OAuthError {
    OAuthError::invalid_grant(format!("The {which} token is not valid."))
}

/// A live token of ours of the client's tenant. A token that is bound to a key counts only with a proof of that key.
async fn live(request: &TokenRequest<'_>, token: &str, which: &str) -> Result<LiveToken, OAuthError> {
    let identity: &Identity = request.identity;
    let mut work = identity.database.read().await?;
    let live = identity.live_token(&mut work, token).await?.ok_or_else(|| refused(which))?;
    let client = &request.client.row;
    // A client that serves one tenant gets no token for another one's users, whichever client had one before.
    if live.client.tenant != client.tenant || (live.tenant.id != client.tenant && !client.saas) {
        return Err(refused(which));
    }
    match Binding::of_claims(&live.claims) {
        Ok(None) => Ok(live),
        Ok(binding) if binding == request.binding => Ok(live),
        _ => Err(refused(which)),
    }
}

/// The audiences of the new token: those asked for, each of which the subject token must have, or all that it has. A token
/// without an audience of its own names its client there (RFC 9068 section 3), and the new one then names the new client.
fn audiences(claims: &Claims, asked: &[String]) -> Result<Vec<String>, OAuthError> {
    let had: Vec<&str> = match claims.all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if asked.iter().any(|resource| !had.contains(&resource.as_str())) {
        return Err(OAuthError::bad("invalid_target", "The subject token is not for this resource."));
    }
    let unrestricted = matches!(had.as_slice(), [one] if Some(*one) == claims.text("client_id"));
    Ok(match asked {
        [] if unrestricted => Vec::new(),
        [] => had.into_iter().map(str::to_owned).collect(),
        asked => asked.to_vec(),
    })
}

/// For the same user, with no more than the subject token had, and not longer.
async fn own(request: &TokenRequest<'_>, token: &str) -> Result<IssuedToken, OAuthError> {
    let identity = request.identity;
    let client = &request.client.row;
    let live_token = live(request, token, "subject").await?;
    let actor = match request.form.get("actor_token") {
        Some(actor) => {
            let kind = request.form.need("actor_token_type")?;
            if kind != ACCESS_TOKEN_TYPE && kind != JWT_TYPE {
                return Err(OAuthError::invalid_request("The actor token is an access token or a JWT."));
            }
            let actor = live(request, actor, "actor").await?;
            Some(json!({"sub": actor.claims.subject()}))
        }
        None => None,
    };
    let claims = &live_token.claims;
    let had: BTreeSet<String> = claims.scopes("scope").map(str::to_owned).collect();
    let wanted = if request.scopes.is_empty() { had } else { had.intersection(&request.scopes).cloned().collect() };
    let left = claims.expires.saturating_sub(identity.now().seconds());
    let at_most = Duration::from_secs(u64::try_from(left).unwrap_or(0));
    // Who acted before stays visible behind whoever acts now (RFC 8693 section 4.1).
    let former = claims.all.get("act").cloned();
    let actor = match (actor, former) {
        (Some(mut actor), Some(former)) => {
            if let Some(members) = actor.as_object_mut() {
                members.insert("act".into(), former);
            }
            Some(actor)
        }
        (actor, former) => actor.or(former),
    };
    let details = Details {
        actor,
        auth_time: claims.all.get("auth_time").and_then(Value::as_i64),
        resource: audiences(claims, &request.resource)?,
        ..request.details()
    };
    let Some(user) = live_token.user.as_ref().filter(|_| claims.text("aut") == Some(crate::token::FOR_USER)) else {
        return Err(OAuthError::invalid_grant("The subject token speaks for no user of this server."));
    };
    identity.need_keys(client.tenant).await?;
    let mut work = identity.database.begin().await?;
    let tenant = &live_token.tenant;
    let mut names = roles::names_of_user(&mut work, tenant.id, user.id).await?;
    names.insert(EVERYONE.to_owned());
    let mut granted = identity.scope_table_for(&mut work, tenant.id, &wanted).await?.grant(&wanted, &names, true);
    // An ID token is for the client that the person signed in at.
    if granted.remove("openid") && granted.is_empty() {
        granted.insert(crate::scope::DEFAULT_SCOPE.to_owned());
    }
    // It may have ended since it was checked: from here on whoever ends it waits, and then ends the new one too.
    let subject_id = claims.token_id().ok_or_else(|| refused("subject"))?;
    let ends = Timestamp::from_seconds(claims.expires);
    if !tokens::hold(&mut work, live_token.client.tenant, subject_id, ends).await? {
        return Err(refused("subject"));
    }
    let family = identity.rng.uuid_at(identity.now()).to_string();
    let issue = Issue {
        client,
        user: Subject { tenant, id: user.id, name: &user.name },
        granted: &granted,
        family: &family,
        details: &details,
        renewable: false,
        at_most: Some(at_most),
        origin: Some(Origin { token_id: subject_id, client: &live_token.client.id }),
    };
    let issued = identity.issue_for_user(&mut work, &issue).await?;
    let target = format!("client/{}", client.id);
    identity.on_behalf_of(&user.name).record(&mut work, tenant.id, "identity.tokens.exchange", &target).await?;
    work.save().await?;
    Ok(issued)
}
