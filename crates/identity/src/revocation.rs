//! Revoked tokens and subject epochs: what gateways must learn within five seconds (threat model row 13).

use std::collections::BTreeMap;

use jose::{Claims, TokenKind};
use model::{ConsumerKey, Secret, TenantDomain, TenantId, Timestamp};
use store::repository::client::ClientRow;
use store::repository::tenant as tenants;
use store::repository::token::{self as tokens, RevokedRow};
use store::repository::user as users;

use crate::settings::MAX_LIFETIME;
use crate::token::CLIENT_EPOCH;
use crate::{Identity, IdentityError, hash};

/// A revoked access token that has not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRevocation {
    /// `jti`.
    pub token_id: String,
    /// `exp`: afterwards nobody needs to remember it.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Timestamp,
}

/// Tokens of a subject whose `iat` lies before the time are not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectEpoch {
    /// The tenant of the issuer: our one issuer belongs to the super tenant. Not the subject's tenant, since a client
    /// may serve users of several; `subject` is unique over all of them.
    pub tenant: TenantId,
    /// `sub` of the tokens: `alice@example.com`, or a client id for tokens in a client's own name. The first always holds
    /// an `@` and the second never does, so neither can be taken for the other.
    pub subject: String,
    /// The time, a whole second.
    pub not_before: Timestamp,
}

impl Identity {
    /// Live revocations made at or after a time, in order; pass `Timestamp::from_millis(0)` for all.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn revoked_tokens(&self, since: Timestamp) -> Result<Vec<TokenRevocation>, IdentityError> {
        let mut work = self.database.read().await?;
        let rows = tokens::revoked_since(&mut work, since, self.now()).await?;
        let revocation = |r: RevokedRow| TokenRevocation {
            token_id: r.token_id,
            expires_at: r.expires_at,
            revoked_at: r.revoked_at,
        };
        Ok(rows.into_iter().map(revocation).collect())
    }

    /// The epochs that can matter to a token which is still valid.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn subject_epochs(&self) -> Result<Vec<SubjectEpoch>, IdentityError> {
        let mut work = self.database.read().await?;
        let rows = tokens::epochs_since(&mut work, self.oldest_epoch()).await?;
        let tenants = tenants::list(&mut work).await?;
        let domains: BTreeMap<TenantId, TenantDomain> =
            tenants.into_iter().map(|row| (row.tenant.id, row.tenant.domain)).collect();
        let published = |row: tokens::EpochRow| {
            let subject = published_subject(&row.subject, domains.get(&row.tenant)?.as_str())?.to_owned();
            Some(SubjectEpoch { tenant: TenantId::SUPER, subject, not_before: row.not_before })
        };
        Ok(rows.into_iter().filter_map(published).collect())
    }

    /// Revokes an access token by its `jti`, whoever holds it: for one-time tokens and administrators.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn revoke_token_id(
        &self,
        tenant: TenantId,
        token_id: &str,
        expires_at: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        let row = RevokedRow { token_id: token_id.to_owned(), expires_at, revoked_at: self.now() };
        if tokens::revoke(&mut work, tenant, &row).await? {
            self.record(&mut work, tenant, "identity.tokens.revoke", &format!("token/{token_id}")).await?;
        }
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Ends an access token of a client. One that is not valid, or another client's, has nothing to end.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn revoke_client_token(
        &self,
        tenant: TenantId,
        client: &ConsumerKey,
        token: &Secret<String>,
    ) -> Result<(), IdentityError> {
        let Ok((signer, claims)) = self.verify(TokenKind::Access, token.expose()) else { return Ok(()) };
        match claims.token_id().filter(|_| signer == tenant && is_of(&claims, client)) {
            Some(id) => self.revoke_token_id(tenant, id, Timestamp::from_seconds(claims.expires)).await,
            None => Ok(()),
        }
    }

    /// Revokes a token that was issued to the client (RFC 7009): an access token together with its refresh token, or a
    /// refresh token with everything that descends from the same sign-in. Anything else is left alone without a word.
    pub(crate) async fn revoke(&self, client: &ClientRow, token: &str) -> Result<(), IdentityError> {
        let now = self.now();
        let mut work = self.database.begin().await?;
        if let Some(row) = tokens::find_refresh(&mut work, &hash::key_of(token)).await? {
            if row.client != client.id {
                return Ok(());
            }
            // A renewal under way holds the user: it ends first, and what it made is seen and ended too.
            users::hold(&mut work, row.tenant, row.user).await?;
            tokens::revoke_family(&mut work, &row.family, now).await?;
        } else if let Ok((_, claims)) = self.verify(TokenKind::Access, token) {
            let Some(id) = claims.token_id().filter(|_| is_of(&claims, &client.id)) else { return Ok(()) };
            if let Some(row) = tokens::refresh_of_access_token(&mut work, id).await? {
                users::hold(&mut work, row.tenant, row.user).await?;
                tokens::revoke_family(&mut work, &row.family, now).await?;
            }
            let expires_at = Timestamp::from_seconds(claims.expires);
            let row = RevokedRow { token_id: id.to_owned(), expires_at, revoked_at: now };
            tokens::revoke(&mut work, client.tenant, &row).await?;
        } else {
            return Ok(());
        }
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Epochs before this time matter to no token that can still be valid.
    pub(crate) fn oldest_epoch(&self) -> Timestamp {
        let longest = i64::try_from(MAX_LIFETIME.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.now().millis().saturating_sub(longest))
    }
}

/// The `sub` that an epoch of a tenant ends: a client's id, or a user of this very tenant. Nothing that a tenant keeps
/// can end the tokens of another one's users.
fn published_subject<'a>(key: &'a str, domain: &str) -> Option<&'a str> {
    if let Some(client) = key.strip_prefix(CLIENT_EPOCH) {
        return (!client.contains('@')).then_some(client);
    }
    key.rsplit_once('@').filter(|(_, end)| *end == domain).map(|_| key)
}

/// Whether the token was issued to the client.
pub(crate) fn is_of(claims: &Claims, client: &ConsumerKey) -> bool {
    claims.text("client_id") == Some(client.as_str())
}
