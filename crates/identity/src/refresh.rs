//! Refresh tokens: used once, then replaced. A second use reveals a copy, and ends the whole family (RFC 9700 4.14.2).

use std::collections::BTreeSet;
use std::time::Duration;

use store::repository::client::ClientRow;
use store::repository::token as tokens;
use store::repository::{role as roles, tenant as tenants, user as users};

use crate::oauth::binding::{Binding, Details};
use crate::scope::EVERYONE;
use crate::token::{Issue, Subject};
use crate::{Identity, IdentityError, IssuedToken, hash};

/// Two requests of one client that cross each other are no theft: the second is refused, the family lives on.
const OVERLAP: Duration = Duration::from_secs(2);

/// What a request for renewal asks beside the token.
pub(crate) struct Wanted<'a> {
    /// Scopes to narrow to; none means all.
    pub(crate) scopes: &'a BTreeSet<String>,
    /// Audiences to narrow to; none means all.
    pub(crate) resource: &'a [String],
    /// The key that the request proved.
    pub(crate) binding: Option<Binding>,
    /// Whether the client proved nothing else.
    pub(crate) public: bool,
}

impl Identity {
    /// New tokens for a refresh token. `None` when it is not valid for this client.
    pub(crate) async fn refresh(
        &self,
        client: &ClientRow,
        value: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Option<IssuedToken>, IdentityError> {
        self.need_keys(client.tenant).await?;
        let narrowed = wanted.scopes;
        let now = self.now();
        let digest = hash::key_of(value);
        let mut work = self.database.begin().await?;
        let Some(row) = tokens::find_refresh(&mut work, &digest).await? else { return Ok(None) };
        // Another client's token: refused, and nothing is told about it.
        if row.client != client.id {
            return Ok(None);
        }
        let mut details = Details::of_stored(&row.details)?;
        // A public client has nothing but its key to show that the token is its own (RFC 9449 section 5); a client that
        // proves who it is may come with another key. A thief who has neither must not end the family either.
        if wanted.public && details.binding != wanted.binding {
            return Ok(None);
        }
        if !wanted.resource.iter().all(|r| details.resource.contains(r)) {
            return Ok(None);
        }
        // Before the refresh token itself is touched: a reset takes the two in this order as well.
        let user = users::hold(&mut work, row.tenant, row.user).await?;
        if row.used_at.is_some_and(|used| now.since(used) < OVERLAP) {
            return Ok(None);
        }
        if row.used_at.is_none() && !tokens::use_refresh(&mut work, &digest, now).await? {
            return Ok(None);
        }
        if row.used_at.is_some() {
            tracing::warn!(client = %client.id, user = %row.user, "a refresh token was used twice; its family is revoked");
            tokens::revoke_family(&mut work, &row.family, now).await?;
            work.save().await?;
            self.announce();
            return Ok(None);
        }
        if row.expires_at <= now {
            return Ok(None);
        }
        let tenant = tenants::by_id(&mut work, row.tenant).await?.map(|r| r.tenant);
        let (Some(user), Some(tenant)) = (user, tenant) else { return Ok(None) };
        if !self.directory_confirms(&mut work, &user).await? {
            return Ok(None);
        }
        if user.locked || !tenant.active || !self.may_act(&mut work, client).await? {
            return Ok(None);
        }
        let mut current = roles::names_of_user(&mut work, tenant.id, user.id).await?;
        current.insert(EVERYONE.to_owned());
        let before: BTreeSet<String> = row.scopes.split(' ').map(str::to_owned).collect();
        // Never more than before (RFC 6749 section 6), never more than the roles allow now.
        let scopes = if narrowed.is_empty() { before } else { before.intersection(narrowed).cloned().collect() };
        let table = self.scope_table_for(&mut work, tenant.id, &scopes).await?;
        let granted = table.grant(&scopes, &current, true);
        // The access token that came with the old refresh token ends: only the newest pair is live.
        let revoked = tokens::RevokedRow {
            token_id: row.access_token_id.clone(),
            expires_at: row.access_expires_at,
            revoked_at: now,
        };
        if row.access_expires_at > now {
            tokens::retire(&mut work, tenant.id, &revoked).await?;
        }
        let subject = Subject { tenant: &tenant, id: user.id, name: &user.name };
        details.binding = wanted.binding.clone();
        if !wanted.resource.is_empty() {
            details.resource = wanted.resource.to_vec();
        }
        let issue = Issue {
            client,
            user: subject,
            granted: &granted,
            family: &row.family,
            details: &details,
            renewable: true,
            at_most: None,
            origin: None,
        };
        let issued = self.issue_for_user(&mut work, &issue).await?;
        work.save().await?;
        self.announce();
        Ok(Some(issued))
    }
}
