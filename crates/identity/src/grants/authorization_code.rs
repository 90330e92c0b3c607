//! A code from the authorization endpoint, with the PKCE verifier that belongs to it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::UnitOfWork;
use store::repository::oauth::{self as rows, CodeRow};
use store::repository::token::{self as tokens, RevokedRow};
use store::repository::{role as roles, tenant as tenants, user as users};

use super::TokenRequest;
use crate::oauth::authorize::{CodeDetails, fits_code, keep_used_code};
use crate::oauth::binding::Details;
use crate::oauth::error::OAuthError;
use crate::scope::EVERYONE;
use crate::token::{Issue, Subject};
use crate::{Identity, IdentityError, IssuedToken, hash};

pub(super) async fn run(request: &TokenRequest<'_>) -> Result<IssuedToken, OAuthError> {
    let identity = request.identity;
    let client = &request.client.row;
    let digest = hash::key_of(request.form.need("code")?);
    let refused = || OAuthError::invalid_grant("The code is not valid.");
    identity.need_keys(client.tenant).await?;
    let now = identity.now();
    let mut work = identity.database.begin().await?;
    let row = rows::find_code(&mut work, &digest).await?.filter(|row| row.client == client.id).ok_or_else(refused)?;
    // Another transaction may be using the code: this one learns it here, before anything else is looked at.
    let keep_until = keep_used_code(now);
    if row.used_at.is_some() || !rows::use_code(&mut work, &digest, now, keep_until).await? {
        end_family(identity, work, &digest).await?;
        return Err(refused());
    }
    let code: CodeDetails =
        serde_json::from_value(row.details.clone()).map_err(|e| IdentityError::Internal(e.to_string()))?;
    if row.expires_at <= now || !matches_request(request, &code)? {
        // A code that was tried with a wrong verifier or address is in strange hands: it is used up.
        work.save().await?;
        return Err(refused());
    }
    let issued = exchange(request, &mut work, &row, &code).await?;
    let Some(issued) = issued else {
        work.save().await?;
        return Err(refused());
    };
    let expires_at = now.plus(std::time::Duration::from_secs(issued.expires_in));
    rows::note_access_token(&mut work, &digest, &issued.token_id, expires_at).await?;
    work.save().await?;
    Ok(issued)
}

/// A second use means that somebody else has the code: what it led to ends (RFC 6749 section 4.1.2).
async fn end_family(identity: &Identity, mut work: UnitOfWork, digest: &[u8]) -> Result<(), OAuthError> {
    let now = identity.now();
    let Some(row) = rows::find_code(&mut work, digest).await? else { return Ok(()) };
    tracing::warn!(client = %row.client, user = %row.user, "an authorization code was used twice; its tokens are revoked");
    // A renewal under way holds the user: it ends first, and what it made is seen and ended too.
    users::hold(&mut work, row.tenant, row.user).await?;
    tokens::revoke_family(&mut work, &row.family, now).await?;
    if let Some((token_id, expires_at)) = row.access_token.filter(|(_, end)| *end > now) {
        tokens::revoke(&mut work, row.tenant, &RevokedRow { token_id, expires_at, revoked_at: now }).await?;
    }
    work.save().await?;
    identity.announce();
    Ok(())
}

fn matches_request(request: &TokenRequest<'_>, code: &CodeDetails) -> Result<bool, OAuthError> {
    let verifier = request.form.need("code_verifier")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let proved = (43..=128).contains(&verifier.len())
        && verifier.chars().all(allowed)
        && hash::equal(challenge.as_bytes(), code.challenge.as_bytes());
    // RFC 6749 section 4.1.3: the same address again, if one was sent.
    let address = match request.form.get("redirect_uri") {
        Some(uri) => uri == code.redirect_uri,
        None => !code.redirect_sent,
    };
    let narrowed = request.resource.iter().all(|r| code.details.resource.contains(r));
    Ok(proved && address && narrowed && fits_code(code, request.binding.as_ref()))
}

/// Tokens for the user of a code, by the rights they have now. `None` when the account no longer is what it was when
/// the code was issued.
async fn exchange(
    request: &TokenRequest<'_>,
    work: &mut UnitOfWork,
    row: &CodeRow,
    code: &CodeDetails,
) -> Result<Option<IssuedToken>, IdentityError> {
    let (identity, client) = (request.identity, &request.client.row);
    let user = users::hold(work, row.tenant, row.user).await?.filter(|u| !u.locked);
    let tenant = tenants::by_id(work, row.tenant).await?.map(|r| r.tenant).filter(|t| t.active);
    let (Some(user), Some(tenant)) = (user, tenant) else { return Ok(None) };
    if !identity.directory_confirms(work, &user).await? || !identity.may_act(work, client).await? {
        return Ok(None);
    }
    // A new password, a lock or other roles end codes like tokens.
    let sub = crate::token::subject(&user.name, &tenant.domain);
    let epoch = identity.epoch_of(work, tenant.id, &sub).await?;
    if epoch.is_some_and(|epoch| row.issued_at < epoch) {
        return Ok(None);
    }
    let mut names = roles::names_of_user(work, tenant.id, user.id).await?;
    names.insert(EVERYONE.to_owned());
    let granted = identity.scope_table_for(work, tenant.id, &code.scopes).await?.grant(&code.scopes, &names, true);
    let mut details = Details { binding: request.binding.clone(), ..code.details.clone() };
    if !request.resource.is_empty() {
        details.resource.clone_from(&request.resource);
    }
    let issue = Issue {
        client,
        user: Subject { tenant: &tenant, id: user.id, name: &user.name },
        granted: &granted,
        family: &row.family,
        details: &details,
        renewable: true,
        at_most: None,
        origin: None,
    };
    identity.issue_for_user(work, &issue).await.map(Some)
}
