//! Registered key managers: create, read, change, remove, and what the gateway must know to accept their tokens.

pub(crate) mod keys;
mod served;

pub(crate) use served::issuer_of;

use model::TenantId;
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::application_key;
use store::repository::catalogue::{self, ItemKind, ItemRow};
use uuid::Uuid;

use super::RESIDENT;
use super::known::Connector;
use crate::field::Field;
use crate::throttling::check::{check_permissions, refused};
use crate::{Actor, Change, Control, ControlError};

/// What stands in place of a secret.
const MASK: &str = "*****";
/// Public keys of the issuer, and until when they are relied on although they cannot be fetched again, milliseconds since
/// the Unix epoch. Kept with the document but not part of the REST object.
const KEYS: &str = "portcullisKeys";
const KEYS_UNTIL: &str = "portcullisKeysUntil";

const ENDPOINTS: [&str; 11] = [
    "wellKnownEndpoint",
    "introspectionEndpoint",
    "clientRegistrationEndpoint",
    "tokenEndpoint",
    "displayTokenEndpoint",
    "revokeEndpoint",
    "displayRevokeEndpoint",
    "userInfoEndpoint",
    "authorizeEndpoint",
    "scopeManagementEndpoint",
    "logoutEndpoint",
];

/// The key manager that is part of this server, as one of a tenant.
pub(crate) fn resident(control: &Control, tenant: TenantId, domain: &str) -> Value {
    let base = &control.settings().console_url;
    let prefix = if tenant.is_super() { String::new() } else { format!("/t/{domain}") };
    json!({
        "id": resident_id(tenant).to_string(),
        "name": RESIDENT,
        "displayName": RESIDENT,
        "type": "default",
        "description": "The key manager of this server",
        "issuer": format!("{base}{prefix}/oauth2/token"),
        "introspectionEndpoint": format!("{base}{prefix}/oauth2/introspect"),
        "clientRegistrationEndpoint": format!("{base}/client-registration/v0.17/register"),
        "tokenEndpoint": format!("{base}{prefix}/oauth2/token"),
        "revokeEndpoint": format!("{base}{prefix}/oauth2/revoke"),
        "userInfoEndpoint": format!("{base}{prefix}/oauth2/userinfo"),
        "authorizeEndpoint": format!("{base}{prefix}/oauth2/authorize"),
        "certificates": {"type": "JWKS", "value": format!("{base}{prefix}/oauth2/jwks")},
        "availableGrantTypes": control.settings().portal.grant_types,
        "enableTokenGeneration": true,
        "enableTokenEncryption": false,
        "enableTokenHashing": false,
        "enableMapOAuthConsumerApps": true,
        "enableOAuthAppCreation": true,
        "enableSelfValidationJWT": true,
        "claimMapping": [],
        "consumerKeyClaim": "azp",
        "scopesClaim": "scope",
        "tokenValidation": [],
        "enabled": true,
        "tokenType": "DIRECT",
        "additionalProperties": {},
        "permissions": {"permissionType": "PUBLIC", "roles": []},
        "allowedOrganizations": ["ALL"],
    })
}

/// A fixed id per tenant: the resident key manager is not stored.
const fn resident_id(tenant: TenantId) -> Uuid {
    let number = tenant.number().cast_unsigned() as u128;
    Uuid::from_u128(0x7265_7369_6465_4e74_8000_0000_0000_0000_u128 | (number & 0x7fff_ffff_ffff_ffff))
}

/// A stored key manager as the Admin API shows it: secrets masked.
fn shown(row: &ItemRow) -> Value {
    let mut document = row.document.clone();
    let connector = document.at("type").as_str().and_then(Connector::find);
    if let Some(object) = document.as_object_mut() {
        object.remove(KEYS);
        object.remove(KEYS_UNTIL);
        if let (Some(connector), Some(Value::Object(properties))) = (connector, object.get_mut("additionalProperties"))
        {
            for field in connector.fields.iter().filter(|field| field.secret) {
                if let Some(value) = properties.get_mut(field.name) {
                    *value = json!(MASK);
                }
            }
        }
    }
    document
}

