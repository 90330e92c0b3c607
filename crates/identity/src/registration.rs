//! Accounts that people make themselves: a form, a link by mail, and an administrator's approval unless that is off.
//!
//! Nothing is reserved and no account exists before the last step. Whether a name is taken is told in the mail only, to
//! whoever can read it.

use std::net::IpAddr;
use std::time::Duration;

use model::{Secret, TenantId, Timestamp};
use serde_json::{Map, json};
use store::StoreError;
use store::repository::sign_up::{self as requests, SignUpRow};
use store::repository::user as users;

use crate::recovery::{allowed, before};
use crate::user::{PreparedUser, local_part, strip_domain};
use crate::{CallbackPattern, Identity, IdentityError, Mail, hash, name};

/// How long the link in the mail works.
const LINK_LIFETIME: Duration = Duration::from_mins(15);
/// How long a confirmed request waits for an administrator.
const APPROVAL_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// Requests of one tenant at the same time.
const MAX_REQUESTS: i64 = 1000;
/// Mails to one address in an hour.
const MAX_MAILS: i64 = 3;
/// Longest given or family name, characters.
const MAX_NAME: usize = 100;
const UNCONFIRMED: &str = "unconfirmed";
/// Whom the audit log names.
const BY_MAIL: &str = "self-registration";

/// How people make accounts of their own.
#[derive(Clone, Debug)]
pub struct SelfRegistration {
    /// Where they may be sent on to afterwards (guideline A25).
    pub callback: CallbackPattern,
    /// Whether an administrator approves each account.
    pub approval: bool,
    /// Roles of the new accounts; WSO2: `Internal/subscriber`.
    pub roles: Vec<String>,
}

/// What the form brought.
pub struct SignUpForm {
    /// Wanted user name, with a tenant's domain behind `@` if it is for one.
    pub name: String,
    /// Chosen password.
    pub password: Secret<String>,
    /// Mail address.
    pub email: String,
    /// Given name; may be empty.
    pub given_name: String,
    /// Family name; may be empty.
    pub family_name: String,
    /// Where to go on to afterwards.
    pub callback: Option<String>,
}

/// What opening the link led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUpConfirmed {
    /// The account exists.
    Ready {
        /// Its name, as it signs in.
        name: String,
        /// Where its user goes on to; may be empty.
        callback: String,
    },
    /// An administrator has to approve it.
    AwaitingApproval {
        /// The wanted name.
        name: String,
    },
    /// Somebody else took the name meanwhile.
    Taken,
    /// The link is unknown, used or too old.
    Gone,
}

/// A request that waits for approval.
#[derive(Clone, Debug)]
pub struct PendingSignUp {
    /// Its id.
    pub id: String,
    /// The wanted name.
    pub name: String,
    /// Mail address, which its owner has confirmed.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Identity {
    /// Takes a request for an account and sends the link. The answer does not tell whether the name is taken.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when it is off; [`IdentityError::Invalid`] and [`IdentityError::Password`] for input
    /// that can never do; [`IdentityError::Limit`] when too many requests wait.
    pub async fn request_sign_up(&self, form: SignUpForm, address: Option<IpAddr>) -> Result<(), IdentityError> {
        let settings = self.registration()?;
        let callback = allowed(&settings.callback, form.callback.as_deref())?;
        let email = crate::mail::address(&form.email)?;
        let (tenant, wanted) = self.resolve_login(form.name.trim()).await?;
        let parsed = name::user(&wanted)?;
        if parsed.store.is_some() || !tenant.active {
            return Err(IdentityError::invalid("A user name here has no slash, and its tenant must exist."));
        }
        let too_long = |text: &str| text.chars().count() > MAX_NAME || text.chars().any(char::is_control);
        if too_long(&form.given_name) || too_long(&form.family_name) {
            return Err(IdentityError::invalid("Names have at most 100 characters."));
        }
        if self.addresses.is_exhausted(address, self.now()) {
            tracing::warn!(address = ?address, "sign-up refused: too many attempts from this address");
            return Ok(());
        }
        self.check_new_password(local_part(&wanted), &form.password).await?;
        self.count_address(address);
        let hashed = self.passwords.hash(&form.password, &*self.rng).await?;
        let now = self.now();
        let mut attributes = Map::new();
        attributes.insert("emails".to_owned(), json!([{"value": email, "primary": true}]));
        if !form.given_name.is_empty() || !form.family_name.is_empty() {
            let names = json!({"givenName": form.given_name.trim(), "familyName": form.family_name.trim()});
            attributes.insert("name".to_owned(), names);
        }
        let row = SignUpRow {
            id: self.rng.uuid().to_string(),
            tenant: tenant.id,
            name: strip_domain(&parsed.full, tenant.domain.as_str()).to_owned(),
            password_hash: hashed,
            email,
            callback,
            attributes,
            state: UNCONFIRMED.to_owned(),
            created_at: now,
            expires_at: now.plus(LINK_LIFETIME),
        };
        let mut work = self.database.read().await?;
        if requests::count(&mut work, row.tenant, now).await? >= MAX_REQUESTS {
            return Err(IdentityError::Limit(
                "Too many people want an account at the moment. Come back later.".to_owned(),
            ));
        }
        work.cancel().await?;
        let identity = self.on_behalf_of(BY_MAIL);
        tokio::spawn(async move {
            match identity.store_sign_up(row).await {
                Ok(Some(mail)) => identity.post(mail),
                Ok(None) => tracing::info!("a sign-up got no mail: the address had some already"),
                Err(error) => tracing::error!(reason = %error, "a sign-up failed"),
            }
        });
        Ok(())
    }

