//! One connection to a directory: connect, bind, search. Nothing else, which is why a directory cannot be changed from
//! here: this is the only file that names the protocol library's connection, and the library's handle does not leave it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ldap3::adapters::{Adapter, PagedResults};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, SearchOptions};
use model::Secret;

use super::DirectoryError;

/// Result codes of RFC 4511 appendix A.
const SUCCESS: u32 = 0;
const SIZE_LIMIT: u32 = 4;
const CONSTRAINT: u32 = 19;
const NO_SUCH_OBJECT: u32 = 32;
const INAPPROPRIATE: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
const UNWILLING: u32 = 53;

/// Why an address is not one of a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    /// Not `ldaps://host[:port]` or `ldap://host[:port]`.
    #[error("write ldaps://host:636, or ldap://host:389 together with StartTLS; an IPv6 address needs a host name")]
    Form,
    /// Passwords would cross the network in clear.
    #[error("ldap:// without StartTLS sends passwords in clear")]
    PlainText,
}

/// A directory server and how its connection is encrypted. There is no third way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapServer {
    host: String,
    port: u16,
    start_tls: bool,
}

impl LdapServer {
    /// Reads `ldaps://host[:port]`, or `ldap://host[:port]` when StartTLS is on.
    ///
    /// # Errors
    /// As [`ServerFault`] says.
    pub fn parse(url: &str, start_tls: bool) -> Result<Self, ServerFault> {
        let (scheme, rest) = url.split_once("://").ok_or(ServerFault::Form)?;
        let (start_tls, standard) = match scheme.to_ascii_lowercase().as_str() {
            "ldaps" => (false, 636),
            "ldap" if start_tls => (true, 389),
            "ldap" => return Err(ServerFault::PlainText),
            _ => return Err(ServerFault::Form),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            None => (rest, standard),
            Some((host, port)) => (host, port.parse().ok().filter(|p| *p > 0).ok_or(ServerFault::Form)?),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
            return Err(ServerFault::Form);
        }
        Ok(Self { host: host.to_owned(), port, start_tls })
    }

    fn url(&self) -> String {
        // An upgraded connection begins as plain LDAP; the library refuses to go on when the upgrade fails.
        let scheme = if self.start_tls { "ldap" } else { "ldaps" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl std::fmt::Display for LdapServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url())
    }
}

/// One search.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    /// Most entries that are taken.
    pub(super) most: usize,
    /// Entries of a page; `None` when one answer is enough.
    pub(super) page: Option<usize>,
    /// Longest wait: for the whole search, or for each page.
    pub(super) timeout: Duration,
}

/// What a search found.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// There were more.
    pub(super) truncated: bool,
}

/// One entry.
pub(super) struct Entry {
    pub(super) dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    fn read(entry: SearchEntry) -> Self {
        let lower = |name: String| name.to_ascii_lowercase();
        Self {
            dn: entry.dn,
            texts: entry.attrs.into_iter().map(|(name, values)| (lower(name), values)).collect(),
            bytes: entry.bin_attrs.into_iter().map(|(name, values)| (lower(name), values)).collect(),
        }
    }

    /// The first value of an attribute: the directory's order, which for names is what WSO2 takes too.
    pub(super) fn first_text(&self, attribute: &str) -> Option<String> {
        self.texts.get(&attribute.to_ascii_lowercase())?.first().filter(|v| !v.is_empty()).cloned()
    }

