//! Parameters of one use of a policy, checked against its specification.

use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{Attribute, AttributeType, Metadata};

/// Longest parameter value, bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Why a use of a policy is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// No such policy.
    #[error("there is no policy \"{0}\"")]
    UnknownPolicy(String),
    /// Not a version of the policy.
    #[error("policy \"{name}\" has no version \"{version}\"")]
    UnknownVersion {
        /// Policy.
        name: &'static str,
        /// What was asked for.
        version: String,
    },
    /// Attached to a flow it has no meaning in.
    #[error("policy \"{name}\" cannot be attached to the {flow} flow")]
    Flow {
        /// Policy.
        name: &'static str,
        /// Flow, lower case.
        flow: &'static str,
    },
    /// A parameter that the policy does not have.
    #[error("policy \"{name}\" has no attribute \"{attribute}\"")]
    UnknownAttribute {
        /// Policy.
        name: &'static str,
        /// Parameter.
        attribute: String,
    },
    /// A needed parameter is absent or empty.
    #[error("policy \"{name}\" needs attribute \"{attribute}\"")]
    Missing {
        /// Policy.
        name: &'static str,
        /// Parameter.
        attribute: &'static str,
    },
    /// A value that the attribute does not accept.
    #[error("attribute \"{attribute}\" of policy \"{name}\" is not valid: {reason}")]
    Invalid {
        /// Policy.
        name: &'static str,
        /// Parameter.
        attribute: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Checked parameters: every required one is there, every value fits its attribute.
#[derive(Debug)]
pub struct Parameters<'a> {
    policy: &'static Metadata,
    values: BTreeMap<&'static str, Cow<'a, str>>,
}

impl<'a> Parameters<'a> {
    /// Checks raw parameters against a specification. Parameters that are `null` or an empty text count as absent, as
    /// the Publisher sends them.
    ///
    /// # Errors
    /// [`PolicyError`]: the first parameter that is unknown, missing or invalid.
    pub(crate) fn check(policy: &'static Metadata, raw: &'a BTreeMap<String, Value>) -> Result<Self, PolicyError> {
        let name = policy.name;
        if let Some(unknown) = raw.keys().find(|k| !policy.attributes.iter().any(|a| a.name == k.as_str())) {
            return Err(PolicyError::UnknownAttribute { name, attribute: unknown.clone() });
        }
        let mut values = BTreeMap::new();
        for attribute in policy.attributes {
            let invalid = |reason: String| PolicyError::Invalid { name, attribute: attribute.name, reason };
            let value = match raw.get(attribute.name) {
                None | Some(Value::Null) => Cow::Borrowed(attribute.default_value),
                Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
                Some(Value::Bool(b)) => Cow::Borrowed(if *b { "true" } else { "false" }),
                Some(Value::Number(n)) => Cow::Owned(n.to_string()),
                Some(_) => return Err(invalid("it is a text, a number or a boolean".into())),
            };
            if value.is_empty() {
                if attribute.required {
                    return Err(PolicyError::Missing { name, attribute: attribute.name });
                }
                continue;
            }
            check_value(attribute, &value).map_err(invalid)?;
            values.insert(attribute.name, value);
        }
        Ok(Self { policy, values })
    }

    /// A text; empty when it is optional and absent.
    pub fn text(&self, name: &'static str) -> &str {
        self.values.get(name).map_or("", |v| v.as_ref())
    }

    /// A switch.
    pub fn switch(&self, name: &'static str) -> bool {
        self.values.get(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// A text in the form of `T`.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] with the reason of `T`.
    pub fn parse<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, PolicyError>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).parse().map_err(|error: T::Err| self.invalid(name, error.to_string()))
    }

    /// The error for a value that only the policy itself can judge.
    pub fn invalid(&self, attribute: &'static str, reason: String) -> PolicyError {
        PolicyError::Invalid { name: self.policy.name, attribute, reason }
    }
}

fn check_value(attribute: &Attribute, value: &str) -> Result<(), String> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(format!("it is longer than {MAX_VALUE_BYTES} bytes"));
    }
    if value.chars().any(char::is_control) {
        return Err("it contains a control character".into());
    }
    match attribute.kind {
        AttributeType::Boolean if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") => {
            Err("it is true or false".into())
        }
        AttributeType::Enum if !attribute.allowed_values.contains(&value) => {
            Err(format!("it is one of {}", attribute.allowed_values.join(", ")))
        }
        AttributeType::String if !attribute.validation_regex.is_empty() => {
            let pattern = Regex::new(attribute.validation_regex).map_err(|e| e.to_string())?;
            if pattern.is_match(value) { Ok(()) } else { Err(format!("it must match {}", attribute.validation_regex)) }
        }
        _ => Ok(()),
    }
}
