//! APIs as administrators see them: who provides which.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as object;
use store::repository::{api, tenant};
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::actor;
use crate::api::page::Page;
use crate::publishing::load::{parse, store_document};
use crate::publishing::search::Query;
use crate::{Change, Control, ControlError, discovery};

const SCOPES: &[&str] = &["apim:admin", "apim:api_provider_change"];

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.apis.list", "GET", "/api/am/admin/v4/apis", "Find APIs"), SCOPES, list)
        .guarded(
            Operation::new(
                "admin.apis.change-provider",
                "POST",
                "/api/am/admin/v4/apis/{apiId}/change-provider",
                "Name another provider of an API",
            ),
            SCOPES,
            change_provider,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let page = Page::of(&call)?;
    let query = Query::parse(call.query("query").unwrap_or_default());
    let mut work = control.read().await?;
    let mut found = Vec::new();
    for row in api::list(&mut work, actor.tenant()).await? {
        if query.matches(&row, &parse(&row)?) {
            found.push(object!({
                "id": row.id.to_string(), "name": row.name, "version": row.version, "provider": row.provider,
            }));
        }
    }
    let mut answer = page.answer(found);
    if let Some(fields) = answer.as_object_mut() {
        // WSO2 calls this list `apis`.
        let list = fields.remove("list").unwrap_or_default();
        fields.insert("apis".into(), list);
    }
    Ok(json(StatusCode::OK, &answer))
}

async fn change_provider(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path_id("apiId")?;
    let provider = call.query("provider").unwrap_or_default().trim();
    if provider.is_empty() || provider.chars().count() > 200 || provider.chars().any(char::is_control) {
        return Err(ControlError::invalid("provider: 1 to 200 characters."));
    }
    let mut work = control.begin().await?;
    let foreign = match provider.rsplit_once('@') {
        Some((_, domain)) if !domain.eq_ignore_ascii_case(actor.tenant_info().domain.as_str()) => {
            // In the super tenant a name may be a mail address.
            !actor.tenant().is_super() || tenant::by_domain(&mut work, domain).await?.is_some()
        }
        Some(_) => false,
        None => !actor.tenant().is_super(),
    };
    if foreign {
        return Err(
            ControlError::invalid(format!("provider: {provider} is no user of this tenant.")).with_code(901_409)
        );
    }
    let mut row = api::find(&mut work, actor.tenant(), id).await?.ok_or_else(|| discovery::unknown(id))?;
    let mut document = parse(&row)?;
    document.set("provider", provider);
    store_document(&mut row, &document)?;
    provider.clone_into(&mut row.provider);
    row.updated_at = control.now();
    row.updated_by = actor.name();
    api::update(&mut work, &row).await?;
    let target = format!("api/{id}");
    control.commit(work, &actor, Change::served("admin.apis.change-provider", &target)).await?;
    Ok(no_content(StatusCode::OK))
}
