//! Keys of an application. The client is made when its keys are approved; its owner makes the secret then, so that the
//! one who approves never sees it.

use model::KeyMappingId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::workflow::{self as requests, WorkflowRow};

use super::{Decision, Kind, Properties, Wish, WorkflowRule, application_properties, gone, is_approved, park};
use crate::application::keys;
use crate::field::Field;
use crate::key_manager::RESIDENT;
use crate::{Actor, Control, ControlError, Effect};

const fn kind(code: &'static str, element: &'static str, title: &'static str) -> Kind {
    Kind {
        code,
        element,
        executor: "ApplicationRegistration",
        title,
        properties: Properties::Attributes,
        carry_out: Some(|decision| Box::pin(carry_out(decision))),
    }
}

/// Production keys.
pub(crate) const PRODUCTION: Kind =
    kind("AM_APPLICATION_REGISTRATION_PRODUCTION", "ProductionApplicationRegistration", "Production keys");
/// Sandbox keys.
pub(crate) const SANDBOX: Kind =
    kind("AM_APPLICATION_REGISTRATION_SANDBOX", "SandboxApplicationRegistration", "Sandbox keys");

/// The kind of a key type.
pub(crate) const fn of_type(key_type: &str) -> &'static Kind {
    if matches!(key_type.as_bytes(), b"SANDBOX") { &SANDBOX } else { &PRODUCTION }
}

/// Asks for keys. `asked` holds the input of `generate-keys`, or below `mapped` the mapping of a client that its owner has
/// proved to be theirs.
///
/// # Errors
/// 409 while keys of the type are asked for.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    (application, key_type): (&ApplicationRow, &str),
    (rule, asked): (&WorkflowRule, &Value),
) -> Result<Value, ControlError> {
    let kind = of_type(key_type);
    let subject = application.id.to_string();
    super::refuse_while_waiting(work, kind, &subject).await?;
    requests::forget(work, &subject, Some(kind.code)).await?;
    let mut properties = application_properties(application, rule);
    properties.insert("keyType".into(), json!(key_type));
    let description = format!(
        "Approve {key_type} keys of the application {} of {} with the policy {}.",
        application.name, application.owner, application.policy
    );
    let wish = Wish {
        kind,
        tenant: application.tenant,
        application: Some(application.id),
        api: None,
        subject: ("application", subject),
        description,
        properties,
        asked,
    };
    Ok(shown(&park(control, work, actor, wish).await?))
}

/// Keys that wait or were turned down, as the Developer Portal shows keys.
fn shown(row: &WorkflowRow) -> Value {
    let asked = row.document.at("asked");
    let mapped = asked.at("mapped");
    let settings = if mapped.is_null() { asked } else { mapped.at("document") };
    let grants = match settings.at("grantTypesToBeSupported") {
        Value::Null => settings.at("supportedGrantTypes"),
        grants => grants,
    };
    json!({
        "keyMappingId": row.id.to_string(),
        "keyManager": mapped.at("keyManager").as_str().unwrap_or(RESIDENT),
        "consumerKey": Value::Null,
        "consumerSecret": Value::Null,
        "consumerSecrets": [],
        "supportedGrantTypes": grants,
        "callbackUrl": settings.at("callbackUrl"),
        "keyState": row.status,
        "keyType": if row.kind == SANDBOX.code { "SANDBOX" } else { "PRODUCTION" },
        "mode": if mapped.is_null() { "CREATED" } else { "MAPPED" },
        "groupId": Value::Null,
        "token": Value::Null,
        "additionalProperties": settings.at("additionalProperties"),
    })
}

async fn rows(work: &mut UnitOfWork, application: &ApplicationRow) -> Result<Vec<WorkflowRow>, ControlError> {
    let mut rows = requests::of_application(work, application.id).await?;
    rows.retain(|row| row.kind == PRODUCTION.code || row.kind == SANDBOX.code);
    Ok(rows)
}

/// The keys of an application that wait or were turned down.
pub(crate) async fn of_application(
    work: &mut UnitOfWork,
    application: &ApplicationRow,
) -> Result<Vec<Value>, ControlError> {
    Ok(rows(work, application).await?.iter().map(shown).collect())
}

/// Those with this id.
pub(crate) async fn find(
    work: &mut UnitOfWork,
    application: &ApplicationRow,
    id: KeyMappingId,
) -> Result<Option<(WorkflowRow, Value)>, ControlError> {
    let id = id.to_string();
    let found = rows(work, application).await?.into_iter().find(|row| row.id.to_string() == id);
    Ok(found.map(|row| {
        let shown = shown(&row);
        (row, shown)
    }))
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    if !decision.approved {
        let work = decision.open().await?;
        return decision.keep(work, Effect::Nothing).await;
    }
    let mut work = decision.control.read().await?;
    let found = applications::find(&mut work, decision.request.tenant, decision.application()?).await?;
    work.cancel().await?;
    let application = found.ok_or_else(|| gone("The application"))?;
    if !is_approved(&application.status) {
        return Err(ControlError::conflict(format!(
            "The application {} is not approved itself. Decide about it first.",
            application.name
        )));
    }
    keys::register_approved(decision, &application).await
}
