//! What the conformance runner's provisioning sends, and what a hurried administrator gets wrong.

use serde_json::{Value, json};

use crate::server::{PASSWORD, Server, TENANT, basic};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ADMIN: &str = "admin";

fn admin() -> String {
    basic(ADMIN, PASSWORD)
}

fn tenant_admin() -> String {
    basic("admin@tenant1.com", PASSWORD)
}

fn tenant_body(domain: &str, password: &str) -> Value {
    json!({"domain": domain, "owners": [{
        "username": "admin", "password": password, "email": format!("admin@{domain}"), "firstname": "First",
        "lastname": "Tenant", "provisioningMethod": "inline-password",
    }]})
}

fn operation(op: &str, path: &str, value: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": op, "path": path, "value": value}]})
}

async fn find(server: &Server, authorization: &str, prefix: &str, kind: &str, filter: &str) -> Option<Value> {
    let filter: String = filter.bytes().map(|b| format!("%{b:02X}")).collect();
    let reply = server.call("GET", &format!("{prefix}/scim2/{kind}?filter={filter}"), authorization, None).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.headers["content-type"], "application/scim+json");
    reply.json()["Resources"].get(0).cloned()
}

#[tokio::test]
async fn tenants_are_created_found_and_refused() {
    let server = Server::with_admin().await;
    let path = "/api/server/v1/tenants";
    let missing = server.call("GET", &format!("{path}/domain/{TENANT}"), &admin(), None).await;
    assert_eq!(missing.status, 404);
    let reply = server.call("POST", path, &admin(), Some(tenant_body(TENANT, PASSWORD))).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert!(!reply.text.contains(PASSWORD));
    let found = server.call("GET", &format!("{path}/domain/{TENANT}"), &admin(), None).await;
    assert_eq!((found.status.as_u16(), found.field("domain").as_str()), (200, TENANT));
    assert_eq!(server.call("POST", path, &admin(), Some(tenant_body(TENANT, PASSWORD))).await.status, 409);
    let refused = server.call("POST", path, &admin(), Some(tenant_body("Abc.com", PASSWORD))).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("Abc.com contains one or more illegal characters"), "{}", refused.text);
    assert_eq!(server.call("POST", path, &admin(), Some(tenant_body("weak.com", "admin"))).await.status, 400);
    let by_tenant = server.call("POST", path, &tenant_admin(), Some(tenant_body("other.com", PASSWORD))).await;
    assert_eq!(by_tenant.status, 403);

    // Switched off, its users are strangers; switched on, they are back.
    let id = found.field("id");
    let switch = format!("{path}/{id}/lifecycle-status");
    assert_eq!(server.call("PUT", &switch, &admin(), Some(json!({"activated": false}))).await.status, 200);
    assert_eq!(server.call("GET", "/t/tenant1.com/scim2/Users", &tenant_admin(), None).await.status, 401);
    assert_eq!(server.call("PUT", &switch, &admin(), Some(json!({"activated": true}))).await.status, 200);
    assert_eq!(server.call("GET", "/t/tenant1.com/scim2/Users", &tenant_admin(), None).await.status, 200);
    let of_super = format!("{path}/-1234/lifecycle-status");
    assert_eq!(server.call("PUT", &of_super, &admin(), Some(json!({"activated": false}))).await.status, 409);
}

