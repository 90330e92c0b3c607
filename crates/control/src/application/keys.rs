//! OAuth keys of an application: making them, bringing one's own, reading, changing, removing.

use model::{ApplicationId, ConsumerKey, KeyMappingId, Secret};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::application::ApplicationRow;
use store::repository::application_key::{self, ApplicationKeyRow};

use super::delete::remove_client;
use super::{owned, sharing};
use crate::field::Field;
use crate::key_manager::{ClientSettings, KeyManagerError, NewClient, RESIDENT, registry};
use crate::throttling::check::refused;
use crate::workflow::{self, Decision, WorkflowRule, application_registration, is_approved};
use crate::{Actor, Change, Control, ControlError, Effect, FaultKind};

impl From<KeyManagerError> for ControlError {
    fn from(error: KeyManagerError) -> Self {
        match error {
            KeyManagerError::Invalid(reason) => Self::invalid(reason),
            KeyManagerError::UnknownClient => Self::not_found("There is no client with this consumer key."),
            KeyManagerError::WrongSecret => Self::invalid("The consumer secret is wrong."),
            KeyManagerError::Limit(reason) => Self::conflict(reason),
            KeyManagerError::Failed(reason) => Self::internal(reason),
        }
    }
}

/// A key mapping as the Developer Portal shows it; the secret only right after it was made.
pub(super) fn shown(row: &ApplicationKeyRow, secret: Option<&Secret<String>>) -> Value {
    json!({
        "keyMappingId": row.id.to_string(),
        "keyManager": row.key_manager,
        "consumerKey": row.consumer_key.as_str(),
        "consumerSecret": secret.map(|secret| secret.expose().as_str()),
        "consumerSecrets": [],
        "supportedGrantTypes": row.document.at("supportedGrantTypes"),
        "callbackUrl": row.document.at("callbackUrl"),
        "keyState": "COMPLETED",
        "keyType": row.key_type,
        "mode": row.mode,
        "groupId": Value::Null,
        "token": Value::Null,
        "additionalProperties": row.document.at("additionalProperties"),
    })
}

fn key_type(input: &Value, faults: &mut Vec<String>) -> String {
    match input.at("keyType").as_str() {
        Some(kind @ ("PRODUCTION" | "SANDBOX")) => kind.to_owned(),
        _ => {
            faults.push("keyType: PRODUCTION or SANDBOX.".to_owned());
            String::new()
        }
    }
}

/// What a caller wants a client to be.
fn settings(
    control: &Control,
    input: &Value,
    grants_field: &str,
    token_type: &str,
    faults: &mut Vec<String>,
) -> ClientSettings {
    let offered = &control.settings().portal.grant_types;
    let list = input[grants_field].as_array().map(Vec::as_slice).unwrap_or_default();
    let grant_types: Vec<String> = list.iter().take(20).filter_map(Value::as_str).map(str::to_owned).collect();
    for grant in grant_types.iter().filter(|grant| !offered.contains(grant)) {
        faults.push(format!("{grants_field}: this server does not offer {grant:?}; choose of {}.", offered.join(", ")));
    }
    let callback = input.at("callbackUrl").as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if callback.as_ref().is_some_and(|text| text.len() > 2000 || text.chars().any(char::is_control)) {
        faults.push("callbackUrl: at most 2000 characters.".to_owned());
    }
    let needs_callback = grant_types.iter().any(|grant| grant == "authorization_code" || grant == "implicit");
    if needs_callback && callback.is_none() {
        faults.push("callbackUrl: is needed for the grant type authorization_code.".to_owned());
    }
    let mut properties = input.at("additionalProperties").as_object().cloned().unwrap_or_default();
    if properties.len() > 50 || properties.values().any(|value| value.to_string().len() > 2000) {
        faults.push("additionalProperties: at most 50, each of at most 2000 characters.".to_owned());
    }
    properties.retain(|_, value| !value.is_null());
    if let (Some(validity), false) =
        (number(input.at("validityTime")), properties.contains_key("application_access_token_expiry_time"))
    {
        properties.insert("application_access_token_expiry_time".into(), json!(validity));
    }
    ClientSettings { grant_types, callback, token_type: token_type.to_owned(), properties }
}

/// A number, also when a client sends it as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn document(settings: &ClientSettings) -> Value {
    json!({
        "supportedGrantTypes": settings.grant_types,
        "callbackUrl": settings.callback,
        "additionalProperties": settings.properties,
    })
}

