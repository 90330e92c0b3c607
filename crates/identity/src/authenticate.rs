//! Who is calling: the [`web::Authenticator`] of the management listener.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jose::{Claims, DPOP_LIFETIME, DpopExpectation, TokenKind};
use model::{ConsumerKey, Secret, Tenant, TenantDomain, TenantId, Timestamp};
use store::StoreError;
use store::UnitOfWork;
use store::repository::client::{self as clients, ClientKind, ClientRow};
use store::repository::user::{self as users, UserRow};
use store::repository::{role as roles, tenant as tenants, token as tokens};
use web::{AuthenticationError, AuthenticationMethod, Authenticator, BoundToken, BoxFuture, Credentials, Principal};

use crate::oauth::binding::Binding;
use crate::oauth::client_auth::certificate_thumbprint;
use crate::scope::EVERYONE;
use crate::token::{FOR_CLIENT, FOR_FEDERATED, FOR_USER, client_epoch_key};
use crate::{ADMIN_ROLE, Identity, IdentityError, LOCAL_OPERATOR};

/// A token that is valid now, with whom it speaks for.
pub(crate) struct LiveToken {
    pub(crate) claims: Claims,
    pub(crate) client: ClientRow,
    /// The user, or the owner of the client that acts in its own name.
    pub(crate) user: Option<UserRow>,
    pub(crate) tenant: Tenant,
}

/// A user who calls an API with name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUser {
    /// `sub` that the user's tokens have, which [`crate::SubjectEpoch`] names.
    pub subject: String,
    /// The user's tenant.
    pub tenant: TenantDomain,
    /// Those of the asked scopes that the user's roles allow.
    pub scopes: BTreeSet<String>,
}

impl Authenticator for Identity {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials,
        requested: Option<&'a TenantDomain>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        self.authenticate_from(credentials, requested, None)
    }

    fn authenticate_from<'a>(
        &'a self,
        credentials: Credentials,
        requested: Option<&'a TenantDomain>,
        address: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move {
            let found = match credentials {
                Credentials::Bearer(token) => self.bearer(&token, None).await,
                Credentials::Bound(bound) => self.bound(&bound).await,
                Credentials::Basic { username, password } => self.basic(&username, &password, requested, address).await,
                Credentials::Local(_) => self.operator(requested).await,
                Credentials::Session(cookie) => self.browser(&cookie).await,
            };
            match found {
                Ok(Some(principal)) => Ok(principal),
                Ok(None) => Err(AuthenticationError::Invalid),
                Err(error) => Err(AuthenticationError::Unavailable(error.to_string())),
            }
        })
    }

    fn demand_sign_in(&self, wanted: Option<&str>) -> axum::response::Response {
        self.ask_to_sign_in(wanted)
    }
}

