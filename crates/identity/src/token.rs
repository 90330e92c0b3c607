//! Issuing access tokens (RFC 9068) and ID tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{ConsumerKey, Secret, Tenant, TenantDomain, TenantId, Timestamp, UserId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::client::{self as clients, ClientKind, ClientRow};
use store::repository::token::{self as tokens, DerivedRow, RefreshRow};
use store::repository::{role as roles, tenant as tenants, trusted_issuer, user as users};

use crate::oauth::binding::{Binding, Details};
use crate::oauth::trusted::VouchedSubject;
use crate::scope::EVERYONE;
use crate::settings::MAX_LIFETIME;
use crate::sign_in::{SignedIn, is_unchanged};
use crate::{Identity, IdentityError, LOCAL_OPERATOR, hash};

/// `typ` of access tokens (RFC 9068).
const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of ID tokens; they carry `at_hash`, so no verifier of ours takes them for access tokens.
const ID_TOKEN: &str = "JWT";
/// The refresh token grant, RFC 6749 section 6.
pub(crate) const REFRESH_GRANT: &str = "refresh_token";

/// Tokens just issued.
pub struct IssuedToken {
    /// A JWT.
    pub access_token: Secret<String>,
    /// `jti` of the access token.
    pub token_id: String,
    /// Lifetime of the access token, seconds.
    pub expires_in: u64,
    /// Granted scopes, separated by blanks.
    pub scope: String,
    /// Opaque; only for clients with the grant.
    pub refresh_token: Option<Secret<String>>,
    /// A JWT; only with the scope `openid`.
    pub id_token: Option<Secret<String>>,
    /// `Bearer`, or `DPoP` for a token that is bound to the client's key (RFC 9449).
    pub token_type: &'static str,
}

/// `sub` of a user's tokens: unique over all tenants, and split at the last `@` again.
pub(crate) fn subject(user: &str, domain: &TenantDomain) -> String {
    format!("{user}@{domain}")
}

/// The key of a client's epoch in the store. A colon cannot stand in a user name, so a client can never end a user's
/// tokens, whatever id somebody chooses for it. In tokens `sub` is the bare id.
pub(crate) fn client_epoch_key(id: &ConsumerKey) -> String {
    format!("{CLIENT_EPOCH}{}", id.as_str())
}

/// See [`client_epoch_key`].
pub(crate) const CLIENT_EPOCH: &str = "client:";

/// The user for whom tokens are issued.
pub(crate) struct Subject<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) id: UserId,
    pub(crate) name: &'a str,
}

/// What to issue for a user.
pub(crate) struct Issue<'a> {
    pub(crate) client: &'a ClientRow,
    pub(crate) user: Subject<'a>,
    pub(crate) granted: &'a BTreeSet<String>,
    pub(crate) family: &'a str,
    pub(crate) details: &'a Details,
    /// Whether a refresh token goes with it, if the client may have one.
    pub(crate) renewable: bool,
    /// Longest lifetime, where something else than the settings bounds it.
    pub(crate) at_most: Option<Duration>,
    /// The token that this one is issued for: it ends with that one.
    pub(crate) origin: Option<Origin<'a>>,
}

/// A token that another one was issued for.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// Its `jti`.
    pub(crate) token_id: &'a str,
    /// The client that has it.
    pub(crate) client: &'a ConsumerKey,
}

/// What an access token says.
struct Contents<'a> {
    client: &'a ClientRow,
    signing_tenant: &'a Tenant,
    subject: &'a str,
    /// WSO2's `aut`.
    kind: &'static str,
    scope: &'a str,
    epoch: Option<Timestamp>,
    lifetime: Option<Duration>,
    details: &'a Details,
}

/// Whose token it is, as WSO2's `aut` says it.
pub(crate) const FOR_CLIENT: &str = "APPLICATION";
/// See [`FOR_CLIENT`].
pub(crate) const FOR_USER: &str = "APPLICATION_USER";
/// A subject that another issuer vouches for. It has no account here, so such a token opens APIs and nothing of ours.
pub(crate) const FOR_FEDERATED: &str = "FEDERATED_USER";

pub(crate) struct AccessToken {
    text: Secret<String>,
    id: String,
    expires_at: Timestamp,
    lifetime: Duration,
}

