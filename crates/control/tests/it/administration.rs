//! Administration: policies, deny policies, environments, key managers, categories, tenant configuration.

use http::StatusCode;
use model::snapshot::DenyCondition;
use serde_json::{Value, json};

use crate::world::{ADMIN, CREATOR, SUBSCRIBER, World, pizza};

const ADMIN_OF_EXAMPLE: &str = "admin+example.com";

async fn call(world: &World, who: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { None } else { Some(body) };
    world.send(who, method, &format!("/api/am/admin/v4{path}"), body).await
}

fn requests(count: u64) -> Value {
    json!({"type": "REQUESTCOUNTLIMIT", "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": count}})
}

#[tokio::test]
async fn default_policies_are_those_of_wso2() {
    let world = World::new().await;
    for (level, names) in [
        ("application", vec!["10PerMin", "20PerMin", "50PerMin"]),
        ("advanced", vec!["10KPerMin", "20KPerMin", "50KPerMin"]),
    ] {
        let (_, list) = call(&world, ADMIN, "GET", &format!("/throttling/policies/{level}"), Value::Null).await;
        let found: Vec<&str> =
            list["list"].as_array().unwrap().iter().map(|p| p["policyName"].as_str().unwrap()).collect();
        assert_eq!(found, names);
    }
    let (_, plans) = call(&world, ADMIN_OF_EXAMPLE, "GET", "/throttling/policies/subscription", Value::Null).await;
    for name in [
        "Gold",
        "Silver",
        "Bronze",
        "Unauthenticated",
        "DefaultSubscriptionless",
        "AsyncGold",
        "AsyncWHGold",
        "AIBronze",
    ] {
        assert!(plans.to_string().contains(&format!("\"{name}\"")), "{name}");
    }
}

/// A custom rule in the shape that WSO2 documents.
const SIDDHI: &str = "FROM RequestStream SELECT userId, apiContext == '/pizza/1.0.0' AS isEligible, \
    apiContext AS throttleKey INSERT INTO EligibilityStream; \
    FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min) \
    SELECT throttleKey, (count(userId) >= 5) AS isThrottled, expiryTimeStamp GROUP BY throttleKey \
    INSERT ALL EVENTS INTO ResultStream;";

