//! Creating, reading, changing, listing and removing APIs.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{ADMIN, CREATOR, FOREIGN, OTHER, SUBSCRIBER, World, pizza};

#[tokio::test]
async fn a_created_api_has_wso2s_defaults_and_reads_back() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    assert_eq!(made["context"], "/pizza");
    assert_eq!(made["provider"], "carla");
    assert_eq!(made["lifeCycleStatus"], "CREATED");
    assert_eq!(made["securityScheme"], json!(["oauth2", "oauth_basic_auth_api_key_mandatory"]));
    assert_eq!(made["operations"][0]["throttlingPolicy"], "Unlimited");
    assert_eq!(made["transport"], json!(["http", "https"]));
    let (status, read) = world.send(OTHER, "GET", &format!("/apis/{}", made["id"].as_str().unwrap()), None).await;
    assert_eq!((status, &read["name"]), (StatusCode::OK, &json!("Pizza")));
    let (_, list) = world.send(OTHER, "GET", "/apis?query=name:pizza&limit=1", None).await;
    assert_eq!((&list["count"], &list["pagination"]["total"]), (&json!(1), &json!(1)));
    assert_eq!(list["list"][0]["id"], made["id"]);
}

#[tokio::test]
async fn every_wrong_field_is_reported_at_once() {
    let world = World::new().await;
    let document = json!({
        "name": "a/b", "version": "1 0", "context": "x", "type": "CORBA", "visibility": "RESTRICTED",
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "ftp://x"}},
        "securityScheme": ["magic"], "operations": [{"target": "no-slash", "verb": "GET"}],
    });
    let (status, body) = world.send(CREATOR, "POST", "/apis", Some(document)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].as_array().unwrap().len() >= 6, "{body}");
}

#[tokio::test]
async fn contexts_are_checked() {
    let world = World::new().await;
    for (context, code) in [
        ("invalid{version}", 900_253),
        ("/a/../b", 900_253),
        ("a//b", 900_253),
        ("/", 900_253),
        ("/a b", 900_253),
        ("/a/{version}/{version}", 900_253),
        ("/{tenant}/x", 900_253),
        ("/carbon", 900_346),
        ("/services/x", 900_346),
        ("Publisher", 900_346),
        ("/oauth2", 900_346),
        ("/t/evil.com/oauth2/x", 900_346),
        ("/a/", 900_253),
    ] {
        let mut document = pizza("Ctx");
        document["context"] = context.into();
        let (status, body) = world.send(CREATOR, "POST", "/apis", Some(document)).await;
        assert_eq!((status, body["code"].as_u64()), (StatusCode::BAD_REQUEST, Some(code)), "{context}: {body}");
    }
    let mut document = pizza("Template");
    document["context"] = "/{version}/template".into();
    assert_eq!(world.create(CREATOR, document).await["context"], "/{version}/template");
}

