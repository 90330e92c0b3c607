//! Dynamic client registration: WSO2's v0.17, and RFC 7591 at WSO2's v1.1 path.

use std::sync::Arc;

use axum::http::StatusCode;
use model::ConsumerKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json as answer, no_content};

use crate::{
    ADMIN_ROLE, ClientAuthMethod, ClientChange, ClientMetadata, ClientOrigin, ClientSecret, Identity, NewClient,
    OAuthClient,
};

const CREATE: &[&str] = &["internal_dcr_create"];
const VIEW: &[&str] = &["internal_dcr_view"];
const UPDATE: &[&str] = &["internal_dcr_update"];
const DELETE: &[&str] = &["internal_dcr_delete"];

const V017: &str = "/client-registration/v0.17/register";
const V017_ONE: &str = "/client-registration/v0.17/register/{clientId}";
const V11: &str = "/api/identity/oauth2/dcr/v1.1/register";
const V11_ONE: &str = "/api/identity/oauth2/dcr/v1.1/register/{clientId}";

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new()
        .guarded(Operation::new("dcr.register", "POST", V017, "Registers a client"), CREATE, register)
        .guarded(Operation::new("dcr.get", "GET", V017_ONE, "Shows a client"), VIEW, show)
        .guarded(Operation::new("dcr.update", "PUT", V017_ONE, "Changes a client"), UPDATE, update)
        .guarded(Operation::new("dcr.delete", "DELETE", V017_ONE, "Removes a client"), DELETE, delete)
        .guarded(Operation::new("dcr11.register", "POST", V11, "Registers a client (RFC 7591)"), CREATE, register_11)
        .guarded(Operation::new("dcr11.get", "GET", V11_ONE, "Shows a client (RFC 7592)"), VIEW, show_11)
        .guarded(Operation::new("dcr11.update", "PUT", V11_ONE, "Changes a client (RFC 7592)"), UPDATE, update_11)
        .guarded(Operation::new("dcr11.delete", "DELETE", V11_ONE, "Removes a client (RFC 7592)"), DELETE, delete)
}

/// WSO2's request. Members that it has besides these are ignored, as WSO2 does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    #[serde(default)]
    callback_url: Option<String>,
    client_name: String,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    grant_type: Option<String>,
    #[serde(default)]
    saas_app: bool,
    #[serde(default)]
    token_scope: Option<String>,
}

impl Registration {
    fn grants(&self) -> Vec<String> {
        let text = self.grant_type.as_deref().unwrap_or("client_credentials");
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }

    fn extra(&self) -> Map<String, Value> {
        self.token_scope.iter().map(|s| ("tokenScope".to_owned(), s.as_str().into())).collect()
    }
}

/// The owner's user name. Users register for themselves, administrators for anybody of their tenant.
async fn owner(identity: &Identity, permit: &Permit, named: Option<&str>) -> Result<String, RestError> {
    let principal = permit.principal();
    let Some(named) = named.filter(|n| !n.is_empty()) else { return Ok(principal.user.clone()) };
    let found = identity.find_user(permit.tenant(), named).await?;
    let own = found.as_ref().is_some_and(|u| u.name.eq_ignore_ascii_case(&principal.user));
    match found {
        Some(user) if own || principal.has_role(ADMIN_ROLE) => Ok(user.name),
        _ => Err(RestError::bad_request(format!("You cannot register a client for the owner {named}."))),
    }
}

/// A client that the caller may manage: their own, or any of the tenant for administrators. Others do not exist for them.
async fn managed(identity: &Identity, permit: &Permit, call: &Call) -> Result<OAuthClient, RestError> {
    let id = ConsumerKey::new(call.path("clientId")?);
    let principal = permit.principal();
    identity
        .find_client(permit.tenant(), &id)
        .await?
        .filter(|c| principal.has_role(ADMIN_ROLE) || c.owner.eq_ignore_ascii_case(&principal.user))
        .ok_or_else(|| RestError::not_found("There is no such client."))
}

fn described(client: &OAuthClient, secret: Option<&ClientSecret>, owner: &str) -> Value {
    let details = json!({
        "grant_types": client.grants.join(" "),
        "redirect_uris": client.callback,
        "client_name": client.name,
    });
    json!({
        "clientId": client.id,
        "clientName": client.name,
        "callBackURL": client.callback,
        "clientSecret": secret.map(|s| s.value.expose().as_str()),
        "isSaasApplication": client.saas,
        "appOwner": owner,
        "jsonString": details.to_string(),
        "jsonAppAttribute": "{}",
        "applicationUUID": null,
        "tokenType": "JWT",
    })
}

/// The owner as WSO2 reports it: with the domain outside the super tenant.
fn owner_name(permit: &Permit, owner: &str) -> String {
    let tenant = &permit.principal().tenant;
    if tenant.id.is_super() { owner.to_owned() } else { format!("{owner}@{}", tenant.domain) }
}

