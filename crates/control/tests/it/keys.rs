//! OAuth keys and API keys: secrets are shown once, never listed, never stored in clear.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use crate::applications::{PORTAL, application};
use crate::world::{ADMIN, NEIGHBOUR, SUBSCRIBER, World};
use control::for_tests::MemoryKeys;

async fn world() -> (World, Arc<MemoryKeys>) {
    let keys = Arc::new(MemoryKeys::default());
    (World::with_key_manager(Arc::clone(&keys) as _).await, keys)
}

async fn post(world: &World, who: &str, path: &str, body: Value) -> (StatusCode, Value) {
    world.send(who, "POST", &format!("{PORTAL}/{path}"), Some(body)).await
}

fn production() -> Value {
    json!({"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials", "password"], "validityTime": 60})
}

#[tokio::test]
async fn keys_are_made_once_and_their_secret_is_shown_once() {
    let (world, keys) = world().await;
    let id = application(&world, SUBSCRIBER, "Keyed").await;
    let (status, made) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), production()).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!((&made["mode"], &made["keyState"]), (&json!("CREATED"), &json!("COMPLETED")));
    let secret = made["consumerSecret"].as_str().unwrap().to_owned();
    let mapping = made["keyMappingId"].as_str().unwrap().to_owned();
    let (status, again) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), production()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{again}");
    assert_eq!(keys.ids().len(), 1);
    for path in ["", "/oauth-keys", "/keys/PRODUCTION", &format!("/oauth-keys/{mapping}"), "/keys"] {
        let (status, shown) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/applications/{id}{path}"), None).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!shown.to_string().contains(&secret), "{path} shows the secret: {shown}");
    }
    let snapshot = world.gateway.snapshot();
    let key = snapshot.keys.get(made["consumerKey"].as_str().unwrap()).unwrap();
    assert_eq!((key.application.to_string(), key.key_manager.as_str()), (id.clone(), "Resident Key Manager"));
    assert!(!serde_json::to_string(&snapshot.keys).unwrap().contains(&secret));
    // Only the owner gets tokens, and only with the right secret.
    let token = format!("applications/{id}/oauth-keys/{mapping}/generate-token");
    let body = json!({"consumerSecret": secret, "validityPeriod": 60, "scopes": ["a"]});
    let (status, issued) = post(&world, SUBSCRIBER, &token, body.clone()).await;
    assert_eq!((status, &issued["validityTime"]), (StatusCode::OK, &json!(60)));
    assert_eq!(post(&world, NEIGHBOUR, &token, body).await.0, StatusCode::NOT_FOUND);
    let wrong = json!({"consumerSecret": "guess"});
    assert_eq!(post(&world, SUBSCRIBER, &token, wrong).await.0, StatusCode::BAD_REQUEST);
    // Removing the application takes the client with it.
    let (status, _) = world.send(SUBSCRIBER, "DELETE", &format!("{PORTAL}/applications/{id}"), None).await;
    assert_eq!((status, keys.ids()), (StatusCode::OK, Vec::<String>::new()));
    assert!(world.gateway.snapshot().keys.is_empty());
}

#[tokio::test]
async fn wrong_key_requests_name_every_fault_and_make_no_client() {
    let (world, keys) = world().await;
    let id = application(&world, SUBSCRIBER, "Faulty").await;
    let body = json!({"keyType": "TEST", "grantTypesToBeSupported": ["implicit", "authorization_code"]});
    let (status, answer) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), body).await;
    assert_eq!((status, answer["error"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 3), "{answer}");
    let body = json!({"keyType": "SANDBOX", "keyManager": "Nowhere", "grantTypesToBeSupported": []});
    let (status, answer) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(900_347)));
    assert!(keys.ids().is_empty());
}

