//! AI service providers: how the answers of a vendor's API are read, and the definition its APIs start from.

mod built_in;

use model::snapshot::TokenUsage;
use model::{ApiDocument, TenantId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};
use web::FormParts;

use crate::field::Field;
use crate::throttling::check::refused;
use crate::{Actor, Change, Control, ControlError};

/// Checks the form of a provider; the result is what is kept.
fn checked(id: &str, form: &FormParts, old: Option<&Value>) -> Result<Value, ControlError> {
    let mut faults = Vec::new();
    let given = |field: &str| {
        let former = old.and_then(|old| old.at(field).as_str()).map(str::to_owned);
        form.text(field).or(former).unwrap_or_default()
    };
    for field in ["name", "apiVersion"] {
        let length = given(field).chars().count();
        if length == 0 || length > 255 || given(field).chars().any(char::is_control) {
            faults.push(format!("{field}: 1 to 255 characters."));
        }
    }
    let configurations = given("configurations");
    if !serde_json::from_str::<Value>(&configurations).is_ok_and(|value| value.is_object()) {
        faults.push("configurations: a JSON object.".to_owned());
    }
    let definition = given("apiDefinition");
    if let Err(reasons) = crate::definition::OpenApi::parse(definition.as_bytes()) {
        let first = reasons.first().map(ToString::to_string).unwrap_or_default();
        faults.push(format!("apiDefinition: {first}."));
    }
    let models = match form.text("modelProviders").filter(|text| !text.trim().is_empty()) {
        Some(text) => serde_json::from_str::<Value>(&text).unwrap_or_default(),
        None => old.map_or_else(|| json!([]), |old| old.at("modelProviders").clone()),
    };
    let fits = |entry: &Value| entry.at("name").is_string() && entry.at("models").is_array();
    if !models.as_array().is_some_and(|list| list.len() <= 100 && list.iter().all(fits)) {
        faults.push("modelProviders: a list of at most 100 objects with name and models.".to_owned());
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    Ok(json!({
        "id": id,
        "name": given("name"),
        "apiVersion": given("apiVersion"),
        "builtInSupport": false,
        "multipleModelProviderSupport": given("multipleModelProviderSupport") == "true",
        "description": given("description"),
        "configurations": configurations,
        "apiDefinition": definition,
        "modelProviders": models,
        "deprecated": false,
    }))
}

/// Name and version together are unique.
fn key(document: &Value) -> String {
    format!(
        "{}:{}",
        document.at("name").as_str().unwrap_or_default(),
        document.at("apiVersion").as_str().unwrap_or_default()
    )
}

/// Adds a provider.
pub(crate) async fn create(control: &Control, actor: &Actor, form: &FormParts) -> Result<Value, ControlError> {
    let id = control.uuid();
    let document = checked(&id.to_string(), form, None)?;
    if built_in::all().iter().any(|provider| key(provider) == key(&document)) {
        return Err(ControlError::conflict("There is a built-in AI service provider of this name and version."));
    }
    let row = ItemRow { id, tenant: actor.tenant(), name: key(&document), document };
    let mut work = control.begin().await?;
    catalogue::insert(&mut work, ItemKind::AiProvider, &row, control.now()).await?;
    let target = format!("ai-service-provider/{id}");
    control.commit(work, actor, Change::managed("admin.ai-service-providers.create", &target)).await?;
    Ok(row.document)
}

async fn find(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<ItemRow, ControlError> {
    let unknown = || ControlError::not_found(format!("There is no AI service provider with the id {id}."));
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, ItemKind::AiProvider, actor.tenant(), id).await?.ok_or_else(unknown)
}

/// How the answers of an AI API say what they cost; by its provider's metadata, those of the tenant before the built-in ones.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn token_usage(
    work: &mut UnitOfWork,
    tenant: TenantId,
    api: &ApiDocument,
) -> Result<Option<TokenUsage>, ControlError> {
    let Some(named) = api.get("subtypeConfiguration").map(|subtype| subtype.at("configuration")) else {
        return Ok(None);
    };
    // WSO2's consoles send the configuration as text, its tools as an object.
    let read = named.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| named.clone());
    let text = |field: &str| read.at(field).as_str().unwrap_or_default().to_owned();
    let name = format!("{}:{}", text("llmProviderName"), text("llmProviderApiVersion"));
    let own = catalogue::find_by_name(work, ItemKind::AiProvider, tenant, &name).await?.map(|row| row.document);
    let provider = own.or_else(|| built_in::all().into_iter().find(|provider| key(provider) == name));
    let Some(provider) = provider else { return Ok(None) };
    let configurations = provider.at("configurations");
    let parsed = configurations.as_str().and_then(|text| serde_json::from_str(text).ok());
    let metadata: Value = parsed.unwrap_or_else(|| configurations.clone()).at("metadata").clone();
    let path = |attribute: &str| -> Vec<String> {
        let entries = metadata.as_array().map(Vec::as_slice).unwrap_or_default();
        let entry = entries.iter().find(|e| e.at("attributeName") == attribute && e.at("inputSource") == "payload");
        let place = entry.and_then(|e| e.at("attributeIdentifier").as_str()).and_then(|place| place.strip_prefix("$."));
        place.map(|place| place.split('.').map(str::to_owned).collect()).unwrap_or_default()
    };
    Ok(Some(TokenUsage {
        prompt: path("promptTokenCount"),
        completion: path("completionTokenCount"),
        total: path("totalTokenCount"),
    }))
}

fn unchangeable() -> ControlError {
    ControlError::forbidden("This AI service provider is built in. Add one of your own under another name or version.")
}

/// One provider.
pub(crate) async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    if let Some(provider) = built_in::find(id) {
        return Ok(provider);
    }
    let mut work = control.read().await?;
    Ok(find(&mut work, actor, id).await?.document)
}

/// Replaces what the form names.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    id: &str,
    form: &FormParts,
) -> Result<Value, ControlError> {
    if built_in::find(id).is_some() {
        return Err(unchangeable());
    }
    let mut work = control.begin().await?;
    let mut row = find(&mut work, actor, id).await?;
    row.document = checked(id, form, Some(&row.document))?;
    row.name = key(&row.document);
    catalogue::update(&mut work, ItemKind::AiProvider, &row).await?;
    let target = format!("ai-service-provider/{id}");
    control.commit(work, actor, Change::managed("admin.ai-service-providers.update", &target)).await?;
    Ok(row.document)
}

/// Removes a provider.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    if built_in::find(id).is_some() {
        return Err(unchangeable());
    }
    let mut work = control.begin().await?;
    let row = find(&mut work, actor, id).await?;
    catalogue::delete(&mut work, ItemKind::AiProvider, actor.tenant(), row.id).await?;
    let target = format!("ai-service-provider/{id}");
    control.commit(work, actor, Change::managed("admin.ai-service-providers.delete", &target)).await
}

/// `{count, list}` without definitions.
pub(crate) async fn list(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let short = ["id", "name", "apiVersion", "builtInSupport", "description", "deprecated"];
    let rows = catalogue::list(&mut work, ItemKind::AiProvider, actor.tenant()).await?;
    let list: Vec<Value> = built_in::all()
        .iter()
        .chain(rows.iter().map(|row| &row.document))
        .map(|provider| short.iter().map(|field| ((*field).to_owned(), provider.at(field).clone())).collect())
        .map(Value::Object)
        .collect();
    Ok(json!({"count": list.len(), "list": list}))
}