/// All key managers of a tenant with their whole objects, the resident one first.
pub(crate) async fn all(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
    domain: &str,
) -> Result<Vec<Value>, ControlError> {
    let mut list = vec![resident(control, tenant, domain)];
    list.extend(catalogue::list(work, ItemKind::KeyManager, tenant).await?.iter().map(shown));
    Ok(list)
}

/// `{count, list}` of short entries.
pub async fn list(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let whole = all(control, &mut work, actor.tenant(), actor.tenant_info().domain.as_str()).await?;
    let short = ["id", "name", "displayName", "type", "description", "enabled", "tokenType"];
    let list: Vec<Value> = whole
        .iter()
        .map(|entry| Value::Object(short.iter().map(|field| ((*field).to_owned(), entry.at(field).clone())).collect()))
        .collect();
    Ok(json!({"count": list.len(), "list": list}))
}

async fn find(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<ItemRow, ControlError> {
    let unknown = || ControlError::not_found(format!("There is no key manager with the id {id}."));
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, ItemKind::KeyManager, tenant, id).await?.ok_or_else(unknown)
}

/// A key manager by name or id, as applications refer to it.
pub(crate) async fn resolve(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    name_or_id: &str,
) -> Result<Value, ControlError> {
    let whole = all(control, work, actor.tenant(), actor.tenant_info().domain.as_str()).await?;
    whole
        .into_iter()
        .find(|entry| entry.at("name") == name_or_id || entry.at("id") == name_or_id)
        .ok_or_else(|| ControlError::invalid(format!("There is no key manager {name_or_id:?}.")).with_code(900_347))
}

/// One key manager by id.
pub async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    if id == resident_id(actor.tenant()).to_string() {
        return Ok(resident(control, actor.tenant(), actor.tenant_info().domain.as_str()));
    }
    let mut work = control.read().await?;
    Ok(shown(&find(&mut work, actor.tenant(), id).await?))
}

/// Registers a key manager.
pub async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let id = control.uuid();
    let mut document = checked(control, id, input, None)?;
    let keys = keys::of(control, &document).await;
    served::insert_keys(control, &mut document, keys);
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut work = control.begin().await?;
    let taken = catalogue::find_by_name(&mut work, ItemKind::KeyManager, actor.tenant(), &name).await?.is_some();
    if taken || name == RESIDENT {
        return Err(ControlError::conflict(format!("A key manager named {name} exists already.")).with_code(901_409));
    }
    let row = ItemRow { id, tenant: actor.tenant(), name, document: Value::Object(document) };
    catalogue::insert(&mut work, ItemKind::KeyManager, &row, control.now()).await?;
    let target = format!("key-manager/{id}");
    control.commit(work, actor, Change::served("admin.key-managers.create", &target)).await?;
    Ok(shown(&row))
}

/// Replaces a key manager; name and type stay. Masked secrets keep their value.
pub async fn update(control: &Control, actor: &Actor, id: &str, input: &Value) -> Result<Value, ControlError> {
    if id == resident_id(actor.tenant()).to_string() {
        return Err(ControlError::invalid(
            "The resident key manager follows the configuration and cannot be changed here.",
        ));
    }
    let mut work = control.read().await?;
    let old = find(&mut work, actor.tenant(), id).await?;
    work.cancel().await?;
    let mut named = input.clone();
    if let Some(object) = named.as_object_mut() {
        object.insert("name".into(), json!(old.name));
    }
    let mut document = checked(control, old.id, &named, Some(&old.document))?;
    let keys = keys::of(control, &document).await;
    served::insert_keys(control, &mut document, keys);
    let row = ItemRow { document: Value::Object(document), ..old };
    let mut work = control.begin().await?;
    if !catalogue::update(&mut work, ItemKind::KeyManager, &row).await? {
        return Err(ControlError::not_found(format!("There is no key manager with the id {id}.")));
    }
    let target = format!("key-manager/{id}");
    control.commit(work, actor, Change::served("admin.key-managers.update", &target)).await?;
    Ok(shown(&row))
}

