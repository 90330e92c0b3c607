//! Signing in by browser, step by step. The state between the steps is kept here, not in the browser.

use model::{Secret, Timestamp};
use std::time::Duration;
use store::UnitOfWork;
use store::repository::login_session as sessions;
use store::repository::second_factor;
use store::repository::sign_in::{self as steps, StepRow};
use store::repository::user::{self as users, UserRow};

use super::{Attempt, Code, SignedIn, Verdict, is_unchanged};
use crate::second_factor::Proof;
use crate::user_store::is_federated;
use crate::{AuthenticatorOffer, Browser, Factor, Identity, IdentityError, Session, hash};

/// How long a sign-in waits for its second step.
const STEP_LIFETIME: Duration = Duration::from_mins(10);
/// Codes tried in one sign-in; then the password is asked again.
const STEP_ATTEMPTS: i64 = 5;
/// Sign-ins of one user that wait at the same time.
const STEPS_OF_USER: i64 = 10;
const ENTER_CODE: &str = "enter_code";
const SET_UP: &str = "set_up";
/// Where people go who did not say where.
const HOME: &str = "/";

/// What the sign-in form brought.
pub struct SignInForm<'a> {
    /// As typed: `alice`, `alice@example.com`, `EXAMPLE.COM/alice`.
    pub login: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// A code of the second factor, if it was given along with the password.
    pub code: Option<Secret<String>>,
    /// The sealed way back, see [`Identity::ask_to_sign_in`].
    pub next: Option<&'a str>,
    /// The cookie of the session that the browser has; it ends when the sign-in succeeds.
    pub present: Option<Secret<String>>,
}

/// A finished sign-in.
pub struct BrowserSignIn {
    /// The value of the session's cookie.
    pub cookie: Secret<String>,
    /// Where the browser wanted to go, a path of ours.
    pub target: String,
}

/// What comes after the password.
pub enum SignInStep {
    /// One answer for everything that is wrong.
    Refused,
    /// The code of the second factor is missing; the value of the step's cookie.
    EnterCode(Secret<String>),
    /// The account must have a second factor and has none; the value of the step's cookie.
    SetUp(Secret<String>),
    /// Signed in.
    Done(BrowserSignIn),
}

/// What comes after a code.
pub enum CodeStep {
    /// The code is wrong; it can be tried again.
    Wrong,
    /// The sign-in is over: too old, or too many wrong codes. It begins anew with the password.
    Over,
    /// Signed in.
    Done(BrowserSignIn),
}

/// A sign-in that waits for its second factor to be set up.
pub struct WaitingSetUp {
    /// Who signs in.
    pub name: String,
    /// The authenticator to show.
    pub offer: AuthenticatorOffer,
}

/// What comes after the first code of a new authenticator.
pub enum SetUpStep {
    /// The code is wrong; the same authenticator is shown again.
    Wrong(WaitingSetUp),
    /// The sign-in is over. It begins anew with the password.
    Over,
    /// Signed in, with recovery codes that can be shown this one time.
    Done(BrowserSignIn, Vec<Secret<String>>),
}

impl Identity {
    /// Takes a sign-in form.
    ///
    /// # Errors
    /// [`IdentityError::Busy`], [`IdentityError::Store`]; nobody is signed in then.
    pub async fn begin_sign_in(&self, form: SignInForm<'_>, browser: &Browser) -> Result<SignInStep, IdentityError> {
        let attempt = Attempt {
            login: form.login.trim(),
            requested: None,
            password: &form.password,
            code: form.code.as_ref().map_or(Code::None, Code::Given),
            address: browser.address,
        };
        let target = form.next.and_then(|next| self.return_target(next)).unwrap_or_else(|| HOME.to_owned());
        let (who, proof) = match self.check_sign_in(attempt).await? {
            Verdict::Refused => return Ok(SignInStep::Refused),
            Verdict::Both(who, proof) => (who, Some(proof)),
            Verdict::NeedsCode(who) => return self.wait(who, ENTER_CODE, target).await.map(SignInStep::EnterCode),
            Verdict::Alone(who) => {
                let mut work = self.database.read().await?;
                let must = self.must_have_second_factor(&mut work, who.tenant.id, &who.roles).await?;
                work.cancel().await?;
                if must {
                    return self.wait(who, SET_UP, target).await.map(SignInStep::SetUp);
                }
                (who, None)
            }
        };
        let begun = self.finish(&who.user, proof.as_ref(), target, form.present.as_ref(), browser).await?;
        Ok(begun.map_or(SignInStep::Refused, SignInStep::Done))
    }

