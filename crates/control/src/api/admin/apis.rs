//! APIs as administrators see them: who provides which.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as object;
use store::repository::api::{self, ApiOrder, ApiSearch, Kinds};
use store::repository::tenant;
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::actor;
use crate::api::page::{Page, renamed};
use crate::publishing::load::{parse, store_document};
use crate::publishing::search::{Query, by_access};
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
    let search = ApiSearch {
        all_access: true,
        terms: Query::parse(call.query("query").unwrap_or_default()).terms(),
        ..by_access(&actor, Kinds::All)
    };
    let mut work = control.read().await?;
    let total = api::count_found(&mut work, &search).await?;
    let rows = api::search(&mut work, &search, ApiOrder::Newest, page.rows()).await?;
    let found = rows.iter().map(
        |row| object!({"id": row.id.to_string(), "name": row.name, "version": row.version, "provider": row.provider}),
    );
    let answer = page.list(usize::try_from(total).unwrap_or(0), found.collect());
    Ok(json(StatusCode::OK, &renamed(answer, "apis")))
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
