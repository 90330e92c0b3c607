//! The policies every tenant starts with (WSO2's default sets).

use model::{PolicyId, TenantId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::throttling::{self as policies, ThrottlePolicyRow};
use store::repository::{change, tenant_setting};

use super::{Level, NO_LIMIT};
use crate::field::Field;
use crate::{Control, ControlError, snapshot};

/// Marks a tenant whose default policies were made.
const MARK: &str = "default-policies";

impl Control {
    /// Makes the default policies of a tenant, once. What an administrator removes stays removed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ensure_tenant_defaults(&self, tenant: TenantId) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        let done = tenant_setting::find(&mut work, tenant, MARK).await?.is_some();
        work.cancel().await?;
        if done {
            return Ok(());
        }
        let mut work = self.begin().await?;
        // Two callers may come here at once; the second one finds the mark.
        if tenant_setting::claim(&mut work, tenant, MARK).await? {
            self.insert_defaults(&mut work, tenant).await?;
            // The gateway must know them before the first API that names one.
            let (action, scope) = ("tenant.default-policies", snapshot::changes::EVERYTHING);
            change::append(&mut work, tenant, action, scope, self.now()).await?;
            work.save().await?;
        } else {
            work.cancel().await?;
        }
        Ok(())
    }

    async fn insert_defaults(&self, work: &mut UnitOfWork, tenant: TenantId) -> Result<(), ControlError> {
        for (level, document) in documents() {
            let name = document.at("policyName").as_str().unwrap_or_default().to_owned();
            let row = ThrottlePolicyRow {
                id: PolicyId::new(self.uuid()),
                tenant,
                level: level.as_str().to_owned(),
                name,
                document,
            };
            policies::insert(work, &row, self.now()).await?;
        }
        Ok(())
    }
}

/// All default policies. `Unlimited` of each level is not among them: it is not stored.
fn documents() -> Vec<(Level, Value)> {
    let mut all = Vec::new();
    for (name, per_minute) in [("50PerMin", 50), ("20PerMin", 20), ("10PerMin", 10)] {
        all.push((Level::Application, plain(Level::Application, name, per_minute)));
    }
    for (name, per_minute) in [("50KPerMin", 50_000), ("20KPerMin", 20_000), ("10KPerMin", 10_000)] {
        all.push((Level::Advanced, plain(Level::Advanced, name, per_minute)));
    }
    for (name, per_minute) in [("Gold", 5000), ("Silver", 2000), ("Bronze", 1000), ("Unauthenticated", 500)] {
        all.push((Level::Subscription, plan(name, &requests(per_minute), 0)));
    }
    for (name, limit) in
        [("DefaultSubscriptionless", requests(10_000)), ("AsyncDefaultSubscriptionless", events(10_000, "days"))]
    {
        let mut document = plan(name, &limit, 0);
        let text = format!("{} when subscription validation is disabled", description(&limit));
        if let Some(fields) = document.as_object_mut() {
            fields.insert("description".into(), text.into());
        }
        all.push((Level::Subscription, document));
    }
    for (name, per_day) in
        [("AsyncGold", 50_000), ("AsyncSilver", 25_000), ("AsyncBronze", 5000), ("AsyncUnlimited", 2_147_483_647)]
    {
        all.push((Level::Subscription, plan(name, &events(per_day, "days"), 0)));
    }
    for (name, per_month, subscribers) in [
        ("AsyncWHGold", 10_000, 1000),
        ("AsyncWHSilver", 5000, 500),
        ("AsyncWHBronze", 1000, 100),
        ("AsyncWHUnlimited", 2_147_483_647, 2_147_483_647),
    ] {
        let limit = events(per_month, "months");
        let mut document = plan(name, &limit, subscribers);
        // WSO2's text of AsyncWHBronze names 500 subscriptions and its policy allows 100; its clients know both.
        let named = match subscribers {
            100 => "500".to_owned(),
            NO_LIMIT => "unlimited".to_owned(),
            number => number.to_string(),
        };
        if let Some(fields) = document.as_object_mut() {
            let text = format!("{} and {named} active subscriptions", description(&limit));
            fields.insert("description".into(), text.into());
        }
        all.push((Level::Subscription, document));
    }
    for (name, per_minute, tokens) in [("AIGold", 500, 50_000), ("AISilver", 250, 25_000), ("AIBronze", 50, 5000)] {
        let limit = json!({"type": "AIAPIQUOTALIMIT", "aiApiQuota": {"timeUnit": "min", "unitTime": 1,
            "requestCount": per_minute, "totalTokenCount": tokens}});
        all.push((Level::Subscription, plan(name, &limit, 0)));
    }
    all
}

fn requests(per_minute: u64) -> Value {
    json!({"type": "REQUESTCOUNTLIMIT",
           "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": per_minute}})
}

fn events(count: u64, unit: &str) -> Value {
    json!({"type": "EVENTCOUNTLIMIT", "eventCount": {"timeUnit": unit, "unitTime": 1, "eventCount": count}})
}

fn plain(level: Level, name: &str, per_minute: u64) -> Value {
    let mut document = json!({
        "policyName": name,
        "displayName": name,
        "description": format!("Allows {per_minute} requests per minute"),
        "isDeployed": true,
        "type": level.type_name(),
        "defaultLimit": requests(per_minute),
    });
    if let (Level::Advanced, Some(object)) = (level, document.as_object_mut()) {
        object.insert("conditionalGroups".into(), json!([]));
    }
    document
}

fn plan(name: &str, limit: &Value, subscribers: u64) -> Value {
    json!({
        "policyName": name,
        "displayName": name,
        "description": description(limit),
        "isDeployed": true,
        "type": Level::Subscription.type_name(),
        "defaultLimit": limit,
        "graphQLMaxComplexity": 0,
        "graphQLMaxDepth": 0,
        "rateLimitCount": 0,
        "subscriberCount": subscribers,
        "rateLimitTimeUnit": Value::Null,
        "monetization": Value::Null,
        "customAttributes": [],
        "stopOnQuotaReach": true,
        "billingPlan": "FREE",
        "permissions": Value::Null,
    })
}

/// One sentence about a limit.
fn description(limit: &Value) -> String {
    let no_limit = |count: &Value| count.as_u64().is_none_or(|n| n >= NO_LIMIT);
    match limit.at("type").as_str() {
        Some("EVENTCOUNTLIMIT") if no_limit(limit.at("eventCount").at("eventCount")) => {
            "Allows unlimited events".to_owned()
        }
        Some("EVENTCOUNTLIMIT") => format!(
            "Allows {} events per {}",
            limit.at("eventCount").at("eventCount"),
            limit.at("eventCount").at("timeUnit").as_str().unwrap_or("day").trim_end_matches('s')
        ),
        Some("AIAPIQUOTALIMIT") => format!(
            "Allows {} requests and {} tokens per minute",
            limit.at("aiApiQuota").at("requestCount"),
            limit.at("aiApiQuota").at("totalTokenCount")
        ),
        _ if no_limit(limit.at("requestCount").at("requestCount")) => "Allows unlimited requests".to_owned(),
        _ => format!("Allows {} requests per minute", limit.at("requestCount").at("requestCount")),
    }
}

#[cfg(test)]
mod tests {
    use crate::throttling::check::check;

    #[test]
    fn the_defaults_pass_their_own_check() {
        for (level, document) in super::documents() {
            let checked = check(level, &document).unwrap();
            assert_eq!(checked.document["defaultLimit"], document["defaultLimit"]);
        }
    }
}
