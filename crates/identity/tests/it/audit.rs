//! Who did what to users, roles, tenants and clients: in the audit log, with the change or not at all.

use model::{Secret, TenantId};
use serde_json::json;
use store::repository::audit::{self, AuditRecord};

use crate::server::{PASSWORD, Server, basic};

async fn log(server: &Server) -> Vec<AuditRecord> {
    let mut work = server.database().await.read().await.unwrap();
    audit::after(&mut work, 0, 1000).await.unwrap()
}

/// `principal action`, without what stands before `skip`.
async fn told(server: &Server, skip: usize) -> Vec<String> {
    let name = |r: AuditRecord| format!("{} {} {}", r.tenant.number(), r.principal, r.action);
    log(server).await.into_iter().skip(skip).map(name).collect()
}

#[tokio::test]
async fn every_change_over_http_is_recorded_with_its_author() {
    let server = Server::with_tenant().await;
    let (base, auth) = ("/t/tenant1.com", basic("admin@tenant1.com", PASSWORD));
    let tenant = server.tenant_id().await.number();
    let skip = log(&server).await.len();
    let call = async |method: &str, path: &str, body: serde_json::Value| {
        let reply = server.call(method, &format!("{base}{path}"), &auth, Some(body)).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        reply
    };
    let user = call("POST", "/scim2/Users", json!({"userName": "dev", "password": PASSWORD})).await.field("id");
    let one = format!("/scim2/Users/{user}");
    let patch =
        |path: &str, value: serde_json::Value| json!({"Operations": [{"op": "replace", "path": path, "value": value}]});
    call("PATCH", &one, patch("title", json!("Boss"))).await;
    call("PATCH", &one, patch("password", json!("a brand new password"))).await;
    call("PATCH", &one, patch("active", json!(false))).await;
    call("PATCH", &one, patch("active", json!(true))).await;
    let group = call("POST", "/scim2/Groups", json!({"displayName": "clerks"})).await.field("id");
    let role = format!("/scim2/Groups/{group}");
    call("PATCH", &role, json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}]})).await;
    call("PATCH", &role, json!({"Operations": [{"op": "replace", "path": "members", "value": []}]})).await;
    call("PATCH", &role, patch("displayName", json!("scribes"))).await;
    call("DELETE", &role, json!({})).await;
    let body = json!({"clientName": "tool", "grantType": "password"});
    let client = call("POST", "/client-registration/v0.17/register", body.clone()).await.field("clientId");
    call("PUT", &format!("/client-registration/v0.17/register/{client}"), body).await;
    call("DELETE", &format!("/client-registration/v0.17/register/{client}"), json!({})).await;
    let store = call("POST", "/api/server/v1/userstores", json!({"name": "SECOND.COM"})).await.field("id");
    call("DELETE", &format!("/api/server/v1/userstores/{store}"), json!({})).await;
    call("DELETE", &one, json!({})).await;
    let expected = [
        "users.create",
        "users.update",
        "users.reset-password",
        "users.lock",
        "users.unlock",
        "roles.create",
        "roles.add-member",
        "roles.remove-member",
        "roles.rename",
        "roles.delete",
        "clients.register",
        "clients.update",
        "clients.delete",
        "user-stores.create",
        "user-stores.delete",
        "users.delete",
    ]
    .map(|action| format!("{tenant} admin@tenant1.com identity.{action}"));
    assert_eq!(told(&server, skip).await, expected);
    let records = log(&server).await;
    let secrets = ["password", PASSWORD];
    assert!(records.iter().all(|r| secrets.iter().all(|s| !r.target.contains(s))), "{records:?}");
    let removed = records.iter().find(|r| r.action.ends_with("remove-member")).unwrap();
    assert_eq!(removed.target, format!("role/{group}/user/{user}"));

    let path = "/api/server/v1/tenants";
    let new = json!({"domain": "t2.com", "owners": [{"username": "boss", "password": PASSWORD}]});
    let skip = log(&server).await.len();
    let id = server.call("POST", path, &basic("admin", PASSWORD), Some(new)).await.field("id");
    for on in [false, true] {
        let path = format!("{path}/{id}/lifecycle-status");
        server.call("PUT", &path, &basic("admin", PASSWORD), Some(json!({"activated": on}))).await;
    }
    let expected = ["create", "deactivate", "activate"].map(|action| format!("{id} admin identity.tenants.{action}"));
    assert_eq!(told(&server, skip).await, expected);

    // One chain, without a gap.
    let mut previous = String::new();
    for (index, record) in log(&server).await.into_iter().enumerate() {
        assert_eq!((record.sequence, &record.previous_hash), (i64::try_from(index).unwrap() + 1, &previous));
        assert_eq!(audit::hash_of(&record), record.hash);
        previous = record.hash;
    }
}

#[tokio::test]
async fn set_up_guesses_and_the_command_line_are_recorded() {
    let server = Server::empty().await;
    let link = server.identity.create_setup_link().await.unwrap();
    let boss = server.identity.complete_setup(&link, "boss", Secret::new(PASSWORD.into())).await.unwrap();
    for _ in 0..5 {
        server.call("GET", "/scim2/Users", &basic("boss", "a wrong guess"), None).await;
    }
    server.settle().await;
    server.identity.unlock_user(TenantId::SUPER, boss.id).await.unwrap();
    let new = Secret::new("a brand new password".to_owned());
    let present = Secret::new(PASSWORD.to_owned());
    server.identity.change_password(TenantId::SUPER, "boss", &present, &new).await.unwrap();
    let of_super = |what: &str| format!("-1234 {what}");
    let expected = [
        "local-operator identity.setup.link",
        "boss identity.setup.complete",
        "sign-in protection identity.users.lock",
        "local-operator identity.users.unlock",
        "boss identity.users.change-password",
    ]
    .map(of_super);
    assert_eq!(told(&server, 0).await, expected);
}

#[tokio::test]
async fn what_is_refused_is_not_recorded() {
    let server = Server::with_admin().await;
    let before = log(&server).await.len();
    let auth = basic("admin", PASSWORD);
    let me = server.identity.find_user(TenantId::SUPER, "admin").await.unwrap().unwrap();
    assert_eq!(server.call("DELETE", &format!("/scim2/Users/{}", me.id), &auth, None).await.status, 409);
    let twice = json!({"userName": "admin", "password": PASSWORD});
    assert_eq!(server.call("POST", "/scim2/Users", &auth, Some(twice)).await.status, 409);
    assert_eq!(server.call("POST", "/scim2/Groups", &auth, Some(json!({"displayName": "admin"}))).await.status, 409);
    assert_eq!(log(&server).await.len(), before);
}
