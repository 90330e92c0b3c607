//! A directory over LDAP v3 (RFC 4511): encrypted always, searched and bound to, never written to.

mod filter;
mod groups;
mod pool;
mod session;

use std::sync::Arc;
use std::time::Duration;

use model::Secret;
use web::BoxFuture;

use super::{DirectoryError, DirectoryListing, DirectoryUser, UserDirectory};
pub use filter::{AttributeName, FilterFault, FilterTemplate};
pub use groups::Nesting;
use pool::Pool;
use session::{Entry, Search};
pub use session::{LdapServer, ServerFault};

/// Longest password that is sent to a directory, bytes: what the embedded store takes.
const MAX_PASSWORD: usize = 256;
/// Entries of one page (RFC 2696). Active Directory gives 1000 at most.
const PAGE: usize = 500;

/// How to reach and read a directory.
pub struct LdapSettings {
    /// In the order in which they are tried.
    pub servers: Vec<LdapServer>,
    /// Verifies the directory's chain and name (A06, A15).
    pub tls: Arc<rustls::ClientConfig>,
    /// Distinguished name of the account that searches (WSO2: `connection_name`). It needs no right to write.
    pub bind_dn: String,
    /// Its password (WSO2: `connection_password`).
    pub bind_password: Secret<String>,
    /// Where people are.
    pub users: UserSearch,
    /// Where groups are; `None` = no groups are read (WSO2: `read_groups`).
    pub groups: Option<GroupSearch>,
    /// Longest wait for a connection with TLS and bind (WSO2: `ldap_connection_timeout`).
    pub connect_timeout: Duration,
    /// Longest wait for an answer (WSO2: `read_timeout`).
    pub read_timeout: Duration,
    /// After a failed connection nobody tries again for this long (WSO2: `connection_retry_delay`).
    pub retry_delay: Duration,
    /// Most connections of each kind, and most questions at a time.
    pub connections: usize,
}

/// How people are found.
pub struct UserSearch {
    /// WSO2: `user_search_base`.
    pub base: String,
    /// Finds one person; `?` stands for the name (WSO2: `user_name_search_filter`).
    pub filter: FilterTemplate,
    /// Finds all (WSO2: `user_name_list_filter`).
    pub list_filter: FilterTemplate,
    /// Attribute of the name (WSO2: `user_name_attribute`).
    pub name_attribute: AttributeName,
    /// Attribute that stays (WSO2: `user_id_attribute`).
    pub id_attribute: AttributeName,
}

/// How groups are found.
pub struct GroupSearch {
    /// WSO2: `group_search_base`.
    pub base: String,
    /// Finds all groups (WSO2: `group_name_list_filter`).
    pub list_filter: FilterTemplate,
    /// Attribute of the name (WSO2: `group_name_attribute`).
    pub name_attribute: AttributeName,
    /// Attribute with the distinguished names of members (WSO2: `membership_attribute`).
    pub membership_attribute: AttributeName,
    /// Whether groups of groups count.
    pub nesting: Nesting,
}

/// A directory over LDAP.
pub struct LdapDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    users: UserSearch,
    groups: Option<GroupSearch>,
    read_timeout: Duration,
    pool: Pool,
}

impl LdapDirectory {
    /// Nothing is connected yet; the first question connects.
    pub fn new(settings: LdapSettings) -> Self {
        let LdapSettings { users, groups, read_timeout, .. } = settings;
        let pool = Pool::new(pool::Access {
            servers: settings.servers,
            tls: settings.tls,
            bind_dn: settings.bind_dn,
            bind_password: settings.bind_password,
            connect_timeout: settings.connect_timeout,
            read_timeout,
            retry_delay: settings.retry_delay,
            connections: settings.connections,
        });
        Self { inner: Arc::new(Inner { users, groups, read_timeout, pool }) }
    }

