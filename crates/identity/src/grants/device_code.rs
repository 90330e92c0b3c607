//! A device asks whether its user has decided (RFC 8628 section 3.4).

use std::time::Duration;

use store::UnitOfWork;
use store::repository::oauth::{self as rows, DeviceRow};
use store::repository::{role as roles, tenant as tenants, user as users};

use super::TokenRequest;
use crate::oauth::binding::Details;
use crate::oauth::device::DeviceRequest;
use crate::oauth::error::OAuthError;
use crate::scope::EVERYONE;
use crate::token::{Issue, Subject};
use crate::{IdentityError, IssuedToken, hash};

/// By how many seconds the interval grows for a device that asks too soon.
const SLOWER: i64 = 5;
/// Longest interval, seconds.
const SLOWEST: i64 = 60;

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let identity = request.identity;
    let client = &request.client.row;
    let digest = hash::key_of(request.form.need("device_code")?);
    let refused = || OAuthError::invalid_grant("The device code is not valid.");
    identity.need_keys(client.tenant).await?;
    let now = identity.now();
    let mut work = identity.database.begin().await?;
    let row = rows::find_device(&mut work, &digest).await?.filter(|row| row.client == client.id).ok_or_else(refused)?;
    if row.expires_at <= now {
        return Err(OAuthError::bad("expired_token", "Nobody decided in time. Start again."));
    }
    match row.state.as_str() {
        "waiting" => {
            let interval = Duration::from_secs(u64::try_from(row.interval).unwrap_or(0));
            let early = row.polled_at.is_some_and(|last| now.since(last) < interval);
            let next = if early { (row.interval + SLOWER).min(SLOWEST) } else { row.interval };
            rows::note_poll(&mut work, &digest, now, next).await?;
            work.save().await?;
            if early {
                return Err(OAuthError::bad("slow_down", format!("Ask every {next} seconds.")));
            }
            Err(OAuthError::bad("authorization_pending", "The user has not decided yet."))
        }
        "denied" => Err(OAuthError::bad("access_denied", "The user did not agree.")),
        "approved" if rows::use_device(&mut work, &digest).await? => {
            let issued = issue(request, &mut work, &row).await?;
            work.save().await?;
            issued.ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

async fn issue(
    request: &TokenRequest<'_>,
    work: &mut UnitOfWork,
    row: &DeviceRow,
) -> Result<Option<IssuedToken>, IdentityError> {
    let (identity, client) = (request.identity, &request.client.row);
    let Some((tenant, user)) = row.user else { return Ok(None) };
    let user = users::hold(work, tenant, user).await?.filter(|u| !u.locked);
    let tenant = tenants::by_id(work, tenant).await?.map(|r| r.tenant).filter(|t| t.active);
    let (Some(user), Some(tenant)) = (user, tenant) else { return Ok(None) };
    if !identity.directory_confirms(work, &user).await? || !identity.may_act(work, client).await? {
        return Ok(None);
    }
    let decided: DeviceRequest =
        serde_json::from_value(row.request.clone()).map_err(|e| IdentityError::Internal(e.to_string()))?;
    let details =
        Details { resource: decided.resource, binding: request.binding.clone(), ..Details::of_stored(&row.details)? };
    // A new password or a lock since the user decided ends the decision.
    let sub = crate::token::subject(&user.name, &tenant.domain);
    let epoch = identity.epoch_of(work, tenant.id, &sub).await?;
    if epoch.is_some_and(|epoch| row.created_at < epoch) {
        return Ok(None);
    }
    let mut names = roles::names_of_user(work, tenant.id, user.id).await?;
    names.insert(EVERYONE.to_owned());
    let granted =
        identity.scope_table_for(work, tenant.id, &decided.scopes).await?.grant(&decided.scopes, &names, true);
    let family = identity.rng.uuid_at(identity.now()).to_string();
    let issue = Issue {
        client,
        user: Subject { tenant: &tenant, id: user.id, name: &user.name },
        granted: &granted,
        family: &family,
        details: &details,
        renewable: true,
        at_most: None,
        origin: None,
    };
    identity.issue_for_user(work, &issue).await.map(Some)
}
