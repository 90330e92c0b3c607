//! Every route × every caller that must not get through.

use axum::body::Body;
use axum::http::{Request, header};
use identity::Identity;
use model::TenantId;
use serde_json::json;
use web::Access;

use crate::server::{PASSWORD, Server, basic, bearer};

/// Routes that need a scope, with their parameters filled in.
fn guarded() -> Vec<(String, String)> {
    Identity::routes()
        .operations()
        .filter(|(_, access)| matches!(access, Access::AnyScope(_)))
        .map(|(operation, _)| {
            let path: String = operation
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "0f8fad5b-d9cb-469f-a165-70867728950e" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            (operation.method.to_owned(), path)
        })
        .collect()
}

#[tokio::test]
async fn strangers_and_the_powerless_get_nowhere() {
    let server = Server::with_tenant().await;
    server.user("plain", &[]).await;
    let locked = server.user("locked", &["admin"]).await;
    let gone = server.user("gone", &["admin"]).await;
    let client = server.client("admin").await;
    let scopes = "openid internal_user_mgt_list internal_dcr_create apim:admin";
    let mut tokens = Vec::new();
    for name in ["locked", "gone", "plain"] {
        tokens.push(server.password_grant(&client, name, scopes).await.field("access_token"));
    }
    server.identity.lock_user(TenantId::SUPER, locked.id).await.unwrap();
    server.identity.delete_user(TenantId::SUPER, gone.id).await.unwrap();
    let routes = guarded();
    assert!(routes.len() >= 25, "the walk misses routes: {}", routes.len());
    let callers = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer x.y.z".to_owned(),
        "Digest x".to_owned(),
        "Basic !!!".to_owned(),
        basic("admin", "a wrong password"),
        basic("locked", PASSWORD),
        basic("gone", PASSWORD),
        bearer(tokens.first().unwrap()),
        bearer(tokens.get(1).unwrap()),
    ];
    for (method, path) in &routes {
        for caller in &callers {
            // The clock moves so that the wrong guesses of the walk never lock anybody.
            server.clock.advance(std::time::Duration::from_mins(10));
            let reply = server.call(method, path, caller, Some(json!({}))).await;
            assert_eq!(reply.status, 401, "{method} {path} as {caller:.20}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_user_without_roles_reaches_only_their_own_claims() {
    let server = Server::with_tenant().await;
    server.user("plain", &[]).await;
    let client = server.client("admin").await;
    let token = server.password_grant(&client, "plain", "openid apim:admin internal_user_mgt_list").await;
    assert_eq!(token.field("scope"), "openid");
    let token = bearer(&token.field("access_token"));
    for (method, path) in guarded() {
        let expected = if path == "/oauth2/userinfo" { 200 } else { 401 };
        let reply = server.call(&method, &path, &token, Some(json!({}))).await;
        assert_eq!(reply.status, expected, "{method} {path}: {}", reply.text);
        if path != "/oauth2/userinfo" {
            let reply = server.call(&method, &path, &basic("plain", PASSWORD), Some(json!({}))).await;
            assert_eq!(reply.status, 401, "{method} {path} with basic: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn an_administrator_of_one_tenant_is_nobody_in_another() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    let theirs = server.user_in(tenant, "victim", &[]).await;
    let role = server.identity.find_role(tenant, "Internal/publisher").await.unwrap().unwrap();
    let (path_user, path_role) = (format!("/scim2/Users/{}", theirs.id), format!("/scim2/Groups/{}", role.id));
    let own = basic("admin@carbon.super", PASSWORD);
    // By the path of the other tenant: refused. By one's own path: the thing does not exist.
    for (method, path, body) in [
        ("GET", &path_user, json!({})),
        ("PATCH", &path_user, json!({"Operations": [{"op": "replace", "path": "password", "value": PASSWORD}]})),
        ("PUT", &path_user, json!({"active": false})),
        ("DELETE", &path_user, json!({})),
        ("GET", &path_role, json!({})),
        ("PATCH", &path_role, json!({"Operations": [{"op": "replace", "path": "members", "value": []}]})),
        ("DELETE", &path_role, json!({})),
    ] {
        let other = server.call(method, &format!("/t/tenant1.com{path}"), &own, Some(body.clone())).await;
        assert!(other.status == 403 || other.status == 401, "{method} {path}: {}", other.status);
        assert_eq!(server.call(method, path, &own, Some(body)).await.status, 404, "{method} {path}");
    }
    // A role cannot be given to another tenant's user.
    let admins = server.identity.find_role(TenantId::SUPER, "admin").await.unwrap().unwrap();
    let grab = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": theirs.id.to_string()}]}]});
    let reply = server.call("PATCH", &format!("/scim2/Groups/{}", admins.id), &own, Some(grab)).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    // Same name, other tenant: the other password.
    let users = server.call("GET", "/t/tenant1.com/scim2/Users", &basic("admin", PASSWORD), None).await;
    assert_eq!(users.status, 200, "a bare name belongs to the tenant of the path");
    assert!(users.text.contains("victim"));
    let cross = server.call("GET", "/t/tenant1.com/scim2/Users", &own, None).await;
    assert_eq!(cross.status, 403);
    assert_eq!(server.call("GET", "/t/unknown.com/scim2/Users", &own, None).await.status, 403);
}

#[tokio::test]
async fn oversized_and_doubled_requests_are_refused() {
    let server = Server::with_admin().await;
    let big = "a".repeat(2 * 1024 * 1024);
    let reply = server.call("POST", "/scim2/Users", &basic("admin", PASSWORD), Some(json!({"userName": big}))).await;
    assert_eq!(reply.status, 413);
    let form = format!("grant_type=client_credentials&scope={}", "a".repeat(70_000));
    assert_eq!(server.form("/oauth2/token", "", &form).await.status, 413);
    let doubled = Request::builder()
        .uri("/scim2/Users")
        .header(header::AUTHORIZATION, basic("admin", PASSWORD))
        .header(header::AUTHORIZATION, basic("admin", PASSWORD))
        .body(Body::empty())
        .unwrap();
    assert_eq!(server.send(doubled).await.status, 401);
}
