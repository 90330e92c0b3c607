//! First boot: the one-time link with which the first administrator is made. There is no default account.

use std::time::Duration;

use model::{Secret, TenantId};
use store::repository::{role as roles, setup};

use crate::{ADMIN_ROLE, Identity, IdentityError, NewUser, User, hash};

/// How long a set-up link can be used.
const LINK_LIFETIME: Duration = Duration::from_hours(24);

impl Identity {
    /// Whether nobody can administrate the super tenant yet.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn needs_setup(&self) -> Result<bool, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(roles::count_active_members(&mut work, TenantId::SUPER, ADMIN_ROLE, None).await? == 0)
    }

    /// Whether an unused set-up link is waiting.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn setup_link_waits(&self) -> Result<bool, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(setup::is_waiting(&mut work, self.now()).await?)
    }

    /// Makes the token of a set-up link: 256 random bits, valid for 24 hours, once. Only its hash is stored; an older
    /// link stops working.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] when there is an administrator already.
    pub async fn create_setup_link(&self) -> Result<Secret<String>, IdentityError> {
        let token = hash::new_secret(&*self.rng);
        let mut work = self.database.begin().await?;
        if roles::count_active_members(&mut work, TenantId::SUPER, ADMIN_ROLE, None).await? > 0 {
            return Err(already_done());
        }
        setup::replace(&mut work, &hash::sha256(token.expose()), self.now().plus(LINK_LIFETIME)).await?;
        self.record(&mut work, TenantId::SUPER, "identity.setup.link", "setup-link").await?;
        work.save().await?;
        Ok(token)
    }

    /// Whether a set-up link works now. Does not use it up.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn check_setup_link(&self, token: &Secret<String>) -> Result<bool, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(setup::is_valid(&mut work, &hash::sha256(token.expose()), self.now()).await?)
    }

    /// Uses the link up and creates the first administrator, both or neither.
    ///
    /// # Errors
    /// [`IdentityError::SetupLink`] for a wrong, used or expired link; [`IdentityError::Password`] and
    /// [`IdentityError::Invalid`] leave the link usable.
    pub async fn complete_setup(
        &self,
        token: &Secret<String>,
        username: &str,
        password: Secret<String>,
    ) -> Result<User, IdentityError> {
        // Looked at first, so that a stranger without a link cannot make us hash passwords.
        if !self.check_setup_link(token).await? {
            return Err(IdentityError::SetupLink);
        }
        let new = NewUser {
            name: username.to_owned(),
            password,
            attributes: serde_json::Map::new(),
            roles: vec![ADMIN_ROLE.to_owned()],
        };
        let prepared = self.prepare_user(new).await?;
        let mut work = self.database.begin().await?;
        if !setup::consume(&mut work, &hash::sha256(token.expose()), self.now()).await? {
            return Err(IdentityError::SetupLink);
        }
        if roles::count_active_members(&mut work, TenantId::SUPER, ADMIN_ROLE, None).await? > 0 {
            return Err(already_done());
        }
        let tenant = self.need_tenant(&mut work, TenantId::SUPER).await?;
        let row = self.insert_user(&mut work, &tenant, prepared).await?;
        let user = crate::user::load(&mut work, row).await?;
        let own = self.on_behalf_of(&user.name);
        own.record(&mut work, TenantId::SUPER, "identity.setup.complete", &format!("user/{}", user.id)).await?;
        work.save().await?;
        Ok(user)
    }
}

fn already_done() -> IdentityError {
    IdentityError::conflict("There is an administrator already; sign in, or reset the password with `portcullis user`.")
}