    /// Goes on after the first factor was proved elsewhere: the second one is ours to ask for.
    pub(crate) async fn after_first_factor(
        &self,
        who: SignedIn,
        target: String,
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<SignInStep, IdentityError> {
        let mut work = self.database.read().await?;
        let factor = second_factor::find(&mut work, who.tenant.id, who.user.id).await?;
        let must = self.must_have_second_factor(&mut work, who.tenant.id, &who.roles).await?;
        work.cancel().await?;
        match (factor, must) {
            (Some(_), _) => self.wait(who, ENTER_CODE, target).await.map(SignInStep::EnterCode),
            (None, true) => self.wait(who, SET_UP, target).await.map(SignInStep::SetUp),
            (None, false) => {
                let begun = self.finish(&who.user, None, target, present, browser).await?;
                Ok(begun.map_or(SignInStep::Refused, SignInStep::Done))
            }
        }
    }

    async fn wait(&self, who: SignedIn, kind: &str, target: String) -> Result<Secret<String>, IdentityError> {
        let cookie = hash::new_expiring(&*self.rng, self.now());
        let row = StepRow {
            tenant: who.tenant.id,
            user: who.user.id,
            kind: kind.to_owned(),
            password_hash: fingerprint(&who.user),
            target,
            attempts: 0,
            expires_at: self.now().plus(STEP_LIFETIME),
        };
        let mut work = self.database.begin().await?;
        steps::insert_step(&mut work, &hash::key_of(cookie.expose()), &row, STEPS_OF_USER - 1).await?;
        work.save().await?;
        Ok(cookie)
    }

    /// Whether a sign-in waits for a code.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn waits_for_code(&self, step: &Secret<String>) -> Result<bool, IdentityError> {
        Ok(self.waiting(step, ENTER_CODE).await?.is_some())
    }

    /// Takes the code of the second factor.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn enter_code(
        &self,
        step: &Secret<String>,
        code: &Secret<String>,
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<CodeStep, IdentityError> {
        let hash = hash::key_of(step.expose());
        let Some((row, user)) = self.waiting(step, ENTER_CODE).await? else { return Ok(CodeStep::Over) };
        if !self.count_try(&hash).await? || self.addresses.is_exhausted(browser.address, self.now()) {
            return Ok(CodeStep::Over);
        }
        let mut work = self.database.begin().await?;
        let Some(proof) = self.try_code(&mut work, (row.tenant, row.user), code).await? else {
            work.save().await?;
            self.count_address(browser.address);
            return Ok(if row.attempts + 1 < STEP_ATTEMPTS { CodeStep::Wrong } else { CodeStep::Over });
        };
        if !steps::end_step(&mut work, &hash).await? {
            return Ok(CodeStep::Over);
        }
        let begun = self.grant(&mut work, &user, &factors_of(&user, Some(&proof)), present, browser).await?;
        let Some(cookie) = begun else { return Ok(CodeStep::Over) };
        work.save().await?;
        Ok(CodeStep::Done(BrowserSignIn { cookie, target: row.target }))
    }

