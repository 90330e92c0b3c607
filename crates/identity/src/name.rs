//! Names of users, roles and stores: what they may consist of.

use crate::IdentityError;

/// Longest user or role name, characters.
const MAX_CHARS: usize = 255;
/// Separators of headers, filters, markup and paths never stand in a name.
const REFUSED: &[char] = &[':', ';', ',', '"', '\'', '<', '>', '\\', '%', '&', '`', '(', ')', '=', '*', '|'];
/// Prefixes of role names that are no user stores.
const ROLE_PREFIXES: [&str; 2] = ["Internal", "Application"];
/// WSO2's name of the store that needs no prefix.
const PRIMARY: &str = "PRIMARY";

/// A name split at its store's domain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoreName {
    /// The store's domain in upper case; `None` for the primary store.
    pub(crate) store: Option<String>,
    /// The whole name in the form that is kept: `alice`, `EXAMPLE.COM/alice`.
    pub(crate) full: String,
}

/// Checks a user name and brings its store's domain into the form that is kept.
pub(crate) fn user(text: &str) -> Result<StoreName, IdentityError> {
    parse(text, "user name", &[])
}

/// Checks a role name.
pub(crate) fn role(text: &str) -> Result<StoreName, IdentityError> {
    parse(text, "role name", &ROLE_PREFIXES)
}

/// Checks the domain of a user store.
pub(crate) fn store(text: &str) -> Result<String, IdentityError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text.is_empty() || text.len() > 60 || !text.chars().all(allowed) {
        return Err(IdentityError::invalid(
            "The domain of a user store has 1 to 60 letters, digits, dots, hyphens and underscores.",
        ));
    }
    if text.eq_ignore_ascii_case(PRIMARY) || ROLE_PREFIXES.iter().any(|p| p.eq_ignore_ascii_case(text)) {
        return Err(IdentityError::conflict(format!("The domain {text} belongs to the product; choose another.")));
    }
    Ok(text.to_uppercase())
}

fn parse(text: &str, what: &str, prefixes: &[&str]) -> Result<StoreName, IdentityError> {
    let wrong = |why: &str| IdentityError::invalid(format!("The {what} {why}."));
    let (prefix, local) = match text.split_once('/') {
        None => (None, text),
        Some((prefix, local)) => (Some(prefix), local),
    };
    if local.is_empty() || prefix == Some("") {
        return Err(wrong("is empty"));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(wrong("is longer than 255 characters"));
    }
    if local.contains('/') {
        return Err(wrong("has more than one slash; the part before a slash is the domain of a user store"));
    }
    if let Some(c) = text.chars().find(|c| c.is_control() || REFUSED.contains(c)) {
        return Err(wrong(&format!("contains {c:?}, which is not allowed in names")));
    }
    if text.chars().any(char::is_whitespace) && prefixes.is_empty() || text.trim() != text {
        return Err(wrong("contains a blank"));
    }
    let Some(prefix) = prefix.filter(|p| !p.eq_ignore_ascii_case(PRIMARY)) else {
        return Ok(StoreName { store: None, full: local.to_owned() });
    };
    if let Some(known) = prefixes.iter().find(|p| p.eq_ignore_ascii_case(prefix)) {
        return Ok(StoreName { store: None, full: format!("{known}/{local}") });
    }
    let domain = store(prefix)?;
    Ok(StoreName { full: format!("{domain}/{local}"), store: Some(domain) })
}

#[cfg(test)]
mod tests {
    use super::{role, store, user};

    #[test]
    fn domains_of_stores_are_recognised() {
        assert_eq!(user("alice").unwrap().full, "alice");
        assert_eq!(user("PRIMARY/alice").unwrap().full, "alice");
        let second = user("secondary.com/Alice").unwrap();
        assert_eq!((second.store.as_deref(), second.full.as_str()), (Some("SECONDARY.COM"), "SECONDARY.COM/Alice"));
        assert_eq!(role("internal/publisher").unwrap().full, "Internal/publisher");
        assert_eq!(user("a.b+c@example.com").unwrap().full, "a.b+c@example.com");
    }

    #[test]
    fn names_that_could_be_read_in_two_ways_are_refused() {
        for bad in ["", "a/", "/a", "a/b/c", "a b", "a:b", "a\"b", "a\nb", "a\0", "<a>", "Internal/a", "a,b", " a"] {
            assert!(user(bad).is_err(), "{bad:?}");
        }
        assert!(user(&"a".repeat(256)).is_err());
        assert!(store("primary").is_err());
        assert!(store("Internal").is_err());
        assert!(store("a/b").is_err());
    }
}