/// Removes a key manager that no application has keys from.
pub async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    if id == resident_id(actor.tenant()).to_string() {
        return Err(ControlError::invalid("The resident key manager cannot be removed."));
    }
    let mut work = control.begin().await?;
    let row = find(&mut work, actor.tenant(), id).await?;
    let keys = application_key::count_of_key_manager(&mut work, actor.tenant(), &row.name).await?;
    if keys > 0 {
        return Err(ControlError::conflict(format!(
            "{keys} applications have keys of {}. Remove those keys first.",
            row.name
        )));
    }
    catalogue::delete(&mut work, ItemKind::KeyManager, actor.tenant(), row.id).await?;
    let target = format!("key-manager/{id}");
    control.commit(work, actor, Change::served("admin.key-managers.delete", &target)).await
}

/// Checks a key manager object; secrets come out sealed.
fn checked(
    control: &Control,
    id: Uuid,
    input: &Value,
    old: Option<&Value>,
) -> Result<Map<String, Value>, ControlError> {
    let mut faults = Vec::new();
    let name = input.at("name").as_str().unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        faults.push("name: 1 to 100 characters.".to_owned());
    }
    let kind = input.at("type").as_str().unwrap_or_default();
    if old.is_some_and(|old| old.at("type") != kind) {
        faults.push("type: cannot be changed. Register another key manager instead.".to_owned());
    }
    let Some(connector) = Connector::find(kind) else {
        let known: Vec<&str> = super::known::CONNECTORS.iter().map(|c| c.name).collect();
        faults.push(format!("type: one of {}.", known.join(", ")));
        return Err(refused(faults));
    };
    check_addresses(control, input, &mut faults);
    let mut properties = input.at("additionalProperties").clone();
    keep_masked(connector, &mut properties, old);
    for field in connector.missing(&properties) {
        faults.push(format!("additionalProperties.{field}: is missing."));
    }
    if !matches!(input.at("tokenType").as_str(), None | Some("DIRECT" | "EXCHANGED" | "BOTH")) {
        faults.push("tokenType: DIRECT, EXCHANGED or BOTH.".to_owned());
    }
    if input.at("permissions").is_object() {
        check_permissions(input.at("permissions"), &mut faults);
    }
    if !faults.is_empty() {
        let mut error = refused(faults);
        error.code = 900_400;
        return Err(error);
    }
    seal(control, id, connector, &mut properties)?;
    Ok(filled(id, input, connector, properties))
}

fn check_addresses(control: &Control, input: &Value, faults: &mut Vec<String>) {
    for field in ENDPOINTS {
        let text = input.at(field).as_str().unwrap_or_default();
        if !(text.is_empty() || text == "none" || is_web_address(text)) {
            faults.push(format!("{field}: an http or https URL."));
        }
    }
    let issuer = input.at("issuer").as_str().unwrap_or_default();
    if issuer.len() > 1000 {
        faults.push("issuer: the value of the claim iss of its tokens, at most 1000 characters.".to_owned());
    }
    if issuer.starts_with(&control.settings().console_url) {
        faults.push("issuer: this is our own issuer; another key manager cannot speak for it.".to_owned());
    }
    let certificates = input.at("certificates");
    match (certificates.at("type").as_str(), certificates.at("value").as_str()) {
        // Who could change the answer on its way would sign tokens for every application.
        (Some("JWKS"), Some(url)) if !(url.is_empty() || is_protected(url)) => {
            faults.push(
                "certificates.value: an https URL; http only for this machine, localhost (guideline A06).".to_owned(),
            );
        }
        (Some("PEM"), Some(text)) if !text.is_empty() => {
            if let Err(reason) = keys::from_pem(text) {
                faults.push(format!("certificates.value: {reason}."));
            }
        }
        (None | Some("JWKS" | "PEM"), _) => {}
        _ => faults.push("certificates.type: JWKS or PEM.".to_owned()),
    }
}