impl Identity {
    /// Whether name and password are those of a user who may call APIs, and which of these scopes the user's roles allow.
    /// A name without a domain is one of the tenant's users. Guesses count as for any other sign-in.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn check_api_user(
        &self,
        (username, password): (&str, &Secret<String>),
        tenant: &TenantDomain,
        scopes: &[String],
        address: Option<IpAddr>,
    ) -> Result<Option<ApiUser>, IdentityError> {
        let Some(signed_in) = self.sign_in(username, Some(tenant.as_str()), password, address).await? else {
            return Ok(None);
        };
        let mut work = self.database.read().await?;
        let table = self.scope_table(&mut work, signed_in.tenant.id).await?;
        let domain = signed_in.tenant.domain;
        Ok(Some(ApiUser {
            subject: format!("{}@{domain}", signed_in.user.name),
            tenant: domain,
            scopes: scopes.iter().filter(|scope| table.allows(scope, &signed_in.roles)).cloned().collect(),
        }))
    }

    async fn browser(&self, cookie: &Secret<String>) -> Result<Option<Principal>, IdentityError> {
        match self.session_of(cookie).await? {
            Some(session) => self.principal_of(session).await.map(Some),
            None => Ok(None),
        }
    }

    async fn basic(
        &self,
        username: &str,
        password: &Secret<String>,
        requested: Option<&TenantDomain>,
        address: Option<IpAddr>,
    ) -> Result<Option<Principal>, IdentityError> {
        let requested = requested.map(TenantDomain::as_str);
        let Some(signed_in) = self.sign_in(username, requested, password, address).await? else { return Ok(None) };
        let mut work = self.database.read().await?;
        let table = self.scope_table(&mut work, signed_in.tenant.id).await?;
        Ok(Some(Principal {
            tenant: signed_in.tenant,
            user: signed_in.user.name,
            scopes: table.all_of(&signed_in.roles),
            roles: signed_in.roles,
            client: None,
            method: AuthenticationMethod::Basic,
        }))
    }

    /// A token with what the caller shows for it: the key of a proof, or a certificate.
    async fn bound(&self, bound: &BoundToken) -> Result<Option<Principal>, IdentityError> {
        let proof = match (&bound.proof, &bound.certificate) {
            (Some(proof), _) => proof,
            (None, Some(der)) => {
                let shown = Binding::Certificate(certificate_thumbprint(der));
                return self.bearer(&bound.token, Some(shown)).await;
            }
            (None, None) => return Ok(None),
        };
        let target = format!("{}{}", self.settings.base_url, bound.path);
        let token = Some(bound.token.expose().as_str());
        let expected = DpopExpectation { method: &bound.method, target: &target, access_token: token };
        let Ok(proof) = jose::verify_dpop(proof, &expected, self.now().seconds()) else { return Ok(None) };
        let shown = Binding::Key(proof.thumbprint.clone());
        let Some(principal) = self.bearer(&bound.token, Some(shown)).await? else { return Ok(None) };
        // Remembered only now: proofs without a token of ours fill no table.
        let first = self.first_use("dpop", &proof.thumbprint, &proof.id, DPOP_LIFETIME).await?;
        Ok(first.then_some(principal))
    }

    async fn bearer(&self, token: &Secret<String>, shown: Option<Binding>) -> Result<Option<Principal>, IdentityError> {
        let mut work = self.database.read().await?;
        let Some(live) = self.live_token(&mut work, token.expose()).await? else { return Ok(None) };
        // A bound token without its key is a stolen one. A certificate beside a token that is not bound means nothing,
        // while a proof says that the caller takes the token for bound.
        match (Binding::of_claims(&live.claims), shown) {
            (Ok(None), None | Some(Binding::Certificate(_))) => {}
            (Ok(Some(bound)), Some(shown)) if bound == shown => {}
            _ => return Ok(None),
        }
        let Some(user) = live.user else { return Ok(None) };
        let mut roles = roles::names_of_user(&mut work, live.tenant.id, user.id).await?;
        roles.insert(EVERYONE.to_owned());
        let table = self.scope_table(&mut work, live.tenant.id).await?;
        let management = live.claims.text("aut") == Some(FOR_USER) || live.client.kind == ClientKind::Service;
        let wanted = live.claims.scopes("scope").map(str::to_owned).collect();
        // A binding may have been narrowed since the token was issued.
        let scopes = table.grant(&wanted, &roles, management);
        Ok(Some(Principal {
            tenant: live.tenant,
            user: user.name,
            roles,
            scopes,
            client: Some(live.client.id),
            method: AuthenticationMethod::Bearer,
        }))
    }

    async fn operator(&self, requested: Option<&TenantDomain>) -> Result<Option<Principal>, IdentityError> {
        let mut work = self.database.read().await?;
        let tenant = match requested {
            None => tenants::by_id(&mut work, TenantId::SUPER).await?,
            Some(domain) => tenants::by_domain(&mut work, domain.as_str()).await?,
        };
        let Some(tenant) = tenant.map(|r| r.tenant) else { return Ok(None) };
        let table = self.scope_table(&mut work, tenant.id).await?;
        Ok(Some(Principal {
            tenant,
            user: LOCAL_OPERATOR.to_owned(),
            roles: [ADMIN_ROLE.to_owned(), EVERYONE.to_owned()].into(),
            scopes: table.system(),
            client: None,
            method: AuthenticationMethod::LocalSocket,
        }))
    }

    /// Checks an access token of ours: signature, times, revocation, client, subject, epoch. `None` when anything is
    /// wrong; the reason goes to the log only.
    pub(crate) async fn live_token(
        &self,
        work: &mut UnitOfWork,
        token: &str,
    ) -> Result<Option<LiveToken>, IdentityError> {
        let (signing_tenant, claims) = match self.verify(TokenKind::Access, token) {
            Ok(verified) => verified,
            Err(reason) => {
                tracing::debug!(%reason, "access token refused");
                return Ok(None);
            }
        };
        let (Some(id), Some(sub), Some(issued_at), Some(client_id)) =
            (claims.token_id(), claims.subject(), claims.issued_at, claims.text("client_id"))
        else {
            return Ok(None);
        };
        if tokens::is_revoked(work, id).await? {
            return Ok(None);
        }
        let client = clients::find(work, signing_tenant, &ConsumerKey::new(client_id)).await?.filter(|c| c.active);
        let Some(client) = client else { return Ok(None) };
        if !self.may_act(work, &client).await? {
            return Ok(None);
        }
        let Some((tenant, user)) = self.token_subject(work, &claims, &client, sub).await? else { return Ok(None) };
        let own_name = claims.text("aut") == Some(FOR_CLIENT);
        let key = if own_name { client_epoch_key(&client.id) } else { sub.to_owned() };
        let epoch = tokens::epoch(work, tenant.id, &key).await?;
        if !tenant.active || epoch.is_some_and(|e| Timestamp::from_seconds(issued_at) < e) {
            return Ok(None);
        }
        if let Some(user) = &user
            && (user.locked || !self.directory_confirms(work, user).await?)
        {
            return Ok(None);
        }
        Ok(Some(LiveToken { claims, client, user, tenant }))
    }

    async fn token_subject(
        &self,
        work: &mut UnitOfWork,
        claims: &Claims,
        client: &ClientRow,
        sub: &str,
    ) -> Result<Option<(Tenant, Option<UserRow>)>, StoreError> {
        match claims.text("aut") {
            Some(FOR_CLIENT) if sub == client.id.as_str() => {
                let tenant = tenants::by_id(work, client.tenant).await?;
                let owner = users::by_name(work, client.tenant, &client.owner).await?;
                Ok(tenant.map(|t| (t.tenant, owner)))
            }
            Some(FOR_USER) => {
                let Some((name, domain)) = sub.rsplit_once('@') else { return Ok(None) };
                let Some(tenant) = tenants::by_domain(work, domain).await? else { return Ok(None) };
                let user = users::by_name(work, tenant.tenant.id, name).await?;
                Ok(user.map(|user| (tenant.tenant, Some(user))))
            }
            // Somebody without an account here: `bearer` lets nobody in without one.
            Some(FOR_FEDERATED) => Ok(tenants::by_id(work, client.tenant).await?.map(|t| (t.tenant, None))),
            _ => Ok(None),
        }
    }
}