#[tokio::test]
async fn users_and_roles_as_the_runner_makes_them() {
    let server = Server::with_tenant().await;
    for (prefix, auth) in [("", admin()), ("/t/tenant1.com", tenant_admin())] {
        let users = format!("{prefix}/scim2/Users");
        assert!(find(&server, &auth, prefix, "Users", "userName eq \"publisherUser1\"").await.is_none());
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "publisherUser1",
            "password": "publisherUser1-Conf0rmance-Run!",
        });
        let reply = server.call("POST", &users, &auth, Some(user.clone())).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert!(!reply.text.contains("Conf0rmance"));
        let id = reply.field("id");
        assert_eq!(server.call("POST", &users, &auth, Some(user)).await.status, 409);
        for role in ["Internal/creator", "Internal/publisher", "newRole"] {
            let group = match find(&server, &auth, prefix, "Groups", &format!("displayName eq \"{role}\"")).await {
                Some(group) => group["id"].as_str().unwrap().to_owned(),
                None => {
                    let group =
                        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": role});
                    let reply = server.call("POST", &format!("{prefix}/scim2/Groups"), &auth, Some(group)).await;
                    assert_eq!(reply.status, 201, "{}", reply.text);
                    reply.field("id")
                }
            };
            let member = operation("add", "members", json!([{"value": id, "display": "publisherUser1"}]));
            let path = format!("{prefix}/scim2/Groups/{group}");
            assert_eq!(server.call("PATCH", &path, &auth, Some(member)).await.status, 200);
        }
        for (path, value) in [
            ("password", json!("another good password")),
            ("name.givenName", json!("Pub")),
            ("emails", json!("p@example.com")),
            ("phoneNumbers[type eq \"mobile\"].value", json!("94123456987")),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization", json!("Org")),
            ("urn:scim:schemas:extension:custom:User:organizationId", json!("org-1")),
        ] {
            let reply =
                server.call("PATCH", &format!("{users}/{id}"), &auth, Some(operation("replace", path, value))).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        }
        let found = find(&server, &auth, prefix, "Users", "userName eq \"PUBLISHERuser1\"").await.unwrap();
        assert_eq!(found["name"]["givenName"], "Pub");
        assert_eq!(found["urn:scim:schemas:extension:custom:User"]["organizationId"], "org-1");
        let groups: Vec<&str> =
            found["groups"].as_array().unwrap().iter().map(|g| g["display"].as_str().unwrap()).collect();
        assert_eq!(groups, ["Internal/creator", "Internal/publisher", "newRole"]);
        let own = format!("publisherUser1{}", if prefix.is_empty() { "" } else { "@tenant1.com" });
        let register = json!({"clientName": "x", "owner": own, "grantType": "password"});
        let path = "/client-registration/v0.17/register";
        let reply = server.call("POST", path, &basic(&own, "another good password"), Some(register)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(server.call("DELETE", &format!("{users}/{id}"), &auth, None).await.status, 204);
        assert_eq!(server.call("DELETE", &format!("{users}/{id}"), &auth, None).await.status, 404);
    }
}

#[tokio::test]
async fn a_second_user_store_is_a_name_space_of_its_own() {
    let server = Server::with_tenant().await;
    let store = json!({
        "typeId": "VW5pcXVlSURKREJDVXNlclN0b3JlTWFuYWdlcg", "name": "SECONDARY.COM", "description": "Second",
        "properties": [{"name": "CaseInsensitiveUsername", "value": "true"}],
    });
    let early = json!({"userName": "SECONDARY.COM/testUser1", "password": PASSWORD});
    let users = "/t/tenant1.com/scim2/Users";
    assert_eq!(server.call("POST", users, &tenant_admin(), Some(early.clone())).await.status, 400);
    let stores = "/t/tenant1.com/api/server/v1/userstores";
    assert_eq!(server.call("POST", stores, &tenant_admin(), Some(store.clone())).await.status, 201);
    assert_eq!(server.call("POST", stores, &tenant_admin(), Some(store)).await.status, 409);
    assert_eq!(server.call("POST", users, &tenant_admin(), Some(early)).await.status, 201);
    let found =
        find(&server, &tenant_admin(), "/t/tenant1.com", "Users", "userName eq \"secondary.com/TESTUSER1\"").await;
    assert_eq!(found.unwrap()["userName"], "SECONDARY.COM/testUser1");
    let group = json!({"displayName": "SECONDARY.COM/userrole1"});
    assert_eq!(server.call("POST", "/t/tenant1.com/scim2/Groups", &tenant_admin(), Some(group)).await.status, 201);
    let full = "/t/tenant1.com/api/server/v1/userstores/U0VDT05EQVJZLkNPTQ";
    assert_eq!(server.call("DELETE", full, &tenant_admin(), None).await.status, 409);
    // The other tenant has no such store.
    let other = json!({"userName": "SECONDARY.COM/x", "password": PASSWORD});
    assert_eq!(server.call("POST", "/scim2/Users", &admin(), Some(other)).await.status, 400);
}

