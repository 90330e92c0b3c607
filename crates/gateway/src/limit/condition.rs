//! Conditional limits (WSO2: conditional groups of advanced policies): calls of a certain kind have quotas of their own.

use http::header::{HeaderMap, HeaderName};
use model::snapshot::{ConditionSubject, LimitPolicy, Quota};
use percent_encoding::percent_decode_str;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Level, Limit, Window};

/// Memory of one compiled pattern, bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Longest value that a pattern is searched in, bytes. The head of a request is bounded far above.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// What conditions look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Headers of the request.
    pub(crate) headers: &'a HeaderMap,
    /// Query without the question mark.
    pub(crate) query: Option<&'a str>,
    /// Claims of the access token.
    pub(crate) claims: Option<&'a Map<String, Value>>,
    /// The client's address.
    pub(crate) peer: IpAddr,
}

/// The conditional limits of an API or resource; never empty.
#[derive(Debug)]
pub(crate) struct Groups(Vec<Group>);

#[derive(Debug)]
struct Group {
    conditions: Vec<(Condition, bool)>,
    limit: Option<Limit>,
}

#[derive(Debug)]
enum Condition {
    Header(HeaderName, Regex),
    Query(String, Regex),
    Claim(String, Regex),
    Address(IpAddr, IpAddr),
}

/// A condition that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("limit policy \"{policy}\": \"{text}\" is {reason}")]
pub(crate) struct ConditionError {
    policy: String,
    text: String,
    reason: &'static str,
}

impl Groups {
    /// Compiles the conditional part of a policy; `None` when it has none. `window` gives the counter of the group with
    /// a number.
    pub(crate) fn compile(
        policy: &LimitPolicy,
        level: Level,
        window: impl Fn(usize) -> Arc<Window>,
    ) -> Result<Option<Self>, ConditionError> {
        let mut groups = Vec::with_capacity(policy.conditional.len());
        for (number, source) in policy.conditional.iter().enumerate() {
            let mut conditions = Vec::with_capacity(source.conditions.len());
            for condition in &source.conditions {
                conditions.push((compile(&condition.subject, &policy.name)?, condition.invert));
            }
            let limit = |quota: Quota| Limit { level, quota, window: window(number) };
            groups.push(Group { conditions, limit: source.quota.filter(|_| policy.stop_on_quota).map(limit) });
        }
        Ok(if groups.is_empty() { None } else { Some(Self(groups)) })
    }

    /// The limits of the groups that a call belongs to; `None` when it belongs to none and the default counts.
    pub(crate) fn matching(&self, subject: &Subject<'_>) -> Option<Vec<&Limit>> {
        let fits = |group: &&Group| group.conditions.iter().all(|(c, invert)| c.holds(subject) != *invert);
        let mut groups = self.0.iter().filter(fits).peekable();
        groups.peek()?;
        Some(groups.filter_map(|group| group.limit.as_ref()).collect())
    }
}

fn compile(subject: &ConditionSubject, policy: &str) -> Result<Condition, ConditionError> {
    let error = |text: &str, reason| ConditionError { policy: policy.to_owned(), text: text.to_owned(), reason };
    let regex = |pattern: &str| {
        let built = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build();
        built.map_err(|_| error(pattern, "not a regular expression"))
    };
    Ok(match subject {
        ConditionSubject::Header { name, pattern } => {
            let header = HeaderName::try_from(name).map_err(|_| error(name, "not a header name"))?;
            Condition::Header(header, regex(pattern)?)
        }
        ConditionSubject::Query { name, pattern } => Condition::Query(name.clone(), regex(pattern)?),
        ConditionSubject::Claim { name, pattern } => Condition::Claim(name.clone(), regex(pattern)?),
        ConditionSubject::Address { from, to } => Condition::Address(from.to_canonical(), to.to_canonical()),
    })
}

impl Condition {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let found = |pattern: &Regex, text: &str| text.len() <= MAX_VALUE_BYTES && pattern.is_match(text);
        match self {
            Self::Header(name, pattern) => {
                let mut values = subject.headers.get_all(name).iter();
                values.any(|value| found(pattern, &String::from_utf8_lossy(value.as_bytes())))
            }
            Self::Query(name, pattern) => {
                let pairs = subject.query.unwrap_or_default().split('&').map(|p| p.split_once('=').unwrap_or((p, "")));
                pairs.filter(|(key, _)| decoded(key) == *name).any(|(_, value)| found(pattern, &decoded(value)))
            }
            Self::Claim(name, pattern) => match subject.claims.and_then(|claims| claims.get(name)) {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => found(pattern, text),
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(|text| found(pattern, text)),
                Some(other) => found(pattern, &other.to_string()),
            },
            Self::Address(from, to) => {
                let peer = subject.peer.to_canonical();
                peer.is_ipv4() == from.is_ipv4() && *from <= peer && peer <= *to
            }
        }
    }
}