impl Identity {
    /// A token for a client in its own name (client credentials), as the Developer Portal makes them. Management scopes
    /// are left out for keys of applications; scopes bound to roles go by the roles of the client's owner.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is no active client, [`IdentityError::Conflict`] when its owner or tenant is
    /// not active, [`IdentityError::Invalid`] for scopes or a lifetime out of bounds.
    pub async fn issue_client_token(
        &self,
        tenant: TenantId,
        id: &ConsumerKey,
        scopes: &[String],
        lifetime: Option<Duration>,
    ) -> Result<IssuedToken, IdentityError> {
        let wanted = crate::scope::parse(&scopes.join(" ")).map_err(IdentityError::Invalid)?;
        let mut work = self.database.read().await?;
        let client = clients::find(&mut work, tenant, id).await?.filter(|c| c.active);
        let client = client.ok_or_else(|| IdentityError::not_found("There is no such client."))?;
        work.cancel().await?;
        self.client_token(&client, &wanted, lifetime, &Details::default()).await
    }

    pub(crate) async fn client_token(
        &self,
        client: &ClientRow,
        wanted: &BTreeSet<String>,
        lifetime: Option<Duration>,
        details: &Details,
    ) -> Result<IssuedToken, IdentityError> {
        self.need_keys(client.tenant).await?;
        if lifetime.is_some_and(|l| l < Duration::from_secs(1) || l > MAX_LIFETIME) {
            return Err(IdentityError::invalid("The lifetime of a token is 1 second to 366 days."));
        }
        let mut work = self.database.read().await?;
        let table = self.scope_table_for(&mut work, client.tenant, wanted).await?;
        let tenant = self.need_tenant(&mut work, client.tenant).await?;
        if !self.may_act(&mut work, client).await? {
            return Err(IdentityError::conflict("The owner of this client, or its tenant, is not active."));
        }
        let owner_roles = match users::by_name(&mut work, client.tenant, &client.owner).await? {
            Some(owner) => roles::names_of_user(&mut work, client.tenant, owner.id).await?,
            None => BTreeSet::new(),
        };
        let epoch = self.epoch_of(&mut work, client.tenant, &client_epoch_key(&client.id)).await?;
        work.cancel().await?;
        let management = client.kind == ClientKind::Service;
        let mut granted = table.grant(wanted, &owner_roles, management);
        // OpenID Connect is about a person; there is none here.
        if granted.remove("openid") && granted.is_empty() {
            granted.insert(crate::scope::DEFAULT_SCOPE.to_owned());
        }
        let scope = join(&granted);
        let token = self.access_token(&Contents {
            client,
            signing_tenant: &tenant,
            subject: client.id.as_str(),
            kind: FOR_CLIENT,
            scope: &scope,
            epoch,
            lifetime,
            details,
        })?;
        Ok(token.issued(scope, details))
    }

    /// A token for somebody whom a trusted issuer outside vouches for. Their rights are those of the roles that the
    /// tenant gave to what the issuer says about them. It ends when the issuer is not trusted any more; `None` when that
    /// happened meanwhile.
    pub(crate) async fn federated_token(
        &self,
        client: &ClientRow,
        subject: &VouchedSubject,
        granted: &BTreeSet<String>,
        details: &Details,
        at_most: Option<Duration>,
    ) -> Result<Option<IssuedToken>, IdentityError> {
        self.need_keys(client.tenant).await?;
        let mut work = self.database.begin().await?;
        let tenant = self.need_tenant(&mut work, client.tenant).await?;
        if !trusted_issuer::hold(&mut work, client.tenant, &subject.issuer).await? {
            return Ok(None);
        }
        let scope = join(granted);
        let lifetime = self.user_lifetime(client, at_most);
        let token = self.access_token(&Contents {
            client,
            signing_tenant: &tenant,
            subject: &subject.name,
            kind: FOR_FEDERATED,
            scope: &scope,
            epoch: None,
            lifetime: Some(lifetime),
            details,
        })?;
        let derived = DerivedRow {
            token_id: token.id.clone(),
            origin: subject.origin(),
            client: client.id.clone(),
            expires_at: token.expires_at,
        };
        tokens::derive(&mut work, client.tenant, &derived).await?;
        work.save().await?;
        Ok(Some(token.issued(scope, details)))
    }

    /// The lifetime of a user's token for a client.
    fn user_lifetime(&self, client: &ClientRow, at_most: Option<Duration>) -> Duration {
        let own = client.access_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        let usual = own.unwrap_or(self.settings.user_token_lifetime);
        at_most.map_or(usual, |most| usual.min(most))
    }

