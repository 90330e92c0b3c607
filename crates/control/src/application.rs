//! Applications of consumers: their life, their keys, their API keys.

pub(crate) mod api_keys;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod owner;
pub(crate) mod reset;
pub(crate) mod secrets;
pub(crate) mod sharing;
pub(crate) mod token;
pub(crate) mod update;

use model::ApplicationId;
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::{api, application_key, subscription};

use crate::field::Field;
use crate::throttling::{Level, manage};
use crate::workflow::application_registration;
use crate::{Actor, Change, Control, ControlError, FaultKind, tenant_config};

/// Name of the application every consumer starts with.
const DEFAULT: &str = "DefaultApplication";

/// Gives a user who comes to the Developer Portal for the first time their `DefaultApplication`.
pub(crate) async fn ensure_subscriber(control: &Control, actor: &Actor) -> Result<(), ControlError> {
    let name = actor.name();
    let mut work = control.read().await?;
    let known = applications::is_subscriber(&mut work, actor.tenant(), &name).await?;
    work.cancel().await?;
    if known {
        return Ok(());
    }
    let mut work = control.begin().await?;
    if !applications::remember_subscriber(&mut work, actor.tenant(), &name, control.now()).await? {
        return Ok(work.cancel().await?);
    }
    let unlimited = control.settings().portal.unlimited_tier;
    let policy = tenant_config::default_policy(&mut work, actor.tenant(), Level::Application, unlimited).await?;
    let row = ApplicationRow {
        id: ApplicationId::new(control.uuid()),
        tenant: actor.tenant(),
        owner: name,
        name: DEFAULT.to_owned(),
        policy,
        description: "This is the default application".to_owned(),
        token_type: "JWT".to_owned(),
        // It grants nothing by itself, so WSO2 asks nobody for it either.
        status: "APPROVED".to_owned(),
        visibility: "PRIVATE".to_owned(),
        groups: Vec::new(),
        attributes: json!({}),
        created: control.now(),
        updated: control.now(),
    };
    applications::insert(&mut work, &row).await?;
    let target = format!("application/{}", row.id);
    control.commit(work, actor, Change::managed("devportal.applications.default", &target)).await
}

/// An application of the actor. Whether others have one with this id is not to be known.
pub(crate) async fn owned(
    work: &mut UnitOfWork,
    actor: &Actor,
    id: ApplicationId,
) -> Result<ApplicationRow, ControlError> {
    let row = applications::find(work, actor.tenant(), id).await?.ok_or_else(|| unknown(id))?;
    if row.owner == actor.name() { Ok(row) } else { Err(sharing::refused(&row)) }
}

/// 404 for an application.
pub(crate) fn unknown(id: impl std::fmt::Display) -> ControlError {
    ControlError::not_found(format!("There is no application with the id {id}."))
}

/// 400 for a policy that cannot be used.
pub(crate) fn invalid_tier(name: &str) -> ControlError {
    ControlError::new(
        FaultKind::Invalid,
        900_305,
        "The tier name is invalid.",
        format!("There is no policy named {name:?} to choose here."),
    )
}

/// Short form, as in lists.
pub(crate) fn brief(row: &ApplicationRow, subscriptions: i64) -> Value {
    json!({
        "applicationId": row.id.to_string(),
        "name": row.name,
        "throttlingPolicy": row.policy,
        "description": row.description,
        "status": row.status,
        "groups": row.groups,
        "subscriptionCount": subscriptions,
        "attributes": row.attributes,
        "owner": row.owner,
        "tokenType": row.token_type,
        "createdTime": row.created.millis().to_string(),
        "updatedTime": row.updated.millis().to_string(),
        "visibility": row.visibility,
    })
}

/// Whole form.
pub(crate) async fn whole(work: &mut UnitOfWork, row: &ApplicationRow) -> Result<Value, ControlError> {
    let subscriptions = subscription::of_application(work, row.id).await?;
    let mut scopes: Vec<Value> = Vec::new();
    for one in &subscriptions {
        // A subscription may be to an API of another tenant; its scopes are shown by that tenant only.
        let Some(api) = api::find(work, row.tenant, one.api).await? else { continue };
        let document: Value = serde_json::from_str(&api.document).unwrap_or_default();
        for entry in document.at("scopes").as_array().map(Vec::as_slice).unwrap_or_default() {
            let scope = entry.at("scope");
            let shown = json!({
                "key": scope.at("name"),
                "name": scope.at("displayName").as_str().or_else(|| scope.at("name").as_str()),
                "roles": scope.at("bindings"),
                "description": scope.at("description"),
            });
            if !scopes.iter().any(|known| known.at("key") == shown.at("key")) {
                scopes.push(shown);
            }
        }
    }
    let mut value = brief(row, i64::try_from(subscriptions.len()).unwrap_or(i64::MAX));
    let mut keys = Vec::new();
    for key in application_key::of_application(work, row.tenant, row.id).await? {
        keys.push(keys::shown(&key, None));
    }
    keys.extend(application_registration::of_application(work, row).await?);
    if let Some(object) = value.as_object_mut() {
        object.insert("keys".into(), Value::Array(keys));
        object.insert("subscriptionScopes".into(), Value::Array(scopes));
        // Secrets and tokens are kept as hashes only.
        object.insert("hashEnabled".into(), json!(true));
    }
    Ok(value)
}

