//! Users of the management API, and the tokens that they have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Clock, Rng, Secret, Timestamp};
use tokio::sync::Semaphore;
use web::{MAX_PASSWORD_BYTES, hash_password, password_fits};

use super::ConfiguredUser;
use crate::sql::{Cell, Command, Databases, Kind, OWN, Outcome, Part, SqlError, Wanted};

/// How long a token is good.
const TOKEN: Duration = Duration::from_secs(3600);
/// Tokens at once.
const TOKENS: usize = 10_000;
/// Failed attempts before a user has to wait.
const ATTEMPTS: u32 = 5;
/// How long a user waits then.
const WAIT: Duration = Duration::from_secs(300);
/// Users whose failed attempts are counted.
const COUNTED: usize = 10_000;
/// Words that attackers try first, alone or with digits and signs around them.
const COMMON: [&str; 9] = [
    "admin",
    "adminadmin",
    "administrator",
    "password",
    "wso2carbon",
    "wso2admin",
    "changeit",
    "changeme",
    "portcullis",
];

/// Refuses a password that can be guessed (NIST SP 800-63B: length, no well-known ones, not the user's name).
///
/// # Errors
/// What is wrong with it.
pub fn check_password(user: &str, password: &str) -> Result<(), &'static str> {
    let core = password.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    if password.chars().count() < 12 {
        return Err("is shorter than 12 characters");
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err("is longer than 256 bytes");
    }
    if core == user.to_lowercase() || COMMON.contains(&core.as_str()) {
        return Err("is the user's name or a well-known password");
    }
    Ok(())
}

/// A user as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) is_admin: bool,
    /// True for one of the configuration, which the API cannot change.
    pub(super) configured: bool,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Wrong name or password.
    Wrong,
    /// Too many failed attempts.
    Later,
    /// The users cannot be read.
    Unavailable,
}

struct Token {
    user: String,
    until: Timestamp,
}

/// Users and tokens.
pub(super) struct Accounts {
    configured: Vec<ConfiguredUser>,
    databases: Arc<Databases>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    tokens: Mutex<HashMap<String, Token>>,
    failures: Mutex<HashMap<String, (u32, Timestamp)>>,
    /// Hashes that are computed at once: each takes 19 MiB.
    turns: Semaphore,
}

impl Accounts {
    pub(super) fn new(
        configured: Vec<ConfiguredUser>,
        databases: Arc<Databases>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let (tokens, failures) = (Mutex::default(), Mutex::default());
        Self { configured, databases, clock, rng, tokens, failures, turns: Semaphore::new(2) }
    }