#[tokio::test]
async fn names_versions_and_contexts_are_unique() {
    let world = World::new().await;
    world.create(CREATOR, pizza("Pizza")).await;
    let change = |field: &str, value: &str| {
        let mut document = pizza("Pizza");
        document[field] = value.into();
        document
    };
    for (document, status, code) in [
        (pizza("Pizza"), 409, 900_252),
        (change("name", "PIZZA"), 409, 900_250),
        (change("name", "Burger"), 409, 900_251),
        (json!({"name": "Pizza", "version": "2.0.0", "context": "other"}), 400, 900_346),
    ] {
        let (got, body) = world.send(OTHER, "POST", "/apis", Some(document)).await;
        assert_eq!((got.as_u16(), body["code"].as_u64()), (status, Some(code)), "{body}");
    }
    // The same full path by another split of context and version.
    let mut sneaky = pizza("Sneaky");
    sneaky["context"] = "/{version}/1.0.0".into();
    sneaky["version"] = "pizza".into();
    let (status, body) = world.send(OTHER, "POST", "/apis", Some(sneaky)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
}

#[tokio::test]
async fn an_update_changes_only_what_may_change() {
    let world = World::new().await;
    let mut made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    made["name"] = "Renamed".into();
    made["provider"] = "mallory".into();
    made["lifeCycleStatus"] = "PUBLISHED".into();
    made["description"] = "New".into();
    made["xMine"] = json!({"kept": true});
    let (status, changed) = world.send(CREATOR, "PUT", &path, Some(made)).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!((&changed["name"], &changed["provider"]), (&json!("Pizza"), &json!("carla")));
    assert_eq!((&changed["lifeCycleStatus"], &changed["description"]), (&json!("CREATED"), &json!("New")));
    assert_eq!(changed["xMine"]["kept"], true);
}

#[tokio::test]
async fn endpoint_secrets_are_sealed_and_never_shown() {
    let world = World::new().await;
    let mut document = pizza("Secret");
    document["endpointConfig"]["endpoint_security"] = json!({
        "production": {"enabled": true, "type": "BASIC", "username": "u", "password": "hunter2hunter2"},
    });
    let made = world.create(CREATOR, document).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/apis/{id}");
    assert_eq!(made["endpointConfig"]["endpoint_security"]["production"]["password"], "");
    // Sent back blank, the secret stays; the gateway gets it in clear.
    let (_, read) = world.send(CREATOR, "GET", &path, None).await;
    let (status, changed) = world.send(CREATOR, "PUT", &path, Some(read)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!changed.to_string().contains("hunter2"));
    world.deploy(CREATOR, &id).await;
    let snapshot = world.gateway.snapshot();
    let security = snapshot.apis[0].production.as_ref().unwrap().security.clone().unwrap();
    assert!(
        matches!(security, model::snapshot::EndpointSecurity::Basic { password, .. } if password == "hunter2hunter2")
    );
    // Not in the database, not in the export, and sealed for its own API in a copy.
    let mut work = world.database.read().await.unwrap();
    let stored = work
        .find("/* whole: there is one */ SELECT document FROM api", [])
        .await
        .unwrap()
        .unwrap()
        .text("document")
        .unwrap();
    assert!(!stored.contains("hunter2") && stored.contains("sealed("), "{stored}");
    drop(work);
    let (status, copy) =
        world.send(CREATOR, "POST", &format!("/apis/copy-api?apiId={id}&newVersion=2.0.0"), None).await;
    assert_eq!(status, StatusCode::CREATED, "{copy}");
    world.deploy(CREATOR, copy["id"].as_str().unwrap()).await;
    assert_eq!(world.gateway.snapshot().apis.len(), 2);
}

#[tokio::test]
async fn other_tenants_and_strangers_see_nothing() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    for (who, method, tail, status) in [
        (FOREIGN, "GET", "", 404),
        (FOREIGN, "PUT", "", 404),
        (FOREIGN, "DELETE", "", 404),
        (FOREIGN, "GET", "/swagger", 404),
        (FOREIGN, "GET", "/revisions", 404),
        (FOREIGN, "GET", "/documents", 404),
        (FOREIGN, "GET", "/lifecycle-state", 404),
        (FOREIGN, "GET", "/thumbnail", 404),
        ("", "GET", "", 401),
        (SUBSCRIBER, "GET", "", 401),
        ("nobody", "GET", "", 401),
    ] {
        let body = (method == "PUT").then(|| pizza("Pizza"));
        let (got, body) = world.send(who, method, &format!("{path}{tail}"), body).await;
        assert_eq!(got.as_u16(), status, "{who} {method} {tail}: {body}");
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
    let (_, list) = world.send(FOREIGN, "GET", "/apis", None).await;
    assert_eq!(list["count"], 0);
    // The same name and context is free in the other tenant, below its prefix.
    assert_eq!(world.create(FOREIGN, pizza("Pizza")).await["context"], "/t/example.com/pizza");
}

#[tokio::test]
async fn access_control_is_by_role() {
    let world = World::new().await;
    let mut document = pizza("Blue");
    document["accessControl"] = "RESTRICTED".into();
    document["accessControlRoles"] = json!(["blue"]);
    let made = world.create(ADMIN, document).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    for (who, status) in [(CREATOR, 200), (ADMIN, 200), (OTHER, 403)] {
        let (got, body) = world.send(who, "GET", &path, None).await;
        assert_eq!(got.as_u16(), status, "{who}: {body}");
    }
    let (_, list) = world.send(OTHER, "GET", "/apis", None).await;
    assert_eq!(list["count"], 0);
    let (status, body) =
        world.send(OTHER, "GET", &format!("/apis/export?apiId={}", made["id"].as_str().unwrap()), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
}

#[tokio::test]
async fn an_api_cannot_take_over_a_scope_of_the_product() {
    let world = World::new().await;
    let mut work = world.database.begin().await.unwrap();
    store::repository::tenant::add_system_scope(&mut work, model::TenantId::SUPER, "apim:admin", &["admin"])
        .await
        .unwrap();
    work.save().await.unwrap();
    let mut document = pizza("Evil");
    document["scopes"] = json!([{"scope": {"name": "apim:admin", "bindings": ["Internal/subscriber"]}}]);
    let (status, body) = world.send(CREATOR, "POST", "/apis", Some(document)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let mut work = world.database.read().await.unwrap();
    let bindings = store::repository::tenant::scope_bindings(&mut work, model::TenantId::SUPER).await.unwrap();
    assert_eq!(bindings["apim:admin"].roles, ["admin"]);
}

#[tokio::test]
async fn versions_share_the_context_and_one_is_the_default() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    document["isDefaultVersion"] = true.into();
    let first = world.create(CREATOR, document).await;
    let id = first["id"].as_str().unwrap();
    let copy = |version: &str| format!("/apis/copy-api?apiId={id}&newVersion={version}&defaultVersion=true");
    let (status, second) = world.send(CREATOR, "POST", &copy("2.0.0"), None).await;
    assert_eq!((status, &second["isDefaultVersion"]), (StatusCode::CREATED, &json!(true)));
    let (_, first) = world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await;
    assert_eq!(first["isDefaultVersion"], false);
    let (status, body) = world.send(CREATOR, "POST", &copy("2.0.0"), None).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!(900_252)));
    let (status, _) = world.send(CREATOR, "POST", &copy("a%2Fb"), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_and_the_chain_holds() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let id = made["id"].as_str().unwrap();
    world.deploy(CREATOR, id).await;
    world.send(CREATOR, "DELETE", &format!("/apis/{id}"), None).await;
    let count = world.control.verify_audit_log().await.unwrap().unwrap().records;
    assert!(count >= 4, "{count}");
    let mut work = world.database.begin().await.unwrap();
    work.execute("UPDATE audit_log SET principal = 'somebody' WHERE sequence = 2", []).await.unwrap();
    work.save().await.unwrap();
    assert_eq!(world.control.verify_audit_log().await.unwrap(), Err(control::AuditFault::Changed(2)));
}

#[tokio::test]
async fn documents_live_and_die_with_their_api() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/apis/{id}/documents");
    let given = json!({"name": "How", "type": "HOWTO", "summary": "s", "sourceType": "INLINE", "visibility": "API_LEVEL", "inlineContent": "read this"});
    let (status, document) = world.send(CREATOR, "POST", &path, Some(given.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{document}");
    let one = format!("{path}/{}", document["documentId"].as_str().unwrap());
    let (_, content) = world.send(CREATOR, "GET", &format!("{one}/content"), None).await;
    assert_eq!(content, "read this");
    let (status, _) = world.send(CREATOR, "POST", &path, Some(given)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) =
        world.form(CREATOR, "POST", &format!("{one}/content"), &[("inlineContent", None, b"new text")]).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, content) = world.send(CREATOR, "GET", &format!("{one}/content"), None).await;
    assert_eq!(content, "new text");
    assert_eq!(world.send(CREATOR, "DELETE", &one, None).await.0, StatusCode::OK);
    assert_eq!(world.send(CREATOR, "GET", &path, None).await.1["count"], 0);
    let evil = json!({"name": "../../x", "type": "HOWTO", "sourceType": "URL", "sourceUrl": "javascript:alert(1)"});
    let (status, body) = world.send(CREATOR, "POST", &path, Some(evil)).await;
    assert_eq!((status, body["error"].as_array().map(Vec::len)), (StatusCode::BAD_REQUEST, Some(2)), "{body}");
}

#[tokio::test]
async fn thumbnails_are_pictures() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}/thumbnail", made["id"].as_str().unwrap());
    assert_eq!(world.send(CREATOR, "GET", &path, None).await.0, StatusCode::NO_CONTENT);
    let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    assert_eq!(world.form(CREATOR, "PUT", &path, &[("file", Some("a.png"), svg)]).await.0, StatusCode::BAD_REQUEST);
    let png: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    assert_eq!(world.form(CREATOR, "PUT", &path, &[("file", Some("a.png"), png)]).await.0, StatusCode::CREATED);
    let (status, bytes) = world.raw(CREATOR, "GET", &path, "", Vec::new()).await;
    assert_eq!((status, bytes.as_slice()), (StatusCode::OK, png));
    let (_, read) = world.send(CREATOR, "GET", path.trim_end_matches("/thumbnail"), None).await;
    assert_eq!(read["hasThumbnail"], true);
}

