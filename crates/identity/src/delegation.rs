//! Whom somebody who manages users may touch: nobody with more rights than their own.
//!
//! The scopes of user management can be given to a help desk. Without this rule they would be worth as much as the role
//! `admin`: whoever may set passwords could set an administrator's, and whoever may change roles could take that one.

use std::collections::BTreeSet;

use model::UserId;
use web::{Permit, RestError};

use crate::scope::EVERYONE;
use crate::{ADMIN_ROLE, Identity, IdentityError, User};

/// Why a caller may not go on.
pub(crate) enum Reach {
    /// The other has rights in the management APIs that the caller lacks.
    Beyond(String),
    Failed(IdentityError),
}

impl From<Reach> for RestError {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Beyond(what) => Self::forbidden(format!(
                "{what} has rights in the management APIs that you do not have. Somebody with the role {ADMIN_ROLE} can do this."
            )),
            Reach::Failed(error) => error.into(),
        }
    }
}

impl From<IdentityError> for Reach {
    fn from(error: IdentityError) -> Self {
        Self::Failed(error)
    }
}

impl Identity {
    /// A user, if the caller may change them.
    pub(crate) async fn user_in_reach(&self, permit: &Permit, id: UserId) -> Result<User, Reach> {
        let user = self.user(permit.tenant(), id).await?;
        // People may manage themselves where the scope says so: they gain nothing.
        if user.name != permit.principal().user {
            self.need_reach(permit, &user.name, user.role_names()).await?;
        }
        Ok(user)
    }

    /// Whether the caller may give, take, rename or remove a role.
    pub(crate) async fn role_in_reach(&self, permit: &Permit, name: &str) -> Result<(), Reach> {
        self.need_reach(permit, name, [name.to_owned()].into()).await
    }

    async fn need_reach(&self, permit: &Permit, what: &str, roles: BTreeSet<String>) -> Result<(), Reach> {
        let caller = permit.principal();
        if caller.has_role(ADMIN_ROLE) {
            return Ok(());
        }
        let with_everyone = |mut roles: BTreeSet<String>| {
            roles.insert(EVERYONE.to_owned());
            roles
        };
        let mut work = self.database.read().await.map_err(IdentityError::Store)?;
        let table = self.scope_table(&mut work, permit.tenant()).await?;
        let own = table.all_of(&with_everyone(caller.roles.clone()));
        let is_admin = roles.iter().any(|role| role.eq_ignore_ascii_case(ADMIN_ROLE));
        if !is_admin && table.all_of(&with_everyone(roles)).is_subset(&own) {
            return Ok(());
        }
        Err(Reach::Beyond(what.to_owned()))
    }
}
