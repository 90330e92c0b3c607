//! Checking a name and a password: the one place where it happens.
//!
//! What an attacker can do is bounded three times: per account (five wrong passwords lock it, longer each time), per
//! address, and over all of them. The owner of a locked account who has a second factor can still sign in, by giving
//! password and code together: that needs both right, says nothing about either, and is counted for the address. Wrong
//! codes beside a right password lock the codes, not the account; recovery codes are too long to be guessed.

pub(crate) mod browser;
mod hold;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use model::{Secret, Tenant, TenantId, Timestamp, UserId};
use store::UnitOfWork;
use store::repository::role as roles;
use store::repository::second_factor::{self as factors, SecondFactorRow};
use store::repository::user::{self as users, UserRow};

use tokio::time::Instant;

use crate::password::Turn;
use crate::scope::EVERYONE;
use crate::second_factor::Proof;
use crate::user_store::is_federated;
use crate::{Identity, IdentityError, totp};
pub(crate) use hold::Holds;

/// Whom the audit log names for a lock after failed attempts.
const AUTOMATIC: &str = "sign-in protection";
/// Longest lock after failed attempts.
const LONGEST_LOCK: Duration = Duration::from_hours(1);
/// Wrong codes beside a right password after which codes are refused for a while.
const MAX_WRONG_CODES: i64 = 5;

/// Who signed in.
pub(crate) struct SignedIn {
    pub(crate) tenant: Tenant,
    pub(crate) user: UserRow,
    pub(crate) roles: BTreeSet<String>,
}

/// Where the code of the second factor is.
#[derive(Clone, Copy)]
pub(crate) enum Code<'a> {
    /// Not asked for yet.
    None,
    /// In a field of its own.
    Given(&'a Secret<String>),
    /// The last six digits of the password, if the account has a second factor: for protocols that have one field.
    Appended,
}

/// One attempt to sign in.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// As typed: `alice`, `alice@example.com`, `EXAMPLE.COM/alice`.
    pub(crate) login: &'a str,
    /// The tenant of names without one.
    pub(crate) requested: Option<&'a str>,
    pub(crate) password: &'a Secret<String>,
    pub(crate) code: Code<'a>,
    pub(crate) address: Option<IpAddr>,
}

/// What an attempt proved.
pub(crate) enum Verdict {
    /// Nothing that counts. One answer, after the same work, for an unknown user, a wrong password or code, a locked
    /// user, a tenant that is off, and an address that failed too often.
    Refused,
    /// The password is right, and the account has no second factor.
    Alone(SignedIn),
    /// The password is right; the code of the second factor is missing.
    NeedsCode(SignedIn),
    /// Both are right. The proof must be used up in the transaction that grants something.
    Both(SignedIn, Proof),
}

impl Identity {
    /// Signs somebody in who sends name and password in one request (basic authentication, password grant). An account
    /// with a second factor wants its code behind the password: the password alone opens nothing any more.
    pub(crate) async fn sign_in(
        &self,
        login: &str,
        requested: Option<&str>,
        password: &Secret<String>,
        address: Option<IpAddr>,
    ) -> Result<Option<SignedIn>, IdentityError> {
        let attempt = Attempt { login, requested, password, code: Code::Appended, address };
        match self.check_sign_in(attempt).await? {
            Verdict::Refused => Ok(None),
            Verdict::Alone(who) => Ok(Some(who)),
            Verdict::NeedsCode(who) => {
                tracing::info!(user = %who.user.id, "a password without the code of the second factor was refused");
                self.count_address(address);
                Ok(None)
            }
            Verdict::Both(who, proof) => {
                let mut work = self.database.begin().await?;
                let used = proof.consume(&mut work, who.tenant.id, who.user.id, self.now()).await?;
                work.save().await?;
                Ok(used.then_some(who))
            }
        }
    }

    /// Checks an attempt; where directories are asked every refusal takes as long.
    pub(crate) async fn check_sign_in(&self, attempt: Attempt<'_>) -> Result<Verdict, IdentityError> {
        let begun = Instant::now();
        let found = self.judge(attempt).await?;
        if matches!(found, Verdict::Refused) {
            self.even_out(begun).await;
        }
        Ok(found)
    }