async fn refuse_second(
    work: &mut UnitOfWork,
    application: &ApplicationRow,
    key_type: &str,
    key_manager: &str,
) -> Result<(), ControlError> {
    let keys = application_key::of_application(work, application.tenant, application.id).await?;
    if keys.iter().any(|key| key.key_type == key_type && key.key_manager == key_manager) {
        return Err(ControlError::new(
            FaultKind::Conflict,
            900_950,
            "Key Mappings already exists",
            format!(
                "Key Mappings already exists for application {}: it has {key_type} keys of {key_manager}.",
                application.name
            ),
        ));
    }
    Ok(())
}

/// Makes keys of a type: a client at the resident key manager, its secret shown this once.
pub(crate) async fn generate(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let application = owned(&mut work, actor, id).await?;
    let manager = input.at("keyManager").as_str().filter(|name| !name.is_empty()).unwrap_or(RESIDENT);
    let manager = registry::resolve(control, &mut work, actor, manager).await?;
    if manager.at("name") != RESIDENT {
        return Err(ControlError::new(
            FaultKind::Invalid,
            901_405,
            "Key Manager doesn't support generating OAuth applications",
            format!(
                "Clients of {} are made there. Make one, then map it to this application (map-keys).",
                manager.at("name").as_str().unwrap_or_default()
            ),
        ));
    }
    let (kind, settings) = wanted(control, &application, input)?;
    refuse_second(&mut work, &application, &kind, RESIDENT).await?;
    let rule = workflow::rule(control, &mut work, actor.tenant(), application_registration::of_type(&kind)).await?;
    work.cancel().await?;
    if let Some(rule) = rule {
        refuse_secret(input)?;
        return ask(control, actor, (&application, &kind), (&rule, input)).await;
    }
    refuse_unapproved(&application)?;
    let chosen = chosen(input);
    let (row, secret) = make(control, &application, (kind, settings), chosen).await?;
    let kept = keep(control, actor, &row, "devportal.keys.generate").await;
    undo_unless_kept(control, &row, kept).await?;
    Ok(shown(&row, secret.as_ref()))
}

/// Key type and settings of the input of `generate-keys`, checked.
fn wanted(
    control: &Control,
    application: &ApplicationRow,
    input: &Value,
) -> Result<(String, ClientSettings), ControlError> {
    let mut faults = Vec::new();
    let kind = key_type(input, &mut faults);
    let settings = settings(control, input, "grantTypesToBeSupported", &application.token_type, &mut faults);
    if faults.is_empty() { Ok((kind, settings)) } else { Err(refused(faults)) }
}

type Chosen = Option<(ConsumerKey, Option<Secret<String>>)>;

/// The client id that the caller wants, and its secret.
fn chosen(input: &Value) -> Chosen {
    input.at("clientId").as_str().filter(|text| !text.is_empty()).map(|client| {
        let secret = input.at("clientSecret").as_str().filter(|text| !text.is_empty());
        (ConsumerKey::new(client), secret.map(|secret| Secret::new(secret.to_owned())))
    })
}

/// Makes a client for keys; its secret is in this answer only.
async fn make(
    control: &Control,
    application: &ApplicationRow,
    (key_type, settings): (String, ClientSettings),
    chosen: Chosen,
) -> Result<(ApplicationKeyRow, Option<Secret<String>>), ControlError> {
    let request = NewClient {
        tenant: application.tenant,
        owner: application.owner.clone(),
        name: client_name(application, &key_type),
        settings,
        chosen,
    };
    let (client, secret) = control.ports().key_manager.create_client(request).await?;
    let row = ApplicationKeyRow {
        id: KeyMappingId::new(control.uuid()),
        tenant: application.tenant,
        application: application.id,
        key_type,
        key_manager: RESIDENT.to_owned(),
        consumer_key: client.consumer_key,
        mode: "CREATED".to_owned(),
        document: document(&client.settings),
    };
    Ok((row, secret))
}

/// Removes the client of keys that somebody else was faster with: it belongs to nobody.
async fn undo_unless_kept(
    control: &Control,
    row: &ApplicationKeyRow,
    kept: Result<(), ControlError>,
) -> Result<(), ControlError> {
    // A gateway that cannot be reached does not undo what was saved.
    if kept.as_ref().is_err_and(|error| error.kind != FaultKind::Unavailable) {
        remove_client(control, row.tenant, &row.consumer_key).await;
    }
    kept
}

/// Keys of an application that was never approved would work with whatever does not look at applications.
fn refuse_unapproved(application: &ApplicationRow) -> Result<(), ControlError> {
    if is_approved(&application.status) {
        return Ok(());
    }
    Err(ControlError::forbidden(format!(
        "The application {} is not approved yet. Wait for an administrator of your tenant.",
        application.name
    )))
}

