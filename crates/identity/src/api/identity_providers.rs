//! `/api/server/v1/identity-providers`: issuers whose assertions count at the token endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use vault::keystore::read_certificates;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json as answer, no_content};

use crate::oauth::trusted::{Trust, TrustedIssuer, key_of_certificate};
use crate::{Identity, IdentityError};

const ALL: &str = "/api/server/v1/identity-providers";
const ONE: &str = "/api/server/v1/identity-providers/{idpId}";
const ROLES: &str = "/api/server/v1/identity-providers/{idpId}/roles";
const CLAIMS: &str = "/api/server/v1/identity-providers/{idpId}/claims";

pub(super) fn routes() -> RouteTable<Identity> {
    let view = &["internal_idp_view"];
    let update = &["internal_idp_update"];
    RouteTable::new()
        .guarded(Operation::new("idps.list", "GET", ALL, "Lists trusted identity providers"), view, list)
        .guarded(Operation::new("idps.get", "GET", ONE, "Shows a trusted identity provider"), view, show)
        .guarded(
            Operation::new("idps.create", "POST", ALL, "Trusts an identity provider"),
            &["internal_idp_create"],
            create,
        )
        .guarded(Operation::new("idps.roles", "PUT", ROLES, "Maps the roles of an identity provider"), update, roles)
        .guarded(
            Operation::new("idps.claims", "PUT", CLAIMS, "Names the role claim of an identity provider"),
            update,
            claims,
        )
        .guarded(
            Operation::new("idps.delete", "DELETE", ONE, "Ends the trust in an identity provider"),
            &["internal_idp_delete"],
            delete,
        )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    name: String,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    idp_issuer_name: Option<String>,
    #[serde(default)]
    certificate: Option<Certificates>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificates {
    #[serde(default)]
    certificates: Vec<String>,
    #[serde(default)]
    jwks_uri: Option<String>,
}

fn described(known: &TrustedIssuer) -> Value {
    let roles: Vec<Value> =
        known.trust.roles.iter().map(|(idp, local)| json!({"idpRole": idp, "localRole": local})).collect();
    json!({
        "id": known.id,
        "name": known.name,
        "idpIssuerName": known.issuer,
        "alias": known.trust.alias,
        "isEnabled": true,
        "isPrimary": false,
        "roles": {"mappings": roles},
        "claims": {"roleClaim": {"uri": known.trust.role_claim}},
        "certificate": {"keys": known.trust.keys.len()},
    })
}

async fn list(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let mut known = identity.trusted_issuers(permit.tenant()).await?;
    if let Some(filter) = call.query("filter").filter(|f| !f.is_empty()) {
        let name = filter.strip_prefix("name eq ").map(|n| n.trim_matches('"'));
        let name = name.ok_or_else(|| RestError::bad_request("The filter has the form: name eq \"value\"."))?;
        known.retain(|k| k.name == name);
    }
    let (offset, limit) = (call.query_or("offset", 0_usize)?, call.query_or("limit", 100_usize)?.min(100));
    let total = known.len();
    let page: Vec<Value> = known.iter().skip(offset).take(limit).map(described).collect();
    let body = json!({
        "totalResults": total, "startIndex": offset + 1, "count": page.len(), "identityProviders": page,
    });
    Ok(answer(StatusCode::OK, &body))
}

async fn find(identity: &Identity, permit: &Permit, call: &Call) -> Result<TrustedIssuer, RestError> {
    let id = call.path("idpId")?;
    let known = identity.trusted_issuers(permit.tenant()).await?.into_iter().find(|k| k.id == id);
    known.ok_or_else(|| RestError::not_found("There is no such identity provider."))
}

async fn show(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    Ok(answer(StatusCode::OK, &described(&find(&identity, &permit, &call).await?)))
}

/// A certificate as WSO2's clients send it: PEM, or DER, in base64.
fn keys(text: &str) -> Result<Vec<Value>, RestError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| RestError::bad_request("A certificate is base64."))?;
    let found =
        read_certificates(&bytes).map_err(|e| RestError::bad_request(format!("A certificate cannot be read: {e}")))?;
    Ok(found.iter().map(|c| key_of_certificate(c)).collect::<Result<Vec<_>, IdentityError>>()?)
}

async fn create(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: Creation = call.json()?;
    let given = wanted.certificate.unwrap_or(Certificates { certificates: Vec::new(), jwks_uri: None });
    if given.jwks_uri.is_some_and(|uri| !uri.is_empty()) {
        let text = "Send the provider's certificates; its JWKS is not fetched. Key managers with a JWKS are registered in the Admin API.";
        return Err(RestError::bad_request(text));
    }
    let mut trust = Trust { alias: wanted.alias.filter(|a| !a.is_empty()), ..Trust::default() };
    for certificate in &given.certificates {
        trust.keys.extend(keys(certificate)?);
    }
    let issuer = wanted.idp_issuer_name.filter(|i| !i.is_empty()).unwrap_or_else(|| wanted.name.clone());
    let identity = identity.permitted(&permit);
    let known = identity.add_trusted_issuer(permit.tenant(), &wanted.name, &issuer, trust).await?;
    Ok(created(&format!("{ALL}/{}", known.id), &described(&known)))
}

#[derive(Deserialize)]
struct RoleMappings {
    #[serde(default)]
    mappings: Vec<RoleMapping>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleMapping {
    idp_role: String,
    local_role: String,
}

async fn roles(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: RoleMappings = call.json()?;
    let mapped: BTreeMap<String, String> = wanted.mappings.into_iter().map(|m| (m.idp_role, m.local_role)).collect();
    let local: Vec<String> = mapped.values().cloned().collect();
    if let Some(missing) = identity.missing_role(permit.tenant(), &local).await? {
        return Err(RestError::bad_request(format!("There is no role {missing}.")));
    }
    let identity = identity.permitted(&permit);
    let known = identity.change_trusted_issuer(permit.tenant(), call.path("idpId")?, |t| t.roles = mapped).await?;
    Ok(answer(StatusCode::OK, &described(&known)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimNames {
    #[serde(default)]
    role_claim: Option<ClaimName>,
}

#[derive(Deserialize)]
struct ClaimName {
    #[serde(default)]
    uri: String,
}

async fn claims(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: ClaimNames = call.json()?;
    let claim = wanted.role_claim.map(|c| c.uri).filter(|uri| !uri.is_empty());
    let identity = identity.permitted(&permit);
    let known = identity.change_trusted_issuer(permit.tenant(), call.path("idpId")?, |t| t.role_claim = claim).await?;
    Ok(answer(StatusCode::OK, &described(&known)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    identity.permitted(&permit).remove_trusted_issuer(permit.tenant(), call.path("idpId")?).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}