    async fn store_sign_up(&self, row: SignUpRow) -> Result<Option<Mail>, IdentityError> {
        let base = &self.settings.base_url;
        let tenant = self.tenant(row.tenant).await?.tenant;
        let in_directory = self.directory_has(&tenant, &row.name).await?;
        let mut work = self.database.begin().await?;
        let hour_ago = before(self.now(), Duration::from_hours(1));
        if requests::count_for(&mut work, row.tenant, &row.email, hour_ago).await? >= MAX_MAILS {
            return Ok(None);
        }
        let token = hash::new_secret(&*self.rng);
        let taken = in_directory || users::by_name(&mut work, row.tenant, &row.name).await?.is_some();
        requests::insert(&mut work, &hash::sha256(token.expose()), &row).await?;
        work.save().await?;
        let subject = "Your account".to_owned();
        let text = if taken {
            format!(
                "You asked for the account {} at {base}, but the name is taken. Choose another: {base}/signup\n",
                row.name
            )
        } else {
            format!(
                "You asked for the account {} at {base}.\n\nTo go on, open this link within 15 minutes. It works once:\n\n\
                 {base}/signup/{}\n\nIf it was not you, ignore this mail: nothing happens.\n",
                row.name,
                token.expose()
            )
        };
        Ok(Some(Mail { to: row.email, subject, text }))
    }