    /// Whether tokens may be issued to a client: its tenant is active, and so is its owner. What a locked or deleted
    /// user set up does not go on without them.
    pub(crate) async fn may_act(&self, work: &mut UnitOfWork, client: &ClientRow) -> Result<bool, IdentityError> {
        if !tenants::by_id(work, client.tenant).await?.is_some_and(|t| t.tenant.active) {
            return Ok(false);
        }
        // Clients made through the server's own socket belong to nobody in the user store.
        if client.owner == LOCAL_OPERATOR {
            return Ok(true);
        }
        Ok(users::by_name(work, client.tenant, &client.owner).await?.is_some_and(|owner| !owner.locked))
    }

    /// Tokens for a user who has just proved who they are; `None` when the account, the tenant or the client changed
    /// since then so that they no longer count.
    pub(crate) async fn user_token(
        &self,
        client: &ClientRow,
        user: &SignedIn,
        wanted: &BTreeSet<String>,
        details: &Details,
    ) -> Result<Option<IssuedToken>, IdentityError> {
        self.need_keys(client.tenant).await?;
        let mut work = self.database.begin().await?;
        let checked = &user.user;
        let current = users::hold(&mut work, user.tenant.id, checked.id).await?;
        let active = tenants::by_id(&mut work, user.tenant.id).await?.is_some_and(|t| t.tenant.active);
        let proved = active && current.is_some_and(|u| is_unchanged(&u, checked, self.now()));
        let registered = clients::find(&mut work, client.tenant, &client.id).await?.is_some_and(|c| c.active);
        if !proved || !registered || !self.may_act(&mut work, client).await? {
            return Ok(None);
        }
        let table = self.scope_table_for(&mut work, user.tenant.id, wanted).await?;
        // The signed-in user's rights as they are now, not as they were before the password was checked.
        let mut current = roles::names_of_user(&mut work, user.tenant.id, user.user.id).await?;
        current.insert(EVERYONE.to_owned());
        let granted = table.grant(wanted, &current, true);
        let subject = Subject { tenant: &user.tenant, id: user.user.id, name: &user.user.name };
        let family = self.rng.uuid_at(self.now()).to_string();
        let issue = Issue {
            client,
            user: subject,
            granted: &granted,
            family: &family,
            details,
            renewable: true,
            at_most: None,
            origin: None,
        };
        let issued = self.issue_for_user(&mut work, &issue).await?;
        work.save().await?;
        Ok(Some(issued))
    }

    pub(crate) async fn issue_for_user(
        &self,
        work: &mut UnitOfWork,
        issue: &Issue<'_>,
    ) -> Result<IssuedToken, IdentityError> {
        let Issue { client, user, granted, details, .. } = issue;
        let scope = join(granted);
        let sub = subject(user.name, &user.tenant.domain);
        let epoch = self.epoch_of(work, user.tenant.id, &sub).await?;
        let signing_tenant = tenants::by_id(work, client.tenant).await?.map(|r| r.tenant);
        let signing_tenant = signing_tenant.ok_or_else(|| IdentityError::not_found("There is no such tenant."))?;
        let token = self.access_token(&Contents {
            client,
            signing_tenant: &signing_tenant,
            subject: &sub,
            kind: FOR_USER,
            scope: &scope,
            epoch,
            lifetime: Some(self.user_lifetime(client, issue.at_most)),
            details,
        })?;
        if let Some(origin) = &issue.origin {
            let derived = DerivedRow {
                token_id: token.id.clone(),
                origin: origin.token_id.to_owned(),
                client: origin.client.clone(),
                expires_at: token.expires_at,
            };
            tokens::derive(work, client.tenant, &derived).await?;
        }
        let renewable = issue.renewable && client.grants.iter().any(|g| g == REFRESH_GRANT);
        let refresh_token = if renewable { Some(self.refresh_token(work, issue, &scope, &token).await?) } else { None };
        let id_token = if granted.contains("openid") {
            Some(self.id_token(&signing_tenant, client, &sub, &token, details)?)
        } else {
            None
        };
        Ok(IssuedToken { refresh_token, id_token, ..token.issued(scope, details) })
    }