/// Whether nobody between us and the server can change what it answers: https, or this machine.
pub(super) fn is_protected(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let local = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => local,
        _ => false,
    }
}

pub(crate) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let uri: Option<http::Uri> = text.parse().ok();
    rest.is_some() && uri.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// A masked or absent secret keeps the value it had.
fn keep_masked(connector: &Connector, properties: &mut Value, old: Option<&Value>) {
    let Some(old) = old else { return };
    for field in connector.fields.iter().filter(|field| field.secret) {
        let former = old.at("additionalProperties").at(field.name);
        if let Some(object) = properties.as_object_mut() {
            let masked = object.get(field.name).is_none_or(|value| value == MASK);
            if masked && !former.is_null() {
                object.insert(field.name.to_owned(), former.clone());
            }
        }
    }
}

/// Seals the secrets that are not sealed yet.
fn seal(control: &Control, id: Uuid, connector: &Connector, properties: &mut Value) -> Result<(), ControlError> {
    for field in connector.fields.iter().filter(|field| field.secret) {
        if let Some(value) = properties.get_mut(field.name) {
            let Some(text) = value.as_str() else { continue };
            let context = format!("key-manager/{id}/{}", field.name);
            // A kept value opens under its own context; anything a caller could invent does not.
            if control.ports().sealer.open(text, &context).is_ok() {
                continue;
            }
            let sealed = control.ports().sealer.seal(text.as_bytes(), &context).map_err(ControlError::internal)?;
            *value = json!(sealed);
        }
    }
    Ok(())
}

/// The object with every field, as WSO2 answers it.
fn filled(id: Uuid, input: &Value, connector: &Connector, properties: Value) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("id".into(), json!(id.to_string()));
    document.insert("name".into(), json!(input.at("name").as_str().unwrap_or_default().trim()));
    for field in ["displayName", "type", "description", "issuer", "alias"].iter().chain(&ENDPOINTS) {
        document.insert((*field).to_owned(), input.at(field).clone());
    }
    for field in ["certificates", "endpoints"] {
        document.insert(field.into(), input.at(field).clone());
    }
    for field in ["availableGrantTypes", "claimMapping", "tokenValidation"] {
        document.insert(field.into(), Value::Array(input.at(field).as_array().cloned().unwrap_or_default()));
    }
    for (field, default) in [
        ("enableTokenGeneration", true),
        ("enableTokenEncryption", false),
        ("enableTokenHashing", false),
        ("enableMapOAuthConsumerApps", false),
        ("enableOAuthAppCreation", false),
        ("enableProvisionedAppValidation", true),
        ("enableSelfValidationJWT", true),
        ("enabled", true),
    ] {
        document.insert(field.into(), json!(input.at(field).as_bool().unwrap_or(default)));
    }
    let claim =
        |field: &str, default: &str| json!(input.at(field).as_str().filter(|c| !c.is_empty()).unwrap_or(default));
    document.insert("consumerKeyClaim".into(), claim("consumerKeyClaim", connector.consumer_key_claim));
    document.insert("scopesClaim".into(), claim("scopesClaim", connector.scopes_claim));
    document.insert("tokenType".into(), json!(input.at("tokenType").as_str().unwrap_or("DIRECT")));
    document.insert("additionalProperties".into(), properties);
    let permissions = match input.at("permissions") {
        Value::Object(object) => Value::Object(object.clone()),
        _ => json!({"permissionType": "PUBLIC", "roles": []}),
    };
    document.insert("permissions".into(), permissions);
    let organizations = input.at("allowedOrganizations").as_array().cloned().unwrap_or_else(|| vec![json!("ALL")]);
    document.insert("allowedOrganizations".into(), Value::Array(organizations));
    document
}
