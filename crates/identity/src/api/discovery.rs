//! Public metadata: keys, endpoints; and the user's own claims.

use std::sync::Arc;

use axum::http::StatusCode;
use jose::Algorithm;
use model::{Tenant, TenantDomain};
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json as answer};

use crate::grants::Grant;
use crate::oauth::metadata::ClientAuthMethod;
use crate::{Identity, IdentityError};

const PUBLIC_METADATA: &str = "public metadata: clients read it before they have any credential";

const JWKS: Operation = Operation::new("oauth2.jwks", "GET", "/oauth2/jwks", "Public keys of our tokens (RFC 7517)");
/// The issuer of a tenant has its metadata below itself (OpenID Connect Discovery 4), and where RFC 8414 section 3.1
/// inserts the well-known part.
const METADATA: [Operation; 7] = [
    Operation::new("oidc.discovery", "GET", "/.well-known/openid-configuration", "Endpoints and abilities"),
    Operation::new(
        "oidc.discovery.issuer",
        "GET",
        "/oauth2/token/.well-known/openid-configuration",
        "Endpoints and abilities, below the issuer",
    ),
    Operation::new(
        "oidc.discovery.wso2",
        "GET",
        "/oauth2/oidcdiscovery/.well-known/openid-configuration",
        "Endpoints and abilities, at WSO2's path",
    ),
    Operation::new(
        "oauth2.metadata.issuer",
        "GET",
        "/oauth2/token/.well-known/oauth-authorization-server",
        "Endpoints and abilities, below the issuer",
    ),
    Operation::new(
        "oauth2.metadata",
        "GET",
        "/.well-known/oauth-authorization-server",
        "Endpoints and abilities (RFC 8414)",
    ),
    Operation::new(
        "oauth2.metadata.super",
        "GET",
        "/.well-known/oauth-authorization-server/oauth2/token",
        "Endpoints and abilities of the issuer (RFC 8414)",
    ),
    Operation::new(
        "oauth2.metadata.tenant",
        "GET",
        "/.well-known/oauth-authorization-server/t/{domain}/oauth2/token",
        "Endpoints and abilities of a tenant's issuer (RFC 8414)",
    ),
];
const USERINFO: [Operation; 2] = [
    Operation::new("oidc.userinfo", "GET", "/oauth2/userinfo", "Claims of the user (OpenID Connect Core 5.3)"),
    Operation::new("oidc.userinfo.post", "POST", "/oauth2/userinfo", "Claims of the user (OpenID Connect Core 5.3)"),
];

pub(super) fn routes() -> RouteTable<Identity> {
    let mut table = RouteTable::new().public(JWKS, PUBLIC_METADATA, jwks);
    for operation in METADATA {
        table = table.public(operation, PUBLIC_METADATA, metadata);
    }
    for operation in USERINFO {
        table = table.guarded(operation, &["openid"], userinfo);
    }
    table
}

/// The tenant that the path names, else the super tenant.
async fn named_tenant(identity: &Identity, call: &Call) -> Result<Tenant, IdentityError> {
    let domain = match (&call.requested_tenant, call.path("domain")) {
        (Some(domain), _) => domain.to_string(),
        (None, Ok(domain)) => domain.to_owned(),
        (None, Err(_)) => TenantDomain::SUPER.to_owned(),
    };
    let found = identity.find_tenant(&domain).await?.map(|t| t.tenant).filter(|t| t.active);
    found.ok_or_else(|| IdentityError::not_found("There is nothing at this path."))
}

async fn jwks(identity: Arc<Identity>, call: Call) -> Result<Answer, IdentityError> {
    let tenant = named_tenant(&identity, &call).await?;
    identity.need_keys(tenant.id).await?;
    Ok(answer(StatusCode::OK, &json!({"keys": identity.public_jwks_of(tenant.id)})))
}

async fn metadata(identity: Arc<Identity>, call: Call) -> Result<Answer, IdentityError> {
    let tenant = named_tenant(&identity, &call).await?;
    let base = format!("{}{}", identity.settings().base_url, tenant.domain.context_prefix());
    let root = &identity.settings().base_url;
    let grants: Vec<&str> = Grant::offered(&identity).into_iter().map(Grant::as_str).collect();
    let methods: Vec<&str> = ClientAuthMethod::offered(&identity).into_iter().map(ClientAuthMethod::as_str).collect();
    let proving: Vec<&str> = methods.iter().copied().filter(|m| *m != ClientAuthMethod::None.as_str()).collect();
    let algorithms: Vec<&str> = Algorithm::ALL.into_iter().map(Algorithm::as_str).collect();
    let mut document = json!({
        "issuer": identity.issuer_of(&tenant.domain),
        "authorization_endpoint": format!("{base}/oauth2/authorize"),
        "token_endpoint": format!("{base}/oauth2/token"),
        "pushed_authorization_request_endpoint": format!("{base}/oauth2/par"),
        "require_pushed_authorization_requests": false,
        "device_authorization_endpoint": format!("{base}/oauth2/device_authorize"),
        "revocation_endpoint": format!("{base}/oauth2/revoke"),
        "introspection_endpoint": format!("{base}/oauth2/introspect"),
        "userinfo_endpoint": format!("{base}/oauth2/userinfo"),
        "end_session_endpoint": format!("{root}/oidc/logout"),
        "jwks_uri": format!("{base}/oauth2/jwks"),
        "registration_endpoint": format!("{root}/api/identity/oauth2/dcr/v1.1/register"),
        "grant_types_supported": grants,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [identity.algorithm_of(tenant.id)],
        "dpop_signing_alg_values_supported": algorithms,
        "tls_client_certificate_bound_access_tokens": identity.settings().client_certificates,
    });
    let more = json!({
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "scopes_supported": ["openid", "profile", "email", "phone", "groups"],
        "claims_supported": [
            "sub", "auth_time", "amr", "sid", "given_name", "family_name", "email", "phone_number", "organization", "groups",
        ],
    });
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    Ok(answer(StatusCode::OK, &document))
}

async fn userinfo(identity: Arc<Identity>, permit: Permit, _call: Call) -> Result<Answer, RestError> {
    let principal = permit.principal();
    let user = identity.find_user(permit.tenant(), &principal.user).await?;
    let user = user.ok_or_else(|| RestError::unauthorized("The user of this token is gone."))?;
    let mut claims = Map::new();
    claims.insert("sub".into(), crate::token::subject(&user.name, &principal.tenant.domain).into());
    let attribute = |pointer: &str| Value::Object(user.attributes.clone()).pointer(pointer).cloned();
    let mut add = |scope: &str, claim: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|_| permit.allows(scope)) {
            claims.insert(claim.to_owned(), value);
        }
    };
    add("profile", "given_name", attribute("/name/givenName"));
    add("profile", "family_name", attribute("/name/familyName"));
    let enterprise = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/organization";
    add("profile", "organization", attribute(enterprise));
    add("email", "email", attribute("/emails/0/value"));
    add("phone", "phone_number", attribute("/phoneNumbers/0/value"));
    add("groups", "groups", Some(json!(principal.roles)));
    Ok(answer(StatusCode::OK, &claims))
}
