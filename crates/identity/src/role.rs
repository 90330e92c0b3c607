//! Roles: built-in ones, own ones, who has them.

use model::{ConsumerKey, TenantId, Timestamp, UserId};
use store::UnitOfWork;
use store::repository::client as clients;
use store::repository::role::{self as roles, MemberRow, RoleRow};
use store::repository::tenant as tenants;
use store::repository::{token as tokens, user as users};

use crate::scope::{BUILT_IN_ROLES, EVERYONE, system_scopes};
use crate::token::client_epoch_key;
use crate::{ADMIN_ROLE, Identity, IdentityError, name};

/// Most members that one answer lists.
const MAX_MEMBERS: i64 = 1000;

/// A role (SCIM: group).
#[derive(Clone, Debug)]
pub struct Role {
    /// A UUID in text form.
    pub id: String,
    /// Name, as in `Internal/publisher`, `EXAMPLE.COM/clerks`.
    pub name: String,
    /// Whether it belongs to the product.
    pub built_in: bool,
    /// Who has it, in the order of their names; the first 1000. Empty for `Internal/everyone`, which everybody has.
    pub members: Vec<(UserId, String)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Role {
    fn new(row: RoleRow, members: Vec<MemberRow>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            built_in: row.built_in,
            members: members.into_iter().map(|m| (m.id, m.name)).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A change of a role's members.
pub(crate) enum MemberChange {
    Add(Vec<UserId>),
    Remove(Vec<UserId>),
    Replace(Vec<UserId>),
}

impl Identity {
    /// Built-in roles and scope bindings that the tenant lacks.
    pub(crate) async fn add_built_ins(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let present: Vec<String> = roles::list(work, tenant).await?.into_iter().map(|r| r.name).collect();
        for name in BUILT_IN_ROLES {
            if !present.iter().any(|p| p.eq_ignore_ascii_case(name)) {
                self.insert_role(work, tenant, name, true, now).await?;
            }
        }
        let bound = tenants::scope_bindings(work, tenant).await?;
        for (scope, roles) in system_scopes() {
            if !bound.contains_key(scope) {
                tenants::add_system_scope(work, tenant, scope, &roles).await?;
            }
        }
        self.scope_tables.forget(tenant);
        Ok(())
    }

    async fn insert_role(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        name: &str,
        built_in: bool,
        now: Timestamp,
    ) -> Result<RoleRow, IdentityError> {
        let id = self.rng.uuid().to_string();
        let row = RoleRow { id, tenant, name: name.to_owned(), built_in, created_at: now, updated_at: now };
        roles::insert(work, &row).await?;
        Ok(row)
    }

    /// All roles of a tenant with their members.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn roles(&self, tenant: TenantId) -> Result<Vec<Role>, IdentityError> {
        let mut work = self.database.read().await?;
        let mut all = Vec::new();
        for row in roles::list(&mut work, tenant).await? {
            let members = roles::members(&mut work, tenant, &row.id, MAX_MEMBERS).await?;
            all.push(Role::new(row, members));
        }
        Ok(all)
    }

    /// Whether all the roles exist in the tenant; the first that does not is returned.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn missing_role(&self, tenant: TenantId, names: &[String]) -> Result<Option<String>, IdentityError> {
        let mut work = self.database.read().await?;
        for name in names {
            if roles::by_name(&mut work, tenant, name).await?.is_none() {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// A role by id.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn role(&self, tenant: TenantId, id: &str) -> Result<Role, IdentityError> {
        let mut work = self.database.read().await?;
        let row = roles::by_id(&mut work, tenant, id).await?.ok_or_else(no_role)?;
        let members = roles::members(&mut work, tenant, id, MAX_MEMBERS).await?;
        Ok(Role::new(row, members))
    }

    /// A role by name, whatever the case.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn find_role(&self, tenant: TenantId, name: &str) -> Result<Option<Role>, IdentityError> {
        let Ok(parsed) = name::role(name) else { return Ok(None) };
        let mut work = self.database.read().await?;
        let Some(row) = roles::by_name(&mut work, tenant, &parsed.full).await? else { return Ok(None) };
        let members = roles::members(&mut work, tenant, &row.id, MAX_MEMBERS).await?;
        Ok(Some(Role::new(row, members)))
    }

    /// Adds a role.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] when it exists, [`IdentityError::Invalid`] for a name that cannot be one.
    pub async fn create_role(&self, tenant: TenantId, name: &str, members: &[UserId]) -> Result<Role, IdentityError> {
        let parsed = name::role(name)?;
        let mut work = self.database.begin().await?;
        self.need_store(&mut work, tenant, parsed.store.as_deref()).await?;
        if roles::by_name(&mut work, tenant, &parsed.full).await?.is_some() {
            return Err(IdentityError::conflict(format!("The role {} exists already.", parsed.full)));
        }
        let most = self.settings.max_roles;
        if roles::count(&mut work, tenant).await? >= most {
            return Err(IdentityError::Limit(format!("The tenant has {most} roles, the most there can be.")));
        }
        let row = self.insert_role(&mut work, tenant, &parsed.full, false, self.now()).await?;
        for user in members {
            need_member(&mut work, tenant, *user).await?;
            roles::add_member(&mut work, tenant, &row.id, *user).await?;
        }
        let listed = roles::members(&mut work, tenant, &row.id, MAX_MEMBERS).await?;
        self.record_role(&mut work, tenant, "create", &row.id).await?;
        for user in members {
            self.record_member(&mut work, tenant, "add-member", &row.id, *user).await?;
        }
        work.save().await?;
        let members = listed;
        Ok(Role::new(row, members))
    }

    async fn record_role(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        verb: &str,
        id: &str,
    ) -> Result<(), IdentityError> {
        self.record(work, tenant, &format!("identity.roles.{verb}"), &format!("role/{id}")).await
    }

    pub(crate) async fn record_member(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        verb: &str,
        id: &str,
        user: UserId,
    ) -> Result<(), IdentityError> {
        self.record(work, tenant, &format!("identity.roles.{verb}"), &format!("role/{id}/user/{user}")).await
    }

    /// Renames a role of one's own.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for built-in roles and taken names.
    pub async fn rename_role(&self, tenant: TenantId, id: &str, name: &str) -> Result<(), IdentityError> {
        let parsed = name::role(name)?;
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let row = roles::by_id(&mut work, tenant, id).await?.ok_or_else(no_role)?;
        if row.name == parsed.full {
            return Ok(());
        }
        if row.built_in {
            return Err(IdentityError::conflict(format!("The role {} is built in and keeps its name.", row.name)));
        }
        self.need_store(&mut work, tenant, parsed.store.as_deref()).await?;
        if roles::by_name(&mut work, tenant, &parsed.full).await?.is_some_and(|other| other.id != row.id) {
            return Err(IdentityError::conflict(format!("The role {} exists already.", parsed.full)));
        }
        // Scopes are bound to names: whoever had the old name's rights loses them with the name.
        self.end_tokens_of_members(&mut work, tenant, id).await?;
        roles::rename(&mut work, tenant, id, &parsed.full, self.now()).await?;
        self.record_role(&mut work, tenant, "rename", id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Removes a role of one's own; its members' tokens end.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for built-in roles.
    pub async fn delete_role(&self, tenant: TenantId, id: &str) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let row = roles::by_id(&mut work, tenant, id).await?.ok_or_else(no_role)?;
        if row.built_in {
            return Err(IdentityError::conflict(format!("The role {} is built in and cannot be deleted.", row.name)));
        }
        self.end_tokens_of_members(&mut work, tenant, id).await?;
        roles::delete(&mut work, tenant, id).await?;
        self.record_role(&mut work, tenant, "delete", id).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }

    /// Gives and takes a role. Whoever loses it loses their tokens too; the last administrator keeps `admin`.
    pub(crate) async fn change_members(
        &self,
        tenant: TenantId,
        id: &str,
        change: MemberChange,
    ) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let row = roles::by_id(&mut work, tenant, id).await?.ok_or_else(no_role)?;
        let (add, remove) = match change {
            MemberChange::Add(users) => (users, Vec::new()),
            MemberChange::Remove(users) => (Vec::new(), users),
            MemberChange::Replace(users) => {
                let present = roles::members(&mut work, tenant, id, i64::MAX).await?;
                let gone = present.iter().map(|m| m.id).filter(|m| !users.contains(m)).collect();
                (users, gone)
            }
        };
        if row.name.eq_ignore_ascii_case(EVERYONE) {
            if remove.is_empty() {
                return Ok(());
            }
            return Err(IdentityError::conflict(format!("Everybody has the role {EVERYONE}.")));
        }
        let mut changed = Vec::new();
        for user in add {
            need_member(&mut work, tenant, user).await?;
            if roles::add_member(&mut work, tenant, id, user).await? {
                changed.push(("add-member", user));
            }
        }
        let mut lost = false;
        for user in remove {
            if roles::remove_member(&mut work, tenant, id, user).await? {
                lost = true;
                changed.push(("remove-member", user));
                self.end_tokens_of(&mut work, tenant, user).await?;
            }
        }
        if row.name.eq_ignore_ascii_case(ADMIN_ROLE) && lost {
            need_administrator(&mut work, tenant).await?;
        }
        for (verb, user) in changed {
            self.record_member(&mut work, tenant, verb, id, user).await?;
        }
        work.save().await?;
        if lost {
            self.announce();
        }
        Ok(())
    }

    /// Gives a role, named whatever the case, to a user.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is no such role, [`IdentityError::Invalid`] when there is no such user.
    pub async fn grant_role(&self, tenant: TenantId, user: UserId, name: &str) -> Result<(), IdentityError> {
        let role = self.find_role(tenant, name).await?.ok_or_else(no_role)?;
        self.change_members(tenant, &role.id, MemberChange::Add(vec![user])).await
    }

    /// Takes a role from a user, whose tokens end.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Conflict`] for the last administrator.
    pub async fn withdraw_role(&self, tenant: TenantId, user: UserId, name: &str) -> Result<(), IdentityError> {
        let role = self.find_role(tenant, name).await?.ok_or_else(no_role)?;
        self.change_members(tenant, &role.id, MemberChange::Remove(vec![user])).await
    }

    async fn end_tokens_of_members(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        id: &str,
    ) -> Result<(), IdentityError> {
        for member in roles::members(work, tenant, id, i64::MAX).await? {
            self.end_tokens_of(work, tenant, member.id).await?;
        }
        Ok(())
    }

    /// Ends everything issued to a user so far: access tokens by the subject epoch, refresh tokens by removal.
    pub(crate) async fn end_tokens_of(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(), IdentityError> {
        // Held, so that a token which is being issued is either ended here or issued after the change.
        let Some(row) = users::hold(work, tenant, user).await? else { return Ok(()) };
        let domain = self.need_tenant(work, tenant).await?.domain;
        let subject = crate::token::subject(&row.name, &domain);
        tokens::raise_epoch(work, tenant, &subject, self.epoch_now()).await?;
        tokens::delete_refresh_of_user(work, tenant, user).await?;
        // Clients that act for the user.
        for client in clients::services_of(work, tenant, &row.name).await? {
            self.raise_client_epoch(work, tenant, &client).await?;
        }
        Ok(())
    }

    /// Ends the tokens that a user's applications got in their own name.
    pub(crate) async fn end_application_tokens_of(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(), IdentityError> {
        let Some(row) = users::by_id(work, tenant, user).await? else { return Ok(()) };
        for client in clients::application_keys_of(work, tenant, &row.name).await? {
            self.raise_client_epoch(work, tenant, &client).await?;
        }
        Ok(())
    }

    /// Ends the tokens that a client got in its own name.
    pub(crate) async fn raise_client_epoch(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        client: &ConsumerKey,
    ) -> Result<(), IdentityError> {
        Ok(tokens::raise_epoch(work, tenant, &client_epoch_key(client), self.epoch_now()).await?)
    }

    /// The start of the next second: `iat` counts whole seconds, so a token of this very second is caught too.
    pub(crate) fn epoch_now(&self) -> Timestamp {
        Timestamp::from_seconds(self.now().seconds().saturating_add(1))
    }
}

/// Refuses a change after which nobody could administrate the tenant.
pub(crate) async fn need_administrator(work: &mut UnitOfWork, tenant: TenantId) -> Result<(), IdentityError> {
    if roles::count_active_members(work, tenant, ADMIN_ROLE, None).await? > 0 {
        return Ok(());
    }
    Err(IdentityError::conflict("This is the last administrator. Give the role admin to somebody else first."))
}

async fn need_member(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<(), IdentityError> {
    match users::by_id(work, tenant, user).await? {
        Some(_) => Ok(()),
        None => Err(IdentityError::invalid(format!("There is no user with the id {user}."))),
    }
}

fn no_role() -> IdentityError {
    IdentityError::not_found("There is no such role.")
}
