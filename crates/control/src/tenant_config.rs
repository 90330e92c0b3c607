//! The tenant configuration: a JSON object as WSO2 has it, and the scopes and role aliases that belong to it.
//!
//! Scopes live in the identity tables (`scope_binding`); the configuration shows them as `RESTAPIScopes` and takes them
//! back the same way, so there is one truth.

pub(crate) mod scopes;

use model::TenantId;
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::{tenant_setting, throttling as policies};

use crate::field::Field;
use crate::throttling::{Level, UNLIMITED};
use crate::{Actor, Change, Control, ControlError, WorkflowSettings};

const SETTING: &str = "tenant-config";
const WORKFLOWS: &str = "Workflows";

/// Which key names the default policy of a level.
const fn default_key(level: Level) -> Option<&'static str> {
    match level {
        Level::Application => Some("DefaultApplicationLevelTier"),
        Level::Subscription => Some("DefaultSubscriptionLevelTier"),
        Level::Advanced => Some("DefaultAPILevelTier"),
        Level::Custom => None,
    }
}

async fn stored(work: &mut UnitOfWork, tenant: TenantId) -> Result<Map<String, Value>, ControlError> {
    let value = tenant_setting::find(work, tenant, SETTING).await?;
    Ok(match value {
        Some(Value::Object(object)) => object,
        _ => defaults(),
    })
}

/// What a tenant starts with.
fn defaults() -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("EnableMonetization".into(), json!(false));
    object.insert("EnableRecommendation".into(), json!(false));
    object.insert("IsUnlimitedTierPaid".into(), json!(false));
    object.insert(
        "DefaultRoles".into(),
        json!({
            "PublisherRole": {"CreateOnTenantLoad": true, "RoleName": "Internal/publisher"},
            "CreatorRole": {"CreateOnTenantLoad": true, "RoleName": "Internal/creator"},
            "SubscriberRole": {"CreateOnTenantLoad": true, "RoleName": "Internal/subscriber"},
            "DevOpsRole": {"CreateOnTenantLoad": true, "RoleName": "Internal/devops"},
        }),
    );
    object
}

/// Which requests wait for an administrator of the tenant (`Workflows`).
pub(crate) async fn workflows(work: &mut UnitOfWork, tenant: TenantId) -> Result<WorkflowSettings, ControlError> {
    let object = stored(work, tenant).await?;
    let Some(value) = object.get(WORKFLOWS) else { return Ok(WorkflowSettings::default()) };
    WorkflowSettings::of_json(value).map_err(|faults| {
        ControlError::internal(format!("the stored configuration of tenant {tenant} is damaged: {}", faults.join(" ")))
    })
}

/// Whether a policy is the configured default of its level.
pub(crate) async fn names_default(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: Level,
    name: &str,
) -> Result<bool, ControlError> {
    let Some(key) = default_key(level) else { return Ok(false) };
    Ok(stored(work, tenant).await?.get(key).and_then(Value::as_str) == Some(name))
}

/// The default policy of a level: the configured one if it exists, `Unlimited` where it exists, else the first by name.
pub(crate) async fn default_policy(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: Level,
    unlimited: bool,
) -> Result<String, ControlError> {
    let configured = match default_key(level) {
        Some(key) => stored(work, tenant).await?.get(key).and_then(Value::as_str).map(str::to_owned),
        None => None,
    };
    let mut names: Vec<String> =
        policies::list(work, tenant, level.as_str()).await?.into_iter().map(|policy| policy.name).collect();
    names.sort();
    Ok(match configured {
        Some(name) if names.contains(&name) => name,
        _ if unlimited => UNLIMITED.to_owned(),
        _ => names.into_iter().next().unwrap_or_else(|| UNLIMITED.to_owned()),
    })
}

/// The configuration with the scopes as they are.
pub(crate) async fn get(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let mut object = stored(&mut work, actor.tenant()).await?;
    let scopes: Vec<Value> = scopes::bindings(&mut work, actor.tenant())
        .await?
        .into_iter()
        .map(|(name, roles)| json!({"Name": name, "Roles": roles.join(",")}))
        .collect();
    object.insert("RESTAPIScopes".into(), json!({"Scope": scopes}));
    Ok(Value::Object(object))
}

