//! Tenant configuration, scopes and role aliases.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use super::actor;
use crate::tenant_config::{self as config, scopes};
use crate::{Control, ControlError};

const ADMIN: &[&str] = &["apim:admin"];
const SCOPES: &[&str] = &["apim:admin", "apim:scope_manage"];
const CONFIG: &str = "/api/am/admin/v4/tenant-config";
const SYSTEM: &str = "/api/am/admin/v4/system-scopes";
const ALIASES: &str = "/api/am/admin/v4/system-scopes/role-aliases";
/// Tenant configurations are larger than other bodies: they list every scope.
const LIMIT: usize = 2 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let put = Operation::new("admin.tenant-config.update", "PUT", CONFIG, "Replace the tenant configuration");
    RouteTable::new()
        .guarded(Operation::new("admin.tenant-config.get", "GET", CONFIG, "Read the tenant configuration"), ADMIN, get)
        .guarded(put.body_limit(LIMIT), ADMIN, update)
        .guarded(
            Operation::new(
                "admin.tenant-config.schema",
                "GET",
                "/api/am/admin/v4/tenant-config-schema",
                "Read the schema of the tenant configuration",
            ),
            ADMIN,
            schema,
        )
        .guarded(Operation::new("admin.system-scopes.list", "GET", SYSTEM, "List scopes with roles"), SCOPES, list)
        .guarded(Operation::new("admin.system-scopes.update", "PUT", SYSTEM, "Bind scopes to roles"), SCOPES, bind)
        .guarded(Operation::new("admin.role-aliases.list", "GET", ALIASES, "List role aliases"), SCOPES, aliases)
        .guarded(Operation::new("admin.role-aliases.update", "PUT", ALIASES, "Replace role aliases"), SCOPES, alias)
        .guarded(
            Operation::new(
                "admin.system-scopes.get",
                "GET",
                "/api/am/admin/v4/system-scopes/{scopeName}",
                "Read a scope with its roles",
            ),
            SCOPES,
            scope,
        )
}

async fn get(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &config::get(&control, &actor).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &config::put(&control, &actor, &call.json()?).await?))
}

async fn schema(_: Arc<Control>, _: Permit, _: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &config::schema()))
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &scopes::list(&control, &actor).await?))
}

async fn scope(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &scopes::get(&control, &actor, call.path("scopeName")?).await?))
}

async fn bind(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &scopes::put(&control, &actor, &call.json()?).await?))
}

async fn aliases(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &scopes::role_aliases(&control, &actor).await?))
}

async fn alias(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &scopes::put_role_aliases(&control, &actor, &call.json()?).await?))
}
