//! Who gets through, and what the others see.

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use model::{Tenant, TenantDomain, TenantId};
use std::sync::Arc;
use tower::ServiceExt;
use web::{
    AuthenticationError, AuthenticationMethod, Authenticator, BoxFuture, Call, Credentials, Operation, Permit,
    Principal, RestError, RouteTable, json, tenant_paths,
};

/// Tokens `good` (scope read), `other` (tenant example.com, scope read), `weak` (no scope).
pub(crate) struct Tokens;

impl Authenticator for Tokens {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials,
        _requested: Option<&'a TenantDomain>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move {
            let principal = |id, domain: &str, scopes: &[&str], method| Principal {
                tenant: Tenant { id, domain: domain.parse().unwrap(), active: true },
                user: "alice".into(),
                roles: Default::default(),
                scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
                client: None,
                method,
            };
            match credentials {
                Credentials::Bearer(token) => match token.expose().as_str() {
                    "good" => Ok(principal(TenantId::SUPER, "carbon.super", &["read"], AuthenticationMethod::Bearer)),
                    "other" => Ok(principal(TenantId::new(1), "example.com", &["read"], AuthenticationMethod::Bearer)),
                    "weak" => Ok(principal(TenantId::SUPER, "carbon.super", &[], AuthenticationMethod::Bearer)),
                    "down" => Err(AuthenticationError::Unavailable("the directory is down".into())),
                    _ => Err(AuthenticationError::Invalid),
                },
                Credentials::Local(_) => {
                    Ok(principal(TenantId::SUPER, "carbon.super", &["read"], AuthenticationMethod::LocalSocket))
                }
                Credentials::Bound(bound)
                    if bound.token.expose() == "bound"
                        && bound.proof.as_deref() == Some("proof")
                        && (bound.method.as_str(), bound.path.as_str()) == ("PUT", "/t/example.com/scim2/things/1") =>
                {
                    Ok(principal(TenantId::new(1), "example.com", &["read"], AuthenticationMethod::Bearer))
                }
                Credentials::Session(cookie) if cookie.expose() == "hers" => {
                    Ok(principal(TenantId::SUPER, "carbon.super", &[], AuthenticationMethod::Session))
                }
                Credentials::Session(cookie) if cookie.expose() == "down" => {
                    Err(AuthenticationError::Unavailable("the database is down".into()))
                }
                Credentials::Basic { .. } | Credentials::Bound(_) | Credentials::Session(_) => {
                    Err(AuthenticationError::Invalid)
                }
            }
        })
    }
}

async fn who(_: Arc<()>, permit: Permit, call: Call) -> Result<web::Answer, RestError> {
    let body = serde_json::json!({
        "user": permit.principal().display_name(),
        "tenant": permit.tenant().number(),
        "id": call.path("id").unwrap_or_default(),
        "bytes": call.body.len(),
    });
    Ok(json(StatusCode::OK, &body))
}

async fn open(_: Arc<()>, call: Call) -> Result<web::Answer, RestError> {
    Ok(json(StatusCode::OK, &call.requested_tenant.map(|t| t.as_str().to_owned())))
}

async fn visit(_: Arc<()>, permit: Option<Permit>, _: Call) -> Result<web::Answer, RestError> {
    Ok(json(StatusCode::OK, &permit.map(|permit| permit.principal().display_name())))
}

pub(crate) fn router() -> Router {
    RouteTable::new()
        .guarded(Operation::new("things.get", "GET", "/things/{id}", "One thing"), &["read"], who)
        .guarded(Operation::new("things.put", "PUT", "/scim2/things/{id}", "Change").body_limit(16), &["read"], who)
        .visit(Operation::new("shop", "GET", "/shop", "A page for all"), "it is a shop window", visit)
        .public(Operation::new("keys", "GET", "/oauth2/jwks", "Keys"), "public keys are public", open)
        .into_router(Arc::new(()), Arc::new(Tokens))
}

