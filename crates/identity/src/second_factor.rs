//! Second factors: an authenticator app (RFC 6238), and recovery codes for the day it is lost.
//!
//! Who may administrate must have one to sign in by browser, and keeps it: it can be replaced, not removed. Once an
//! account has one, its password alone opens nothing any more, not even the REST APIs.

use std::collections::BTreeSet;

use model::{Secret, TenantId, Timestamp, UserId};
use store::UnitOfWork;
use store::repository::second_factor::{self as factors, SecondFactorRow};
use store::repository::user::UserRow;

use crate::{ADMIN_ROLE, Identity, IdentityError, Session, hash, totp};

/// Recovery codes of an account.
const CODES: usize = 10;
/// Characters of a recovery code, five bits each: too many to guess, so they are kept as plain hashes and have no lock.
const CODE_CHARS: usize = 16;
/// Letters and digits that cannot be mistaken for each other.
const CODE_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The scope of those who may change everything.
const ADMIN_SCOPE: &str = "apim:admin";

/// A new authenticator to show to its user. It counts once a code of it was entered.
pub struct AuthenticatorOffer {
    /// The shared secret in base 32, for typing it in.
    pub secret: Secret<String>,
    /// The link for the picture.
    pub link: Secret<String>,
    /// The same secret for the form that brings the code: sealed, and of use for this user and occasion only.
    pub sealed: String,
}

/// A code that was right.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// Of the app; its time step.
    Step(i64),
    /// A recovery code; its hash.
    Recovery(Vec<u8>),
}

impl Proof {
    /// Uses the code up; `false` when somebody was faster.
    pub(crate) async fn consume(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        Ok(match self {
            Self::Step(step) => factors::use_step(work, tenant, user, *step, now).await?,
            Self::Recovery(hash) => factors::use_code(work, tenant, user, hash, now).await?,
        })
    }
}

/// What an account has besides its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactorState {
    /// When the authenticator was set up; `None` without one.
    pub since: Option<Timestamp>,
    /// Unused recovery codes.
    pub codes: i64,
    /// Whether the account must have one to sign in by browser.
    pub required: bool,
}

