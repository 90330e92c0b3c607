//! Throttling policies: plans, application policies, API policies, custom rules, and the defaults of a tenant.

pub(crate) mod check;
pub(crate) mod defaults;
pub(crate) mod exchange;
pub(crate) mod manage;
pub(crate) mod portal;
pub(crate) mod siddhi;

use model::TenantId;
use model::snapshot::{
    ConditionSubject, ConditionalLimit, CustomLimit, LimitCondition, LimitLevel, LimitPolicy, Quota, QuotaUnit,
    TokenQuota,
};
use serde_json::Value;
use store::repository::throttling::{self as policies, ThrottlePolicyRow};
use store::{StoreError, UnitOfWork};

use crate::field::Field;

/// The policy without a limit. It is not stored: it exists where the configuration allows it.
pub(crate) const UNLIMITED: &str = "Unlimited";

/// Levels of throttling policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Application policies.
    Application,
    /// Business plans.
    Subscription,
    /// API and resource policies.
    Advanced,
    /// Custom rules; of the super tenant only.
    Custom,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 4] = [Self::Application, Self::Subscription, Self::Advanced, Self::Custom];

    /// As in the Admin API's paths and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Subscription => "subscription",
            Self::Advanced => "advanced",
            Self::Custom => "custom",
        }
    }

    /// From a path of the Admin API.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// WSO2's `type` of a policy object.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Application => "ApplicationThrottlePolicy",
            Self::Subscription => "SubscriptionThrottlePolicy",
            Self::Advanced => "AdvancedThrottlePolicy",
            Self::Custom => "CustomRule",
        }
    }
}

/// The names of a level that can be used, `Unlimited` included where it exists.
pub(crate) async fn names(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: Level,
    unlimited: bool,
) -> Result<Vec<String>, StoreError> {
    let mut names: Vec<String> =
        policies::list(work, tenant, level.as_str()).await?.into_iter().map(|policy| policy.name).collect();
    if unlimited {
        names.push(UNLIMITED.to_owned());
    }
    Ok(names)
}

/// Whether somebody with these roles may use a plan: its permissions name roles that are allowed or denied.
pub(crate) fn may_use(policy: &Value, has_role: impl Fn(&str) -> bool) -> bool {
    let permissions = policy.at("permissions");
    let Some(roles) = permissions.at("roles").as_array() else { return true };
    let holds = roles
        .iter()
        .filter_map(Value::as_str)
        .any(|role| role.eq_ignore_ascii_case("Internal/everyone") || has_role(role));
    match permissions.at("permissionType").as_str() {
        Some(kind) if kind.eq_ignore_ascii_case("DENY") => !holds,
        Some(kind) if kind.eq_ignore_ascii_case("PUBLIC") => true,
        _ => holds,
    }
}

/// A policy as the gateway applies it; custom rules have no such form.
pub(crate) fn limit_of(row: &ThrottlePolicyRow) -> Option<LimitPolicy> {
    let level = match Level::parse(&row.level)? {
        Level::Application => LimitLevel::Application,
        Level::Subscription => LimitLevel::Subscription,
        Level::Advanced => LimitLevel::Advanced,
        Level::Custom => return None,
    };
    let burst = match (row.document.at("rateLimitCount").as_u64(), row.document.at("rateLimitTimeUnit").as_str()) {
        (Some(amount), Some(unit)) if amount > 0 => {
            unit_seconds(unit).map(|window_seconds| Quota { amount, unit: QuotaUnit::Requests, window_seconds })
        }
        _ => None,
    };
    Some(LimitPolicy {
        tenant: row.tenant,
        level,
        name: row.name.clone(),
        quota: quota_of(row.document.at("defaultLimit")),
        burst,
        stop_on_quota: level != LimitLevel::Subscription
            || row.document.at("stopOnQuotaReach").as_bool().unwrap_or(true),
        conditional: conditional_of(row.document.at("conditionalGroups")),
        tokens: tokens_of(row.document.at("defaultLimit")),
        graphql_depth: bound(row.document.at("graphQLMaxDepth")),
        graphql_complexity: bound(row.document.at("graphQLMaxComplexity")),
    })
}

