//! Accounts of people whose password a directory keeps: made at the first sign-in, kept in step afterwards.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use model::{Secret, Tenant, TenantId, Timestamp, UserId};
use store::UnitOfWork;
use store::repository::directory::{self as directories, DirectoryAccountRow};
use store::repository::role as roles;
use store::repository::user::{self as users, UserRow};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::{DirectoryError, DirectoryListing, DirectoryStore, DirectoryUser, IN_DIRECTORY, is_in_directory};
use crate::scope::EVERYONE;
use crate::sign_in::SignedIn;
use crate::user::own_name;
use crate::{ADMIN_ROLE, Identity, IdentityError, LOCAL_OPERATOR, name};

/// Whom the audit log names for what follows from the directory.
const DIRECTORY: &str = "user directory";
/// Accounts looked up again in one run.
const CHECKED_AT_ONCE: i64 = 200;
/// How long a sign-in waits until others that ask directories have ended.
const TURN_WAIT: Duration = Duration::from_secs(5);

impl From<DirectoryError> for IdentityError {
    fn from(error: DirectoryError) -> Self {
        tracing::error!(reason = %error, "the user directory cannot be asked; its users cannot sign in");
        Self::Directory
    }
}

impl Identity {
    /// Adds directories as user stores of the super tenant. At most one of them has no domain.
    #[must_use]
    pub fn with_directories(mut self, stores: Vec<DirectoryStore>) -> Self {
        self.directories = std::sync::Arc::new(super::Directories::new(stores));
        self
    }

    /// The directories: domain (none for the one without) and place.
    pub fn directory_stores(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        self.directories.all().iter().map(|s| (s.domain.as_deref(), s.place.as_str()))
    }

    /// The first `most` people of a directory, named by its domain; the empty text is the one without.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] without such a directory, [`IdentityError::Directory`] when it cannot be asked.
    pub async fn directory_users(&self, domain: &str, most: usize) -> Result<DirectoryListing, IdentityError> {
        let store = self.directories.of_domain(domain);
        let store = store.ok_or_else(|| IdentityError::not_found("There is no directory of this domain."))?;
        let mut listing = store.directory.list(most).await?;
        listing.names.iter_mut().for_each(|name| *name = store.full_name(name));
        Ok(listing)
    }

    /// Signs somebody in whose password a directory keeps; `None` as from any other sign-in. The turn is to be kept until
    /// a wrong code of the second factor is counted. When the directory does not
    /// answer nobody is let in.
    pub(crate) async fn directory_sign_in(
        &self,
        tenant: &Tenant,
        login: &str,
        password: &Secret<String>,
        address: Option<IpAddr>,
    ) -> Result<Option<(SignedIn, SemaphorePermit<'_>)>, IdentityError> {
        let now = self.now();
        let Some((store, local)) = self.directories.keeping(tenant, login, None) else { return Ok(None) };
        // Nothing that cannot be a name is ever put into a question.
        let parsed = name::user(&store.full_name(local));
        if parsed.is_err() || password.expose().is_empty() {
            self.count_address(address);
            return Ok(None);
        }
        // Taken before the account is read and kept until a failure is counted, so that only so many guesses at one
        // account can overtake the count.
        let turn = tokio::time::timeout(TURN_WAIT, self.directory_turns.acquire()).await;
        let turn = turn.map_err(|_| IdentityError::Busy)?.map_err(|_| IdentityError::Busy)?;
        let Some(found) = store.directory.find(local).await? else {
            self.count_address(address);
            return Ok(None);
        };
        let Some(account) = self.account_of(tenant, store, &found).await? else { return Ok(None) };
        let held = account.locked_until.is_some_and(|until| now < until);
        // A locked account is not tried at all: guesses here must not lock people out over there.
        let fits = !account.locked && !held && store.directory.check_password(&found, password).await?;
        if !fits {
            self.count_address(address);
            if !account.locked && !held {
                // Before the answer, which takes the same time for every refusal anyway.
                self.store_failure(&account).await?;
            }
            return Ok(None);
        }
        let groups = store.directory.groups(&found).await?;
        self.confirm(tenant.id, store, account.id, &found, &groups, true).await?;
        Ok(self.succeed(account).await?.map(|who| (who, turn)))
    }