#[tokio::test]
async fn secrets_are_added_listed_without_values_and_revoked() {
    let (world, _) = world().await;
    let id = application(&world, SUBSCRIBER, "Secrets").await;
    let (_, made) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), production()).await;
    let keys = format!("applications/{id}/oauth-keys/{}", made["keyMappingId"].as_str().unwrap());
    let description = json!({"additionalProperties": {"description": "second"}});
    let (status, second) = post(&world, SUBSCRIBER, &format!("{keys}/generate-secret"), description).await;
    assert_eq!((status, &second["additionalProperties"]["description"]), (StatusCode::CREATED, &json!("second")));
    let value = second["secretValue"].as_str().unwrap();
    let (_, list) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/{keys}/secrets"), None).await;
    assert_eq!(list["count"], 2);
    assert!(!list.to_string().contains(value) && list.to_string().contains(second["secretId"].as_str().unwrap()));
    let revoke = json!({"secretId": second["secretId"]});
    let path = format!("{keys}/revoke-secret");
    assert_eq!(post(&world, NEIGHBOUR, &path, revoke.clone()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(&world, SUBSCRIBER, &path, revoke.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(post(&world, SUBSCRIBER, &path, revoke).await.0, StatusCode::NOT_FOUND);
    let (status, fresh) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/{keys}/regenerate-secret"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(fresh["consumerSecret"], made["consumerSecret"]);
}

#[tokio::test]
async fn a_client_is_mapped_only_by_who_knows_its_secret() {
    let (world, keys) = world().await;
    keys.register("brought", "right");
    let id = application(&world, SUBSCRIBER, "Mapped").await;
    let path = format!("applications/{id}/map-keys");
    let body = |key: &str, secret: &str| {
        json!({"consumerKey": key, "consumerSecret": secret, "keyType": "PRODUCTION",
               "keyManager": "Resident Key Manager"})
    };
    let (_, unknown) = post(&world, SUBSCRIBER, &path, body("unknown", "right")).await;
    let (status, wrong) = post(&world, SUBSCRIBER, &path, body("brought", "guess")).await;
    // Nobody can tell an unknown client from a wrong secret.
    assert_eq!((status, &wrong), (StatusCode::BAD_REQUEST, &unknown));
    let (status, mapped) = post(&world, SUBSCRIBER, &path, body("brought", "right")).await;
    assert_eq!((status, &mapped["mode"], &mapped["consumerSecret"]), (StatusCode::OK, &json!("MAPPED"), &Value::Null));
    let other = application(&world, NEIGHBOUR, "Thief").await;
    let path = format!("applications/{other}/map-keys");
    assert_eq!(post(&world, NEIGHBOUR, &path, body("brought", "right")).await.0, StatusCode::CONFLICT);
    // A mapped client outlives the application.
    world.send(SUBSCRIBER, "DELETE", &format!("{PORTAL}/applications/{id}"), None).await;
    assert_eq!(keys.ids(), ["brought"]);
}

#[tokio::test]
async fn clients_follow_their_application_to_its_new_owner() {
    let (world, keys) = world().await;
    let id = application(&world, SUBSCRIBER, "Moving").await;
    application(&world, NEIGHBOUR, "Home").await;
    let (_, made) = post(&world, SUBSCRIBER, &format!("applications/{id}/generate-keys"), production()).await;
    let path = format!("/api/am/admin/v4/applications/{id}/change-owner?owner=sven");
    assert_eq!(world.send(ADMIN, "POST", &path, None).await.0, StatusCode::OK);
    assert_eq!(keys.owner_of(made["consumerKey"].as_str().unwrap()), "sven");
}

#[tokio::test]
async fn api_keys_are_kept_as_digests_and_revoked_by_id_or_value() {
    let (world, _) = world().await;
    let id = application(&world, SUBSCRIBER, "ApiKeyed").await;
    let keys = format!("applications/{id}/api-keys/PRODUCTION");
    let body = json!({"keyName": "k", "validityPeriod": 3600,
        "additionalProperties": {"permittedIP": "152.23.5.6, 192.168.1.2/24", "permittedReferer": "www.abc.com/*"}});
    let (status, made) = post(&world, SUBSCRIBER, &format!("{keys}/generate"), body.clone()).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let key = made["apikey"].as_str().unwrap().to_owned();
    assert!(key.len() >= 43, "at least 256 bits: {key}");
    let snapshot = world.gateway.snapshot();
    let (digest, entry) = snapshot.api_keys.iter().next().unwrap();
    assert_eq!((digest.len(), entry.permitted_ips.len(), entry.permitted_referrers.len()), (64, 2, 1));
    assert!(entry.expires.is_some());
    assert!(!serde_json::to_string(&snapshot.api_keys).unwrap().contains(&key));
    let (_, list) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/{keys}"), None).await;
    assert_eq!(list["count"], 1);
    assert!(!list.to_string().contains(&key));
    let by_value = json!({"apikey": key});
    assert_eq!(post(&world, NEIGHBOUR, &format!("{keys}/revoke"), by_value.clone()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.gateway.snapshot().api_keys.len(), 1);
    assert_eq!(post(&world, SUBSCRIBER, &format!("{keys}/revoke"), by_value).await.0, StatusCode::OK);
    assert!(world.gateway.snapshot().api_keys.is_empty());
    let (_, second) = post(&world, SUBSCRIBER, &format!("{keys}/generate"), body).await;
    let by_id = json!({"keyUUID": second["keyUUID"]});
    assert_eq!(post(&world, SUBSCRIBER, &format!("{keys}/revoke"), by_id).await.0, StatusCode::OK);
    assert!(world.gateway.snapshot().api_keys.is_empty());
    for bad in [json!({"additionalProperties": {"permittedIP": "everywhere"}}), json!({"keyName": "a\nb"})] {
        assert_eq!(post(&world, SUBSCRIBER, &format!("{keys}/generate"), bad).await.0, StatusCode::BAD_REQUEST);
    }
    let path = format!("applications/{id}/api-keys/BOTH/generate");
    assert_eq!(post(&world, SUBSCRIBER, &path, json!({})).await.0, StatusCode::BAD_REQUEST);
}

/// What waits is no client yet, and its secret is its owner's alone.
#[tokio::test]
async fn keys_that_need_approval_are_made_when_they_are_approved() {
    let (world, keys) = world().await;
    let config = json!({"Workflows": {"ProductionApplicationRegistration": {"approval": true}}});
    let (status, body) = world.send(ADMIN, "PUT", "/api/am/admin/v4/tenant-config", Some(config)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let id = application(&world, SUBSCRIBER, "Keyed").await;
    let generate = format!("applications/{id}/generate-keys");
    let with_secret = json!({"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"],
        "clientId": "mine", "clientSecret": "a-secret-that-must-not-be-kept"});
    assert_eq!(post(&world, SUBSCRIBER, &generate, with_secret).await.0, StatusCode::BAD_REQUEST);
    let (status, made) = post(&world, SUBSCRIBER, &generate, production()).await;
    assert_eq!((status, &made["keyState"], &made["consumerKey"]), (StatusCode::OK, &json!("CREATED"), &Value::Null));
    assert_eq!(post(&world, SUBSCRIBER, &generate, production()).await.0, StatusCode::CONFLICT);
    assert!(keys.ids().is_empty());
    // It can be withdrawn, by its owner only.
    let path = format!("{PORTAL}/applications/{id}/oauth-keys/{}", made["keyMappingId"].as_str().unwrap());
    assert_eq!(world.send(NEIGHBOUR, "DELETE", &path, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &path, None).await.0, StatusCode::OK);
    post(&world, SUBSCRIBER, &generate, production()).await;
    let list = "/api/am/admin/v4/workflows?workflowType=AM_APPLICATION_REGISTRATION_PRODUCTION";
    let (_, found) = world.send(ADMIN, "GET", list, None).await;
    assert_eq!((&found["count"], &found["list"][0]["properties"]["keyType"]), (&json!(1), &json!("PRODUCTION")));
    let decide = format!(
        "/api/am/admin/v4/workflows/update-workflow-status?workflowReferenceId={}",
        found["list"][0]["referenceId"].as_str().unwrap()
    );
    let (status, answer) = world.send(ADMIN, "POST", &decide, Some(json!({"status": "APPROVED"}))).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(!answer.to_string().contains("ecret\":\""), "{answer}");
    assert_eq!(keys.ids().len(), 1);
    let (_, shown) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/applications/{id}/oauth-keys"), None).await;
    assert_eq!((&shown["count"], &shown["list"][0]["keyState"]), (&json!(1), &json!("COMPLETED")));
    // Sandbox keys need nobody here.
    let sandbox = json!({"keyType": "SANDBOX", "grantTypesToBeSupported": ["client_credentials"]});
    let (_, made) = post(&world, SUBSCRIBER, &generate, sandbox).await;
    assert_eq!(made["keyState"], "COMPLETED");
}
