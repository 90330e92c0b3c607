//! Sessions as an administrator sees them: those of everybody in a tenant.

use model::{TenantId, UserId};
use store::repository::login_session as sessions;

use super::Session;
use crate::{Identity, IdentityError};

impl Identity {
    /// A page of a tenant's valid sessions, the last used first, and how many there are in all. `page` is offset and
    /// limit.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sessions(&self, tenant: TenantId, page: (i64, i64)) -> Result<(Vec<Session>, i64), IdentityError> {
        let (mut work, now) = (self.database.read().await?, self.now());
        let total = sessions::count(&mut work, tenant, now).await?;
        let mut found = Vec::new();
        for row in sessions::of_tenant(&mut work, tenant, now, page).await? {
            found.extend(self.load_session(&mut work, row).await?);
        }
        Ok((found, total))
    }

    /// The valid sessions of a user, the newest first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sessions_of(&self, tenant: TenantId, user: UserId) -> Result<Vec<Session>, IdentityError> {
        let mut work = self.database.read().await?;
        let mut found = Vec::new();
        for row in sessions::of_user(&mut work, tenant, user, self.now(), super::MAX_SESSIONS).await? {
            found.extend(self.load_session(&mut work, row).await?);
        }
        Ok(found)
    }

    /// Ends one session of a user; `false` when the user has no such session.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn end_session_of(&self, tenant: TenantId, user: UserId, id: &str) -> Result<bool, IdentityError> {
        let mut work = self.database.begin().await?;
        let ended = sessions::end_by_id(&mut work, tenant, user, id).await?;
        if ended {
            self.record(&mut work, tenant, "identity.sessions.end", &format!("user/{user}")).await?;
            work.save().await?;
        }
        Ok(ended)
    }
}