async fn call(method: &str, path: &str, authorization: &[&str], body: Vec<u8>) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    if let Err(error) = tenant_paths(&mut request) {
        return (error.status, error.description);
    }
    let response = router().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_permit_is_needed_and_names_the_tenant() {
    let (status, body) = call("GET", "/things/7?x=1", &["Bearer good"], vec![]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"user":"alice","tenant":-1234,"id":"7","bytes":0}"#));
    let (_, body) = call("GET", "/things/7", &["bearer other"], vec![]).await;
    assert!(body.contains(r#""user":"alice@example.com","tenant":1"#), "{body}");
}

#[tokio::test]
async fn a_visitors_page_knows_sessions_and_nothing_else() {
    let ask = async |name: &str, value: &str| {
        let request = Request::get("/shop").header(name, value).body(Body::empty()).unwrap();
        let response = router().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    };
    let cookie = |value: &str| format!("{}={value}", web::SESSION_COOKIE);
    assert_eq!(ask("cookie", &cookie("hers")).await, (StatusCode::OK, "\"alice\"".to_owned()));
    // A session that has ended shows the page as to anybody; a token of the REST APIs is no session.
    for (name, value) in [("cookie", cookie("old")), ("cookie", "x=y".into()), ("authorization", "Bearer good".into())]
    {
        assert_eq!(ask(name, &value).await, (StatusCode::OK, "null".to_owned()), "{name}: {value}");
    }
    // Who somebody is cannot be told right now: not the same as nobody.
    assert_eq!(ask("cookie", &cookie("down")).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn everybody_else_is_denied_in_wso2s_shape() {
    for (authorization, code) in [
        (vec![], "900902"),
        (vec!["Bearer wrong"], "900901"),
        (vec!["Bearer good", "Bearer other"], "900902"),
        (vec!["Basic !!!"], "900902"),
        (vec!["Digest x"], "900902"),
        (vec!["Bearer weak"], "900910"),
    ] {
        let (status, body) = call("GET", "/things/7", &authorization, vec![]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert!(body.starts_with(&format!(r#"{{"code":{code},"message":"Unauthorized","#)), "{body}");
        assert!(body.ends_with(r#""moreInfo":"","error":[]}"#), "{body}");
    }
}

#[tokio::test]
async fn a_bound_token_comes_with_one_proof_and_the_path_that_was_sent() {
    let send = async |proofs: &[&str]| {
        let mut request = Request::builder().method("PUT").uri("/t/example.com/scim2/things/1?x=1");
        request = request.header("authorization", "DPoP bound");
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        let mut request = request.body(Body::empty()).unwrap();
        tenant_paths(&mut request).unwrap();
        let response = router().oneshot(request).await.unwrap();
        let status = response.status();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&text).into_owned())
    };
    let (status, text) = send(&["proof"]).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    for wrong in [&[][..], &["proof", "proof"], &["other"]] {
        assert_eq!(send(wrong).await.0, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
}

#[tokio::test]
async fn when_credentials_cannot_be_checked_nobody_is_let_in() {
    let (status, body) = call("GET", "/things/7", &["Bearer down"], vec![]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.contains("directory"), "the reason is for the log: {body}");
}

#[tokio::test]
async fn a_large_body_is_refused_and_strangers_are_refused_before_it_is_read() {
    assert_eq!(call("PUT", "/scim2/things/1", &["Bearer good"], vec![b'x'; 17]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(call("PUT", "/scim2/things/1", &["Bearer good"], vec![b'x'; 16]).await.0, StatusCode::OK);
    assert_eq!(call("PUT", "/scim2/things/1", &[], vec![b'x'; 17]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tenants_are_named_by_identity_paths_only() {
    assert_eq!(
        call("GET", "/t/example.com/oauth2/jwks", &[], vec![]).await,
        (StatusCode::OK, r#""example.com""#.into())
    );
    for path in ["/t/example.com/things/7", "/t/../oauth2/jwks", "/t/a%2Fb.com/oauth2/jwks", "/t/", "/t/example.com"] {
        assert_eq!(call("GET", path, &["Bearer good"], vec![]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused() {
    let (status, _) = call("PUT", "/t/example.com/scim2/things/1", &["Bearer good"], vec![]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = call("PUT", "/t/example.com/scim2/things/1", &["Bearer other"], vec![]).await;
    assert_eq!(status, StatusCode::OK);
}
