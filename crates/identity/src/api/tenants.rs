//! `/api/server/v1/tenants`, for administrators of the super tenant.

use std::sync::Arc;

use axum::http::StatusCode;
use model::{Secret, TenantId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json as answer, no_content};

use crate::{Identity, NewTenant, TenantDetails, TenantOwner};

const LIST: &[&str] = &["internal_list_tenants"];
const MODIFY: &[&str] = &["internal_modify_tenants"];
const TENANTS: &str = "/api/server/v1/tenants";
const BY_DOMAIN: &str = "/api/server/v1/tenants/domain/{domain}";
const ONE: &str = "/api/server/v1/tenants/{tenantId}";
const STATUS: &str = "/api/server/v1/tenants/{tenantId}/lifecycle-status";

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new()
        .guarded(Operation::new("tenants.list", "GET", TENANTS, "Lists tenants"), LIST, list)
        .guarded(Operation::new("tenants.create", "POST", TENANTS, "Creates a tenant"), MODIFY, create)
        .guarded(Operation::new("tenants.find", "GET", BY_DOMAIN, "Shows the tenant of a domain"), LIST, find)
        .guarded(Operation::new("tenants.get", "GET", ONE, "Shows a tenant"), LIST, show)
        .guarded(Operation::new("tenants.status", "PUT", STATUS, "Switches a tenant on or off"), MODIFY, switch)
}

#[derive(Deserialize)]
struct Creation {
    domain: String,
    owners: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    username: String,
    password: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    firstname: String,
    #[serde(default)]
    lastname: String,
}

#[derive(Deserialize)]
struct Status {
    activated: bool,
}

/// Tenants are the super tenant's business; to others the operation does not exist.
fn need_super(permit: &Permit) -> Result<(), RestError> {
    if permit.tenant().is_super() {
        return Ok(());
    }
    Err(RestError::forbidden("Tenants are managed by administrators of the super tenant."))
}

fn described(tenant: &TenantDetails) -> Value {
    json!({
        "id": tenant.tenant.id.to_string(),
        "name": tenant.tenant.domain,
        "domain": tenant.tenant.domain,
        "owners": [{"username": tenant.owner, "email": tenant.email}],
        "createdDate": tenant.created_at.rfc3339(),
        "lifecycleStatus": {"activated": tenant.tenant.active},
    })
}

async fn list(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    need_super(&permit)?;
    let (limit, offset): (usize, usize) = (call.query_or("limit", 30)?, call.query_or("offset", 0)?);
    let all = identity.tenants().await?;
    let page: Vec<Value> = all.iter().skip(offset).take(limit.min(1000)).map(described).collect();
    let document =
        json!({"totalResults": all.len(), "startIndex": offset, "count": page.len(), "tenants": page, "links": []});
    Ok(answer(StatusCode::OK, &document))
}

async fn create(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    need_super(&permit)?;
    let wanted: Creation = call.json()?;
    let mut owners = wanted.owners.into_iter();
    let (Some(owner), None) = (owners.next(), owners.next()) else {
        return Err(RestError::bad_request("A tenant is created with exactly one owner."));
    };
    let owner = TenantOwner {
        username: owner.username,
        password: Secret::new(owner.password),
        email: owner.email,
        first_name: owner.firstname,
        last_name: owner.lastname,
    };
    let tenant = identity.permitted(&permit).create_tenant(NewTenant { domain: wanted.domain, owner }).await?;
    Ok(created(&format!("{TENANTS}/{}", tenant.tenant.id), &described(&tenant)))
}

async fn find(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    need_super(&permit)?;
    let found = identity.find_tenant(call.path("domain")?).await?;
    let tenant = found.ok_or_else(|| RestError::not_found("There is no tenant of this domain."))?;
    Ok(answer(StatusCode::OK, &described(&tenant)))
}

async fn show(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    need_super(&permit)?;
    let tenant = identity.tenant(TenantId::new(call.path_id("tenantId")?)).await?;
    Ok(answer(StatusCode::OK, &described(&tenant)))
}

async fn switch(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    need_super(&permit)?;
    let wanted: Status = call.json()?;
    identity.permitted(&permit).set_tenant_active(TenantId::new(call.path_id("tenantId")?), wanted.activated).await?;
    Ok(no_content(StatusCode::OK))
}