    /// The name that a link is about; `None` when it does not work. Does not use it up.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn check_sign_up(&self, token: &Secret<String>) -> Result<Option<String>, IdentityError> {
        let mut work = self.database.read().await?;
        Ok(requests::by_link(&mut work, &hash::sha256(token.expose()), self.now()).await?.map(|row| row.name))
    }

    /// Uses the link up: the mail address is its owner's.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when self-registration is off, [`IdentityError::Store`].
    pub async fn confirm_sign_up(&self, token: &Secret<String>) -> Result<SignUpConfirmed, IdentityError> {
        let settings = self.registration()?;
        let now = self.now();
        let mut work = self.database.begin().await?;
        let Some(row) = requests::by_link(&mut work, &hash::sha256(token.expose()), now).await? else {
            return Ok(SignUpConfirmed::Gone);
        };
        if settings.approval {
            if !requests::confirm(&mut work, &row.id, now.plus(APPROVAL_LIFETIME)).await? {
                return Ok(SignUpConfirmed::Gone);
            }
            let own = self.on_behalf_of(BY_MAIL);
            own.record(&mut work, row.tenant, "identity.sign-ups.confirm", &format!("sign-up/{}", row.id)).await?;
            work.save().await?;
            return Ok(SignUpConfirmed::AwaitingApproval { name: row.name });
        }
        drop(work);
        match self.on_behalf_of(BY_MAIL).open_account(&row).await {
            Ok(name) => Ok(SignUpConfirmed::Ready { name, callback: row.callback }),
            Err(IdentityError::NotFound(_)) => Ok(SignUpConfirmed::Gone),
            Err(IdentityError::Conflict(_) | IdentityError::Store(StoreError::Conflict(_))) => {
                Ok(SignUpConfirmed::Taken)
            }
            Err(other) => Err(other),
        }
    }

    /// The requests of a tenant that wait for approval, the oldest first; at most 1,000.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn sign_ups(&self, tenant: TenantId) -> Result<Vec<PendingSignUp>, IdentityError> {
        let mut work = self.database.read().await?;
        let rows = requests::list_waiting(&mut work, tenant, self.now(), MAX_REQUESTS).await?;
        let pending =
            |row: SignUpRow| PendingSignUp { id: row.id, name: row.name, email: row.email, created_at: row.created_at };
        Ok(rows.into_iter().map(pending).collect())
    }

    /// Makes the account of a request that waits, and tells its owner.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; [`IdentityError::Conflict`] when the name was taken meanwhile.
    pub async fn approve_sign_up(&self, tenant: TenantId, id: &str) -> Result<(), IdentityError> {
        let row = self.waiting_sign_up(tenant, id).await?;
        let name = self.open_account(&row).await?;
        let text = format!("Your account {name} at {} was approved. You can sign in now.\n", self.settings.base_url);
        self.post(Mail { to: row.email, subject: "Your account".to_owned(), text });
        Ok(())
    }

    /// Drops a request that waits, and tells its owner.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn reject_sign_up(&self, tenant: TenantId, id: &str) -> Result<(), IdentityError> {
        let row = self.waiting_sign_up(tenant, id).await?;
        let mut work = self.database.begin().await?;
        if !requests::remove(&mut work, tenant, id).await? {
            return Err(no_request());
        }
        self.record(&mut work, tenant, "identity.sign-ups.reject", &format!("sign-up/{id}")).await?;
        work.save().await?;
        let text = format!("Your account {} at {} was not approved.\n", row.name, self.settings.base_url);
        self.post(Mail { to: row.email, subject: "Your account".to_owned(), text });
        Ok(())
    }

    async fn waiting_sign_up(&self, tenant: TenantId, id: &str) -> Result<SignUpRow, IdentityError> {
        let mut work = self.database.read().await?;
        requests::waiting(&mut work, tenant, id, self.now()).await?.ok_or_else(no_request)
    }

    /// Turns a request into an account, once; the name as it signs in.
    async fn open_account(&self, row: &SignUpRow) -> Result<String, IdentityError> {
        // Looked up again: the person may have come to the directory since the request.
        let tenant = self.tenant(row.tenant).await?.tenant;
        if self.directory_has(&tenant, &row.name).await? {
            return Err(IdentityError::conflict("The name is taken."));
        }
        let roles = self.settings.self_registration.as_ref().map(|s| s.roles.clone()).unwrap_or_default();
        let prepared = PreparedUser {
            name: name::user(&row.name)?,
            hash: row.password_hash.clone(),
            attributes: row.attributes.clone(),
            roles,
        };
        let mut work = self.database.begin().await?;
        let tenant = self.need_tenant(&mut work, row.tenant).await?;
        if !requests::remove(&mut work, row.tenant, &row.id).await? {
            return Err(no_request());
        }
        let user = self.insert_user(&mut work, &tenant, prepared).await?;
        self.record(&mut work, row.tenant, "identity.users.create", &format!("user/{}", user.id)).await?;
        work.save().await?;
        Ok(if row.tenant.is_super() { user.name } else { format!("{}@{}", user.name, tenant.domain) })
    }

    /// The settings, if people may make accounts.
    fn registration(&self) -> Result<&SelfRegistration, IdentityError> {
        let found = self.settings.self_registration.as_ref().filter(|_| self.mailer.is_some());
        found.ok_or_else(|| IdentityError::not_found("Accounts are made by an administrator here."))
    }
}

fn no_request() -> IdentityError {
    IdentityError::not_found("There is no such request, or it was decided already.")
}