/// A custom rule as the gateway applies it; `None` for other levels. What was created before rules were checked and does
/// not compile is left out and logged: it never limited anything.
pub(crate) fn custom_limit_of(row: &ThrottlePolicyRow) -> Option<CustomLimit> {
    if Level::parse(&row.level)? != Level::Custom {
        return None;
    }
    let text = |field: &str| row.document.at(field).as_str().unwrap_or_default();
    match siddhi::compile(&row.name, text("siddhiQuery"), text("keyTemplate")) {
        Ok(limit) => Some(limit),
        Err(reason) => {
            tracing::error!(rule = %row.name, %reason, "a custom rule was left out of the snapshot");
            None
        }
    }
}

/// A bound of a plan; 0 and -1 mean none.
fn bound(value: &Value) -> Option<u32> {
    value.as_i64().filter(|n| *n > 0).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn conditional_of(groups: &Value) -> Vec<ConditionalLimit> {
    let group = |group: &Value| {
        let conditions = group.at("conditions").as_array()?.iter().map(condition_of).collect::<Option<Vec<_>>>()?;
        (!conditions.is_empty()).then(|| ConditionalLimit { conditions, quota: quota_of(group.at("limit")) })
    };
    groups.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(group).collect()
}

fn condition_of(condition: &Value) -> Option<LimitCondition> {
    let text = |part: &str, field: &str| condition.at(part).at(field).as_str().map(str::to_owned);
    let subject = match condition.at("type").as_str()? {
        "HEADERCONDITION" => ConditionSubject::Header {
            name: text("headerCondition", "headerName")?,
            pattern: text("headerCondition", "headerValue")?,
        },
        "QUERYPARAMETERCONDITION" => ConditionSubject::Query {
            name: text("queryParameterCondition", "parameterName")?,
            pattern: text("queryParameterCondition", "parameterValue")?,
        },
        "JWTCLAIMSCONDITION" => ConditionSubject::Claim {
            name: text("jwtClaimsCondition", "claimUrl")?,
            pattern: text("jwtClaimsCondition", "attribute")?,
        },
        "IPCONDITION" => {
            let address = |field: &str| text("ipCondition", field)?.parse().ok();
            if condition.at("ipCondition").at("ipConditionType") == "IPRANGE" {
                ConditionSubject::Address { from: address("startingIP")?, to: address("endingIP")? }
            } else {
                let only = address("specificIP")?;
                ConditionSubject::Address { from: only, to: only }
            }
        }
        _ => return None,
    };
    Some(LimitCondition { subject, invert: condition.at("invertCondition").as_bool().unwrap_or(false) })
}

/// The policy called `Unlimited` of a tenant and level.
pub(crate) fn unlimited(tenant: TenantId, level: LimitLevel) -> LimitPolicy {
    LimitPolicy {
        tenant,
        level,
        name: UNLIMITED.to_owned(),
        quota: None,
        burst: None,
        stop_on_quota: false,
        conditional: Vec::new(),
        tokens: None,
        graphql_depth: None,
        graphql_complexity: None,
    }
}

/// WSO2's largest integer, which its defaults use for "no limit".
const NO_LIMIT: u64 = 2_147_483_647;

fn quota_of(limit: &Value) -> Option<Quota> {
    let (part, unit) = match limit.at("type").as_str()? {
        "REQUESTCOUNTLIMIT" => (limit.at("requestCount"), QuotaUnit::Requests),
        "BANDWIDTHLIMIT" => (limit.at("bandwidth"), QuotaUnit::Bytes),
        "EVENTCOUNTLIMIT" => (limit.at("eventCount"), QuotaUnit::Requests),
        "AIAPIQUOTALIMIT" => (limit.at("aiApiQuota"), QuotaUnit::Requests),
        _ => return None,
    };
    let amount = match limit.at("type").as_str()? {
        "BANDWIDTHLIMIT" => {
            let factor = if part.at("dataUnit").as_str() == Some("MB") { 1024 * 1024 } else { 1024 };
            part.at("dataAmount").as_u64()?.saturating_mul(factor)
        }
        "EVENTCOUNTLIMIT" => part.at("eventCount").as_u64()?,
        _ => part.at("requestCount").as_u64()?,
    };
    let seconds = unit_seconds(part.at("timeUnit").as_str()?)?.saturating_mul(part.at("unitTime").as_u64()?.max(1));
    (unit == QuotaUnit::Bytes || amount < NO_LIMIT).then_some(Quota {
        amount: amount.max(1),
        unit,
        window_seconds: seconds,
    })
}

/// What a plan for AI APIs allows in tokens.
fn tokens_of(limit: &Value) -> Option<TokenQuota> {
    let quota = limit.at("aiApiQuota");
    let count = |field: &str| quota.at(field).as_u64().filter(|count| (1..NO_LIMIT).contains(count));
    let (prompt, completion) = (count("promptTokenCount"), count("completionTokenCount"));
    let total = count("totalTokenCount");
    let unit = unit_seconds(quota.at("timeUnit").as_str()?)?;
    let window_seconds = unit.saturating_mul(quota.at("unitTime").as_u64()?.max(1));
    prompt.or(completion).or(total)?;
    Some(TokenQuota { prompt, completion, total, window_seconds })
}

/// Seconds of one of WSO2's time units; a month counts 30 days.
pub(crate) fn unit_seconds(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "sec" | "second" | "seconds" => 1,
        "min" | "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        "week" | "weeks" => 604_800,
        "month" | "months" => 2_592_000,
        "year" | "years" => 31_536_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{limit_of, may_use};
    use model::snapshot::QuotaUnit;
    use serde_json::json;
    use store::repository::throttling::ThrottlePolicyRow;

    fn row(document: serde_json::Value) -> ThrottlePolicyRow {
        ThrottlePolicyRow {
            id: model::PolicyId::new(uuid::Uuid::nil()),
            tenant: model::TenantId::SUPER,
            level: "subscription".into(),
            name: "Plan".into(),
            document,
        }
    }

    #[test]
    fn limits_become_quotas() {
        let kilobytes = row(json!({"defaultLimit": {"type": "BANDWIDTHLIMIT",
            "bandwidth": {"timeUnit": "hour", "unitTime": 2, "dataAmount": 5, "dataUnit": "KB"}},
            "rateLimitCount": 3, "rateLimitTimeUnit": "sec", "stopOnQuotaReach": false}));
        let limit = limit_of(&kilobytes).unwrap();
        let quota = limit.quota.unwrap();
        assert_eq!((quota.amount, quota.unit, quota.window_seconds), (5 * 1024, QuotaUnit::Bytes, 7200));
        assert_eq!(limit.burst.unwrap().amount, 3);
        assert!(!limit.stop_on_quota);
        let unlimited = row(json!({"defaultLimit": {"type": "EVENTCOUNTLIMIT",
            "eventCount": {"timeUnit": "days", "unitTime": 7, "eventCount": 2_147_483_647_u64}},
            "rateLimitCount": -1, "rateLimitTimeUnit": "NA"}));
        let limit = limit_of(&unlimited).unwrap();
        assert!(limit.quota.is_none() && limit.burst.is_none() && limit.stop_on_quota);
    }

    #[test]
    fn a_denied_role_loses_against_nothing() {
        let deny = json!({"permissions": {"permissionType": "DENY", "roles": ["Internal/everyone"]}});
        let allow = json!({"permissions": {"permissionType": "ALLOW", "roles": ["gold-customers"]}});
        assert!(!may_use(&deny, |_| false));
        assert!(!may_use(&allow, |_| false));
        assert!(may_use(&allow, |role| role == "gold-customers"));
        assert!(may_use(&json!({}), |_| false));
    }
}
