//! The process's environment variables: read here, passed down as values.

/// The value of a variable, unless it is absent or not UTF-8.
#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
