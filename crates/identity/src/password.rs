//! What a password must be, and how it is kept.
//!
//! Policy (NIST SP 800-63B): at least 12 characters, at most 256 bytes, any characters; no rules of composition; not
//! the user's name, not a well-known password, not one of those with digits added, not a short pattern repeated.
//! Kept as [`web::hash_password`] makes it: Argon2id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use model::{Rng, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use web::{MAX_PASSWORD_BYTES, hash_password, password_fits};

use crate::{Identity, IdentityError};

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// Callers that may wait for a hash; more are told to come back.
const MAX_WAITING: usize = 256;
/// Words that, alone or with digits and signs around them, are what attackers try first. WSO2's defaults among them.
const COMMON: [&str; 40] = [
    "password",
    "passwort",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "admin",
    "administrator",
    "adminadmin",
    "root",
    "rootroot",
    "user",
    "test",
    "testtest",
    "guest",
    "default",
    "changeme",
    "changeit",
    "letmein",
    "welcome",
    "iloveyou",
    "qwerty",
    "qwertyuiop",
    "qwertyuiopasdf",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdef",
    "abcdefghijkl",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "superman",
    "wso2carbon",
    "wso2",
    "wso2admin",
    "carbon",
    "portcullis",
    "secret",
    "supersecret",
];

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Fewer than [`MIN_PASSWORD_CHARS`] characters.
    #[error("The password is too short: use at least 12 characters; a few words in a row are easy to remember.")]
    TooShort,
    /// More than 256 bytes.
    #[error("The password is too long: use at most 256 bytes.")]
    TooLong,
    /// The user's name, perhaps with digits or signs around it.
    #[error("The password is the user name: choose one that cannot be guessed from it.")]
    IsName,
    /// Well known, or a pattern.
    #[error("The password is one that attackers try first: choose another.")]
    Common,
    /// In the list of breached passwords.
    #[error("The password is known from a breach of another service: choose one that you use nowhere else.")]
    Breached,
}

impl Identity {
    /// How many passwords this process has checked against a hash, right or wrong: what guessing costs it.
    pub fn passwords_checked(&self) -> u64 {
        self.passwords.checked.load(Ordering::Relaxed)
    }

    /// Checks a new password against the policy and the list of breached passwords, if there is one. `username` is the
    /// name without tenant and store.
    ///
    /// # Errors
    /// [`IdentityError::Password`]; [`IdentityError::Internal`] when the list cannot be read.
    pub(crate) async fn check_new_password(
        &self,
        username: &str,
        password: &Secret<String>,
    ) -> Result<(), IdentityError> {
        check(username, password.expose())?;
        let Some(list) = self.settings.breach_list.clone() else { return Ok(()) };
        let asked = password.clone();
        let found = blocking(move || {
            let failed = |e| IdentityError::Internal(format!("the list of breached passwords cannot be read: {e}"));
            list.contains(&asked).map_err(failed)
        })
        .await?;
        if found { Err(PasswordFault::Breached.into()) } else { Ok(()) }
    }
}

/// Checks a new password against the policy. `username` is the name without tenant and store.
fn check(username: &str, password: &str) -> Result<(), PasswordFault> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordFault::TooLong);
    }
    let lower = password.to_lowercase();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let name = username.to_lowercase();
    let name_core = name.trim_matches(|c: char| !c.is_alphabetic());
    let backwards: String = name.chars().rev().collect();
    if lower == name || lower == backwards || (!name_core.is_empty() && core == name_core) {
        return Err(PasswordFault::IsName);
    }
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(PasswordFault::TooShort);
    }
    if COMMON.iter().any(|word| is_repeated(core, word)) || is_pattern(&lower) {
        return Err(PasswordFault::Common);
    }
    Ok(())
}

/// Whether a text is a word, once or several times in a row.
fn is_repeated(text: &str, word: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(word.len()) && text == word.repeat(text.len() / word.len())
}

