//! Where accounts are kept: in the embedded store, or in a directory that is only read (guidelines A05, A06).
//!
//! A directory is asked through the port [`UserDirectory`]. What it keeps stays there: a person who signs in gets an
//! account row of ours, which holds no password, so that tokens, locks, roles and the audit log have one kind of
//! subject. `account` keeps that row in step with the directory; `ldap` is the one implementation.
//!
//! A name that the embedded store has is the embedded account's: nobody who can write to a directory can take over an
//! administrator of this installation, and that administrator can sign in while the directory is down.

mod account;
mod ldap;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Secret, Tenant};
use store::repository::user::UserRow;
use tokio::time::Instant;
use web::BoxFuture;

pub use ldap::{
    AttributeName, FilterFault, FilterTemplate, GroupSearch, LdapDirectory, LdapServer, LdapSettings, Nesting,
    ServerFault, UserSearch,
};

/// The password hash of an account whose password a directory keeps: in the right form, so that checking it costs what
/// checking a user's costs, and no password has it.
pub(crate) const IN_DIRECTORY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$RGlyZWN0b3J5QWNjb3VudA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The password hash of an account whose owner signs in at an identity provider, made like [`IN_DIRECTORY`].
pub(crate) const FEDERATED: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$RmVkZXJhdGVkQWNjb3VudA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A refused sign-in takes at least this long where directories are asked: theirs answer for unknown names sooner.
const REFUSAL_FLOOR: Duration = Duration::from_millis(250);

/// Whether a directory keeps the password of this account.
pub(crate) fn is_in_directory(user: &UserRow) -> bool {
    user.password_hash == IN_DIRECTORY
}

/// Whether the owner of this account signs in at an identity provider outside.
pub(crate) fn is_federated(user: &UserRow) -> bool {
    user.password_hash == FEDERATED
}

/// Why a directory gave no answer. The text is for the log and the operator, never for a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be reached, its certificate was not accepted, it is too slow, or it refuses the service account.
    #[error("{0}")]
    Unavailable(String),
    /// It answered with something that cannot be used: two entries for one name, an entry without its id.
    #[error("{0}")]
    Unusable(String),
}

/// A person as a directory has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// Name without the domain of the store, as the directory spells it.
    pub name: String,
    /// What stays when the entry is renamed or moved, and never comes back after it was deleted: `entryUUID`,
    /// `objectGUID`. Hexadecimal.
    pub entry_id: String,
    /// Distinguished name.
    pub dn: String,
}

/// A page of names, and whether there are more than were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryListing {
    /// Names without the domain of the store, in the order of the directory.
    pub names: Vec<String>,
    /// There are more.
    pub truncated: bool,
}

/// A directory. There is no way to write to one.
pub trait UserDirectory: Send + Sync + 'static {
    /// The person of a name; `None` when there is none.
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<DirectoryUser>, DirectoryError>>;

    /// Whether the password is that person's. An empty one never is.
    fn check_password<'a>(
        &'a self,
        user: &'a DirectoryUser,
        password: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, DirectoryError>>;

    /// The names of the groups that the person belongs to, through other groups too where that is configured.
    fn groups<'a>(&'a self, user: &'a DirectoryUser) -> BoxFuture<'a, Result<Vec<String>, DirectoryError>>;

    /// The first `most` people.
    fn list(&self, most: usize) -> BoxFuture<'_, Result<DirectoryListing, DirectoryError>>;
}

/// A directory as one of the user stores of the super tenant.
#[derive(Clone)]
pub struct DirectoryStore {
    /// Its domain, upper case; `None` when names need no prefix.
    pub domain: Option<String>,
    /// Where it is, for people: `ldaps://directory.example.com:636`.
    pub place: String,
    /// The directory.
    pub directory: Arc<dyn UserDirectory>,
    /// Roles by the names of groups, lower case. A group that is not here gives the role of its own name in the
    /// store's name space, if an administrator made one; never a built-in role.
    pub roles: BTreeMap<String, Vec<String>>,
    /// How often accounts with live tokens are looked up again.
    pub check_every: Duration,
    /// How long what was read counts while the directory does not answer.
    pub offline_grace: Duration,
}

impl DirectoryStore {
    /// The name of a person of this store as accounts spell it.
    fn full_name(&self, local: &str) -> String {
        match &self.domain {
            None => local.to_owned(),
            Some(domain) => format!("{domain}/{local}"),
        }
    }

    /// The key under which accounts of this store are kept.
    fn key(&self) -> &str {
        self.domain.as_deref().unwrap_or_default()
    }
}

/// All directories of this installation.
#[derive(Default)]
pub(crate) struct Directories {
    stores: Vec<DirectoryStore>,
}

impl Directories {
    pub(crate) const fn new(stores: Vec<DirectoryStore>) -> Self {
        Self { stores }
    }

    pub(crate) fn all(&self) -> &[DirectoryStore] {
        &self.stores
    }

    /// The directory of a domain; the empty text is the one without.
    pub(crate) fn of_domain(&self, domain: &str) -> Option<&DirectoryStore> {
        self.stores.iter().find(|s| s.key().eq_ignore_ascii_case(domain))
    }

    /// Whether a directory is asked for a name, see [`Directories::keeping`].
    pub(crate) fn are_asked(&self, tenant: &Tenant, name: &str, row: Option<&UserRow>) -> bool {
        self.keeping(tenant, name, row).is_some()
    }

    /// The directory to ask for a name, and the name there. `None` when the embedded store decides: because it has the
    /// name, because the tenant has no directory, or because the name belongs to another store.
    fn keeping<'a, 'n>(
        &'a self,
        tenant: &Tenant,
        name: &'n str,
        row: Option<&UserRow>,
    ) -> Option<(&'a DirectoryStore, &'n str)> {
        if !tenant.id.is_super() || row.is_some_and(|row| !is_in_directory(row)) {
            return None;
        }
        let (domain, local) = name.split_once('/').unwrap_or(("", name));
        let domain = if domain.eq_ignore_ascii_case("PRIMARY") { "" } else { domain };
        self.of_domain(domain).map(|store| (store, local))
    }

    /// Lets a refusal take as long for every name. Does nothing without directories.
    pub(crate) async fn even_out(&self, begun: Instant) {
        if !self.stores.is_empty() {
            tokio::time::sleep_until(begun + REFUSAL_FLOOR).await;
        }
    }
}
