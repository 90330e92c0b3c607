//! Tenants by domain, and their user stores.

use model::{Secret, Tenant, TenantDomain, TenantId, Timestamp};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::role as roles;
use store::repository::tenant::{self as tenants, TenantRow, UserStoreRow};
use store::repository::user as users;

use crate::{ADMIN_ROLE, Identity, IdentityError, NewUser, name};

/// A tenant with what is known about it.
#[derive(Clone, Debug)]
pub struct TenantDetails {
    /// The tenant.
    pub tenant: Tenant,
    /// User name of its first administrator; empty for the super tenant.
    pub owner: String,
    /// Mail address of its first administrator.
    pub email: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A tenant to create.
pub struct NewTenant {
    /// Its domain, lower case.
    pub domain: String,
    /// Its first administrator.
    pub owner: TenantOwner,
}

/// The first administrator of a new tenant.
pub struct TenantOwner {
    /// User name without the domain.
    pub username: String,
    /// Password.
    pub password: Secret<String>,
    /// Mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// A user store besides the primary one: a name space of users and roles, kept in the embedded store.
#[derive(Clone, Debug)]
pub struct UserStore {
    /// Its domain, upper case; user names start with it and a slash.
    pub name: String,
    /// WSO2's type id, as the client sent it.
    pub type_id: String,
    /// Free text.
    pub description: String,
}

fn details(row: TenantRow) -> TenantDetails {
    let text = |name: &str| row.owner.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    TenantDetails { owner: text("username"), email: text("email"), tenant: row.tenant, created_at: row.created_at }
}

impl Identity {
    /// All tenants, the super tenant first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn tenants(&self) -> Result<Vec<TenantDetails>, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(tenants::list(&mut work).await?.into_iter().map(details).collect())
    }

    /// A tenant by domain, whatever the case.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn find_tenant(&self, domain: &str) -> Result<Option<TenantDetails>, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(tenants::by_domain(&mut work, domain).await?.map(details))
    }