    async fn refresh_token(
        &self,
        work: &mut UnitOfWork,
        issue: &Issue<'_>,
        scope: &str,
        token: &AccessToken,
    ) -> Result<Secret<String>, IdentityError> {
        let (client, value, now) = (issue.client, hash::new_expiring(&*self.rng, self.now()), self.now());
        let lifetime = client.refresh_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        // A nonce is for the ID token of the sign-in itself (OpenID Connect Core 12.2).
        let inherited = Details { nonce: None, ..issue.details.clone() };
        let row = RefreshRow {
            hash: hash::key_of(value.expose()),
            family: issue.family.to_owned(),
            tenant: issue.user.tenant.id,
            client: client.id.clone(),
            user: issue.user.id,
            scopes: scope.to_owned(),
            details: inherited.to_stored(),
            access_token_id: token.id.clone(),
            access_expires_at: token.expires_at,
            issued_at: now,
            expires_at: now.plus(lifetime.unwrap_or(self.settings.refresh_token_lifetime)),
            used_at: None,
        };
        tokens::insert_refresh(work, &row).await?;
        Ok(value)
    }

    fn access_token(&self, contents: &Contents<'_>) -> Result<AccessToken, IdentityError> {
        let Contents { client, signing_tenant, details, .. } = contents;
        let own = client.access_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        let lifetime = contents.lifetime.or(own).unwrap_or(self.settings.access_token_lifetime);
        let now = self.now();
        let expires_at = Timestamp::from_seconds(now.plus(lifetime).seconds());
        let id = self.rng.uuid_at(now).to_string();
        // An epoch is the start of a second that may just be beginning: a token issued after it must not look older.
        let issued_at = contents.epoch.map_or(now.seconds(), |e| e.seconds().max(now.seconds()));
        let audience = match details.resource.as_slice() {
            [] => json!(client.id),
            [one] => json!(one),
            many => json!(many),
        };
        let mut claims = json!({
            "sub": contents.subject,
            "aut": contents.kind,
            "scope": contents.scope,
            "iss": self.issuer_of(&signing_tenant.domain),
            "aud": audience,
            "azp": client.id,
            "client_id": client.id,
            "realm": {"signing_tenant": signing_tenant.domain},
            "iat": issued_at,
            "nbf": now.seconds(),
            "exp": expires_at.seconds(),
            "jti": id,
        });
        if let Value::Object(members) = &mut claims {
            if let Some(binding) = &details.binding {
                members.insert("cnf".into(), json!(binding));
            }
            if let Some(actor) = &details.actor {
                members.insert("act".into(), actor.clone());
            }
            if let Some(time) = details.auth_time {
                members.insert("auth_time".into(), time.into());
            }
        }
        let text = self.sign(signing_tenant.id, ACCESS_TOKEN, &claims)?;
        Ok(AccessToken { text: Secret::new(text), id, expires_at, lifetime })
    }

    /// OpenID Connect Core 2.
    fn id_token(
        &self,
        signing_tenant: &Tenant,
        client: &ClientRow,
        subject: &str,
        access: &AccessToken,
        details: &Details,
    ) -> Result<Secret<String>, IdentityError> {
        let digest = hash::sha256(access.text.expose());
        let half = digest.get(..16).unwrap_or(&digest);
        let mut claims = json!({
            "iss": self.issuer_of(&signing_tenant.domain),
            "sub": subject,
            "aud": client.id,
            "azp": client.id,
            "iat": self.now().seconds(),
            "exp": access.expires_at.seconds(),
            "jti": self.rng.uuid(),
            "at_hash": URL_SAFE_NO_PAD.encode(half),
        });
        if let Value::Object(members) = &mut claims {
            let optional = [
                ("auth_time", details.auth_time.map(Value::from)),
                ("nonce", details.nonce.clone().map(Value::from)),
                ("sid", details.session.clone().map(Value::from)),
                ("amr", (!details.amr.is_empty()).then(|| json!(details.amr))),
            ];
            members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        self.sign(signing_tenant.id, ID_TOKEN, &claims).map(Secret::new)
    }
}

impl AccessToken {
    fn issued(self, scope: String, details: &Details) -> IssuedToken {
        IssuedToken {
            access_token: self.text,
            token_id: self.id,
            expires_in: self.lifetime.as_secs(),
            scope,
            refresh_token: None,
            id_token: None,
            token_type: Binding::token_type(details.binding.as_ref()),
        }
    }
}

pub(crate) fn join(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