/// Whether a client may serve users of every tenant, as `saasApp` asks. Only those who run the whole installation decide
/// that; WSO2's clients send the member habitually, so anybody else's is stored as `false` rather than refused.
fn serves_all_tenants(permit: &Permit, wanted: bool) -> bool {
    let principal = permit.principal();
    wanted && principal.tenant.id.is_super() && principal.has_role(ADMIN_ROLE)
}

async fn register(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: Registration = call.json()?;
    let owner = owner(&identity, &permit, wanted.owner.as_deref()).await?;
    let mut new = NewClient::new(ClientOrigin::Service, owner, &wanted.client_name, wanted.grants());
    new.callback = wanted.callback_url.clone().unwrap_or_default();
    new.saas = serves_all_tenants(&permit, wanted.saas_app);
    new.extra = wanted.extra();
    let (client, secret) = identity.permitted(&permit).register_client(permit.tenant(), new).await?;
    let owner = owner_name(&permit, &client.owner);
    Ok(answer(StatusCode::OK, &described(&client, Some(&secret), &owner)))
}

async fn show(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let client = managed(&identity, &permit, &call).await?;
    let owner = owner_name(&permit, &client.owner);
    Ok(answer(StatusCode::OK, &described(&client, None, &owner)))
}

async fn update(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let client = managed(&identity, &permit, &call).await?;
    let wanted: Registration = call.json()?;
    let change = ClientChange {
        grants: Some(wanted.grants()),
        callback: Some(wanted.callback_url.clone().unwrap_or_default()),
        saas: Some(serves_all_tenants(&permit, wanted.saas_app)),
        extra: Some(wanted.extra()),
        name: Some(wanted.client_name),
        ..ClientChange::default()
    };
    let client = identity.permitted(&permit).update_client(permit.tenant(), &client.id, change).await?;
    let owner = owner_name(&permit, &client.owner);
    Ok(answer(StatusCode::OK, &described(&client, None, &owner)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let client = managed(&identity, &permit, &call).await?;
    identity.permitted(&permit).delete_client(permit.tenant(), &client.id).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}

/// RFC 7591 section 2: the members that a client may choose besides those of [`ClientMetadata`].
#[derive(Deserialize)]
struct Registration11 {
    client_name: String,
    #[serde(default)]
    grant_types: Vec<String>,
    #[serde(default)]
    ext_application_owner: Option<String>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl Registration11 {
    fn of(call: &Call) -> Result<Self, RestError> {
        call.json()
    }

    fn grants(&self) -> Vec<String> {
        if self.grant_types.is_empty() { vec!["client_credentials".to_owned()] } else { self.grant_types.clone() }
    }
}

fn described_11(client: &OAuthClient, secret: Option<&ClientSecret>) -> Value {
    let mut document = json!({
        "client_id": client.id,
        "client_id_issued_at": client.created_at.seconds(),
        "client_name": client.name,
        "grant_types": client.grants,
        "token_type": "JWT",
    });
    if let (Value::Object(members), Ok(Value::Object(metadata))) =
        (&mut document, serde_json::to_value(&client.metadata))
    {
        members.extend(metadata);
        let callback = Some(client.callback.as_str()).filter(|c| !c.is_empty());
        let redirects: Vec<&str> =
            callback.into_iter().chain(client.metadata.redirect_uris.iter().map(String::as_str)).collect();
        members.insert("redirect_uris".into(), json!(redirects));
        // A client that proves itself another way, or not at all, has no use for a secret.
        let by_secret = client.metadata.token_endpoint_auth_method.is_none_or(|method| {
            matches!(method, ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost)
        });
        if let Some(secret) = secret.filter(|_| by_secret) {
            members.insert("client_secret".into(), secret.value.expose().as_str().into());
            members.insert("client_secret_expires_at".into(), 0.into());
        }
    }
    document
}

async fn register_11(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted = Registration11::of(&call)?;
    let owner = owner(&identity, &permit, wanted.ext_application_owner.as_deref()).await?;
    let mut new = NewClient::new(ClientOrigin::Service, owner, &wanted.client_name, wanted.grants());
    new.metadata = wanted.metadata;
    let (client, secret) = identity.permitted(&permit).create_client(permit.tenant(), new).await?;
    Ok(answer(StatusCode::CREATED, &described_11(&client, Some(&secret))))
}

async fn show_11(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let client = managed(&identity, &permit, &call).await?;
    Ok(answer(StatusCode::OK, &described_11(&client, None)))
}

async fn update_11(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let client = managed(&identity, &permit, &call).await?;
    let wanted = Registration11::of(&call)?;
    let change = ClientChange {
        grants: Some(wanted.grants()),
        callback: Some(String::new()),
        metadata: Some(wanted.metadata),
        name: Some(wanted.client_name),
        ..ClientChange::default()
    };
    let client = identity.permitted(&permit).update_client(permit.tenant(), &client.id, change).await?;
    Ok(answer(StatusCode::OK, &described_11(&client, None)))
}