    /// A tenant by number.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn tenant(&self, id: TenantId) -> Result<TenantDetails, IdentityError> {
        let mut work = self.database.read().await?;
        let row = tenants::by_id(&mut work, id).await?;
        row.map(details).ok_or_else(|| IdentityError::not_found("There is no such tenant."))
    }

    /// Creates a tenant with its roles, its scope table and its first administrator, all or nothing.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a domain that cannot be one, [`IdentityError::Conflict`] when it exists or users
    /// have names that end with it, [`IdentityError::Password`].
    pub async fn create_tenant(&self, new: NewTenant) -> Result<TenantDetails, IdentityError> {
        let domain: TenantDomain = new.domain.parse().map_err(|e| IdentityError::Invalid(format!("{e}")))?;
        // Two spellings of one domain would be two names for one tenant; WSO2 refuses capitals with these words.
        if domain.as_str() != new.domain {
            return Err(IdentityError::invalid(format!(
                "{} contains one or more illegal characters: use lower-case letters, digits, '.', '-' and '_'",
                new.domain
            )));
        }
        let owner = NewUser {
            name: new.owner.username.clone(),
            password: new.owner.password,
            attributes: owner_attributes(&new.owner.email, &new.owner.first_name, &new.owner.last_name),
            roles: vec![ADMIN_ROLE.to_owned()],
        };
        let prepared = self.prepare_user(owner).await?;
        let now = self.now();
        let mut work = self.database.begin().await?;
        if tenants::by_domain(&mut work, domain.as_str()).await?.is_some() {
            return Err(IdentityError::conflict(format!("A tenant with the domain {domain} exists already.")));
        }
        if users::count_with_domain(&mut work, domain.as_str()).await? > 0 {
            return Err(IdentityError::conflict(format!(
                "Users have names that end with @{domain}; a tenant of this domain would take them over."
            )));
        }
        let tenant = Tenant { id: tenants::next_id(&mut work).await?, domain, active: true };
        let owner = json!({"username": new.owner.username, "email": new.owner.email});
        let row = TenantRow { tenant: tenant.clone(), owner, created_at: now };
        tenants::insert(&mut work, &row).await?;
        self.add_built_ins(&mut work, tenant.id, now).await?;
        self.insert_user(&mut work, &tenant, prepared).await?;
        self.record(&mut work, tenant.id, "identity.tenants.create", &format!("tenant/{}", tenant.id)).await?;
        work.save().await?;
        self.refresh_keys().await?;
        self.announce();
        Ok(details(row))
    }

    /// Switches a tenant on or off. While it is off its users cannot sign in, its clients cannot authenticate, and the
    /// tokens of both are refused.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for the super tenant, [`IdentityError::NotFound`].
    pub async fn set_tenant_active(&self, id: TenantId, active: bool) -> Result<(), IdentityError> {
        if id.is_super() {
            return Err(IdentityError::conflict("The super tenant is always active."));
        }
        let mut work = self.database.begin().await?;
        if !tenants::set_active(&mut work, id, active).await? {
            return Err(IdentityError::not_found("There is no such tenant."));
        }
        let action = if active { "identity.tenants.activate" } else { "identity.tenants.deactivate" };
        self.record(&mut work, id, action, &format!("tenant/{id}")).await?;
        work.save().await?;
        self.refresh_keys().await?;
        self.announce();
        Ok(())
    }

    /// The user stores of a tenant besides the primary one.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn user_stores(&self, tenant: TenantId) -> Result<Vec<UserStore>, IdentityError> {
        let mut work = self.database.read().await?;
        let rows = tenants::stores(&mut work, tenant).await?;
        let store = |r: UserStoreRow| UserStore { name: r.name, type_id: r.type_id, description: r.description };
        Ok(rows.into_iter().map(store).collect())
    }

    /// Adds a user store; at most 100 per tenant.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] when it exists, [`IdentityError::Invalid`].
    pub async fn create_user_store(&self, tenant: TenantId, new: UserStore) -> Result<UserStore, IdentityError> {
        let name = name::store(&new.name)?;
        let mut work = self.database.begin().await?;
        let present = tenants::stores(&mut work, tenant).await?;
        if tenant.is_super() && self.directories.of_domain(&name).is_some() {
            return Err(IdentityError::conflict(format!("{name} is the domain of a directory; choose another.")));
        }
        if present.iter().any(|s| s.name == name) {
            return Err(IdentityError::conflict(format!("The user store {name} exists already.")));
        }
        if present.len() >= 100 {
            return Err(IdentityError::conflict("A tenant has at most 100 user stores."));
        }
        let row =
            UserStoreRow { name: name.clone(), type_id: new.type_id.clone(), description: new.description.clone() };
        tenants::insert_store(&mut work, tenant, &row, self.now()).await?;
        self.record(&mut work, tenant, "identity.user-stores.create", &format!("user-store/{name}")).await?;
        work.save().await?;
        Ok(UserStore { name, ..new })
    }

    /// Removes a user store that holds neither users nor roles.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] while it holds some, [`IdentityError::NotFound`].
    pub async fn delete_user_store(&self, tenant: TenantId, name: &str) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        let prefix = format!("{}/", name.to_uppercase());
        let holds_roles = roles::list(&mut work, tenant).await?.iter().any(|r| r.name.starts_with(&prefix));
        if holds_roles || users::count_in_store(&mut work, tenant, name).await? > 0 {
            return Err(IdentityError::conflict("The user store holds users or roles; delete them first."));
        }
        if !tenants::delete_store(&mut work, tenant, name).await? {
            return Err(IdentityError::not_found("There is no such user store."));
        }
        let target = format!("user-store/{}", name.to_uppercase());
        self.record(&mut work, tenant, "identity.user-stores.delete", &target).await?;
        work.save().await?;
        Ok(())
    }

    /// An error unless the store exists; the primary one always does.
    pub(crate) async fn need_store(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        name: Option<&str>,
    ) -> Result<(), IdentityError> {
        let Some(name) = name else { return Ok(()) };
        if tenants::stores(work, tenant).await?.iter().any(|s| s.name == name) {
            return Ok(());
        }
        Err(IdentityError::invalid(format!("There is no user store {name} in this tenant.")))
    }
}

fn owner_attributes(email: &str, first: &str, last: &str) -> Map<String, Value> {
    let mut attributes = Map::new();
    if !first.is_empty() || !last.is_empty() {
        attributes.insert("name".into(), json!({"givenName": first, "familyName": last}));
    }
    if !email.is_empty() {
        attributes.insert("emails".into(), json!([{"value": email, "primary": true}]));
    }
    attributes
}
