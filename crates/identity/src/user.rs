//! Users: create, find, change, lock, delete.

use std::collections::BTreeSet;

use model::{ConsumerKey, Secret, Tenant, TenantId, Timestamp, UserId};
use serde_json::{Map, Value};
use store::repository::client as clients;
use store::repository::user::{self as users, UserRow};
use store::repository::{login_session, recovery, second_factor, sign_in};
use store::repository::{role as roles, tenant as tenants, token as tokens};
use store::{StoreError, UnitOfWork};

use crate::name::StoreName;
use crate::role::need_administrator;
use crate::scope::EVERYONE;
use crate::sign_in::{Attempt, Code, Verdict};
use crate::{ADMIN_ROLE, Identity, IdentityError, LOCAL_OPERATOR, name};

/// Largest SCIM attributes of one user, bytes of JSON.
const MAX_ATTRIBUTES: usize = 16 * 1024;

/// A user to create.
pub struct NewUser {
    /// Name, with the domain of its user store in front unless that is the primary one.
    pub name: String,
    /// Password; the policy applies.
    pub password: Secret<String>,
    /// SCIM attributes besides name, password and groups.
    pub attributes: Map<String, Value>,
    /// Roles besides `Internal/everyone`; they must exist.
    pub roles: Vec<String>,
}

/// A user with roles.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, as in `alice`, `EXAMPLE.COM/alice`.
    pub name: String,
    /// Locked by an administrator.
    pub locked: bool,
    /// Locked by failed attempts until then.
    pub locked_until: Option<Timestamp>,
    /// SCIM attributes besides name, password, groups and metadata.
    pub attributes: Map<String, Value>,
    /// Roles with their ids, besides `Internal/everyone`, which everybody has.
    pub roles: Vec<(String, String)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The names of all roles.
    pub fn role_names(&self) -> BTreeSet<String> {
        self.roles.iter().map(|(_, name)| name.clone()).chain([EVERYONE.to_owned()]).collect()
    }
}

/// A checked user whose password has been hashed, so that the transaction that stores it is short.
pub(crate) struct PreparedUser {
    pub(crate) name: StoreName,
    pub(crate) hash: String,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) roles: Vec<String>,
}

impl Identity {
    /// Adds a user.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] when the name is taken, [`IdentityError::Password`], [`IdentityError::Invalid`].
    pub async fn create_user(&self, tenant: TenantId, new: NewUser) -> Result<User, IdentityError> {
        let prepared = self.prepare_user(new).await?;
        let mut work = self.database.begin().await?;
        let tenant = self.need_tenant(&mut work, tenant).await?;
        let row = self.insert_user(&mut work, &tenant, prepared).await?;
        let user = load(&mut work, row).await?;
        self.record_user(&mut work, tenant.id, "create", user.id).await?;
        work.save().await?;
        Ok(user)
    }

    async fn record_user(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        verb: &str,
        id: UserId,
    ) -> Result<(), IdentityError> {
        self.record(work, tenant, &format!("identity.users.{verb}"), &format!("user/{id}")).await
    }

    pub(crate) async fn prepare_user(&self, new: NewUser) -> Result<PreparedUser, IdentityError> {
        let name = name::user(&new.name)?;
        check_attributes(&new.attributes)?;
        self.check_new_password(local_part(&name.full), &new.password).await?;
        let hash = self.passwords.hash(&new.password, &*self.rng).await?;
        Ok(PreparedUser { name, hash, attributes: new.attributes, roles: new.roles })
    }

    pub(crate) async fn insert_user(
        &self,
        work: &mut UnitOfWork,
        tenant: &Tenant,
        new: PreparedUser,
    ) -> Result<UserRow, IdentityError> {
        let full = own_name(work, tenant, &new.name.full).await?;
        if full.eq_ignore_ascii_case(LOCAL_OPERATOR) {
            return Err(IdentityError::invalid(format!("The name {LOCAL_OPERATOR} belongs to the product.")));
        }
        self.need_store(work, tenant.id, new.name.store.as_deref()).await?;
        if users::by_name(work, tenant.id, &full).await?.is_some() {
            return Err(IdentityError::conflict(format!("The user {full} exists already.")));
        }
        let most = self.settings.max_users;
        if users::count(work, tenant.id).await? >= most {
            let text = format!("The tenant {} has {most} users, the most there can be.", tenant.domain);
            return Err(IdentityError::Limit(text));
        }
        let now = self.now();
        let row = UserRow {
            id: UserId::new(self.rng.uuid()),
            tenant: tenant.id,
            name: full,
            password_hash: new.hash,
            locked: false,
            locked_until: None,
            lock_count: 0,
            failed_attempts: 0,
            attributes: new.attributes,
            created_at: now,
            updated_at: now,
        };
        users::insert(work, &row).await?;
        for name in new.roles.iter().filter(|r| !r.eq_ignore_ascii_case(EVERYONE)) {
            let role = roles::by_name(work, tenant.id, name)
                .await?
                .ok_or_else(|| IdentityError::invalid(format!("There is no role {name} in this tenant.")))?;
            roles::add_member(work, tenant.id, &role.id, row.id).await?;
        }
        Ok(row)
    }