/// What a caller may decide about an application, checked.
pub(crate) struct Wanted {
    /// Name.
    pub(crate) name: String,
    /// Application-level policy.
    pub(crate) policy: String,
    /// Description.
    pub(crate) description: String,
    /// `JWT` or `OAUTH`.
    pub(crate) token_type: String,
    /// `PRIVATE` or `SHARED_WITH_ORG`.
    pub(crate) visibility: String,
    /// Groups.
    pub(crate) groups: Vec<String>,
    /// Custom attributes.
    pub(crate) attributes: Value,
}

/// Checks the object of `POST` and `PUT /applications`.
pub(crate) async fn check(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    input: &Value,
) -> Result<Wanted, ControlError> {
    let mut faults = Vec::new();
    let text = |field: &str| input.at(field).as_str().unwrap_or_default().trim().to_owned();
    let name = text("name");
    let allowed = |c: char| c.is_alphanumeric() || " ._-():${}".contains(c);
    if name.is_empty() || name.chars().count() > 100 || !name.chars().all(allowed) {
        faults.push("name: use 1 to 100 letters, digits, blanks and . _ - ( ) : $ { }.".to_owned());
    }
    if text("description").chars().count() > 512 {
        faults.push("description: at most 512 characters.".to_owned());
    }
    let token_type = input.at("tokenType").as_str().unwrap_or("JWT").to_owned();
    // DEFAULT is what older clients send; all tokens are JWTs then.
    if !matches!(token_type.as_str(), "JWT" | "OAUTH" | "DEFAULT") {
        faults.push("tokenType: JWT or OAUTH.".to_owned());
    }
    let visibility = match input.at("visibility").as_str() {
        // Older clients send PUBLIC, which WSO2 reads as private to the owner.
        None | Some("PRIVATE" | "PUBLIC") => "PRIVATE",
        Some("SHARED_WITH_ORG") => "SHARED_WITH_ORG",
        Some(_) => {
            faults.push("visibility: PRIVATE or SHARED_WITH_ORG.".to_owned());
            ""
        }
    };
    let attributes = attributes(control, input.at("attributes"), &mut faults);
    if !faults.is_empty() {
        return Err(crate::throttling::check::refused(faults));
    }
    let policy = text("throttlingPolicy");
    if !manage::is_usable(control, work, actor.tenant(), Level::Application, &policy).await? {
        return Err(invalid_tier(&policy));
    }
    // Without sharing WSO2 takes the field and keeps nothing, and its own clients send it.
    let groups = if control.settings().portal.application_sharing {
        let list = input.at("groups").as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().take(100).filter_map(Value::as_str).map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    Ok(Wanted {
        name,
        policy,
        description: text("description"),
        token_type: if token_type == "DEFAULT" { "JWT".to_owned() } else { token_type },
        visibility: visibility.to_owned(),
        groups,
        attributes,
    })
}

fn attributes(control: &Control, input: &Value, faults: &mut Vec<String>) -> Value {
    let portal = &control.settings().portal;
    let configured = &portal.application_attributes;
    let mut kept = Map::new();
    for attribute in configured {
        let written = input.at(attribute.name.as_str()).as_str();
        let given = written.filter(|text| !text.trim().is_empty());
        match given.or(attribute.default.as_deref()) {
            Some(text) if text.chars().count() <= 1024 => {
                kept.insert(attribute.name.clone(), json!(text));
            }
            Some(_) => faults.push(format!("attributes.{}: at most 1024 characters.", attribute.name)),
            None if attribute.required => faults.push(format!("attributes.{}: is missing.", attribute.name)),
            None if written.is_some() && portal.empty_attributes => {
                kept.insert(attribute.name.clone(), json!(""));
            }
            None => {}
        }
    }
    for name in input.as_object().into_iter().flat_map(Map::keys) {
        if !configured.iter().any(|attribute| attribute.name == *name) {
            faults.push(format!("attributes.{name}: the configuration has no such application attribute."));
        }
    }
    Value::Object(kept)
}