/// A request that waits is kept as it is, so it holds no secret.
fn refuse_secret(input: &Value) -> Result<(), ControlError> {
    if input.at("clientSecret").as_str().is_none_or(str::is_empty) {
        return Ok(());
    }
    Err(ControlError::invalid(
        "clientSecret: these keys wait for an administrator. Leave it out, and make a secret when they are approved.",
    ))
}

async fn ask(
    control: &Control,
    actor: &Actor,
    target: (&ApplicationRow, &str),
    wish: (&WorkflowRule, &Value),
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let shown = application_registration::ask(control, &mut work, actor, target, wish).await?;
    work.save().await?;
    Ok(shown)
}

/// Makes the keys of a request that was approved, and closes it.
pub(crate) async fn register_approved(
    decision: &Decision<'_>,
    application: &ApplicationRow,
) -> Result<(), ControlError> {
    let (control, asked) = (decision.control, decision.asked());
    let mapped = asked.at("mapped");
    let (row, made) = if mapped.is_null() {
        let (kind, settings) = wanted(control, application, asked)?;
        let mut work = control.read().await?;
        refuse_second(&mut work, application, &kind, RESIDENT).await?;
        work.cancel().await?;
        (make(control, application, (kind, settings), chosen(asked)).await?.0, true)
    } else {
        let text = |field: &str| mapped.at(field).as_str().unwrap_or_default().to_owned();
        let row = ApplicationKeyRow {
            id: KeyMappingId::new(control.uuid()),
            tenant: application.tenant,
            application: application.id,
            key_type: text("keyType"),
            key_manager: text("keyManager"),
            consumer_key: ConsumerKey::new(text("consumerKey")),
            mode: "MAPPED".to_owned(),
            document: mapped.at("document").clone(),
        };
        (row, false)
    };
    let kept = close_registration(decision, &row).await;
    if made { undo_unless_kept(control, &row, kept).await } else { kept }
}

async fn close_registration(decision: &Decision<'_>, row: &ApplicationKeyRow) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    application_key::insert(&mut work, row, decision.control.now()).await?;
    decision.keep(work, Effect::Everything).await
}

/// A client's name: owner, application and key type, reduced to what OAuth servers take.
fn client_name(application: &ApplicationRow, kind: &str) -> String {
    let name = format!("{}_{}_{kind}", application.owner, application.name);
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    format!("{plain}_{}", application.id)
}

async fn keep(
    control: &Control,
    actor: &Actor,
    row: &ApplicationKeyRow,
    action: &'static str,
) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    application_key::insert(&mut work, row, control.now()).await?;
    let target = format!("application/{}/key/{}", row.application, row.id);
    control.commit(work, actor, Change::served(action, &target)).await
}