    async fn judge(&self, attempt: Attempt<'_>) -> Result<Verdict, IdentityError> {
        let Attempt { login, requested, address, .. } = attempt;
        if self.addresses.is_exhausted(address, self.now()) {
            tracing::warn!(address = ?address, "sign-in refused: too many failed attempts from this address");
            return Ok(Verdict::Refused);
        }
        // Held until a failure is counted, see `Turn`.
        let turn = self.passwords.turn().await?;
        let mut work = self.database.read().await?;
        let (tenant, name) = self.split_login(&mut work, login, requested).await?;
        let user = users::by_name(&mut work, tenant.id, &name).await?;
        // Asked for unknown users too: the same work for all.
        let id = user.as_ref().map_or_else(|| UserId::new(self.rng.uuid()), |u| u.id);
        let factor = factors::find(&mut work, tenant.id, id).await?;
        work.cancel().await?;
        let (password, code) = split_code(attempt.password, attempt.code, factor.is_some());
        if self.directories.are_asked(&tenant, &name, user.as_ref()) {
            // A directory that answers slowly must not hold up those whose passwords are checked here.
            drop(turn);
            let Some((who, _turn)) = self.directory_sign_in(&tenant, &name, &password, address).await? else {
                return Ok(Verdict::Refused);
            };
            // A directory may know the person by another name than the one that was typed: the second factor to ask for
            // is that of the account.
            let mut work = self.database.read().await?;
            let factor = factors::find(&mut work, who.tenant.id, who.user.id).await?;
            work.cancel().await?;
            return self.judge_code(who, factor, code, address, None).await;
        }

        let hash = user.as_ref().map(|u| u.password_hash.as_str());
        let fits = self.passwords.verify(&turn, hash, &password).await?;
        let now = self.now();
        // An account without a password of its own cannot be held by guesses at one: its owner comes by another door.
        let Some(user) = user.filter(|user| !is_federated(user)) else {
            self.count_address(address);
            return Ok(Verdict::Refused);
        };
        let held = user.locked_until.is_some_and(|until| now < until) || self.holds.is_held(user.tenant, user.id, now);
        if fits && !user.locked && tenant.active {
            match (held, &factor, &code) {
                (false, ..) => {
                    let Some(who) = self.succeed(user).await? else { return Ok(Verdict::Refused) };
                    return self.judge_code(who, factor, code, address, Some(turn)).await;
                }
                // Somebody else's guesses hold the account; its owner proves the rest.
                (true, Some(_), Some(_)) => {
                    let Some(who) = self.still_right(user).await? else { return Ok(Verdict::Refused) };
                    return self.judge_code(who, factor, code, address, Some(turn)).await;
                }
                (true, ..) => {}
            }
        }
        self.count_address(address);
        // A lock that wrong guesses could prolong would let a stranger keep the owner out for ever.
        if !fits && !held {
            self.count_failure(user, turn);
        }
        Ok(Verdict::Refused)
    }

    /// Goes on after a right password: looks at the second factor. A wrong code is counted while the answer is on its
    /// way, together with the turn; without one it is counted before the answer, and the caller keeps its own turn.
    async fn judge_code(
        &self,
        who: SignedIn,
        factor: Option<SecondFactorRow>,
        code: Option<Secret<String>>,
        address: Option<IpAddr>,
        turn: Option<Turn>,
    ) -> Result<Verdict, IdentityError> {
        let Some(factor) = factor else { return Ok(Verdict::Alone(who)) };
        let Some(code) = code else { return Ok(Verdict::NeedsCode(who)) };
        let mut work = self.database.read().await?;
        let proof = self.check_code(&mut work, &factor, &code).await?;
        work.cancel().await?;
        if let Some(proof) = proof {
            return Ok(Verdict::Both(who, proof));
        }
        self.count_address(address);
        let at_once = turn.is_none();
        let identity = self.clone();
        let count = async move {
            let counted = async {
                let mut work = identity.database.begin().await?;
                identity.count_wrong_code(&mut work, &factor).await?;
                Ok::<_, IdentityError>(work.save().await?)
            };
            if let Err(error) = counted.await {
                tracing::error!(user = %factor.user, reason = %error, "a wrong code could not be counted");
                identity.hold(factor.tenant, factor.user);
            }
            drop(turn);
        };
        if at_once {
            count.await
        } else {
            drop(tokio::spawn(count))
        }
        Ok(Verdict::Refused)
    }

    /// Whether a code is right: one of the app that was not used before, or an unused recovery code. Nothing is used up.
    async fn check_code(
        &self,
        work: &mut UnitOfWork,
        factor: &SecondFactorRow,
        code: &Secret<String>,
    ) -> Result<Option<Proof>, IdentityError> {
        let now = self.now();
        let Some(digits) = totp::digits(code.expose()) else {
            let hash = crate::second_factor::recovery_hash(code.expose());
            let right = factors::is_code(work, factor.tenant, factor.user, &hash).await?;
            return Ok(right.then_some(Proof::Recovery(hash)));
        };
        if is_locked(factor, now) || self.holds.is_held(factor.tenant, factor.user, now) {
            return Ok(None);
        }
        let secret = self.open_factor(factor)?;
        Ok(totp::matching_step(secret.expose(), &digits, now, factor.last_step).map(Proof::Step))
    }

    /// Checks a code and uses it up, or counts it as wrong, in the caller's transaction, which must be saved either way.
    pub(crate) async fn try_code(
        &self,
        work: &mut UnitOfWork,
        (tenant, user): (TenantId, UserId),
        code: &Secret<String>,
    ) -> Result<Option<Proof>, IdentityError> {
        let Some(factor) = factors::hold(work, tenant, user).await? else { return Ok(None) };
        if let Some(proof) = self.check_code(work, &factor, code).await?
            && proof.consume(work, tenant, user, self.now()).await?
        {
            return Ok(Some(proof));
        }
        self.count_wrong_code(work, &factor).await?;
        Ok(None)
    }

