//! Public metadata: keys, endpoints; and the user's own claims.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json as answer};

use super::token::Grant;
use crate::{Identity, IdentityError};

const PUBLIC_METADATA: &str = "public metadata: clients read it before they have any credential";

const JWKS: Operation = Operation::new("oauth2.jwks", "GET", "/oauth2/jwks", "Public keys of our tokens (RFC 7517)");
const METADATA: [Operation; 4] = [
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
        "oauth2.metadata",
        "GET",
        "/.well-known/oauth-authorization-server",
        "Endpoints and abilities (RFC 8414)",
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

async fn jwks(identity: Arc<Identity>, _call: Call) -> Result<Answer, IdentityError> {
    Ok(answer(StatusCode::OK, &json!({"keys": identity.public_jwks()})))
}

async fn metadata(identity: Arc<Identity>, _call: Call) -> Result<Answer, IdentityError> {
    let base = &identity.settings().base_url;
    let grants: Vec<&str> = Grant::offered(&identity).into_iter().map(Grant::as_str).collect();
    let methods = ["client_secret_basic", "client_secret_post"];
    let document = json!({
        "issuer": identity.settings().issuer,
        "token_endpoint": format!("{base}/oauth2/token"),
        "revocation_endpoint": format!("{base}/oauth2/revoke"),
        "introspection_endpoint": format!("{base}/oauth2/introspect"),
        "userinfo_endpoint": format!("{base}/oauth2/userinfo"),
        "jwks_uri": format!("{base}/oauth2/jwks"),
        "registration_endpoint": format!("{base}/api/identity/oauth2/dcr/v1.1/register"),
        "grant_types_supported": grants,
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [identity.keys.algorithm()],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "scopes_supported": ["openid", "profile", "email", "phone", "groups"],
        "claims_supported": ["sub", "given_name", "family_name", "email", "phone_number", "organization", "groups"],
    });
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