    /// A fresh authenticator for a sign-in that waits for one; `None` when it is over.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn waits_for_set_up(&self, step: &Secret<String>) -> Result<Option<WaitingSetUp>, IdentityError> {
        let Some((row, user)) = self.waiting(step, SET_UP).await? else { return Ok(None) };
        let offer = self.make_offer(row.tenant, row.user, &user.name, &occasion(step))?;
        Ok(Some(WaitingSetUp { name: user.name, offer }))
    }

    /// Takes the first code of a new authenticator and finishes the sign-in.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] when the form does not belong to this sign-in, [`IdentityError::Store`].
    pub async fn finish_set_up(
        &self,
        step: &Secret<String>,
        sealed: &str,
        code: &Secret<String>,
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<SetUpStep, IdentityError> {
        let (hash, occasion) = (hash::key_of(step.expose()), occasion(step));
        let Some((row, user)) = self.waiting(step, SET_UP).await? else { return Ok(SetUpStep::Over) };
        let counter = match self.check_offer(row.tenant, row.user, &occasion, sealed, code) {
            Ok(counter) => counter,
            // The secret is the browser's own, so there is nothing to guess and nothing to count.
            Err(IdentityError::Forbidden(_)) => {
                let offer = self.reopen_offer(row.tenant, row.user, &user.name, &occasion, sealed)?;
                return Ok(SetUpStep::Wrong(WaitingSetUp { name: user.name, offer }));
            }
            Err(other) => return Err(other),
        };
        let mut work = self.database.begin().await?;
        if !steps::end_step(&mut work, &hash).await? {
            return Ok(SetUpStep::Over);
        }
        let codes = self.store_authenticator(&mut work, &user, sealed, &occasion, counter).await?;
        let proved = [first_factor(&user), Factor::Code];
        let Some(cookie) = self.grant(&mut work, &user, &proved, present, browser).await? else {
            return Ok(SetUpStep::Over);
        };
        let by = self.on_behalf_of(&self.full_name(&mut work, &user).await?);
        by.record(&mut work, row.tenant, "identity.second-factor.set", &format!("user/{}", row.user)).await?;
        work.save().await?;
        Ok(SetUpStep::Done(BrowserSignIn { cookie, target: row.target }, codes))
    }

    /// Begins a session for a user whose password was just checked or set.
    pub(crate) async fn finish(
        &self,
        user: &UserRow,
        proof: Option<&Proof>,
        target: String,
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<Option<BrowserSignIn>, IdentityError> {
        let mut work = self.database.begin().await?;
        if let Some(proof) = proof
            && !proof.consume(&mut work, user.tenant, user.id, self.now()).await?
        {
            return Ok(None);
        }
        let begun = self.grant(&mut work, user, &factors_of(user, proof), present, browser).await?;
        let Some(cookie) = begun else { return Ok(None) };
        work.save().await?;
        Ok(Some(BrowserSignIn { cookie, target }))
    }

    /// Begins the session; `None` when the account changed since its password was checked.
    async fn grant(
        &self,
        work: &mut UnitOfWork,
        checked: &UserRow,
        factors: &[Factor],
        present: Option<&Secret<String>>,
        browser: &Browser,
    ) -> Result<Option<Secret<String>>, IdentityError> {
        let Some(user) = users::hold(work, checked.tenant, checked.id).await? else { return Ok(None) };
        // Others' guesses may hold the account meanwhile; that does not stop an owner with two factors.
        let time = if factors.len() > 1 { Timestamp::from_millis(i64::MAX) } else { self.now() };
        if !is_unchanged(&user, checked, time) {
            return Ok(None);
        }
        // Asked inside the transaction: a second factor that was set up meanwhile is not passed by.
        if factors.len() == 1 && second_factor::find(work, user.tenant, user.id).await?.is_some() {
            return Ok(None);
        }
        if let Some(present) = present {
            sessions::end(work, &hash::key_of(present.expose())).await?;
        }
        let cookie = self.begin_session(work, &user, factors, browser).await?;
        let by = self.on_behalf_of(&self.full_name(work, &user).await?);
        by.record(work, user.tenant, "identity.sessions.begin", &format!("user/{}", user.id)).await?;
        Ok(Some(cookie))
    }

    async fn full_name(&self, work: &mut UnitOfWork, user: &UserRow) -> Result<String, IdentityError> {
        if user.tenant.is_super() {
            return Ok(user.name.clone());
        }
        Ok(format!("{}@{}", user.name, self.need_tenant(work, user.tenant).await?.domain))
    }

    async fn count_try(&self, hash: &[u8]) -> Result<bool, IdentityError> {
        let mut work = self.database.begin().await?;
        let counted = steps::try_step(&mut work, hash, STEP_ATTEMPTS).await?;
        work.save().await?;
        Ok(counted)
    }

    /// The sign-in of a step's cookie with its user, if it waits for this and the account is as it was.
    async fn waiting(&self, step: &Secret<String>, kind: &str) -> Result<Option<(StepRow, UserRow)>, IdentityError> {
        let mut work = self.database.read().await?;
        let found = steps::find_step(&mut work, &hash::key_of(step.expose()), self.now()).await?;
        let Some(row) = found.filter(|r| r.kind == kind) else { return Ok(None) };
        let active = self.need_tenant(&mut work, row.tenant).await?.active;
        let user = users::by_id(&mut work, row.tenant, row.user).await?;
        let same = |u: &UserRow| active && !u.locked && fingerprint(u) == row.password_hash;
        Ok(user.filter(same).map(|user| (row, user)))
    }
}

fn first_factor(user: &UserRow) -> Factor {
    if is_federated(user) { Factor::Federated } else { Factor::Password }
}

fn factors_of(user: &UserRow, proof: Option<&Proof>) -> Vec<Factor> {
    let second = proof.map(|proof| match proof {
        Proof::Step(_) => Factor::Code,
        Proof::Recovery(_) => Factor::RecoveryCode,
    });
    std::iter::once(first_factor(user)).chain(second).collect()
}

/// Tells passwords apart without keeping a copy of their hash.
fn fingerprint(user: &UserRow) -> String {
    hex(&hash::sha256(&user.password_hash))
}

/// Binds an offered authenticator to one sign-in.
fn occasion(step: &Secret<String>) -> String {
    hex(&hash::key_of(step.expose()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Identity {
    /// Sets a new password for a session's user who knows the present one. Every session ends; the value of the cookie
    /// of a new one, which takes over how identity was proved.
    ///
    /// # Errors
    /// As [`Identity::change_password`].
    pub async fn change_own_password(
        &self,
        own: &Session,
        present: &Secret<String>,
        new: &Secret<String>,
        browser: &Browser,
    ) -> Result<Secret<String>, IdentityError> {
        self.change_password(own.tenant.id, &own.name, present, new).await?;
        let mut work = self.database.begin().await?;
        let user = users::hold(&mut work, own.tenant.id, own.user).await?.filter(|u| !u.locked);
        let user = user.ok_or_else(|| IdentityError::not_found("There is no such user."))?;
        let cookie = self.begin_session(&mut work, &user, &own.factors, browser).await?;
        work.save().await?;
        Ok(cookie)
    }
}
