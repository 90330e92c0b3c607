//! Checking a name and a password: the one place where it happens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use model::{Secret, Tenant, Timestamp};
use store::repository::role as roles;
use store::repository::user::{self as users, UserRow};

use crate::password::Turn;
use crate::scope::EVERYONE;
use crate::{Identity, IdentityError};

/// Whom the audit log names for a lock after failed attempts.
const AUTOMATIC: &str = "sign-in protection";
/// Longest lock after failed attempts.
const LONGEST_LOCK: Duration = Duration::from_hours(1);

/// Who signed in.
pub(crate) struct SignedIn {
    pub(crate) tenant: Tenant,
    pub(crate) user: UserRow,
    pub(crate) roles: BTreeSet<String>,
}

impl Identity {
    /// Checks a password. `None` for an unknown user, a wrong password, a locked user, a tenant that is off, and an
    /// address that failed too often: all after the same work.
    pub(crate) async fn sign_in(
        &self,
        login: &str,
        requested: Option<&str>,
        password: &Secret<String>,
        address: Option<IpAddr>,
    ) -> Result<Option<SignedIn>, IdentityError> {
        if self.addresses.is_exhausted(address, self.now()) {
            tracing::warn!(address = ?address, "sign-in refused: too many failed attempts from this address");
            return Ok(None);
        }
        // Held until a failure is counted, see `Turn`.
        let turn = self.passwords.turn().await?;
        let mut work = self.database.read().await?;
        let (tenant, name) = self.split_login(&mut work, login, requested).await?;
        let user = users::by_name(&mut work, tenant.id, &name).await?;
        work.cancel().await?;

        let hash = user.as_ref().map(|u| u.password_hash.as_str());
        let fits = self.passwords.verify(&turn, hash, password).await?;
        let now = self.now();
        let Some(user) = user else {
            self.addresses.count(address, now);
            return Ok(None);
        };
        let held = user.locked_until.is_some_and(|until| now < until);
        if fits && !user.locked && !held && tenant.active {
            return self.succeed(user).await;
        }
        self.addresses.count(address, now);
        // A lock that wrong guesses could prolong would let a stranger keep the owner out for ever.
        if !fits && !held {
            self.count_failure(user, turn);
        }
        Ok(None)
    }

    /// `None` when the account changed while the password was being checked: a reset must end sign-ins in flight too.
    async fn succeed(&self, checked: UserRow) -> Result<Option<SignedIn>, IdentityError> {
        let forget = checked.failed_attempts > 0 || checked.lock_count > 0;
        let mut work = if forget { self.database.begin().await? } else { self.database.read().await? };
        let user = match forget {
            true => users::hold(&mut work, checked.tenant, checked.id).await?,
            false => users::by_id(&mut work, checked.tenant, checked.id).await?,
        };
        let tenant = self.need_tenant(&mut work, checked.tenant).await?;
        let Some(user) = user.filter(|u| tenant.active && is_unchanged(u, &checked, self.now())) else {
            return Ok(None);
        };
        let mut roles = roles::names_of_user(&mut work, tenant.id, user.id).await?;
        roles.insert(EVERYONE.to_owned());
        if forget {
            users::clear_failures(&mut work, tenant.id, user.id).await?;
            work.save().await?;
        }
        Ok(Some(SignedIn { tenant, user, roles }))
    }

    /// Counts a failure while the answer is already on its way: the time of a write must not tell which users exist.
    /// The turn goes with it, so at most as many guesses as there are turns can overtake the count.
    fn count_failure(&self, user: UserRow, turn: Turn) {
        let identity = self.on_behalf_of(AUTOMATIC);
        let now = self.now();
        let threshold = i64::from(self.settings.lock_threshold.max(1));
        let doublings = u32::try_from(user.lock_count.clamp(0, 10)).unwrap_or(10);
        let length = self.settings.lock_duration.saturating_mul(1 << doublings).min(LONGEST_LOCK);
        tokio::spawn(async move {
            if let Err(error) = identity.store_failure(&user, threshold, now.plus(length)).await {
                tracing::error!(user = %user.id, reason = %error, "a failed sign-in could not be counted");
            }
            drop(turn);
        });
    }

    async fn store_failure(&self, user: &UserRow, threshold: i64, until: Timestamp) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        if users::count_failure(&mut work, user.tenant, user.id).await? >= threshold {
            users::lock_until(&mut work, user.tenant, user.id, until).await?;
            self.record(&mut work, user.tenant, "identity.users.lock", &format!("user/{}", user.id)).await?;
            tracing::warn!(tenant = %user.tenant, user = %user.id, until = %until.rfc3339(), "account locked after failed attempts");
        }
        Ok(work.save().await?)
    }
}

/// Whether an account still is what it was when its password was checked. The password itself is not compared again:
/// its hash carries a fresh salt with every change.
pub(crate) fn is_unchanged(now: &UserRow, checked: &UserRow, time: Timestamp) -> bool {
    now.password_hash == checked.password_hash && !now.locked && now.locked_until.is_none_or(|until| until <= time)
}

#[cfg(test)]
mod tests;