#[tokio::test]
async fn wrong_requests_change_nothing_and_say_why() {
    let server = Server::with_admin().await;
    for (body, part) in [
        (json!({"password": PASSWORD}), "userName"),
        (json!({"userName": "x"}), "password"),
        (json!({"userName": "x y", "password": PASSWORD}), "blank"),
        (json!({"userName": "Internal/x", "password": PASSWORD}), "Internal"),
        (json!({"userName": "Local-Operator", "password": PASSWORD}), "belongs to the product"),
        (json!({"userName": "x", "password": "short"}), "too short"),
        (json!({"userName": "x", "password": PASSWORD, "title": "t".repeat(20_000)}), "16384"),
        (json!({"userName": "a@b@carbon.super@", "password": "short"}), "too short"),
        (json!([1]), "JSON"),
    ] {
        let reply = server.call("POST", "/scim2/Users", &admin(), Some(body)).await;
        assert!(reply.status == 400 || reply.status == 409, "{}: {}", reply.status, reply.text);
        assert!(reply.text.contains(part), "{part}: {}", reply.text);
        assert_eq!(reply.json()["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    }
    let me = find(&server, &admin(), "", "Users", "userName eq \"admin\"").await.unwrap();
    let path = format!("/scim2/Users/{}", me["id"].as_str().unwrap());
    for patch in [
        operation("replace", "userName", json!("other")),
        operation("replace", "groups", json!([])),
        operation("replace", "password", json!("admin")),
        operation("replace", "active", json!("maybe")),
        operation("frobnicate", "title", json!("x")),
        operation("replace", "a[b", json!("x")),
        json!({"Operations": []}),
        json!({"Operations": [{"op": "replace", "value": "x"}]}),
        json!({}),
    ] {
        let reply = server.call("PATCH", &path, &admin(), Some(patch.clone())).await;
        assert_eq!(reply.status, 400, "{patch}: {}", reply.text);
    }
    for filter in ["userName sw \"a\"", "userName eq", "id eq \"x\"", "userName eq \"a\" or true", "userName eq \"a"] {
        let filter: String = filter.bytes().map(|b| format!("%{b:02X}")).collect();
        let reply = server.call("GET", &format!("/scim2/Users?filter={filter}"), &admin(), None).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
    }
    // A password that is refused takes the attributes sent with it along.
    let mixed = json!({"Operations": [
        {"op": "replace", "path": "title", "value": "Boss"}, {"op": "replace", "path": "password", "value": "short"},
    ]});
    assert_eq!(server.call("PATCH", &path, &admin(), Some(mixed)).await.status, 400);
    let after = find(&server, &admin(), "", "Users", "userName eq \"admin\"").await.unwrap();
    assert_eq!(after.get("title"), None);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::with_admin().await;
    let me = find(&server, &admin(), "", "Users", "userName eq \"admin\"").await.unwrap();
    let group = find(&server, &admin(), "", "Groups", "displayName eq \"admin\"").await.unwrap();
    let (me, group) = (me["id"].as_str().unwrap(), group["id"].as_str().unwrap());
    let (user, role) = (format!("/scim2/Users/{me}"), format!("/scim2/Groups/{group}"));
    assert_eq!(server.call("DELETE", &user, &admin(), None).await.status, 409);
    let lock = operation("replace", "active", json!(false));
    assert_eq!(server.call("PATCH", &user, &admin(), Some(lock)).await.status, 409);
    for patch in [
        operation("remove", "members", json!([{"value": me}])),
        operation("remove", &format!("members[value eq \"{me}\"]"), Value::Null),
        operation("replace", "members", json!([])),
        operation("replace", "displayName", json!("wizard")),
    ] {
        assert_eq!(server.call("PATCH", &role, &admin(), Some(patch.clone())).await.status, 409, "{patch}");
    }
    assert_eq!(server.call("DELETE", &role, &admin(), None).await.status, 409);
    assert_eq!(server.call("GET", "/scim2/Users", &admin(), None).await.status, 200);
}

#[tokio::test]
async fn names_cannot_take_over_another_tenant() {
    let server = Server::with_tenant().await;
    let trap = json!({"userName": "admin@tenant1.com", "password": PASSWORD});
    assert_eq!(server.call("POST", "/scim2/Users", &admin(), Some(trap)).await.status, 400);
    // The other way round: e-mail names first, a tenant of that domain later.
    let mail = json!({"userName": "admin@email.com", "password": PASSWORD});
    assert_eq!(server.call("POST", "/scim2/Users", &admin(), Some(mail)).await.status, 201);
    let path = "/api/server/v1/tenants";
    assert_eq!(server.call("POST", path, &admin(), Some(tenant_body("email.com", PASSWORD))).await.status, 409);
    // One's own domain at the end is only a way of writing.
    let own = json!({"userName": "ann@tenant1.com", "password": PASSWORD});
    let reply = server.call("POST", "/t/tenant1.com/scim2/Users", &tenant_admin(), Some(own)).await;
    assert_eq!(reply.field("userName"), "ann");
}

#[tokio::test]
async fn whoever_manages_users_does_not_become_an_administrator() {
    let server = Server::with_admin().await;
    let tenant = model::TenantId::SUPER;
    let made = server.identity.create_role(tenant, "help-desk", &[]).await.unwrap();
    server.identity.create_role(tenant, "clerks", &[]).await.unwrap();
    for scope in ["user_mgt_list", "user_mgt_view", "user_mgt_create", "user_mgt_update", "user_mgt_delete"]
        .into_iter()
        .chain(["group_mgt_view", "group_mgt_create", "group_mgt_update", "group_mgt_delete"])
    {
        server.identity.bind_scope(tenant, &format!("internal_{scope}"), true, &["help-desk".into()]).await.unwrap();
    }
    // A scope that nobody but a role of this name has, which is not there yet.
    server.identity.bind_scope(tenant, "apim:admin", true, &["wizards".into()]).await.unwrap();
    let helper = server.user("helper", &["help-desk"]).await;
    let clerk = server.user("clerk", &["clerks"]).await;
    let publisher = server.user("publisher", &["Internal/publisher"]).await;
    let boss = server.identity.find_user(tenant, "admin").await.unwrap().unwrap();
    let desk = basic("helper", PASSWORD);
    let role = async |name: &str| server.identity.find_role(tenant, name).await.unwrap().unwrap().id;
    let (admins, clerks, publishers) = (role("admin").await, role("clerks").await, role("Internal/publisher").await);
    let me = json!([{"value": helper.id.to_string()}]);
    let password = || operation("replace", "password", json!("quite another passphrase"));
    let user = |id: model::UserId| format!("/scim2/Users/{id}");
    let group = |id: &str| format!("/scim2/Groups/{id}");
    let refused = [
        ("PATCH", user(boss.id), Some(password())),
        ("PATCH", user(boss.id), Some(operation("replace", "active", json!(false)))),
        ("PUT", user(boss.id), Some(json!({"userName": "admin", "password": "quite another passphrase"}))),
        ("DELETE", user(boss.id), None),
        ("PATCH", user(publisher.id), Some(password())),
        ("PATCH", group(&admins), Some(operation("add", "members", me.clone()))),
        ("PUT", group(&admins), Some(json!({"displayName": "admin", "members": me.clone()}))),
        ("PATCH", group(&publishers), Some(operation("add", "members", me.clone()))),
        ("PATCH", group(&publishers), Some(operation("replace", "members", json!([])))),
        ("POST", "/scim2/Groups".to_owned(), Some(json!({"displayName": "wizards", "members": me.clone()}))),
        ("PATCH", group(&clerks), Some(operation("replace", "displayName", json!("wizards")))),
        ("PUT", group(&clerks), Some(json!({"displayName": "Wizards", "members": me}))),
    ];
    for (method, path, body) in refused {
        let reply = server.call(method, &path, &desk, body.clone()).await;
        assert_eq!(reply.status, 403, "{method} {path} {body:?}: {}", reply.text);
        assert!(reply.text.contains("that you do not have"), "{}", reply.text);
    }
    assert!(server.identity.find_role(tenant, "wizards").await.unwrap().is_none());
    assert_eq!(server.call("GET", "/scim2/Users", &admin(), None).await.status, 200, "the administrator was changed");
    // Their work goes on.
    let clerk_in = operation("add", "members", json!([{"value": clerk.id.to_string()}]));
    for (method, path, body, expected) in [
        ("PATCH", user(clerk.id), Some(password()), 200),
        ("PATCH", group(&clerks), Some(clerk_in.clone()), 200),
        ("PATCH", group(&made.id), Some(clerk_in), 200),
        ("PATCH", user(helper.id), Some(operation("replace", "nickName", json!("desk"))), 200),
        ("POST", "/scim2/Groups".to_owned(), Some(json!({"displayName": "guests"})), 201),
        ("DELETE", user(clerk.id), None, 204),
    ] {
        let reply = server.call(method, &path, &desk, body).await;
        assert_eq!(reply.status.as_u16(), expected, "{method} {path}: {}", reply.text);
    }
    assert_eq!(server.call("PATCH", &user(publisher.id), &admin(), Some(password())).await.status, 200);
}
