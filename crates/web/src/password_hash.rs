//! How passwords are kept, wherever people of the management side sign in with one: Argon2id with 19 MiB, two passes, one
//! lane (OWASP Password Storage), a random salt, as a PHC string.
//!
//! One hash takes about 20 ms of one core: call these off the event loop.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use model::Secret;

/// Longest password, bytes: the time of a hash does not depend on what a stranger sends.
pub const MAX_PASSWORD_BYTES: usize = 256;
/// A hash in the right form that no password has: checking it costs what checking a user's costs.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password could not be hashed or compared: what is stored is no hash, or there was no memory for it.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct PasswordHashError(String);

/// The PHC string to keep for a password.
///
/// # Errors
/// [`PasswordHashError`].
pub fn hash_password(password: &Secret<String>, salt: &[u8; 16]) -> Result<String, PasswordHashError> {
    let hash: PasswordHash =
        argon2()?.hash_password_with_salt(password.expose().as_bytes(), salt).map_err(|e| failed(&e))?;
    Ok(hash.to_string())
}

/// Whether the password has this hash. Without a hash, or with a password that nobody can have, the answer is no, after
/// the same work.
///
/// # Errors
/// [`PasswordHashError`].
pub fn password_fits(hash: Option<&str>, password: &Secret<String>) -> Result<bool, PasswordHashError> {
    let possible = password.expose().len() <= MAX_PASSWORD_BYTES;
    let (hash, text) = match hash {
        Some(hash) if possible => (hash, password.expose().as_bytes()),
        _ => (NOBODY, &b""[..]),
    };
    let parsed = PasswordHash::new(hash).map_err(|e| failed(&e))?;
    Ok(argon2()?.verify_password(text, &parsed).is_ok() && hash != NOBODY)
}

fn argon2() -> Result<Argon2<'static>, PasswordHashError> {
    let params = Params::new(19 * 1024, 2, 1, Some(32)).map_err(|e| failed(&e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: &dyn std::fmt::Display) -> PasswordHashError {
    PasswordHashError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{MAX_PASSWORD_BYTES, NOBODY, hash_password, password_fits};
    use model::Secret;

    #[test]
    fn only_the_password_itself_fits() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let hash = hash_password(&secret("correct horse battery"), &[7; 16]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(password_fits(Some(&hash), &secret("correct horse battery")).unwrap());
        assert!(!password_fits(Some(&hash), &secret("correct horse")).unwrap());
        assert!(!password_fits(None, &secret("")).unwrap() && !password_fits(Some(NOBODY), &secret("")).unwrap());
        let long = secret(&"a".repeat(MAX_PASSWORD_BYTES + 1));
        let of_long = hash_password(&long, &[7; 16]).unwrap();
        assert!(!password_fits(Some(&of_long), &long).unwrap(), "longer than anybody's password");
        password_fits(Some("plain"), &secret("plain")).unwrap_err();
    }
}
