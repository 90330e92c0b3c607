//! A new password for those who forgot theirs: a link by mail (guideline A25, threat model row 12).
//!
//! The link works once, for 15 minutes, for the account and the mail address it was made for; only its hash is stored.
//! The answer to a request is the same whether there is such an account or not, and comes before anything is looked up.
//! A second factor is asked for at the next sign-in as ever: the mailbox alone opens nothing that has one.

use std::net::IpAddr;
use std::time::Duration;

use model::{Secret, Timestamp};
use serde_json::{Map, Value};
use store::repository::recovery::{self as links, RecoveryRow};
use store::repository::user as users;

use crate::{CallbackPattern, Identity, IdentityError, Mail, User, hash};

/// How long a link works.
const LINK_LIFETIME: Duration = Duration::from_mins(15);
/// An account gets no further mail for this time.
const PAUSE: Duration = Duration::from_mins(2);
/// Whom the audit log names.
const BY_MAIL: &str = "recovery by mail";

/// A link that works.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The name of the account, as it signs in.
    pub name: String,
    /// Where its user goes on to afterwards; may be empty.
    pub callback: String,
}

impl Identity {
    /// Sends a link to the mail address of an account, if there is such an account with such an address. Whether there is
    /// cannot be told from the answer.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when recovery is off, [`IdentityError::Invalid`] for a callback that is not allowed.
    pub fn request_recovery(
        &self,
        login: &str,
        callback: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<(), IdentityError> {
        let pattern = self.settings.recovery.as_ref().filter(|_| self.mailer.is_some()).ok_or_else(off)?;
        let callback = allowed(pattern, callback)?;
        if self.addresses.is_exhausted(address, self.now()) {
            tracing::warn!(address = ?address, "recovery refused: too many attempts from this address");
            return Ok(());
        }
        self.count_address(address);
        let (identity, login) = (self.on_behalf_of(BY_MAIL), login.trim().to_owned());
        let Ok(place) = std::sync::Arc::clone(&self.mail_places).try_acquire_owned() else {
            tracing::error!("a recovery was dropped: too many mails are under way");
            return Ok(());
        };
        tokio::spawn(async move {
            let made = identity.make_recovery(&login, callback).await;
            drop(place);
            match made {
                Ok(Some(mail)) => identity.post(mail),
                Ok(None) => {
                    tracing::info!("a recovery was asked for that cannot be: no such account, no address, or too soon")
                }
                Err(error) => tracing::error!(reason = %error, "a recovery failed"),
            }
        });
        Ok(())
    }

    async fn make_recovery(&self, login: &str, callback: String) -> Result<Option<Mail>, IdentityError> {
        let mut work = self.database.begin().await?;
        let (tenant, name) = self.split_login(&mut work, login, None).await?;
        let Some(user) = users::by_name(&mut work, tenant.id, &name).await? else { return Ok(None) };
        let Some(to) = mail_address(&user.attributes) else { return Ok(None) };
        let elsewhere = crate::user_store::is_in_directory(&user) || crate::user_store::is_federated(&user);
        if !tenant.active || user.locked || elsewhere {
            return Ok(None);
        }
        let (token, now) = (hash::new_secret(&*self.rng), self.now());
        let row = RecoveryRow { tenant: tenant.id, user: user.id, channel: to.clone(), callback };
        let times = (now, now.plus(LINK_LIFETIME));
        if !links::replace(&mut work, &row, &hash::sha256(token.expose()), times, before(now, PAUSE)).await? {
            return Ok(None);
        }
        self.record(&mut work, tenant.id, "identity.recovery.link", &format!("user/{}", user.id)).await?;
        work.save().await?;
        let link = format!("{}/recover/{}", self.settings.base_url, token.expose());
        let text = format!(
            "Somebody asked for a new password for the account {} at {}.\n\nTo choose one, open this link within 15 minutes. \
             It works once:\n\n{link}\n\nIf it was not you, ignore this mail: nothing has changed.\n",
            user.name, self.settings.base_url
        );
        Ok(Some(Mail { to, subject: "Choose a new password".to_owned(), text }))
    }

    /// What a link is for; `None` when it does not work. Does not use it up.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn check_recovery(&self, token: &Secret<String>) -> Result<Option<Recovery>, IdentityError> {
        let Some((row, user)) = self.recovering(token).await? else { return Ok(None) };
        let domain = self.tenant(row.tenant).await?.tenant.domain;
        let name = if row.tenant.is_super() { user.name } else { format!("{}@{domain}", user.name) };
        Ok(Some(Recovery { name, callback: row.callback }))
    }