    /// Checks name and password, and gives a token.
    pub(super) async fn log_in(&self, name: &str, password: &Secret<String>) -> Result<String, Refused> {
        let now = self.clock.now();
        {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.retain(|_, (_, at)| now.since(*at) < WAIT);
            if failures.get(name).is_some_and(|(count, _)| *count >= ATTEMPTS) || failures.len() >= COUNTED {
                return Err(Refused::Later);
            }
        }
        if !self.verify(name, password).await? {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = failures.entry(name.to_owned()).or_insert((0, now));
            *entry = (entry.0 + 1, now);
            return Err(Refused::Wrong);
        }
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let token = self.rng.token(43);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.until > now);
        if tokens.len() >= TOKENS {
            return Err(Refused::Later);
        }
        tokens.insert(token.clone(), Token { user: name.to_owned(), until: now.plus(TOKEN) });
        Ok(token)
    }

    async fn verify(&self, name: &str, password: &Secret<String>) -> Result<bool, Refused> {
        let Ok(_turn) = self.turns.acquire().await else { return Err(Refused::Unavailable) };
        if let Some(user) = self.configured.iter().find(|user| user.name == name) {
            // Both are hashed, so that the time tells nothing about how many characters fit.
            let known = self.hash(&user.password).await.ok_or(Refused::Unavailable)?;
            return fits(Some(known), password).await.ok_or(Refused::Unavailable);
        }
        let kept = self.run(vec![Part::Text("SELECT hash FROM management_users WHERE name = ".to_owned()), text(name)]);
        let kept = kept.await.map_err(|_| Refused::Unavailable)?;
        let hash = kept.rows.first().and_then(|row| row.first()).and_then(Cell::text);
        fits(hash, password).await.ok_or(Refused::Unavailable)
    }

    async fn hash(&self, password: &Secret<String>) -> Option<String> {
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        let password = password.clone();
        tokio::task::spawn_blocking(move || hash_password(&password, &salt)).await.ok()?.ok()
    }

    /// The user of a token that is still good, and still a user.
    pub(super) async fn of_token(&self, token: &str) -> Option<User> {
        let name = {
            let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            let found = tokens.get(token).filter(|found| found.until > self.clock.now())?;
            found.user.clone()
        };
        self.find(&name).await.ok()?
    }

    /// Ends a token.
    pub(super) fn log_out(&self, token: &str) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    fn end_tokens(&self, name: &str) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, token| token.user != name);
    }

    /// A user.
    pub(super) async fn find(&self, name: &str) -> Result<Option<User>, SqlError> {
        Ok(self.all().await?.into_iter().find(|user| user.name == name))
    }

    /// All users by name.
    pub(super) async fn all(&self) -> Result<Vec<User>, SqlError> {
        let configured = self.configured.iter();
        let mut users: Vec<User> =
            configured.map(|user| User { name: user.name.clone(), is_admin: true, configured: true }).collect();
        let kept =
            self.run(vec![Part::Text("SELECT name, is_admin FROM management_users ORDER BY name".to_owned())]).await?;
        for row in kept.rows {
            if let [Cell::Text(name), Cell::Integer(admin)] = &row[..]
                && users.iter().all(|user| user.name != *name)
            {
                users.push(User { name: name.clone(), is_admin: *admin == 1, configured: false });
            }
        }
        Ok(users)
    }

    /// Adds a user, or changes one. Tokens that a user has end.
    pub(super) async fn save(&self, name: &str, password: &Secret<String>, is_admin: bool) -> Result<(), SqlError> {
        let Some(hash) = self.hash(password).await else {
            return Err(SqlError::Database("the password could not be hashed".to_owned()));
        };
        let parts = vec![
            Part::Text("INSERT INTO management_users (name, hash, is_admin) VALUES (".to_owned()),
            text(name),
            Part::Text(", ".to_owned()),
            text(&hash),
            Part::Text(", ".to_owned()),
            number(is_admin),
            Part::Text(
                ") ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, is_admin = excluded.is_admin".to_owned(),
            ),
        ];
        self.run(parts).await?;
        self.end_tokens(name);
        Ok(())
    }

    /// Makes a user an admin, or no longer one.
    pub(super) async fn assign(&self, name: &str, is_admin: bool) -> Result<(), SqlError> {
        let parts = vec![
            Part::Text("UPDATE management_users SET is_admin = ".to_owned()),
            number(is_admin),
            Part::Text(" WHERE name = ".to_owned()),
            text(name),
        ];
        self.run(parts).await.map(|_| ())
    }

    /// Deletes a user and ends its tokens.
    pub(super) async fn delete(&self, name: &str) -> Result<(), SqlError> {
        self.run(vec![Part::Text("DELETE FROM management_users WHERE name = ".to_owned()), text(name)]).await?;
        self.end_tokens(name);
        Ok(())
    }

    async fn run(&self, parts: Vec<Part>) -> Result<Outcome, SqlError> {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS management_users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, is_admin INTEGER NOT NULL)";
        let own = Wanted { source: OWN, user: "", password: "" };
        let mut session = self.databases.session();
        session.run(&own, &Command::new(vec![Part::Text(TABLE.to_owned())])).await?;
        let outcome = session.run(&own, &Command::new(parts)).await?;
        session.commit().await?;
        Ok(outcome)
    }
}

fn text(text: &str) -> Part {
    Part::Value(Cell::Text(text.to_owned()), Kind::Text)
}

fn number(value: bool) -> Part {
    Part::Value(Cell::Integer(i64::from(value)), Kind::Integer)
}

async fn fits(hash: Option<String>, password: &Secret<String>) -> Option<bool> {
    let password = password.clone();
    tokio::task::spawn_blocking(move || password_fits(hash.as_deref(), &password)).await.ok()?.ok()
}