#[tokio::test]
async fn policies_come_from_the_catalogue_or_the_tenant() {
    let world = World::new().await;
    let mut made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    let (_, list) = world.send(CREATOR, "GET", "/operation-policies", None).await;
    assert!(list["list"].as_array().unwrap().iter().any(|p| p["name"] == "removeHeader"), "{list}");
    let attach = |made: &mut Value, name: &str, parameters: Value| {
        made["operations"][0]["operationPolicies"] =
            json!({"request": [{"policyName": name, "parameters": parameters}]});
    };
    for (name, parameters, status) in [
        ("removeHeader", json!({}), 400),
        ("unheardOf", json!({}), 400),
        ("removeHeader", json!({"headerName": "X-Gone"}), 200),
        ("removeHeader", json!({"headerName": "Host"}), 400),
    ] {
        attach(&mut made, name, parameters.clone());
        let (got, body) = world.send(CREATOR, "PUT", &path, Some(made.clone())).await;
        assert_eq!(got.as_u16(), status, "{name} {parameters}: {body}");
    }
}

#[tokio::test]
async fn shared_scopes_are_for_administrators() {
    let world = World::new().await;
    let given = json!({"name": "order:read", "displayName": "Read", "description": "d", "bindings": ["blue"]});
    assert_eq!(world.send(CREATOR, "POST", "/scopes", Some(given.clone())).await.0, StatusCode::UNAUTHORIZED);
    let (status, made) = world.send(ADMIN, "POST", "/scopes", Some(given.clone())).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(world.send(ADMIN, "POST", "/scopes", Some(given)).await.0, StatusCode::CONFLICT);
    let mut document = pizza("Scoped");
    document["operations"][0]["scopes"] = json!(["order:read"]);
    let api = world.create(CREATOR, document).await;
    assert_eq!(api["scopes"][0]["shared"], true);
    let one = format!("/scopes/{}", made["id"].as_str().unwrap());
    assert_eq!(world.send(ADMIN, "DELETE", &one, None).await.0, StatusCode::CONFLICT);
    world.send(CREATOR, "DELETE", &format!("/apis/{}", api["id"].as_str().unwrap()), None).await;
    assert_eq!(world.send(ADMIN, "DELETE", &one, None).await.0, StatusCode::OK);
    let bad = json!({"name": "apim:api_create", "bindings": ["nobody"]});
    let (status, body) = world.send(ADMIN, "POST", "/scopes", Some(bad)).await;
    assert_eq!((status, body["error"].as_array().map(Vec::len)), (StatusCode::BAD_REQUEST, Some(2)), "{body}");
}