/// Maps a client that exists already to an application.
///
/// A client of the resident key manager must prove itself with its secret, or anybody could claim another's client.
pub(crate) async fn map(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let application = owned(&mut work, actor, id).await?;
    let manager = input.at("keyManager").as_str().filter(|name| !name.is_empty()).unwrap_or(RESIDENT);
    let manager = registry::resolve(control, &mut work, actor, manager).await?;
    let manager_name = manager.at("name").as_str().unwrap_or_default().to_owned();
    let mut faults = Vec::new();
    let kind = key_type(input, &mut faults);
    let consumer_key = input.at("consumerKey").as_str().unwrap_or_default().trim().to_owned();
    if consumer_key.is_empty() || consumer_key.len() > 255 {
        faults.push("consumerKey: is missing.".to_owned());
    }
    if manager.at("enableMapOAuthConsumerApps") != true {
        faults.push(format!("keyManager: {manager_name} does not allow mapping clients."));
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    refuse_second(&mut work, &application, &kind, &manager_name).await?;
    let consumer_key = ConsumerKey::new(consumer_key);
    if application_key::find_by_consumer_key(&mut work, &consumer_key).await?.is_some() {
        return Err(ControlError::conflict("This client belongs to an application already."));
    }
    work.cancel().await?;
    let document = if manager_name == RESIDENT {
        let port = &control.ports().key_manager;
        let secret = Secret::new(input.at("consumerSecret").as_str().unwrap_or_default().to_owned());
        let client = port.find_client(actor.tenant(), &consumer_key).await?;
        let proved = match &client {
            Some(_) => port.verify_secret(actor.tenant(), &consumer_key, &secret).await?,
            None => false,
        };
        match client {
            Some(client) if proved => document(&client.settings),
            // One answer for an unknown client and a wrong secret.
            _ => return Err(ControlError::invalid("The consumer key or the consumer secret is wrong.")),
        }
    } else {
        json!({"supportedGrantTypes": manager.at("availableGrantTypes"), "callbackUrl": Value::Null,
               "additionalProperties": Map::new()})
    };
    let row = ApplicationKeyRow {
        id: KeyMappingId::new(control.uuid()),
        tenant: actor.tenant(),
        application: id,
        key_type: kind,
        key_manager: manager_name,
        consumer_key,
        mode: "MAPPED".to_owned(),
        document,
    };
    let mut work = control.read().await?;
    let kind = application_registration::of_type(&row.key_type);
    let rule = workflow::rule(control, &mut work, actor.tenant(), kind).await?;
    work.cancel().await?;
    // Who brings a client along must not get around the approval of keys.
    if let Some(rule) = rule {
        let asked = json!({"mapped": {
            "keyType": row.key_type,
            "keyManager": row.key_manager,
            "consumerKey": row.consumer_key.as_str(),
            "document": row.document,
        }});
        return ask(control, actor, (&application, &row.key_type), (&rule, &asked)).await;
    }
    refuse_unapproved(&application)?;
    keep(control, actor, &row, "devportal.keys.map").await?;
    Ok(shown(&row, None))
}

/// One key mapping of one of the actor's applications.
pub(super) async fn find(
    work: &mut UnitOfWork,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<(ApplicationRow, ApplicationKeyRow), ControlError> {
    let application = owned(work, actor, id).await?;
    let key = application_key::find(work, actor.tenant(), id, mapping).await?;
    key.map(|key| (application, key))
        .ok_or_else(|| ControlError::not_found(format!("The application has no keys with the id {mapping}.")))
}

/// The mapping of the resident key manager for a key type, for WSO2's older paths.
pub(crate) async fn of_type(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    kind: &str,
) -> Result<KeyMappingId, ControlError> {
    let mut work = control.read().await?;
    owned(&mut work, actor, id).await?;
    let keys = application_key::of_application(&mut work, actor.tenant(), id).await?;
    keys.iter()
        .find(|key| key.key_type.eq_ignore_ascii_case(kind) && key.key_manager == RESIDENT)
        .map(|key| key.id)
        .ok_or_else(|| ControlError::not_found(format!("The application has no {kind} keys.")))
}

/// `{count, list}` of all keys of an application.
pub(crate) async fn list(control: &Control, actor: &Actor, id: ApplicationId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let application = sharing::visible(control, &mut work, actor, id).await?;
    let keys = application_key::of_application(&mut work, actor.tenant(), id).await?;
    let mut list: Vec<Value> = keys.iter().map(|key| shown(key, None)).collect();
    list.extend(application_registration::of_application(&mut work, &application).await?);
    Ok(json!({"count": list.len(), "list": list}))
}

/// One key mapping.
pub(crate) async fn get(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let application = owned(&mut work, actor, id).await?;
    if let Some((_, waiting)) = application_registration::find(&mut work, &application, mapping).await? {
        return Ok(waiting);
    }
    Ok(shown(&find(&mut work, actor, id, mapping).await?.1, None))
}

/// Changes grant types, callback and further properties.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (application, mut row) = find(&mut work, actor, id, mapping).await?;
    work.cancel().await?;
    let mut faults = Vec::new();
    let mut wanted = settings(control, input, "supportedGrantTypes", &application.token_type, &mut faults);
    if row.key_manager != RESIDENT {
        faults.push(format!("The client is managed by {}; change it there.", row.key_manager));
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    if input.at("additionalProperties").is_null() {
        wanted.properties = row.document.at("additionalProperties").as_object().cloned().unwrap_or_default();
    }
    let client = control.ports().key_manager.update_client(actor.tenant(), &row.consumer_key, wanted).await?;
    row.document = document(&client.settings);
    let mut work = control.begin().await?;
    application_key::update(&mut work, actor.tenant(), mapping, &row.document).await?;
    let target = format!("application/{id}/key/{mapping}");
    control.commit(work, actor, Change::managed("devportal.keys.update", &target)).await?;
    Ok(shown(&row, None))
}

/// Removes keys; a client made for them goes with them. Keys that wait for an administrator are withdrawn.
pub(crate) async fn remove(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let application = owned(&mut work, actor, id).await?;
    if let Some((request, _)) = application_registration::find(&mut work, &application, mapping).await? {
        store::repository::workflow::remove(&mut work, request.id).await?;
        let target = format!("application/{id}/workflow/{}", request.id);
        return control.commit(work, actor, Change::managed("devportal.keys.withdraw", &target)).await;
    }
    let (_, row) = find(&mut work, actor, id, mapping).await?;
    application_key::delete(&mut work, actor.tenant(), mapping).await?;
    let target = format!("application/{id}/key/{mapping}");
    control.commit(work, actor, Change::served("devportal.keys.delete", &target)).await?;
    if row.mode == "CREATED" && row.key_manager == RESIDENT {
        remove_client(control, actor.tenant(), &row.consumer_key).await;
    }
    Ok(())
}