/// A part of a query as its reader sees it: `+` is a blank.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let blanks = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&blanks).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::{Groups, Level, Subject};
    use http::HeaderMap;
    use model::TenantId;
    use model::snapshot::{
        ConditionSubject, ConditionalLimit, LimitCondition, LimitLevel, LimitPolicy, Quota, QuotaUnit,
    };
    use serde_json::json;
    use std::sync::Arc;

    fn policy(conditions: Vec<LimitCondition>) -> LimitPolicy {
        let quota = Quota { amount: 3, unit: QuotaUnit::Requests, window_seconds: 60 };
        LimitPolicy {
            tenant: TenantId::SUPER,
            level: LimitLevel::Advanced,
            name: "P".into(),
            quota: None,
            burst: None,
            stop_on_quota: true,
            conditional: vec![ConditionalLimit { conditions, quota: Some(quota) }],
            graphql_depth: None,
            graphql_complexity: None,
            tokens: None,
        }
    }

    fn compiled(conditions: Vec<LimitCondition>) -> Groups {
        Groups::compile(&policy(conditions), Level::Api, |_| Arc::default()).unwrap().unwrap()
    }

    fn condition(subject: ConditionSubject) -> LimitCondition {
        LimitCondition { subject, invert: false }
    }

    #[test]
    fn each_kind_of_condition_matches_what_it_names() {
        let text = |name: &str, pattern: &str| (name.to_owned(), pattern.to_owned());
        let header = |n, p| {
            let (name, pattern) = text(n, p);
            ConditionSubject::Header { name, pattern }
        };
        let query = |n, p| {
            let (name, pattern) = text(n, p);
            ConditionSubject::Query { name, pattern }
        };
        let claim = |n, p| {
            let (name, pattern) = text(n, p);
            ConditionSubject::Claim { name, pattern }
        };
        let address =
            |from: &str, to: &str| ConditionSubject::Address { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let mut headers = HeaderMap::new();
        headers.append("x-tier", "silver".parse().unwrap());
        headers.append("x-tier", "gold".parse().unwrap());
        let claims = json!({"role": ["a", "b"], "level": 7, "name": "admin", "none": null});
        let subject = Subject {
            headers: &headers,
            query: Some("a=1&na%6De=ad+min&empty"),
            claims: claims.as_object(),
            peer: "::ffff:192.0.2.7".parse().unwrap(),
        };
        for (which, expected) in [
            (header("X-Tier", "gold"), true),
            (header("X-Tier", "^gol$"), false),
            (header("X-Other", ""), false),
            (query("name", "^ad min$"), true),
            (query("empty", "^$"), true),
            (query("b", ""), false),
            (claim("role", "^b$"), true),
            (claim("level", "^7$"), true),
            (claim("none", ""), false),
            (claim("missing", ""), false),
            (address("192.0.2.7", "192.0.2.7"), true),
            (address("192.0.2.8", "192.0.2.9"), false),
            (address("::", "ffff::"), false),
        ] {
            let plain = compiled(vec![condition(which.clone())]);
            assert_eq!(plain.matching(&subject).is_some(), expected, "{which:?}");
            let inverted = compiled(vec![LimitCondition { subject: which.clone(), invert: true }]);
            assert_eq!(inverted.matching(&subject).is_some(), !expected, "not {which:?}");
        }
        let both = compiled(vec![condition(header("x-tier", "gold")), condition(query("a", "2"))]);
        assert!(both.matching(&subject).is_none(), "all conditions of a group must hold");
    }

    #[test]
    fn what_cannot_be_compiled_is_named() {
        for subject in [
            ConditionSubject::Header { name: "a b".into(), pattern: String::new() },
            ConditionSubject::Query { name: "a".into(), pattern: "(".into() },
            ConditionSubject::Claim { name: "a".into(), pattern: "a{1000}{1000}{1000}".into() },
        ] {
            let error = Groups::compile(&policy(vec![condition(subject)]), Level::Api, |_| Arc::default());
            assert!(error.unwrap_err().to_string().contains("limit policy \"P\""));
        }
    }
}
