//! AI service providers, for administrators and for publishers who make APIs of them.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content, text};

use super::actor;
use crate::field::Field;
use crate::{Control, ControlError, ai_provider};

const VIEW: &[&str] = &["apim:admin", "apim:llm_provider_read"];
const MANAGE: &[&str] = &["apim:admin", "apim:llm_provider_manage"];
const PUBLISH: &[&str] = &["apim:llm_provider_read", "apim:api_view", "apim:api_create", "apim:api_manage"];
const PATH: &str = "/api/am/admin/v4/ai-service-providers";
const ONE: &str = "/api/am/admin/v4/ai-service-providers/{providerId}";
const OFFERED: &str = "/api/am/publisher/v4/ai-service-providers";
const OFFER: &str = "/api/am/publisher/v4/ai-service-providers/{providerId}";
/// A provider's OpenAPI document may be as large as any other.
const LIMIT: usize = 11 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let create_one = Operation::new("admin.ai-service-providers.create", "POST", PATH, "Add an AI service provider");
    let update_one = Operation::new("admin.ai-service-providers.update", "PUT", ONE, "Change an AI service provider");
    RouteTable::new()
        .guarded(Operation::new("admin.ai-service-providers.list", "GET", PATH, "List AI providers"), VIEW, list)
        .guarded(create_one.body_limit(LIMIT), MANAGE, create)
        .guarded(Operation::new("admin.ai-service-providers.get", "GET", ONE, "Read an AI provider"), VIEW, get)
        .guarded(update_one.body_limit(LIMIT), MANAGE, update)
        .guarded(Operation::new("admin.ai-service-providers.delete", "DELETE", ONE, "Remove one"), MANAGE, delete)
        .guarded(Operation::new("publisher.ai-service-providers.list", "GET", OFFERED, "List them"), PUBLISH, list)
        .guarded(Operation::new("publisher.ai-service-providers.get", "GET", OFFER, "Read one"), PUBLISH, get)
        .guarded(
            Operation::new(
                "publisher.ai-service-providers.api-definition",
                "GET",
                "/api/am/publisher/v4/ai-service-providers/{providerId}/api-definition",
                "Read an AI service provider's OpenAPI document",
            ),
            PUBLISH,
            definition,
        )
        .guarded(
            Operation::new(
                "publisher.ai-service-providers.models",
                "GET",
                "/api/am/publisher/v4/ai-service-providers/{providerId}/models",
                "List an AI service provider's models",
            ),
            PUBLISH,
            models,
        )
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &ai_provider::list(&control, &actor).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let made = ai_provider::create(&control, &actor, &call.multipart().await?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("id").as_str().unwrap_or_default()), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &ai_provider::get(&control, &actor, call.path("providerId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let form = call.multipart().await?;
    Ok(json(StatusCode::OK, &ai_provider::update(&control, &actor, call.path("providerId")?, &form).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    ai_provider::delete(&control, &actor, call.path("providerId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn definition(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let provider = ai_provider::get(&control, &actor, call.path("providerId")?).await?;
    let document = provider.at("apiDefinition").as_str().unwrap_or_default();
    let is_json = document.trim_start().starts_with('{');
    Ok(text(StatusCode::OK, if is_json { "application/json" } else { "application/yaml" }, document))
}

async fn models(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let provider = ai_provider::get(&control, &actor, call.path("providerId")?).await?;
    Ok(json(StatusCode::OK, provider.at("modelProviders")))
}
