//! Connections that are kept: some bound to the account that searches, some on which passwords are tried.
//!
//! A password is never tried on a connection that searches: what a search may see must not depend on who failed to sign
//! in before it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Secret;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::DirectoryError;
use super::session::{Found, LdapServer, Search, Session};

/// A connection that was not used for this long is closed: directories and firewalls end idle ones without a word.
const IDLE: Duration = Duration::from_secs(60);

pub(super) struct Access {
    pub(super) servers: Vec<LdapServer>,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) bind_dn: String,
    pub(super) bind_password: Secret<String>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) retry_delay: Duration,
    pub(super) connections: usize,
}

pub(super) struct Pool {
    access: Access,
    turns: Semaphore,
    searching: Mutex<Vec<Kept>>,
    checking: Mutex<Vec<Kept>>,
    /// Until when nobody tries to connect, and why.
    down: Mutex<Option<(Instant, DirectoryError)>>,
}

struct Kept {
    session: Session,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Searching,
    Checking,
}

impl Pool {
    pub(super) fn new(access: Access) -> Self {
        let turns = Semaphore::new(access.connections.clamp(1, 256));
        Self { access, turns, searching: Mutex::default(), checking: Mutex::default(), down: Mutex::new(None) }
    }

    /// Runs a search as the service account.
    pub(super) async fn search(&self, search: &Search<'_>) -> Result<Found, DirectoryError> {
        let _turn = self.turn().await?;
        if let Some(mut session) = self.take(Kind::Searching)
            && let Ok(found) = session.search(search).await
        {
            self.keep(Kind::Searching, session);
            return Ok(found);
        }
        // A kept connection may have died since; a new one tells the truth.
        let mut session = self.connect(Kind::Searching).await?;
        let found = session.search(search).await?;
        self.keep(Kind::Searching, session);
        Ok(found)
    }

    /// Whether a bind with this name and password succeeds.
    pub(super) async fn check(&self, dn: &str, password: &Secret<String>) -> Result<bool, DirectoryError> {
        let _turn = self.turn().await?;
        if let Some(mut session) = self.take(Kind::Checking)
            && let Ok(fits) = session.bind(dn, password, self.access.read_timeout).await
        {
            self.keep(Kind::Checking, session);
            return Ok(fits);
        }
        let mut session = self.connect(Kind::Checking).await?;
        let fits = session.bind(dn, password, self.access.read_timeout).await?;
        self.keep(Kind::Checking, session);
        Ok(fits)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, DirectoryError> {
        let busy = || DirectoryError::Unavailable("too many questions to the directory are waiting".to_owned());
        let turn = tokio::time::timeout(self.access.connect_timeout, self.turns.acquire()).await;
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }

    fn kept(&self, kind: Kind) -> &Mutex<Vec<Kept>> {
        match kind {
            Kind::Searching => &self.searching,
            Kind::Checking => &self.checking,
        }
    }

    fn take(&self, kind: Kind) -> Option<Session> {
        let mut kept = self.kept(kind).lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain_mut(|k| now.duration_since(k.since) < IDLE && k.session.is_open());
        kept.pop().map(|k| k.session)
    }

    fn keep(&self, kind: Kind, mut session: Session) {
        if session.is_open() {
            let mut kept = self.kept(kind).lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(Kept { session, since: Instant::now() });
        }
    }

    /// A new connection to the first server that answers. After all have failed, the next callers are told at once for
    /// a while: a directory that hangs must not hold every sign-in for the whole timeout.
    async fn connect(&self, kind: Kind) -> Result<Session, DirectoryError> {
        let now = Instant::now();
        if let Some((until, why)) = &*self.down.lock().unwrap_or_else(PoisonError::into_inner)
            && now < *until
        {
            return Err(why.clone());
        }
        let mut last = DirectoryError::Unavailable("no directory server is configured".to_owned());
        for server in &self.access.servers {
            match self.connect_to(server, kind).await {
                Ok(session) => {
                    *self.down.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return Ok(session);
                }
                Err(error) => {
                    tracing::warn!(server = %server, reason = %error, "the directory cannot be used");
                    last = error;
                }
            }
        }
        let until = Instant::now() + self.access.retry_delay;
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, last.clone()));
        Err(last)
    }

    async fn connect_to(&self, server: &LdapServer, kind: Kind) -> Result<Session, DirectoryError> {
        let access = &self.access;
        let mut session = Session::open(server, &access.tls, access.connect_timeout).await?;
        if kind == Kind::Searching
            && !session.bind(&access.bind_dn, &access.bind_password, access.connect_timeout).await?
        {
            return Err(DirectoryError::Unavailable(format!(
                "{server} refuses the service account: check connection_name and connection_password"
            )));
        }
        Ok(session)
    }
}
