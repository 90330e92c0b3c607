//! Tenants: every row, cache entry and limit key carries one.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A tenant's number. The super tenant has WSO2's number, -1234; others count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(i64);

impl TenantId {
    /// The tenant that always exists (`carbon.super`).
    pub const SUPER: Self = Self(-1234);

    /// From the stored number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Whether this is the super tenant.
    pub fn is_super(self) -> bool {
        self == Self::SUPER
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tenant's domain name, as in `alice@example.com` and `/t/example.com/...`. Lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantDomain(Arc<str>);

/// Why a text is not a tenant domain.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TenantDomainError {
    /// Nothing, or more than 255 characters.
    #[error("a tenant domain has 1 to 255 characters")]
    Length,
    /// WSO2's words, which its own clients look for.
    #[error("{0} contains one or more illegal characters: use letters, digits, '.', '-' and '_'")]
    IllegalCharacter(String),
    /// No dot inside.
    #[error("{0} is not a domain name: it needs a dot, as in example.com")]
    NoDot(String),
}

impl TenantDomain {
    /// The super tenant's domain.
    pub const SUPER: &'static str = "carbon.super";

    /// The super tenant's domain.
    pub fn super_domain() -> Self {
        Self(Self::SUPER.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the super tenant's domain.
    pub fn is_super(&self) -> bool {
        &*self.0 == Self::SUPER
    }

    /// The prefix of this tenant's API contexts: empty, or `/t/<domain>`.
    pub fn context_prefix(&self) -> String {
        if self.is_super() { String::new() } else { format!("/t/{}", self.0) }
    }
}

impl FromStr for TenantDomain {
    type Err = TenantDomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > 255 {
            return Err(TenantDomainError::Length);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !text.chars().all(allowed) || text.starts_with('.') || text.ends_with('.') || text.contains("..") {
            return Err(TenantDomainError::IllegalCharacter(text.into()));
        }
        if !text.contains('.') {
            return Err(TenantDomainError::NoDot(text.into()));
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl fmt::Display for TenantDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tenant as the rest of the product sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its number.
    pub id: TenantId,
    /// Its domain.
    pub domain: TenantDomain,
    /// Whether its users may sign in and its APIs are served.
    pub active: bool,
}

#[cfg(test)]
mod tests {
    use super::{TenantDomain, TenantDomainError};

    #[test]
    fn domains_are_lower_cased_and_checked() {
        assert_eq!("Example.COM".parse::<TenantDomain>().unwrap().as_str(), "example.com");
        assert!(matches!("a b.com".parse::<TenantDomain>(), Err(TenantDomainError::IllegalCharacter(_))));
        assert!(matches!("../x.com".parse::<TenantDomain>(), Err(TenantDomainError::IllegalCharacter(_))));
        assert!(matches!("nodot".parse::<TenantDomain>(), Err(TenantDomainError::NoDot(_))));
        assert_eq!("".parse::<TenantDomain>(), Err(TenantDomainError::Length));
    }
}