    /// A page of a tenant's users in the order of their names, and how many there are in all.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn users(&self, tenant: TenantId, offset: i64, limit: i64) -> Result<(Vec<User>, i64), IdentityError> {
        let mut work = self.database.read().await?;
        let total = users::count(&mut work, tenant).await?;
        let mut page = Vec::new();
        for row in users::list(&mut work, tenant, offset, limit).await? {
            page.push(load(&mut work, row).await?);
        }
        Ok((page, total))
    }

    /// A page of a tenant's users whose names contain a text, in the order of their names, and how many there are in all.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn search_users(
        &self,
        tenant: TenantId,
        text: &str,
        page: (i64, i64),
    ) -> Result<(Vec<User>, i64), IdentityError> {
        let mut work = self.database.read().await?;
        let (rows, total) = users::search(&mut work, tenant, text, page).await?;
        let mut found = Vec::new();
        for row in rows {
            found.push(load(&mut work, row).await?);
        }
        Ok((found, total))
    }

    /// A user by id.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn user(&self, tenant: TenantId, id: UserId) -> Result<User, IdentityError> {
        let mut work = self.database.read().await?;
        let row = users::by_id(&mut work, tenant, id).await?.ok_or_else(no_user)?;
        load(&mut work, row).await
    }

    /// A user by name, whatever the case; the tenant's own domain at the end is allowed.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn find_user(&self, tenant: TenantId, name: &str) -> Result<Option<User>, IdentityError> {
        let Ok(parsed) = name::user(name) else { return Ok(None) };
        let mut work = self.database.read().await?;
        let tenant = self.need_tenant(&mut work, tenant).await?;
        let full = strip_domain(&parsed.full, tenant.domain.as_str()).to_owned();
        match users::by_name(&mut work, tenant.id, &full).await? {
            Some(row) => load(&mut work, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whom a sign-in name means: `alice`, `alice@example.com`, `EXAMPLE.COM/alice@example.com`. The part after the last
    /// `@` is a tenant only if one of this domain exists; otherwise the name belongs to the super tenant. The user need
    /// not exist.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn resolve_login(&self, login: &str) -> Result<(Tenant, String), IdentityError> {
        let mut work = self.database.read().await?;
        self.split_login(&mut work, login, None).await
    }

    /// Stores other SCIM attributes.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`] beyond 16 KiB.
    pub async fn set_attributes(
        &self,
        tenant: TenantId,
        id: UserId,
        attributes: &Map<String, Value>,
    ) -> Result<(), IdentityError> {
        check_attributes(attributes)?;
        let mut work = self.database.begin().await?;
        if !users::set_attributes(&mut work, tenant, id, attributes, self.now()).await? {
            return Err(no_user());
        }
        self.record_user(&mut work, tenant, "update", id).await?;
        work.save().await?;
        Ok(())
    }

    /// Sets a new password. Everything issued to the user so far ends, and so do the secrets of the clients that the user
    /// registered: whoever knew the old password may have made some of them. The clients themselves stay; registering
    /// one again gives it a new secret. Returns the clients that had secrets.
    ///
    /// # Errors
    /// [`IdentityError::Password`], [`IdentityError::NotFound`].
    pub async fn reset_password(
        &self,
        tenant: TenantId,
        id: UserId,
        new: &Secret<String>,
    ) -> Result<Vec<ConsumerKey>, IdentityError> {
        self.store_password(tenant, id, new, "reset-password").await
    }

    async fn store_password(
        &self,
        tenant: TenantId,
        id: UserId,
        new: &Secret<String>,
        verb: &str,
    ) -> Result<Vec<ConsumerKey>, IdentityError> {
        let user = self.user(tenant, id).await?;
        self.need_own_password(tenant, id).await?;
        self.check_new_password(local_part(&user.name), new).await?;
        let hash = self.passwords.hash(new, &*self.rng).await?;
        let mut work = self.database.begin().await?;
        let ended = self.apply_password(&mut work, &user, &hash, verb).await?;
        work.save().await?;
        self.announce();
        Ok(ended)
    }

    /// Stores the hash of a new password and ends what the old one gave, in the caller's transaction. Announce it after
    /// saving.
    pub(crate) async fn apply_password(
        &self,
        work: &mut UnitOfWork,
        user: &User,
        hash: &str,
        verb: &str,
    ) -> Result<Vec<ConsumerKey>, IdentityError> {
        let (tenant, id) = (user.tenant, user.id);
        if !users::set_password(work, tenant, id, hash, self.now()).await? {
            return Err(no_user());
        }
        self.end_tokens_of(work, tenant, id).await?;
        end_sign_ins(work, tenant, id).await?;
        let mut ended = Vec::new();
        for client in clients::services_of(work, tenant, &user.name).await? {
            if clients::trim_secrets(work, &client, 0).await? > 0 {
                tracing::warn!(tenant = %tenant, client = %client, "the secrets of a client ended with its owner's password");
                ended.push(client);
            }
        }
        self.record_user(work, tenant, verb, id).await?;
        for client in &ended {
            self.record(work, tenant, "identity.clients.end-secrets", &format!("client/{client}")).await?;
        }
        Ok(ended)
    }

    /// An error when a directory keeps the user's password: directories are only read (guideline A05).
    pub(crate) async fn need_own_password(&self, tenant: TenantId, id: UserId) -> Result<(), IdentityError> {
        let mut work = self.database.read().await?;
        match users::by_id(&mut work, tenant, id).await? {
            Some(row) if crate::user_store::is_in_directory(&row) => Err(IdentityError::conflict(
                "The password of this account is kept in a directory, which is only read. Change it there.",
            )),
            Some(row) if crate::user_store::is_federated(&row) => Err(IdentityError::conflict(
                "This account has no password here: its owner signs in at an identity provider.",
            )),
            _ => Ok(()),
        }
    }

    /// Sets a new password for a user who knows the present one (WSO2: `me/change-password`). It ends what
    /// [`Identity::reset_password`] ends.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when the present password is wrong; wrong guesses count towards the lock.
    pub async fn change_password(
        &self,
        tenant: TenantId,
        name: &str,
        present: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), IdentityError> {
        let domain = self.tenant(tenant).await?.tenant.domain;
        let wrong = || IdentityError::Forbidden("The current password is not right.".to_owned());
        let login = format!("{name}@{domain}");
        // The caller has signed in already; the password alone is asked for.
        let attempt = Attempt { login: &login, requested: None, password: present, code: Code::None, address: None };
        let signed_in = match self.check_sign_in(attempt).await? {
            Verdict::Alone(who) | Verdict::NeedsCode(who) | Verdict::Both(who, _) => who,
            Verdict::Refused => return Err(wrong()),
        };
        let own_name = if tenant.is_super() { name.to_owned() } else { format!("{name}@{domain}") };
        let own = self.on_behalf_of(&own_name);
        own.store_password(tenant, signed_in.user.id, new, "change-password").await.map(drop)
    }

    /// Locks a user: sign-in, tokens and refresh tokens end, and until the user is unlocked again their clients and
    /// applications get none.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for the last administrator, [`IdentityError::NotFound`].
    pub async fn lock_user(&self, tenant: TenantId, id: UserId) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let was_admin = roles::names_of_user(&mut work, tenant, id).await?.contains(ADMIN_ROLE);
        if !users::set_locked(&mut work, tenant, id, true, self.now()).await? {
            return Err(no_user());
        }
        if was_admin {
            need_administrator(&mut work, tenant).await?;
        }
        self.end_tokens_of(&mut work, tenant, id).await?;
        self.end_application_tokens_of(&mut work, tenant, id).await?;
        end_sign_ins(&mut work, tenant, id).await?;
        self.record_user(&mut work, tenant, "lock", id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Unlocks a user, whoever or whatever locked it. Their applications work again; what was issued before the lock does
    /// not.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn unlock_user(&self, tenant: TenantId, id: UserId) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        if !users::set_locked(&mut work, tenant, id, false, self.now()).await? {
            return Err(no_user());
        }
        // The later epoch tells other processes that something changed: gateways get the user's applications back.
        self.end_tokens_of(&mut work, tenant, id).await?;
        self.record_user(&mut work, tenant, "unlock", id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Removes a user. Their tokens end, and a new user of the same name inherits nothing: the clients that the user
    /// registered go, and their applications get the owner `deleted:<user id>`, stop working, and wait until an
    /// administrator gives them to somebody.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for the last administrator, [`IdentityError::NotFound`].
    pub async fn delete_user(&self, tenant: TenantId, id: UserId) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let row = users::hold(&mut work, tenant, id).await?.ok_or_else(no_user)?;
        let domain = self.need_tenant(&mut work, tenant).await?.domain;
        let was_admin = roles::names_of_user(&mut work, tenant, id).await?.contains(ADMIN_ROLE);
        self.end_tokens_of(&mut work, tenant, id).await?;
        self.end_application_tokens_of(&mut work, tenant, id).await?;
        // A new user of the same name must not own what this one's secrets open.
        for client in clients::services_of(&mut work, tenant, &row.name).await? {
            self.end_tokens_of_client(&mut work, tenant, &client).await?;
            clients::delete(&mut work, tenant, &client).await?;
        }
        clients::hand_over(&mut work, tenant, &row.name, &users::deleted_owner(id)).await?;
        users::orphan_applications(&mut work, &row, domain.as_str()).await?;
        end_sign_ins(&mut work, tenant, id).await?;
        second_factor::remove(&mut work, tenant, id).await?;
        users::delete(&mut work, tenant, id).await?;
        if was_admin {
            need_administrator(&mut work, tenant).await?;
        }
        self.record_user(&mut work, tenant, "delete", id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Splits a sign-in name into tenant and user name. `requested` is the tenant that the path names.
    pub(crate) async fn split_login(
        &self,
        work: &mut UnitOfWork,
        login: &str,
        requested: Option<&str>,
    ) -> Result<(Tenant, String), IdentityError> {
        if let Some((name, domain)) = login.rsplit_once('@')
            && !name.is_empty()
            && let Some(row) = tenants::by_domain(work, domain).await?
        {
            return Ok((row.tenant, name.to_owned()));
        }
        if let Some(domain) = requested
            && let Some(row) = tenants::by_domain(work, domain).await?
        {
            return Ok((row.tenant, login.to_owned()));
        }
        Ok((self.need_tenant(work, TenantId::SUPER).await?, login.to_owned()))
    }

    /// The time before which tokens of a subject are not valid, if any.
    pub(crate) async fn epoch_of(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        subject: &str,
    ) -> Result<Option<Timestamp>, IdentityError> {
        Ok(tokens::epoch(work, tenant, subject).await?)
    }
}

/// Ends a user's browser sessions, sign-ins under way and recovery links.
pub(crate) async fn end_sign_ins(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<(), StoreError> {
    login_session::end_of_user(work, tenant, id, None).await?;
    sign_in::end_steps_of_user(work, tenant, id).await?;
    recovery::remove_of_user(work, tenant, id).await
}

pub(crate) async fn load(work: &mut UnitOfWork, row: UserRow) -> Result<User, IdentityError> {
    let roles = roles::of_user(work, row.tenant, row.id).await?;
    Ok(User {
        id: row.id,
        tenant: row.tenant,
        name: row.name,
        locked: row.locked,
        locked_until: row.locked_until,
        attributes: crate::attribute::without_passwords(row.attributes),
        roles: roles.into_iter().map(|r| (r.id, r.name)).collect(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The name without the domain of its user store.
pub(crate) fn local_part(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, local)| local)
}

pub(crate) fn strip_domain<'a>(name: &'a str, domain: &str) -> &'a str {
    match name.rsplit_once('@') {
        Some((local, end)) if end.eq_ignore_ascii_case(domain) && !local.is_empty() => local,
        _ => name,
    }
}

/// The name as kept: without the own tenant's domain. A name that ends with another tenant's domain is refused, since
/// signing in with it would mean somebody else.
pub(crate) async fn own_name(work: &mut UnitOfWork, tenant: &Tenant, name: &str) -> Result<String, IdentityError> {
    let own = strip_domain(name, tenant.domain.as_str());
    if let Some((_, domain)) = own.rsplit_once('@')
        && tenants::by_domain(work, domain).await?.is_some()
    {
        return Err(IdentityError::invalid(format!("The user name {own} ends with the domain of a tenant.")));
    }
    Ok(own.to_owned())
}

fn check_attributes(attributes: &Map<String, Value>) -> Result<(), IdentityError> {
    crate::attribute::refuse_passwords(attributes)?;
    let size = serde_json::to_vec(attributes).map_or(usize::MAX, |v| v.len());
    if size > MAX_ATTRIBUTES {
        return Err(IdentityError::invalid(format!("The attributes of a user have at most {MAX_ATTRIBUTES} bytes.")));
    }
    Ok(())
}

fn no_user() -> IdentityError {
    IdentityError::not_found("There is no such user.")
}