    /// The only value of an attribute as hexadecimal digits.
    pub(super) fn single_hex(&self, attribute: &str) -> Option<String> {
        let attribute = attribute.to_ascii_lowercase();
        let value: &[u8] = match (self.texts.get(&attribute).map(Vec::as_slice), self.bytes.get(&attribute)) {
            (Some([one]), None) => one.as_bytes(),
            (None, Some(many)) if many.len() == 1 => many.first()?,
            _ => return None,
        };
        (!value.is_empty()).then(|| value.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A connection.
pub(super) struct Session {
    ldap: Ldap,
}

impl Session {
    /// Connects and encrypts; the server's certificate is verified for its name. Referrals are never followed.
    pub(super) async fn open(
        server: &LdapServer,
        tls: &Arc<rustls::ClientConfig>,
        timeout: Duration,
    ) -> Result<Self, DirectoryError> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(timeout)
            .set_config(Arc::clone(tls))
            .set_starttls(server.start_tls);
        let unreachable = |e: LdapError| DirectoryError::Unavailable(format!("{server}: {e}"));
        let opened = tokio::time::timeout(timeout, LdapConnAsync::with_settings(settings, &server.url())).await;
        let (connection, ldap) = opened
            .map_err(|_| DirectoryError::Unavailable(format!("{server}: no connection within {timeout:?}")))?
            .map_err(unreachable)?;
        // Ends when the last handle is dropped.
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(reason = %error, "a connection to the directory ended");
            }
        });
        Ok(Self { ldap })
    }

    /// Whether the other side is still there, as far as is known.
    pub(super) fn is_open(&mut self) -> bool {
        !self.ldap.is_closed()
    }

    /// A simple bind. `false` when name or password are wrong, or the account may not sign in. An empty name or password
    /// is refused here too: it would be an anonymous bind.
    pub(super) async fn bind(
        &mut self,
        dn: &str,
        password: &Secret<String>,
        timeout: Duration,
    ) -> Result<bool, DirectoryError> {
        if dn.is_empty() || password.expose().is_empty() {
            return Ok(false);
        }
        let answer = self.ldap.with_timeout(timeout).simple_bind(dn, password.expose()).await.map_err(failed)?;
        match answer.rc {
            SUCCESS => Ok(true),
            INVALID_CREDENTIALS | INAPPROPRIATE | CONSTRAINT | UNWILLING | NO_SUCH_OBJECT => Ok(false),
            _ => Err(refused("a bind", &answer)),
        }
    }

    /// Searches the subtree of the base. Aliases are not followed, referrals are left out.
    pub(super) async fn search(&mut self, search: &Search<'_>) -> Result<Found, DirectoryError> {
        let options = match search.page {
            // The limit of a paged search counts all its pages, so it is kept here.
            Some(_) => SearchOptions::new(),
            None => SearchOptions::new().sizelimit(i32::try_from(search.most).unwrap_or(i32::MAX)),
        };
        let size = search.page.unwrap_or(search.most).min(search.most.saturating_add(1)).max(1);
        let mut adapters: Vec<Box<dyn Adapter<'static, String, Vec<String>>>> = Vec::new();
        if search.page.is_some() {
            adapters.push(Box::new(PagedResults::new(i32::try_from(size).unwrap_or(i32::MAX))));
        }
        let begun = self.ldap.with_timeout(search.timeout).with_search_options(options).streaming_search_with(
            adapters,
            search.base,
            Scope::Subtree,
            &search.filter,
            search.attributes.clone(),
        );
        let mut stream = begun.await.map_err(failed)?;
        let mut found = Found { entries: Vec::new(), truncated: false };
        loop {
            let next = tokio::time::timeout(search.timeout, stream.next()).await;
            let next = next.map_err(|_| too_slow(search.timeout))?.map_err(failed)?;
            let Some(entry) = next else { break };
            if entry.is_ref() || entry.is_intermediate() {
                continue;
            }
            if found.entries.len() >= search.most {
                // The rest stays unread, so this connection cannot be used for another question.
                found.truncated = true;
                self.close().await;
                return Ok(found);
            }
            found.entries.push(Entry::read(SearchEntry::construct(entry)));
        }
        let end = stream.finish().await;
        match end.rc {
            SUCCESS => Ok(found),
            SIZE_LIMIT if found.entries.len() >= search.most => {
                found.truncated = true;
                Ok(found)
            }
            SIZE_LIMIT => Err(DirectoryError::Unusable(format!(
                "the directory gives this account no more than {} entries, even in pages; raise its limit",
                found.entries.len()
            ))),
            NO_SUCH_OBJECT => Err(DirectoryError::Unusable(format!(
                "the search base {:?} does not exist, or the service account cannot see it",
                search.base
            ))),
            _ => Err(refused("a search", &end)),
        }
    }

    async fn close(&mut self) {
        if let Err(error) = self.ldap.unbind().await {
            tracing::debug!(reason = %error, "a connection to the directory could not be closed");
        }
    }
}

fn too_slow(timeout: Duration) -> DirectoryError {
    DirectoryError::Unavailable(format!("the directory did not answer within {timeout:?}"))
}

fn failed(error: LdapError) -> DirectoryError {
    DirectoryError::Unavailable(format!("the directory did not answer: {error}"))
}

/// The directory's own text is left out: it may repeat what was sent.
fn refused(what: &str, answer: &LdapResult) -> DirectoryError {
    DirectoryError::Unavailable(format!("the directory refused {what} with result code {}", answer.rc))
}