#[tokio::test]
async fn policies_are_created_changed_exported_and_removed() {
    let world = World::new().await;
    for level in ["application", "subscription", "advanced", "custom"] {
        let path = format!("/throttling/policies/{level}");
        let policy = json!({"policyName": "P1", "description": "d", "defaultLimit": requests(5), "billingPlan": "FREE",
            "siddhiQuery": SIDDHI, "keyTemplate": "$apiContext"});
        let (status, made) = call(&world, ADMIN, "POST", &path, policy.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{level} {made}");
        assert_eq!(call(&world, ADMIN, "POST", &path, policy.clone()).await.0, StatusCode::CONFLICT);
        let one = format!("{path}/{}", made["policyId"].as_str().unwrap());
        let mut changed = made.clone();
        changed["description"] = "changed".into();
        changed["policyName"] = "Renamed".into();
        let (status, body) = call(&world, ADMIN, "PUT", &one, changed).await;
        assert_eq!(
            (status, &body["description"], &body["policyName"]),
            (StatusCode::OK, &json!("changed"), &json!("P1"))
        );
        for method in ["GET", "DELETE"] {
            assert_eq!(call(&world, SUBSCRIBER, method, &one, Value::Null).await.0, StatusCode::UNAUTHORIZED);
            let expected = if level == "custom" { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
            assert_eq!(call(&world, ADMIN_OF_EXAMPLE, method, &one, Value::Null).await.0, expected, "{level}");
        }
        let (status, export) = call(&world, ADMIN, "GET", "/throttling/policies/export?name=P1", Value::Null).await;
        assert_eq!((status, &export["data"]["isDeployed"]), (StatusCode::OK, &json!(false)));
        let import = |overwrite: bool| format!("/api/am/admin/v4/throttling/policies/import?overwrite={overwrite}");
        let file = export.to_string();
        let parts = [("file", Some("policy.json"), file.as_bytes())];
        assert_eq!(world.form(ADMIN, "POST", &import(false), &parts).await.0, StatusCode::CONFLICT);
        assert_eq!(world.form(ADMIN, "POST", &import(true), &parts).await.0, StatusCode::OK);
        assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
        assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
        assert_eq!(world.form(ADMIN, "POST", &import(false), &parts).await.0, StatusCode::CREATED);
        // The next level starts without it, or the export would find this one.
        let (_, list) = call(&world, ADMIN, "GET", &path, Value::Null).await;
        let again = list["list"].as_array().unwrap().iter().find(|p| p["policyName"] == "P1").unwrap();
        let one = format!("{path}/{}", again["policyId"].as_str().unwrap());
        assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_policy_in_use_stays() {
    let world = World::new().await;
    let policy = json!({"policyName": "Used", "defaultLimit": requests(5)});
    let (_, made) = call(&world, ADMIN, "POST", "/throttling/policies/advanced", policy).await;
    let mut document = pizza("Pizza");
    document["apiThrottlingPolicy"] = "Used".into();
    let api = world.create(CREATOR, document).await;
    let one = format!("/throttling/policies/advanced/{}", made["policyId"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::FORBIDDEN);
    world.send(CREATOR, "DELETE", &format!("/apis/{}", api["id"].as_str().unwrap()), None).await;
    let (_, config) = call(&world, ADMIN, "GET", "/tenant-config", Value::Null).await;
    let mut changed = config.clone();
    changed["DefaultAPILevelTier"] = "Used".into();
    assert_eq!(call(&world, ADMIN, "PUT", "/tenant-config", changed).await.0, StatusCode::OK);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(call(&world, ADMIN, "PUT", "/tenant-config", config).await.0, StatusCode::OK);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn deny_policies_reach_the_gateway_while_they_are_on() {
    let world = World::new().await;
    world.create(CREATOR, pizza("Pizza")).await;
    let post = |kind: &str, value: Value| {
        call(
            &world,
            ADMIN,
            "POST",
            "/throttling/deny-policies",
            json!({"conditionType": kind, "conditionValue": value}),
        )
    };
    let (status, made) = post("API", json!("/pizza/1.0.0")).await;
    assert_eq!((status, &made["conditionStatus"]), (StatusCode::CREATED, &json!(true)));
    assert_eq!(post("API", json!("/pizza/1.0.0")).await.0, StatusCode::CONFLICT);
    for (kind, value, text) in [
        ("API", json!("/nowhere/1.0.0/"), "Invalid API Context"),
        ("IP", json!({"fixedIp": "127..0.0.1"}), "127..0.0.1 is an invalid ip address format"),
        ("IPRANGE", json!({"startingIp": "x", "endingIp": "1.1.1.1"}), "Condition type: IPRANGE"),
        ("APPLICATION", json!("nobody:nothing"), "Invalid Application"),
    ] {
        let (status, body) = post(kind, value).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.to_string().contains(text), "{body}");
    }
    assert_eq!(post("WEATHER", json!("rain")).await.0, StatusCode::BAD_REQUEST);
    post("USER", json!("mallory")).await;
    let conditions: Vec<DenyCondition> = world.gateway.snapshot().denials.into_iter().map(|d| d.condition).collect();
    assert_eq!(conditions.len(), 2);
    assert!(conditions.contains(&DenyCondition::ApiContext("/pizza/1.0.0".into())));
    assert!(conditions.contains(&DenyCondition::User("mallory@carbon.super".into())));
    let one = format!("/throttling/deny-policy/{}", made["conditionId"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN_OF_EXAMPLE, "GET", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
    let (status, off) = call(&world, ADMIN, "PATCH", &one, json!({"conditionStatus": false})).await;
    assert_eq!((status, &off["conditionStatus"]), (StatusCode::OK, &json!(false)));
    assert_eq!(world.gateway.snapshot().denials.len(), 1);
    let query = "/throttling/deny-policies?query=conditionType%3AAPI%26conditionValue%3A%2Fpizza";
    assert_eq!(call(&world, ADMIN, "GET", query, Value::Null).await.1["count"], 1);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn environments_are_kept_while_something_is_deployed_there() {
    let world = World::new().await;
    let (_, list) = call(&world, ADMIN, "GET", "/environments", Value::Null).await;
    assert_eq!((&list["count"], &list["list"][0]["vhosts"][0]["httpsPort"]), (&json!(1), &json!(8243)));
    let east = json!({"name": "east", "vhosts": [{"host": "east.example.com", "httpsPort": 443}]});
    let (status, made) = call(&world, ADMIN, "POST", "/environments", east.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(call(&world, ADMIN, "POST", "/environments", east).await.0, StatusCode::CONFLICT);
    assert_eq!(call(&world, ADMIN, "DELETE", "/environments/Default", Value::Null).await.0, StatusCode::BAD_REQUEST);
    let one = format!("/environments/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN_OF_EXAMPLE, "GET", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
    let api = world.create(CREATOR, pizza("Pizza")).await;
    let api = api["id"].as_str().unwrap();
    let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{api}/revisions"), Some(json!({}))).await;
    let revision = revision["id"].as_str().unwrap();
    let there = json!([{"name": "east", "vhost": "east.example.com", "displayOnDevportal": true}]);
    let path = format!("/apis/{api}/deploy-revision?revisionId={revision}");
    assert_eq!(world.send(CREATOR, "POST", &path, Some(there.clone())).await.0, StatusCode::CREATED);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::CONFLICT);
    let path = format!("/apis/{api}/undeploy-revision?revisionId={revision}");
    assert_eq!(world.send(CREATOR, "POST", &path, Some(there)).await.0, StatusCode::CREATED);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
}

fn okta() -> Value {
    json!({"name": "Okta KM", "type": "Okta", "issuer": "https://issuer.example.com", "enabled": true,
        "tokenEndpoint": "https://issuer.example.com/token",
        "additionalProperties": {"apiKey": "top-secret-1", "client_id": "id", "client_secret": "top-secret-2"}})
}

#[tokio::test]
async fn key_manager_secrets_are_sealed_and_masked() {
    let world = World::new().await;
    let (status, made) = call(&world, ADMIN, "POST", "/key-managers", okta()).await;
    assert_eq!((status, &made["additionalProperties"]["apiKey"]), (StatusCode::CREATED, &json!("*****")), "{made}");
    assert_eq!(made["additionalProperties"]["client_id"], "id");
    assert_eq!(call(&world, ADMIN, "POST", "/key-managers", okta()).await.0, StatusCode::CONFLICT);
    let one = format!("/key-managers/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN_OF_EXAMPLE, "GET", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
    let stored = || async {
        let mut work = world.database.read().await.unwrap();
        let rows = work.query("SELECT document FROM catalogue_item WHERE kind = 'key-manager'", []).await.unwrap();
        rows[0].text("document").unwrap()
    };
    let before = stored().await;
    assert!(!before.contains("top-secret") && before.contains("sealed("), "{before}");
    // What comes back masked keeps its value.
    let mut changed = made.clone();
    changed["description"] = "changed".into();
    let (status, _) = call(&world, ADMIN, "PUT", &one, changed.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let after: Value = serde_json::from_str(&stored().await).unwrap();
    let before: Value = serde_json::from_str(&before).unwrap();
    assert_eq!(after["additionalProperties"], before["additionalProperties"]);
    changed["type"] = "Auth0".into();
    assert_eq!(call(&world, ADMIN, "PUT", &one, changed).await.0, StatusCode::BAD_REQUEST);
    let (_, list) = call(&world, ADMIN, "GET", "/key-managers", Value::Null).await;
    assert_eq!((&list["count"], &list["list"][0]["name"]), (&json!(2), &json!("Resident Key Manager")));
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn key_managers_with_faults_are_refused() {
    let world = World::new().await;
    for (change, value) in [
        ("additionalProperties", json!({})),
        ("type", json!("Homemade")),
        ("issuer", json!("https://localhost:9443/oauth2/token")),
        ("tokenEndpoint", json!("file:///etc/passwd")),
        ("certificates", json!({"type": "PEM", "value": "bm90IGEgY2VydGlmaWNhdGU="})),
        // Whoever is between us and the server could give us their own keys.
        ("certificates", json!({"type": "JWKS", "value": "http://issuer.example.com/jwks"})),
        ("certificates", json!({"type": "JWKS", "value": "http://localhost.example.com/jwks"})),
        ("name", json!("")),
    ] {
        let mut document = okta();
        document[change] = value;
        assert_eq!(call(&world, ADMIN, "POST", "/key-managers", document).await.0, StatusCode::BAD_REQUEST, "{change}");
    }
    let (status, _) = world
        .form(ADMIN, "POST", "/api/am/admin/v4/key-managers/discover", &[("url", None, b"http://169.254.169.254/x")])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn categories_organizations_and_aliases() {
    let world = World::new().await;
    let (status, made) = call(&world, ADMIN, "POST", "/api-categories", json!({"name": "Sales"})).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, body) = call(&world, ADMIN, "POST", "/api-categories", json!({"name": "Sales"})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.to_string().contains("Category with name 'Sales' already exists"), "{body}");
    for bad in [json!({}), json!({"name": "Special@Name!#"})] {
        assert_eq!(call(&world, ADMIN, "POST", "/api-categories", bad).await.0, StatusCode::BAD_REQUEST);
    }
    let one = format!("/api-categories/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN_OF_EXAMPLE, "DELETE", &one, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
    let body = json!({"externalOrganizationId": "ext-1", "displayName": "One"});
    let (status, made) = call(&world, ADMIN, "POST", "/organizations", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let one = format!("/organizations/{}", made["organizationId"].as_str().unwrap());
    assert_eq!(call(&world, ADMIN, "DELETE", &one, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn scopes_follow_aliases_and_come_back() {
    let world = World::new().await;
    let mut work = world.database.begin().await.unwrap();
    for (scope, roles) in [("apim:admin", ["admin"]), ("apim:subscribe", ["Internal/subscriber"])] {
        store::repository::tenant::add_system_scope(&mut work, model::TenantId::SUPER, scope, &roles).await.unwrap();
    }
    work.save().await.unwrap();
    let bound = || async {
        let mut work = world.database.read().await.unwrap();
        let rows = store::repository::tenant::scope_bindings(&mut work, model::TenantId::SUPER).await.unwrap();
        rows["apim:admin"].roles.clone()
    };
    let alias = json!({"count": 1, "list": [{"role": "admin", "aliases": ["boss"]}]});
    assert_eq!(call(&world, ADMIN, "PUT", "/system-scopes/role-aliases", alias).await.0, StatusCode::OK);
    assert_eq!(bound().await, ["admin", "boss"]);
    let (_, scopes) = call(&world, ADMIN, "GET", "/system-scopes", Value::Null).await;
    assert_eq!(scopes["list"][0]["roles"], json!(["admin"]));
    let none = json!({"count": 0, "list": []});
    assert_eq!(call(&world, ADMIN, "PUT", "/system-scopes/role-aliases", none).await.0, StatusCode::OK);
    assert_eq!(bound().await, ["admin"]);
    // Nobody can lock every administrator out, through either door.
    let empty = json!({"list": [{"name": "apim:admin", "roles": ["nobody"]}]});
    assert_eq!(call(&world, ADMIN, "PUT", "/system-scopes", empty).await.0, StatusCode::BAD_REQUEST);
    let config = json!({"RESTAPIScopes": {"Scope": [{"Name": "apim:admin", "Roles": ""}]}});
    assert_eq!(call(&world, ADMIN, "PUT", "/tenant-config", config).await.0, StatusCode::BAD_REQUEST);
    let wider = json!({"RESTAPIScopes": {"Scope": [{"Name": "apim:admin", "Roles": "admin, deputy"}]}});
    assert_eq!(call(&world, ADMIN, "PUT", "/tenant-config", wider).await.0, StatusCode::OK);
    assert_eq!(bound().await, ["admin", "deputy"]);
}

#[tokio::test]
async fn every_administration_operation_is_closed_to_strangers() {
    let world = World::new().await;
    let table = control::api::routes();
    let mut checked = 0;
    for (operation, access) in table.operations().filter(|(o, _)| o.path.starts_with("/api/am/admin/")) {
        assert!(matches!(access, web::Access::AnyScope(_)), "{}", operation.id);
        let path = operation.path.replace(['{', '}'], "");
        for who in ["", SUBSCRIBER, CREATOR] {
            let (status, _) = world.send(who, operation.method, &path, None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{who} {} {path}", operation.method);
        }
        checked += 1;
    }
    assert!(checked >= 50, "{checked}");
}

#[tokio::test]
async fn ai_service_providers_keep_their_definition() {
    let world = World::new().await;
    let path = "/api/am/admin/v4/ai-service-providers";
    let definition = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "1"},
        "paths": {"/chat": {"post": {"responses": {"200": {"description": "ok"}}}}}})
    .to_string();
    let form = |configuration: &'static str| {
        vec![
            ("name", None, &b"Vendor"[..]),
            ("apiVersion", None, b"1"),
            ("configurations", None, configuration.as_bytes()),
            ("apiDefinition", Some("d.json"), definition.as_bytes()),
        ]
    };
    let (status, made) = world.form(ADMIN, "POST", path, &form("{}")).await;
    assert_eq!((status, &made["builtInSupport"]), (StatusCode::CREATED, &json!(false)), "{made}");
    assert_eq!(world.form(ADMIN, "POST", path, &form("{}")).await.0, StatusCode::CONFLICT);
    assert_eq!(world.form(ADMIN, "POST", path, &form("not json")).await.0, StatusCode::BAD_REQUEST);
    let id = made["id"].as_str().unwrap();
    let offered = format!("/api/am/publisher/v4/ai-service-providers/{id}/api-definition");
    let (status, shown) = world.send(CREATOR, "GET", &offered, None).await;
    assert_eq!((status, shown.to_string()), (StatusCode::OK, definition.clone()));
    let one = format!("{path}/{id}");
    assert_eq!(world.send(ADMIN_OF_EXAMPLE, "GET", &one, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(ADMIN, "DELETE", &one, None).await.0, StatusCode::OK);
    assert_eq!(world.send(ADMIN, "GET", &one, None).await.0, StatusCode::NOT_FOUND);
}
