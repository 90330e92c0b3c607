//! Refuses requests that match a pattern (WSO2: regular expression threat protection).

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use regex::{Regex, RegexBuilder};

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct RegexThreat;

/// Memory of the compiled pattern, bytes. Matching takes time linear in the text whatever the pattern is.
const MAX_PATTERN_BYTES: usize = 1 << 20;

static METADATA: Metadata = Metadata {
    name: "regexThreatProtection",
    versions: &["v1"],
    display_name: "Regular Expression Threat Protection",
    description: "Refuses requests whose path, query, headers or body match a regular expression.",
    category: "Security",
    applicable_flows: &[Flow::Request],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text(
            "threatType",
            "Threat Type",
            "Name of the threat, which the answer tells",
            "^[A-Za-z0-9 _-]{1,64}$",
        ),
        Attribute::text("regex", "Regular Expression", "What a dangerous text contains", ""),
        Attribute::switch("enabledCheckBody", "Check Body", "Whether the body is searched"),
        Attribute::switch("enabledCheckHeaders", "Check Headers", "Whether header values are searched"),
        Attribute::switch("enabledCheckPathParams", "Check Path and Query", "Whether path and query are searched"),
    ],
};

impl Policy for RegexThreat {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        let pattern = RegexBuilder::new(parameters.text("regex")).size_limit(MAX_PATTERN_BYTES).build();
        let pattern = pattern.map_err(|error| parameters.invalid("regex", error.to_string()))?;
        let compiled = Compiled {
            pattern,
            threat: parameters.text("threatType").to_owned(),
            body: parameters.switch("enabledCheckBody"),
            headers: parameters.switch("enabledCheckHeaders"),
            target: parameters.switch("enabledCheckPathParams"),
        };
        if !(compiled.body || compiled.headers || compiled.target) {
            let reason = "nothing is searched: switch on body, headers, or path and query".to_owned();
            return Err(parameters.invalid("enabledCheckBody", reason));
        }
        Ok(Box::new(compiled))
    }
}

#[derive(Debug)]
struct Compiled {
    pattern: Regex,
    threat: String,
    body: bool,
    headers: bool,
    target: bool,
}

impl Compiled {
    /// Looks at a text as it is and as an upstream would decode it, once and twice.
    fn found_decoded(&self, text: &str) -> bool {
        if self.pattern.is_match(text) {
            return true;
        }
        let once = percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        once != text
            && (self.pattern.is_match(&once) || self.pattern.is_match(&percent_decode_str(&once).decode_utf8_lossy()))
    }

    fn found_in_headers(&self, headers: &HeaderMap) -> bool {
        headers.values().any(|value| self.pattern.is_match(&String::from_utf8_lossy(value.as_bytes())))
    }
}

impl Step for Compiled {
    fn needs_body(&self) -> bool {
        self.body
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        let target = || {
            let query = message.target.query.as_deref();
            self.found_decoded(&message.target.path) || query.is_some_and(|query| self.found_decoded(query))
        };
        let body = message.body.as_deref().map(Vec::as_slice);
        let found = self.target && target()
            || self.headers && self.found_in_headers(message.headers)
            || self.body && body.is_some_and(|body| self.found_decoded(&String::from_utf8_lossy(body)));
        if found {
            super::threat(format!("Threat detected in the request: {}.", self.threat))
        } else {
            Decision::Continue
        }
    }
}