    /// Whether a directory has a person of this name. Nobody else may get an account of it: that one would count.
    pub(crate) async fn directory_has(&self, tenant: &Tenant, name: &str) -> Result<bool, IdentityError> {
        match self.directories.keeping(tenant, name, None) {
            Some((store, local)) => Ok(store.directory.find(local).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The account of an entry, made when there is none. `None` when the name cannot be one of ours: another store's
    /// account has it, or it would mean another tenant.
    async fn account_of(
        &self,
        tenant: &Tenant,
        store: &DirectoryStore,
        found: &DirectoryUser,
    ) -> Result<Option<UserRow>, IdentityError> {
        let full = store.full_name(&found.name);
        let Ok(parsed) = name::user(&full) else {
            tracing::warn!(entry = %found.entry_id, "an entry of the directory has a name that accounts cannot have");
            return Ok(None);
        };
        let mut work = self.database.read().await?;
        let row = users::by_name(&mut work, tenant.id, &parsed.full).await?;
        let link = match &row {
            Some(row) => directories::find(&mut work, tenant.id, row.id).await?,
            None => None,
        };
        work.cancel().await?;
        match (row, link) {
            (Some(row), _) if !is_in_directory(&row) => {
                tracing::warn!(user = %row.id, "an entry of the directory has the name of an embedded account; that one counts");
                Ok(None)
            }
            (Some(row), Some(link)) if link.entry_id == found.entry_id && link.store == store.key() => Ok(Some(row)),
            (Some(row), _) => {
                // The name was given to somebody else, who inherits nothing.
                tracing::warn!(user = %row.id, "the directory gave a name to another entry; the former account ends");
                self.on_behalf_of(DIRECTORY).delete_user(tenant.id, row.id).await?;
                self.make_account(tenant, store, found, parsed.full).await.map(Some)
            }
            (None, _) => self.make_account(tenant, store, found, parsed.full).await.map(Some),
        }
    }

    async fn make_account(
        &self,
        tenant: &Tenant,
        store: &DirectoryStore,
        found: &DirectoryUser,
        name: String,
    ) -> Result<UserRow, IdentityError> {
        let now = self.now();
        let mut work = self.database.begin().await?;
        // Refuses names that end with a tenant's domain.
        let name = own_name(&mut work, tenant, &name).await?;
        if name.eq_ignore_ascii_case(LOCAL_OPERATOR) {
            return Err(IdentityError::invalid(format!("The name {LOCAL_OPERATOR} belongs to the product.")));
        }
        let most = self.settings.max_users;
        if users::count(&mut work, tenant.id).await? >= most {
            return Err(IdentityError::Limit(format!("The tenant has {most} users, the most there can be.")));
        }
        // Another sign-in of the same person may have come first.
        if let Some(row) = users::by_name(&mut work, tenant.id, &name).await? {
            return Ok(row);
        }
        let row = UserRow {
            id: UserId::new(self.rng.uuid()),
            tenant: tenant.id,
            name,
            password_hash: IN_DIRECTORY.to_owned(),
            locked: false,
            locked_until: None,
            lock_count: 0,
            failed_attempts: 0,
            attributes: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        };
        users::insert(&mut work, &row).await?;
        let link = DirectoryAccountRow {
            user: row.id,
            tenant: tenant.id,
            store: store.key().to_owned(),
            entry_id: found.entry_id.clone(),
            signed_in_at: Timestamp::from_millis(0),
            checked_at: now,
            gone: false,
        };
        directories::save(&mut work, &link).await?;
        let actor = self.on_behalf_of(DIRECTORY);
        actor.record(&mut work, tenant.id, "identity.users.create", &format!("user/{}", row.id)).await?;
        work.save().await?;
        Ok(row)
    }

    /// Stores that the directory confirmed an account, with the roles that its groups give. Whoever lost one loses their
    /// tokens, as with any other change of roles.
    async fn confirm(
        &self,
        tenant: TenantId,
        store: &DirectoryStore,
        user: UserId,
        found: &DirectoryUser,
        groups: &[String],
        signed_in: bool,
    ) -> Result<(), IdentityError> {
        let now = self.now();
        let mut work = self.database.begin().await?;
        // Before roles are looked at: a change of roles of this user waits until the end, or has ended.
        let Some(_held) = users::hold(&mut work, tenant, user).await? else { return Ok(()) };
        let Some(mut link) = directories::find(&mut work, tenant, user).await? else { return Ok(()) };
        let wanted = wanted_roles(&mut work, tenant, store, groups).await?;
        let lost = self.on_behalf_of(DIRECTORY).follow_roles(&mut work, tenant, user, &wanted).await?;
        link.entry_id.clone_from(&found.entry_id);
        link.checked_at = now;
        link.gone = false;
        if signed_in {
            link.signed_in_at = now;
        }
        directories::save(&mut work, &link).await?;
        work.save().await?;
        if lost {
            self.announce();
        }
        Ok(())
    }

    /// Makes the roles that come from outside those that are wanted now. Whoever lost one loses their tokens, as with any
    /// other change of roles; then `true`. The caller holds the user.
    pub(crate) async fn follow_roles(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        user: UserId,
        wanted: &BTreeSet<String>,
    ) -> Result<bool, IdentityError> {
        let present = directories::role_ids(work, user).await?;
        for role in wanted.difference(&present) {
            // A role that an administrator gave stays when the group goes.
            if roles::add_member(work, tenant, role, user).await? {
                directories::add_role(work, user, role).await?;
                self.record_member(work, tenant, "add-member", role, user).await?;
            }
        }
        let lost: Vec<&String> = present.difference(wanted).collect();
        for role in &lost {
            directories::remove_role(work, user, role).await?;
            roles::remove_member(work, tenant, role, user).await?;
            self.record_member(work, tenant, "remove-member", role, user).await?;
        }
        if !lost.is_empty() {
            self.end_tokens_of(work, tenant, user).await?;
        }
        Ok(!lost.is_empty())
    }

    /// Whether what was issued to an account still counts: always for embedded accounts; for those of a directory while
    /// it is configured, has the account, and answered within the time that is configured for this.
    pub(crate) async fn directory_confirms(
        &self,
        work: &mut UnitOfWork,
        user: &UserRow,
    ) -> Result<bool, IdentityError> {
        if !is_in_directory(user) {
            return Ok(true);
        }
        let Some(link) = directories::find(work, user.tenant, user.id).await? else { return Ok(false) };
        let Some(store) = self.directories.of_domain(&link.store) else { return Ok(false) };
        Ok(!link.gone && self.now().since(link.checked_at) <= store.check_every.saturating_add(store.offline_grace))
    }

    /// Looks up accounts that may have live tokens and were not confirmed lately: whoever is gone from the directory, or
    /// lost a group there, loses tokens here. Run it in the background; `true` when there may be more to do now.
    ///
    /// # Errors
    /// [`IdentityError::Store`]. A directory that does not answer is no error here: it is in the log, and the accounts
    /// wait for the next run.
    pub async fn check_directories(&self) -> Result<bool, IdentityError> {
        let mut more = false;
        for store in self.directories.all() {
            let now = self.now();
            let checked_before = minus(now, store.check_every);
            let signed_in_since = minus(now, self.settings.user_token_lifetime);
            let mut work = self.database.read().await?;
            let tenant = TenantId::SUPER;
            let due =
                directories::due(&mut work, tenant, store.key(), checked_before, signed_in_since, now, CHECKED_AT_ONCE)
                    .await?;
            work.cancel().await?;
            let all = i64::try_from(due.len()).unwrap_or(i64::MAX) >= CHECKED_AT_ONCE;
            match self.check_again(store, due).await {
                Ok(()) => more |= all,
                Err(IdentityError::Directory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(more)
    }

    async fn check_again(
        &self,
        store: &DirectoryStore,
        due: Vec<(DirectoryAccountRow, String)>,
    ) -> Result<(), IdentityError> {
        for (link, full) in due {
            let local = crate::user::local_part(&full);
            let found = store.directory.find(local).await?.filter(|found| found.entry_id == link.entry_id);
            match found {
                Some(found) => {
                    let groups = store.directory.groups(&found).await?;
                    self.confirm(link.tenant, store, link.user, &found, &groups, false).await?;
                }
                None => self.end_gone_account(&link).await?,
            }
        }
        Ok(())
    }

    /// The account stays, so that the audit log and what it owns keep a name; it can do nothing until the directory has
    /// the same entry again.
    async fn end_gone_account(&self, link: &DirectoryAccountRow) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        self.end_tokens_of(&mut work, link.tenant, link.user).await?;
        self.end_application_tokens_of(&mut work, link.tenant, link.user).await?;
        directories::set_checked(&mut work, link.user, self.now(), true).await?;
        let target = format!("user/{}", link.user);
        self.on_behalf_of(DIRECTORY).record(&mut work, link.tenant, "identity.users.gone", &target).await?;
        work.save().await?;
        tracing::warn!(user = %link.user, "an account is gone from the directory; its tokens have ended");
        self.announce();
        Ok(())
    }

    /// Lets a refused sign-in end like any other one; see [`super::Directories::even_out`].
    pub(crate) async fn even_out(&self, begun: Instant) {
        self.directories.even_out(begun).await;
    }
}

/// The ids of the roles that groups give.
async fn wanted_roles(
    work: &mut UnitOfWork,
    tenant: TenantId,
    store: &DirectoryStore,
    groups: &[String],
) -> Result<BTreeSet<String>, IdentityError> {
    let mut wanted = BTreeSet::new();
    for group in groups {
        match store.roles.get(&group.to_lowercase()) {
            Some(mapped) => {
                for role in mapped.iter().filter(|role| !role.eq_ignore_ascii_case(EVERYONE)) {
                    match roles::by_name(work, tenant, role).await? {
                        Some(role) => drop(wanted.insert(role.id)),
                        None => {
                            tracing::warn!(%role, "a group of the directory is mapped to a role that does not exist")
                        }
                    }
                }
            }
            // `admin` or `Internal/publisher` as the name of a group gives nothing: whoever may name groups in the
            // directory would decide who administrates this installation.
            None => {
                let own = roles::by_name(work, tenant, &store.full_name(group)).await?;
                let own = own.filter(|role| !role.built_in && !role.name.eq_ignore_ascii_case(ADMIN_ROLE));
                wanted.extend(own.map(|role| role.id));
            }
        }
    }
    Ok(wanted)
}

fn minus(time: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
}
