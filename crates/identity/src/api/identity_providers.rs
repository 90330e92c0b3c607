//! `/api/server/v1/identity-providers`: issuers whose assertions count at the token endpoint, and where people sign in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use vault::keystore::read_certificates;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json as answer, no_content};

use crate::federation::ProviderClient;
use crate::oauth::trusted::{Trust, TrustedIssuer, key_of_certificate};
use crate::{Identity, IdentityError};

const ALL: &str = "/api/server/v1/identity-providers";
const ONE: &str = "/api/server/v1/identity-providers/{idpId}";
const ROLES: &str = "/api/server/v1/identity-providers/{idpId}/roles";
const CLAIMS: &str = "/api/server/v1/identity-providers/{idpId}/claims";
const AUTHENTICATOR: &str = "/api/server/v1/identity-providers/{idpId}/federated-authenticators/{authenticatorId}";
/// WSO2's id of the authenticator for OpenID Connect.
const OPENID_CONNECT: &str = "T3BlbklEQ29ubmVjdEF1dGhlbnRpY2F0b3I";
/// What WSO2's names of local claims begin with.
const LOCAL_DIALECT: &str = "http://wso2.org/claims/";

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
            Operation::new(
                "idps.authenticator",
                "PUT",
                AUTHENTICATOR,
                "Sets how people sign in at an identity provider",
            ),
            update,
            set_authenticator,
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
    #[serde(default)]
    federated_authenticators: Option<Authenticators>,
}

/// How people sign in at the provider, as WSO2 writes it.
#[derive(Deserialize)]
struct Authenticators {
    #[serde(default)]
    authenticators: Vec<Authenticator>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authenticator {
    #[serde(default)]
    authenticator_id: Option<String>,
    #[serde(default = "enabled")]
    is_enabled: bool,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    key: String,
    #[serde(default)]
    value: String,
}

const fn enabled() -> bool {
    true
}

impl Authenticator {
    /// Our client at the provider, and its secret when there is one.
    fn client(self) -> Result<(ProviderClient, Option<Secret<String>>), RestError> {
        let named = self.authenticator_id.is_none_or(|id| id == OPENID_CONNECT);
        if !named {
            let text = format!("People sign in by OpenID Connect only: the authenticator is {OPENID_CONNECT}.");
            return Err(RestError::bad_request(text));
        }
        let mut client = ProviderClient { enabled: self.is_enabled, ..ProviderClient::default() };
        let mut secret = None;
        for Property { key, value } in self.properties {
            match key.as_str() {
                "ClientId" => client.client_id = value,
                "ClientSecret" => secret = Some(Secret::new(value)).filter(|secret| !secret.expose().is_empty()),
                "Scopes" => client.scopes = value.split_ascii_whitespace().map(str::to_owned).collect(),
                other => {
                    let other: String = other.chars().filter(|c| !c.is_control()).take(60).collect();
                    let text = format!(
                        "{other} is not a property here: ClientId, ClientSecret and Scopes are. Every address is found by \
                         discovery at the issuer (idpIssuerName)."
                    );
                    return Err(RestError::bad_request(text));
                }
            }
        }
        Ok((client, secret))
    }
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
    let authenticators: Vec<Value> = known.trust.sign_in.iter().map(authenticator).collect();
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
        "federatedAuthenticators": {"authenticators": authenticators},
    })
}

/// What may be seen of our client at the provider: not its secret.
fn authenticator(client: &ProviderClient) -> Value {
    json!({
        "authenticatorId": OPENID_CONNECT,
        "name": "OpenIDConnectAuthenticator",
        "isEnabled": client.enabled,
        "properties": [
            {"key": "ClientId", "value": client.client_id},
            {"key": "Scopes", "value": client.scopes.join(" ")},
        ],
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
    let mut secret = None;
    if let Some(given) = wanted.federated_authenticators {
        let mut given = given.authenticators.into_iter();
        if let Some(authenticator) = given.next() {
            let (client, own) = authenticator.client()?;
            (trust.sign_in, secret) = (Some(client), own);
        }
        if given.next().is_some() {
            return Err(RestError::bad_request("An identity provider has one authenticator."));
        }
    }
    let issuer = wanted.idp_issuer_name.filter(|i| !i.is_empty()).unwrap_or_else(|| wanted.name.clone());
    let identity = identity.permitted(&permit);
    let known = identity.add_trusted_issuer(permit.tenant(), &wanted.name, &issuer, trust, secret.as_ref()).await?;
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
    #[serde(default)]
    user_id_claim: Option<ClaimName>,
    #[serde(default)]
    mappings: Vec<ClaimMapping>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimMapping {
    idp_claim: String,
    local_claim: ClaimName,
}

#[derive(Deserialize)]
struct ClaimName {
    #[serde(default)]
    uri: String,
}

async fn claims(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: ClaimNames = call.json()?;
    let name = |claim: Option<ClaimName>| claim.map(|c| c.uri).filter(|uri| !uri.is_empty());
    let (role, user) = (name(wanted.role_claim), name(wanted.user_id_claim));
    let local = |mapping: ClaimMapping| {
        let uri = mapping.local_claim.uri;
        (uri.strip_prefix(LOCAL_DIALECT).unwrap_or(&uri).to_owned(), mapping.idp_claim)
    };
    let mapped: BTreeMap<String, String> =
        wanted.mappings.into_iter().map(local).filter(|(l, _)| l != "role").collect();
    let identity = identity.permitted(&permit);
    let change = |trust: &mut Trust| {
        trust.role_claim = role;
        // Only accounts of people who sign in there keep anything else.
        if let Some(client) = &mut trust.sign_in {
            (client.name_claim, client.claims) = (user, mapped);
        }
    };
    let known = identity.change_trusted_issuer(permit.tenant(), call.path("idpId")?, change).await?;
    Ok(answer(StatusCode::OK, &described(&known)))
}

async fn set_authenticator(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    if call.path("authenticatorId")? != OPENID_CONNECT {
        return Err(RestError::not_found("There is no such authenticator."));
    }
    let (client, secret) = call.json::<Authenticator>()?.client()?;
    let identity = identity.permitted(&permit);
    let id = call.path("idpId")?;
    let known = identity.set_provider_client(permit.tenant(), id, client, secret.as_ref()).await?;
    Ok(answer(StatusCode::OK, &known.trust.sign_in.as_ref().map(authenticator)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    identity.permitted(&permit).remove_trusted_issuer(permit.tenant(), call.path("idpId")?).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}