impl Identity {
    /// What a session's user has besides the password.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn second_factor(&self, own: &Session) -> Result<SecondFactorState, IdentityError> {
        let mut work = self.database.read().await?;
        let factor = factors::find(&mut work, own.tenant.id, own.user).await?;
        let codes = factors::count_codes(&mut work, own.tenant.id, own.user).await?;
        let required = self.must_have_second_factor(&mut work, own.tenant.id, &own.roles).await?;
        Ok(SecondFactorState { since: factor.map(|f| f.confirmed_at), codes, required })
    }

    /// Whether people with these roles must have a second factor: who may change everything.
    pub(crate) async fn must_have_second_factor(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        roles: &BTreeSet<String>,
    ) -> Result<bool, IdentityError> {
        if roles.iter().any(|r| r.eq_ignore_ascii_case(ADMIN_ROLE)) {
            return Ok(true);
        }
        Ok(self.scope_table(work, tenant).await?.all_of(roles).contains(ADMIN_SCOPE))
    }

    /// A new authenticator for a session's user.
    ///
    /// # Errors
    /// [`IdentityError::Internal`] without a keyring.
    pub fn offer_authenticator(&self, own: &Session) -> Result<AuthenticatorOffer, IdentityError> {
        self.make_offer(own.tenant.id, own.user, &own.display_name(), &own.id)
    }

    /// The authenticator that a form brought back, to show it again after a mistyped code.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] when it was made for somebody or something else.
    pub fn repeat_offer(&self, own: &Session, sealed: &str) -> Result<AuthenticatorOffer, IdentityError> {
        self.reopen_offer(own.tenant.id, own.user, &own.display_name(), &own.id, sealed)
    }

    /// Sets a session's user's authenticator up, in place of the one there is. Gives new recovery codes, the one time
    /// they can be shown.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when a code is wrong: `code` of the new one, or `present` of the one there is.
    pub async fn set_authenticator(
        &self,
        own: &Session,
        sealed: &str,
        code: &Secret<String>,
        present: Option<&Secret<String>>,
    ) -> Result<Vec<Secret<String>>, IdentityError> {
        let step = self.check_offer(own.tenant.id, own.user, &own.id, sealed, code)?;
        let mut work = match self.has_second_factor(own.tenant.id, own.user).await? {
            true => self.proved(own, present.unwrap_or(&Secret::new(String::new()))).await?,
            false => self.database.begin().await?,
        };
        let user = self.own_row(&mut work, own).await?;
        if present.is_some() {
            factors::remove(&mut work, own.tenant.id, own.user).await?;
        }
        let codes = self.store_authenticator(&mut work, &user, sealed, &own.id, step).await?;
        let by = self.on_behalf_of(&own.display_name());
        by.record(&mut work, own.tenant.id, "identity.second-factor.set", &format!("user/{}", own.user)).await?;
        work.save().await?;
        Ok(codes)
    }

    /// Replaces the recovery codes of a session's user.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] when the code is wrong, [`IdentityError::Conflict`] without an authenticator.
    pub async fn renew_recovery_codes(
        &self,
        own: &Session,
        present: &Secret<String>,
    ) -> Result<Vec<Secret<String>>, IdentityError> {
        let mut work = self.proved(own, present).await?;
        self.own_row(&mut work, own).await?;
        let codes = self.store_codes(&mut work, own.tenant.id, own.user).await?;
        let by = self.on_behalf_of(&own.display_name());
        by.record(&mut work, own.tenant.id, "identity.second-factor.codes", &format!("user/{}", own.user)).await?;
        work.save().await?;
        Ok(codes)
    }

    /// Removes a session's user's authenticator and recovery codes.
    ///
    /// # Errors
    /// [`IdentityError::Conflict`] for those who must have one, and without one; [`IdentityError::Forbidden`] when the
    /// code is wrong.
    pub async fn remove_authenticator(&self, own: &Session, present: &Secret<String>) -> Result<(), IdentityError> {
        if self.second_factor(own).await?.required {
            return Err(IdentityError::conflict("Administrators keep a second factor. You can replace it."));
        }
        let mut work = self.proved(own, present).await?;
        self.own_row(&mut work, own).await?;
        factors::remove(&mut work, own.tenant.id, own.user).await?;
        let by = self.on_behalf_of(&own.display_name());
        by.record(&mut work, own.tenant.id, "identity.second-factor.remove", &format!("user/{}", own.user)).await?;
        work.save().await?;
        Ok(())
    }

    /// Removes a user's second factor on behalf of an operator: the user lost app and codes. Their sessions end; an
    /// administrator sets a new one up at the next sign-in. `false` when there was none.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn reset_second_factor(&self, tenant: TenantId, id: UserId) -> Result<bool, IdentityError> {
        let user = self.user(tenant, id).await?;
        let mut work = self.database.begin().await?;
        let removed = factors::remove(&mut work, tenant, user.id).await?;
        crate::user::end_sign_ins(&mut work, tenant, id).await?;
        self.record(&mut work, tenant, "identity.second-factor.reset", &format!("user/{id}")).await?;
        work.save().await?;
        Ok(removed)
    }

    /// Whether a user has a second factor.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn has_second_factor(&self, tenant: TenantId, id: UserId) -> Result<bool, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(factors::find(&mut work, tenant, id).await?.is_some())
    }

    /// A transaction in which the code of the authenticator there is was used up. A wrong one is counted and refused.
    async fn proved(&self, own: &Session, present: &Secret<String>) -> Result<UnitOfWork, IdentityError> {
        if !self.has_second_factor(own.tenant.id, own.user).await? {
            return Err(IdentityError::conflict("This account has no second factor."));
        }
        let mut work = self.database.begin().await?;
        if self.try_code(&mut work, (own.tenant.id, own.user), present).await?.is_some() {
            return Ok(work);
        }
        work.save().await?;
        Err(wrong_code())
    }

    async fn own_row(&self, work: &mut UnitOfWork, own: &Session) -> Result<UserRow, IdentityError> {
        let row = store::repository::user::hold(work, own.tenant.id, own.user).await?;
        row.filter(|u| !u.locked).ok_or_else(|| IdentityError::not_found("There is no such user."))
    }

    pub(crate) fn make_offer(
        &self,
        tenant: TenantId,
        user: UserId,
        name: &str,
        occasion: &str,
    ) -> Result<AuthenticatorOffer, IdentityError> {
        let mut secret = vec![0; totp::SECRET];
        self.rng.fill(&mut secret);
        let secret = Secret::new(secret);
        let sealed = self.seal(&secret, &offer_context(tenant, user, occasion))?;
        Ok(self.offer_of(&secret, sealed, name))
    }

    pub(crate) fn reopen_offer(
        &self,
        tenant: TenantId,
        user: UserId,
        name: &str,
        occasion: &str,
        sealed: &str,
    ) -> Result<AuthenticatorOffer, IdentityError> {
        let secret = self.open(sealed, &offer_context(tenant, user, occasion)).map_err(|_| stale_offer())?;
        Ok(self.offer_of(&secret, sealed.to_owned(), name))
    }

    fn offer_of(&self, secret: &Secret<Vec<u8>>, sealed: String, name: &str) -> AuthenticatorOffer {
        let host = self.settings.base_url.split("://").last().and_then(|rest| rest.split([':', '/']).next());
        let issuer = format!("Portcullis {}", host.unwrap_or_default());
        AuthenticatorOffer {
            secret: Secret::new(totp::base32(secret.expose())),
            link: Secret::new(totp::link(issuer.trim_end(), name, secret.expose())),
            sealed,
        }
    }

    /// The time step of the first code of an offered authenticator.
    pub(crate) fn check_offer(
        &self,
        tenant: TenantId,
        user: UserId,
        occasion: &str,
        sealed: &str,
        code: &Secret<String>,
    ) -> Result<i64, IdentityError> {
        let secret = self.open(sealed, &offer_context(tenant, user, occasion)).map_err(|_| stale_offer())?;
        let digits = totp::digits(code.expose()).ok_or_else(wrong_code)?;
        totp::matching_step(secret.expose(), &digits, self.now(), 0).ok_or_else(wrong_code)
    }

    /// Stores an offered authenticator whose code was right, with new recovery codes.
    pub(crate) async fn store_authenticator(
        &self,
        work: &mut UnitOfWork,
        user: &UserRow,
        sealed: &str,
        occasion: &str,
        step: i64,
    ) -> Result<Vec<Secret<String>>, IdentityError> {
        let offered = offer_context(user.tenant, user.id, occasion);
        let secret = self.open(sealed, &offered).map_err(|_| stale_offer())?;
        let kept = self.seal(&secret, &context(user.tenant, user.id))?;
        if !factors::insert(work, user.tenant, user.id, &kept, (step, self.now())).await? {
            return Err(IdentityError::conflict("This account has a second factor already. Sign in with it."));
        }
        self.store_codes(work, user.tenant, user.id).await
    }

    async fn store_codes(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Vec<Secret<String>>, IdentityError> {
        let codes: Vec<_> = (0..CODES).map(|_| self.new_code()).collect();
        let hashes: Vec<_> = codes.iter().map(|c| recovery_hash(c.expose())).collect();
        factors::replace_codes(work, tenant, user, &hashes).await?;
        Ok(codes)
    }

    /// As in `abcd-efgh-jkmn-pqrs`.
    fn new_code(&self) -> Secret<String> {
        let mut bytes = [0; CODE_CHARS];
        self.rng.fill(&mut bytes);
        let char_of = |b: &u8| char::from(CODE_ALPHABET.get(usize::from(b & 31)).copied().unwrap_or(b'a'));
        let groups: Vec<String> = bytes.chunks(4).map(|group| group.iter().map(char_of).collect()).collect();
        Secret::new(groups.join("-"))
    }

    /// The shared secret of a stored authenticator.
    pub(crate) fn open_factor(&self, factor: &SecondFactorRow) -> Result<Secret<Vec<u8>>, IdentityError> {
        self.open(&factor.secret, &context(factor.tenant, factor.user))
    }

    fn seal(&self, secret: &Secret<Vec<u8>>, context: &str) -> Result<String, IdentityError> {
        let keyring = self.keyring.as_ref().ok_or_else(no_keyring)?;
        keyring.seal(secret.expose(), context, &*self.rng).map_err(|e| IdentityError::Internal(e.to_string()))
    }

    fn open(&self, sealed: &str, context: &str) -> Result<Secret<Vec<u8>>, IdentityError> {
        let keyring = self.keyring.as_ref().ok_or_else(no_keyring)?;
        keyring
            .open(sealed, context)
            .map_err(|e| IdentityError::Internal(format!("a second factor cannot be read: {e}")))
    }
}

/// The hash under which a recovery code is kept, however it was typed.
pub(crate) fn recovery_hash(code: &str) -> Vec<u8> {
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    hash::sha256(&typed.to_ascii_lowercase())
}

pub(crate) fn context(tenant: TenantId, user: UserId) -> String {
    format!("second-factor/{}/{user}", tenant.number())
}

fn offer_context(tenant: TenantId, user: UserId, occasion: &str) -> String {
    format!("second-factor-offer/{}/{user}/{occasion}", tenant.number())
}

pub(crate) fn wrong_code() -> IdentityError {
    IdentityError::Forbidden(
        "The code is wrong or was used before. Wait for the next one; the clock of your device must be right."
            .to_owned(),
    )
}

fn stale_offer() -> IdentityError {
    IdentityError::invalid("This page is too old. Open it again and scan the new picture.")
}

fn no_keyring() -> IdentityError {
    IdentityError::Internal(
        "second factors need the vault's keyring, and this process was started without it".to_owned(),
    )
}