    /// Runs a question in a task of its own: a caller who goes away leaves no half-read connection, and a fault in the
    /// protocol library while it reads a malformed answer is an answer that cannot be used, nothing worse.
    fn ask<T, F, Q>(&self, question: Q) -> BoxFuture<'static, Result<T, DirectoryError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DirectoryError>> + Send + 'static,
        Q: FnOnce(Arc<Inner>) -> F,
    {
        let asked = tokio::spawn(question(Arc::clone(&self.inner)));
        Box::pin(async move {
            asked.await.unwrap_or_else(|_| {
                Err(DirectoryError::Unusable("the directory's answer could not be read".to_owned()))
            })
        })
    }
}

impl Inner {
    async fn find(&self, name: &str) -> Result<Option<DirectoryUser>, DirectoryError> {
        let users = &self.users;
        let search = Search {
            base: &users.base,
            filter: users.filter.with(name),
            attributes: vec![users.name_attribute.to_string(), users.id_attribute.to_string()],
            // One more than there may be tells of a name that is not unique.
            most: 2,
            page: None,
            timeout: self.read_timeout,
        };
        let mut found = self.pool.search(&search).await?.entries.into_iter();
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(entry), None) => self.user(entry).map(Some),
            _ => Err(DirectoryError::Unusable(
                "the directory has several entries for one name; make user_name_search_filter narrower".to_owned(),
            )),
        }
    }

    fn user(&self, entry: Entry) -> Result<DirectoryUser, DirectoryError> {
        let missing = |what: &str| {
            DirectoryError::Unusable(format!("an entry of the directory has no single {what} that can be read"))
        };
        let users = &self.users;
        let (name, id) = (users.name_attribute.as_str(), users.id_attribute.as_str());
        let entry_id = entry.single_hex(id).ok_or_else(|| missing(id))?;
        let name = entry.first_text(name).ok_or_else(|| missing(name))?;
        // Binding with an empty name is an anonymous bind, which succeeds with any password.
        if entry.dn.is_empty() {
            return Err(missing("distinguished name"));
        }
        Ok(DirectoryUser { name, entry_id, dn: entry.dn })
    }

    async fn list(&self, most: usize) -> Result<DirectoryListing, DirectoryError> {
        let users = &self.users;
        let search = Search {
            base: &users.base,
            filter: users.list_filter.with_any(),
            attributes: vec![users.name_attribute.to_string()],
            most,
            page: Some(PAGE),
            timeout: self.read_timeout,
        };
        let found = self.pool.search(&search).await?;
        let names = found.entries.iter().filter_map(|e| e.first_text(users.name_attribute.as_str())).collect();
        Ok(DirectoryListing { names, truncated: found.truncated })
    }
}

impl UserDirectory for LdapDirectory {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<DirectoryUser>, DirectoryError>> {
        let name = name.to_owned();
        self.ask(|inner| async move { inner.find(&name).await })
    }

    fn check_password<'a>(
        &'a self,
        user: &'a DirectoryUser,
        password: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, DirectoryError>> {
        // RFC 4513 section 5.1.2: a bind with a name and no password "succeeds" without having proved anything.
        if password.expose().is_empty() || password.expose().len() > MAX_PASSWORD || user.dn.is_empty() {
            return Box::pin(async { Ok(false) });
        }
        let (dn, password) = (user.dn.clone(), password.clone());
        self.ask(|inner| async move { inner.pool.check(&dn, &password).await })
    }

    fn groups<'a>(&'a self, user: &'a DirectoryUser) -> BoxFuture<'a, Result<Vec<String>, DirectoryError>> {
        let dn = user.dn.clone();
        self.ask(|inner| async move {
            match &inner.groups {
                None => Ok(Vec::new()),
                Some(groups) => groups::of(&inner.pool, groups, &dn, inner.read_timeout).await,
            }
        })
    }

    fn list(&self, most: usize) -> BoxFuture<'_, Result<DirectoryListing, DirectoryError>> {
        self.ask(move |inner| async move { inner.list(most).await })
    }
}

#[cfg(test)]
mod tests;
