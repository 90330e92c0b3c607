//! Lets a call through only if a claim of its token has the right value.

use regex::Regex;
use serde_json::Value;

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct JwtClaimAccess;

static METADATA: Metadata = Metadata {
    name: "jwtClaimBasedAccessValidator",
    versions: &["v1"],
    display_name: "JWT Claim Based Access Validator",
    description: "Checks a claim of the access token against a value or a regular expression.",
    category: "Security",
    applicable_flows: &[Flow::Request],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("accessVerificationClaim", "Access Verification Claim", "Name of the claim", ""),
        Attribute::text("accessVerificationClaimValue", "Access Verification Claim Value", "Expected value", "")
            .optional(),
        Attribute::text(
            "accessVerificationClaimValueRegex",
            "Access Verification Claim Value Regex",
            "Regular expression the whole value must match; when set, the value above is not compared",
            "",
        )
        .optional(),
        Attribute::switch(
            "shouldAllowValidation",
            "Invert",
            "Whether a value that does not match is let through, and one that matches is refused",
        ),
    ],
};

impl Policy for JwtClaimAccess {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        let pattern = match parameters.text("accessVerificationClaimValueRegex") {
            "" => None,
            // Anchored: a pattern for one value must not match inside another.
            text => Some(
                Regex::new(&format!("^(?:{text})$"))
                    .map_err(|error| parameters.invalid("accessVerificationClaimValueRegex", error.to_string()))?,
            ),
        };
        let value = parameters.text("accessVerificationClaimValue").to_owned();
        if pattern.is_none() && value.is_empty() {
            let reason = "give a value or a regular expression".to_owned();
            return Err(parameters.invalid("accessVerificationClaimValue", reason));
        }
        let expected = pattern.map_or(Expected::Text(value), Expected::Pattern);
        let claim = parameters.text("accessVerificationClaim").to_owned();
        Ok(Box::new(Compiled { claim, expected, inverted: parameters.switch("shouldAllowValidation") }))
    }
}

#[derive(Debug)]
enum Expected {
    Text(String),
    Pattern(Regex),
}

#[derive(Debug)]
struct Compiled {
    claim: String,
    expected: Expected,
    inverted: bool,
}

impl Compiled {
    fn fits(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.as_str().into(),
            other => std::borrow::Cow::Owned(other.to_string()),
        };
        match &self.expected {
            Expected::Text(expected) => *expected == *text,
            Expected::Pattern(pattern) => pattern.is_match(&text),
        }
    }
}

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        // A call without the claim is refused either way: absence proves nothing.
        let verdict = message.claims.and_then(|claims| claims.get(&self.claim)).map(|value| self.fits(value));
        match verdict {
            Some(fits) if fits != self.inverted => Decision::Continue,
            _ => Decision::Respond {
                status: 403,
                code: 900_912,
                message: "Claim Mismatch".into(),
                description: "Configured claim and claim sent in token do not match.".into(),
            },
        }
    }
}