    /// Counts a wrong code beside a right password; too many lock the codes of the app, longer each time.
    async fn count_wrong_code(&self, work: &mut UnitOfWork, factor: &SecondFactorRow) -> Result<(), IdentityError> {
        if is_locked(factor, self.now())
            || factors::count_failure(work, factor.tenant, factor.user).await? < MAX_WRONG_CODES
        {
            return Ok(());
        }
        let until = self.now().plus(self.lock_length(factor.lock_count));
        factors::lock_until(work, factor.tenant, factor.user, until).await?;
        let identity = self.on_behalf_of(AUTOMATIC);
        let target = format!("user/{}", factor.user);
        identity.record(work, factor.tenant, "identity.second-factor.lock", &target).await?;
        tracing::warn!(
            tenant = %factor.tenant, user = %factor.user, until = %until.rfc3339(),
            "codes refused after wrong ones beside the right password: somebody may know the password"
        );
        Ok(())
    }

    /// Counts a failure of an address. One that used its budget up stays refused after a restart.
    pub(crate) fn count_address(&self, address: Option<IpAddr>) {
        let Some((network, until)) = self.addresses.count(address, self.now()) else { return };
        let database = self.database.clone();
        tokio::spawn(async move {
            let stored = async {
                let mut work = database.begin().await?;
                store::repository::sign_in::lock_address(&mut work, &network.to_string(), until).await?;
                work.save().await
            };
            if let Err(error) = stored.await {
                tracing::warn!(reason = %error, "the refusal of an address will not survive a restart");
            }
        });
    }

    fn lock_length(&self, earlier: i64) -> Duration {
        let doublings = u32::try_from(earlier.clamp(0, 10)).unwrap_or(10);
        self.settings.lock_duration.saturating_mul(1 << doublings).min(LONGEST_LOCK)
    }

    /// Keeps an account locked in this process: its failures cannot be counted, so there may be no more guesses.
    fn hold(&self, tenant: TenantId, user: UserId) {
        self.holds.add(tenant, user, self.now().plus(self.settings.lock_duration));
    }

    /// As [`Identity::succeed`] for an account that others' guesses hold: the lock stays as it is.
    async fn still_right(&self, checked: UserRow) -> Result<Option<SignedIn>, IdentityError> {
        let mut work = self.database.read().await?;
        let user = users::by_id(&mut work, checked.tenant, checked.id).await?;
        let tenant = self.need_tenant(&mut work, checked.tenant).await?;
        let same = |u: &UserRow| tenant.active && !u.locked && u.password_hash == checked.password_hash;
        let Some(user) = user.filter(same) else { return Ok(None) };
        let mut roles = roles::names_of_user(&mut work, tenant.id, user.id).await?;
        roles.insert(EVERYONE.to_owned());
        Ok(Some(SignedIn { tenant, user, roles }))
    }

    /// `None` when the account changed while the password was being checked: a reset must end sign-ins in flight too.
    pub(crate) async fn succeed(&self, checked: UserRow) -> Result<Option<SignedIn>, IdentityError> {
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
        let identity = self.clone();
        tokio::spawn(async move {
            if let Err(error) = identity.store_failure(&user).await {
                tracing::error!(user = %user.id, reason = %error, "a failed sign-in could not be counted");
                identity.hold(user.tenant, user.id);
            }
            drop(turn);
        });
    }

    pub(crate) async fn store_failure(&self, user: &UserRow) -> Result<(), IdentityError> {
        let identity = self.on_behalf_of(AUTOMATIC);
        let threshold = i64::from(self.settings.lock_threshold.max(1));
        let until = self.now().plus(self.lock_length(user.lock_count));
        let mut work = self.database.begin().await?;
        if users::count_failure(&mut work, user.tenant, user.id).await? >= threshold {
            users::lock_until(&mut work, user.tenant, user.id, until).await?;
            identity.record(&mut work, user.tenant, "identity.users.lock", &format!("user/{}", user.id)).await?;
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

fn is_locked(factor: &SecondFactorRow, now: Timestamp) -> bool {
    factor.locked_until.is_some_and(|until| now < until)
}

/// Splits a code off the end of a password where one belongs there.
fn split_code(password: &Secret<String>, code: Code<'_>, has_factor: bool) -> (Secret<String>, Option<Secret<String>>) {
    match code {
        Code::None => (password.clone(), None),
        Code::Given(code) => (password.clone(), Some(code.clone())),
        Code::Appended if !has_factor => (password.clone(), None),
        Code::Appended => {
            let text = password.expose();
            let at = text.len().saturating_sub(totp::DIGITS);
            match text.split_at_checked(at) {
                Some((front, end)) if totp::digits(end).is_some() => {
                    (Secret::new(front.to_owned()), Some(Secret::new(end.to_owned())))
                }
                _ => (password.clone(), None),
            }
        }
    }
}

#[cfg(test)]
mod tests;
