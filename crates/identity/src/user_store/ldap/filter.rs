//! Search filters (RFC 4515): checked when they are configured, filled with escaped values only.

use ldap3::{ldap_escape, parse_filter};

/// Longest filter that may be configured, bytes.
const MAX_FILTER: usize = 2048;

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterFault(String);

/// A filter in which `?` stands for a value, as WSO2 writes them: `(&(objectClass=person)(uid=?))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterTemplate {
    text: String,
}

impl FilterTemplate {
    /// A filter with a place for a value.
    ///
    /// # Errors
    /// [`FilterFault`] when it is no filter, or has no `?`.
    pub fn for_value(text: &str) -> Result<Self, FilterFault> {
        if !text.contains('?') {
            return Err(FilterFault("the filter has no ?, which stands for the name that is looked for".to_owned()));
        }
        Self::any(text)
    }

    /// A filter with or without a place for a value.
    ///
    /// # Errors
    /// [`FilterFault`] when it is no filter.
    pub fn any(text: &str) -> Result<Self, FilterFault> {
        let fault = |why: &str| FilterFault(format!("this is no search filter of RFC 4515: {why}"));
        if text.len() > MAX_FILTER {
            return Err(fault("it is longer than 2048 bytes"));
        }
        if !text.starts_with('(') || !text.ends_with(')') {
            return Err(fault("it is not in parentheses"));
        }
        let template = Self { text: text.to_owned() };
        match parse_filter(template.with("name")) {
            Ok(_) => Ok(template),
            Err(()) => Err(fault("parentheses, operators or attribute names are wrong")),
        }
    }

    /// The filter for a value.
    pub(super) fn with(&self, value: &str) -> String {
        self.text.replace('?', &escape(value))
    }

    /// The filter for any value.
    pub(super) fn with_any(&self) -> String {
        self.text.replace('?', "*")
    }
}

/// A value in a filter: whatever it is, it stays a value.
pub(super) fn escape(value: &str) -> String {
    ldap_escape(value).into_owned()
}

/// The name of an attribute. It stands in filters as it is, so it can hold nothing that means something there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeName(String);

impl AttributeName {
    /// Reads `uid`, `memberOf`, `userCertificate;binary`.
    ///
    /// # Errors
    /// [`FilterFault`] for anything else.
    pub fn parse(name: &str) -> Result<Self, FilterFault> {
        let mut letters = name.chars();
        let right = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && name.len() <= 64
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';'));
        if right { Ok(Self(name.to_owned())) } else { Err(FilterFault("this is no name of an attribute".to_owned())) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AttributeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