/// Whether a text repeats a unit of at most four characters, or counts up or down.
fn is_pattern(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let repeats = |unit: usize| chars.iter().zip(chars.iter().skip(unit)).all(|(a, b)| a == b);
    let digits: Vec<u32> = chars.iter().map_while(|c| c.to_digit(10)).collect();
    let counts = |step: u32| {
        digits.len() == chars.len() && digits.iter().zip(digits.iter().skip(1)).all(|(a, b)| (a + step) % 10 == *b)
    };
    (1..=4).any(repeats) || counts(1) || counts(9)
}

/// Hashes and checks passwords, a bounded number at a time, off the event loop.
pub(crate) struct PasswordHashes {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many passwords were checked, for what watches the service.
    checked: AtomicU64,
}

/// The right to hash now. Sign-in keeps it from reading the account to counting a failure, so guesses at one account
/// that arrive together cannot all slip in before the first is counted.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl PasswordHashes {
    pub(crate) fn new(parallel: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(parallel.clamp(1, 64))),
            waiting: AtomicUsize::new(0),
            checked: AtomicU64::new(0),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait already.
    pub(crate) async fn turn(&self) -> Result<Turn, IdentityError> {
        let _place = Place::take(&self.waiting).ok_or(IdentityError::Busy)?;
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| IdentityError::Busy)?;
        Ok(Turn { _permit: permit })
    }

    /// Whether the password has this hash. Without a hash the answer is no, after the same work.
    pub(crate) async fn verify(
        &self,
        _turn: &Turn,
        hash: Option<&str>,
        password: &Secret<String>,
    ) -> Result<bool, IdentityError> {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let (hash, password) = (hash.map(str::to_owned), password.clone());
        blocking(move || password_fits(hash.as_deref(), &password).map_err(|e| internal(&e))).await
    }

    /// The PHC string to keep for a password.
    pub(crate) async fn hash(&self, password: &Secret<String>, rng: &dyn Rng) -> Result<String, IdentityError> {
        let turn = self.turn().await?;
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        let password = password.clone();
        let hash = blocking(move || hash_password(&password, &salt).map_err(|e| internal(&e))).await;
        drop(turn);
        hash
    }
}

/// A place in the queue, given back when dropped, also when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::AcqRel) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
) -> Result<T, IdentityError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| internal(&e))?
}

fn internal(error: &dyn std::fmt::Display) -> IdentityError {
    IdentityError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{PasswordFault, check};

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        for (name, password, fault) in [
            ("admin", "admin", PasswordFault::IsName),
            ("admin", "Admin123456789!", PasswordFault::IsName),
            ("longusername", "emanresugnol", PasswordFault::IsName),
            ("alice", "short", PasswordFault::TooShort),
            ("alice", "wso2carbon", PasswordFault::TooShort),
            ("alice", "wso2carbon1234", PasswordFault::Common),
            ("alice", "PassWord2026!!", PasswordFault::Common),
            ("alice", "aaaaaaaaaaaaaaaa", PasswordFault::Common),
            ("alice", "abcdabcdabcd", PasswordFault::Common),
            ("alice", "901234567890", PasswordFault::Common),
            ("alice", "987654321098", PasswordFault::Common),
            ("alice", "qwertyuiop12", PasswordFault::Common),
            ("alice", "PasswordPassword1", PasswordFault::Common),
        ] {
            assert_eq!(check(name, password), Err(fault), "{password}");
        }
        assert_eq!(check("alice", &"x1".repeat(129)), Err(PasswordFault::TooLong));
    }

    #[test]
    fn good_passwords_are_accepted() {
        for (name, password) in [
            ("publisherUser1", "publisherUser1-Conf0rmance-Run!"),
            ("testUser1", "Secondary@123"),
            ("admin", "admin-Conf0rmance-Run!"),
            ("alice", "correct horse battery"),
            ("alice", "пароль-из-слов"),
            ("u", "OutsideUser@123"),
        ] {
            assert_eq!(check(name, password), Ok(()), "{password}");
        }
    }
}