    /// Uses a link up and sets the password, both or neither. Everything issued to the account ends. `None` when the
    /// link does not work.
    ///
    /// # Errors
    /// [`IdentityError::Password`] leaves the link usable.
    pub async fn complete_recovery(
        &self,
        token: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<Option<Recovery>, IdentityError> {
        // Looked at first, so that a stranger without a link cannot make us hash passwords.
        let Some(found) = self.check_recovery(token).await? else { return Ok(None) };
        let Some((row, user)) = self.recovering(token).await? else { return Ok(None) };
        self.check_new_password(crate::user::local_part(&user.name), new).await?;
        let hash = self.passwords.hash(new, &*self.rng).await?;
        let mut work = self.database.begin().await?;
        if !links::consume(&mut work, &hash::sha256(token.expose()), self.now()).await? {
            return Ok(None);
        }
        let now = users::hold(&mut work, row.tenant, row.user).await?;
        if now.is_none_or(|u| u.locked || mail_address(&u.attributes).as_ref() != Some(&row.channel)) {
            return Ok(None);
        }
        let own = self.on_behalf_of(BY_MAIL);
        own.apply_password(&mut work, &user, &hash, "recover-password").await?;
        work.save().await?;
        self.announce();
        self.post(Mail {
            to: row.channel,
            subject: "Your password was changed".to_owned(),
            text: format!(
                "The password of the account {} at {} was changed by a link from this mailbox. Every session has ended.\n\n\
                 If it was not you, somebody else reads your mail: tell your administrator.\n",
                found.name, self.settings.base_url
            ),
        });
        Ok(Some(found))
    }

    /// The account of a link, as long as it still has the address that the link was sent to.
    async fn recovering(&self, token: &Secret<String>) -> Result<Option<(RecoveryRow, User)>, IdentityError> {
        if self.settings.recovery.is_none() {
            return Ok(None);
        }
        let mut work = self.database.read().await?;
        let found = links::find(&mut work, &hash::sha256(token.expose()), self.now()).await?;
        let Some(row) = found else { return Ok(None) };
        let user = users::by_id(&mut work, row.tenant, row.user).await?;
        let active = self.need_tenant(&mut work, row.tenant).await?.active;
        let same =
            |u: &users::UserRow| active && !u.locked && mail_address(&u.attributes).as_ref() == Some(&row.channel);
        match user.filter(same) {
            Some(user) => Ok(Some((row, crate::user::load(&mut work, user).await?))),
            None => Ok(None),
        }
    }
}

/// The callback as it is kept: empty without one.
pub(crate) fn allowed(pattern: &CallbackPattern, callback: Option<&str>) -> Result<String, IdentityError> {
    match callback.filter(|c| !c.is_empty()) {
        None => Ok(String::new()),
        Some(url) if pattern.allows(url) => Ok(url.to_owned()),
        Some(_) => Err(IdentityError::invalid("The address to go on to is not one that this installation allows.")),
    }
}

pub(crate) fn before(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

/// The mail address of SCIM attributes: the primary one, or the first; plain texts count too.
pub(crate) fn mail_address(attributes: &Map<String, Value>) -> Option<String> {
    let list = attributes.get("emails")?.as_array()?;
    let value = |entry: &Value| match entry {
        Value::String(text) => Some(text.clone()),
        other => other.get("value").and_then(Value::as_str).map(str::to_owned),
    };
    let is_primary = |entry: &&Value| entry.get("primary").and_then(Value::as_bool) == Some(true);
    let found = list.iter().find(is_primary).or_else(|| list.first()).and_then(value)?;
    crate::mail::address(&found).ok()
}

fn off() -> IdentityError {
    IdentityError::not_found("New passwords by mail are not offered here. Ask your administrator.")
}

#[cfg(test)]
mod tests {
    use super::mail_address;
    use serde_json::json;

    #[test]
    fn the_primary_address_counts() {
        let of = |value: serde_json::Value| mail_address(value.as_object().unwrap());
        assert_eq!(of(json!({"emails": ["a@b.example"]})).as_deref(), Some("a@b.example"));
        let two = json!({"emails": [{"value": "a@b.example"}, {"value": "c@d.example", "primary": true}]});
        assert_eq!(of(two).as_deref(), Some("c@d.example"));
        for none in
            [json!({}), json!({"emails": []}), json!({"emails": "a@b.example"}), json!({"emails": [{"value": "x"}]})]
        {
            assert_eq!(of(none), None);
        }
    }
}