/// The tenant's own rules for the linter of the Publisher (`LinterCustomRules`), if it has some.
pub(crate) async fn linter_rules(control: &Control, actor: &Actor) -> Result<Option<Value>, ControlError> {
    let mut work = control.read().await?;
    Ok(stored(&mut work, actor.tenant()).await?.remove("LinterCustomRules").filter(|rules| !rules.is_null()))
}

/// Replaces the configuration.
pub(crate) async fn put(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let mut faults = faults_of(input);
    if let (true, Err(further)) = (faults.is_empty(), WorkflowSettings::of_json(input.at(WORKFLOWS))) {
        faults.extend(further);
    }
    if !faults.is_empty() {
        return Err(crate::throttling::check::refused(faults));
    }
    let mut object = input.as_object().cloned().unwrap_or_default();
    let mut work = control.begin().await?;
    if let Some(list) = object.remove("RESTAPIScopes") {
        let wanted = list
            .at("Scope")
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(|scope| {
                let roles = scope.at("Roles").as_str().unwrap_or_default();
                let roles = roles.split(',').map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned).collect();
                (scope.at("Name").as_str().unwrap_or_default().to_owned(), roles)
            })
            .collect();
        scopes::replace(&mut work, actor.tenant(), wanted).await?;
    }
    tenant_setting::put(&mut work, actor.tenant(), SETTING, &Value::Object(object)).await?;
    control.commit(work, actor, Change::managed("admin.tenant-config.update", "tenant-config")).await?;
    get(control, actor).await
}

/// What is wrong with a configuration, by its schema.
fn faults_of(input: &Value) -> Vec<String> {
    let Ok(validator) = jsonschema::validator_for(&schema()) else { return vec!["The schema is broken.".to_owned()] };
    validator.iter_errors(input).take(50).map(|error| format!("{}: {error}.", error.instance_path())).collect()
}

/// JSON Schema of the configuration. Keys that WSO2's tools write and Portcullis does not act on say so.
pub(crate) fn schema() -> Value {
    let tier = |level: &str| json!({"type": "string", "maxLength": 60, "description": format!("Name of the default {level} policy.")});
    let kept = "Kept for WSO2's tools; Portcullis does not act on it.";
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Tenant configuration",
        "type": "object",
        "properties": {
            "DefaultAPILevelTier": tier("API"),
            "DefaultSubscriptionLevelTier": tier("subscription"),
            "DefaultApplicationLevelTier": tier("application"),
            "EnableMonetization": {"type": "boolean", "description": kept},
            "EnableRecommendation": {"type": "boolean", "description": kept},
            "IsUnlimitedTierPaid": {"type": "boolean", "description": kept},
            WORKFLOWS: WorkflowSettings::schema(),
            "DefaultRoles": {"type": "object", "description": "The built-in roles. They always exist."},
            "RESTAPIScopes": {
                "type": "object",
                "description": "Which roles get which scope of the management APIs.",
                "required": ["Scope"],
                "properties": {
                    "Scope": {
                        "type": "array",
                        "maxItems": 1000,
                        "items": {
                            "type": "object",
                            "required": ["Name", "Roles"],
                            "properties": {
                                "Name": {"type": "string", "minLength": 1, "maxLength": 255},
                                "Roles": {"type": "string", "description": "Role names, separated by commas."},
                            },
                        },
                    },
                },
            },
        },
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use super::{defaults, faults_of};
    use serde_json::{Value, json};

    #[test]
    fn the_defaults_fit_the_schema_and_wrong_types_do_not() {
        assert!(faults_of(&Value::Object(defaults())).is_empty());
        assert_eq!(faults_of(&json!({"DefaultAPILevelTier": 5, "RESTAPIScopes": {}})).len(), 2);
        assert_eq!(faults_of(&json!([])).len(), 1);
    }
}
