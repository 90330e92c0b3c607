//! Applications: whose they are, what they may be called, what stays secret.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{ADMIN, NEIGHBOUR, SUBSCRIBER, World};

pub(crate) const PORTAL: &str = "/api/am/devportal/v3";

pub(crate) async fn application(world: &World, who: &str, name: &str) -> String {
    let body = json!({"name": name, "throttlingPolicy": "10PerMin", "description": "d"});
    let (status, made) = world.send(who, "POST", &format!("{PORTAL}/applications"), Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["applicationId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_application_lives_and_is_its_owners_alone() {
    let world = World::new().await;
    let id = application(&world, SUBSCRIBER, "Mine").await;
    let one = format!("{PORTAL}/applications/{id}");
    let (status, read) = world.send(SUBSCRIBER, "GET", &one, None).await;
    assert_eq!((status, &read["owner"], &read["status"]), (StatusCode::OK, &json!("susi"), &json!("APPROVED")));
    let change = json!({"name": "Mine", "throttlingPolicy": "20PerMin", "description": "edited", "groups": ["org1"]});
    for stranger in [NEIGHBOUR, "susi+example.com"] {
        for (method, body) in [("GET", None), ("PUT", Some(change.clone())), ("DELETE", None)] {
            let (status, _) = world.send(stranger, method, &one, body).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{stranger} {method}");
        }
        let keys = json!({"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]});
        for path in ["generate-keys", "api-keys/PRODUCTION/generate"] {
            let (status, _) = world.send(stranger, "POST", &format!("{one}/{path}"), Some(keys.clone())).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{stranger} {path}");
        }
        let (_, list) = world.send(stranger, "GET", &format!("{PORTAL}/applications?query=Mine"), None).await;
        assert_eq!(list["count"], 0);
    }
    let (status, changed) = world.send(SUBSCRIBER, "PUT", &one, Some(change)).await;
    assert_eq!((status, &changed["throttlingPolicy"]), (StatusCode::OK, &json!("20PerMin")));
    // Sharing is off: the groups are not kept.
    assert_eq!(changed["groups"], json!([]));
    assert_eq!(world.gateway.snapshot().applications.values().filter(|a| a.limit == "20PerMin").count(), 1);
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &one, None).await.0, StatusCode::OK);
    assert_eq!(world.send(SUBSCRIBER, "GET", &one, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn names_are_unique_per_owner_and_checked() {
    let world = World::new().await;
    application(&world, SUBSCRIBER, "Same").await;
    application(&world, NEIGHBOUR, "Same").await;
    let post = |body: Value| world.send(SUBSCRIBER, "POST", "/api/am/devportal/v3/applications", Some(body));
    let (status, body) = post(json!({"name": "Same", "throttlingPolicy": "Unlimited"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body.to_string().contains("An application already exists with name Same"), "{body}");
    let (status, body) = post(json!({"name": "Other", "throttlingPolicy": "Nonsense"})).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(900_305)));
    assert_eq!(body["message"], "The tier name is invalid.");
    let bad = json!({"name": "<script>", "tokenType": "PAPER", "visibility": "ALL", "attributes": {"x": "y"}});
    let (status, body) = post(bad).await;
    assert_eq!((status, body["error"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 4), "{body}");
    let second = application(&world, SUBSCRIBER, "Second").await;
    let path = format!("{PORTAL}/applications/{second}");
    let renamed = json!({"name": "Same", "throttlingPolicy": "Unlimited"});
    assert_eq!(world.send(SUBSCRIBER, "PUT", &path, Some(renamed)).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn everybody_starts_with_one_application_and_can_remove_it_for_good() {
    let world = World::new().await;
    let path = format!("{PORTAL}/applications");
    let (_, list) = world.send(SUBSCRIBER, "GET", &path, None).await;
    assert_eq!((&list["count"], &list["list"][0]["name"]), (&json!(1), &json!("DefaultApplication")));
    let id = list["list"][0]["applicationId"].as_str().unwrap();
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &format!("{path}/{id}"), None).await.0, StatusCode::OK);
    let (_, list) = world.send(SUBSCRIBER, "GET", &path, None).await;
    assert_eq!(list["count"], 0);
}

#[tokio::test]
async fn first_requests_at_once_make_one_default_application() {
    let world = World::new().await;
    let path = format!("{PORTAL}/applications");
    let calls = [(); 8].map(|()| world.send(SUBSCRIBER, "GET", &path, None));
    let [a, b, c, d, e, f, g, h] = calls;
    let answers = tokio::join!(a, b, c, d, e, f, g, h);
    assert_eq!(answers.7.0, StatusCode::OK);
    assert_eq!(world.send(SUBSCRIBER, "GET", &path, None).await.1["count"], 1);
    let (_, policies) = world.send(ADMIN, "GET", "/api/am/admin/v4/throttling/policies/application", None).await;
    assert_eq!(policies["count"], 3);
}

#[tokio::test]
async fn an_administrator_finds_applications_and_gives_them_to_known_consumers() {
    let world = World::new().await;
    let id = application(&world, SUBSCRIBER, "Wandering").await;
    application(&world, NEIGHBOUR, "Staying").await;
    let path = format!("/api/am/admin/v4/applications/{id}/change-owner?owner=");
    let give = |owner: &str| format!("{path}{owner}");
    assert_eq!(world.send(SUBSCRIBER, "POST", &give("sven"), None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.send(ADMIN, "POST", &give("nobody"), None).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.send(ADMIN, "POST", &give("sven"), None).await.0, StatusCode::OK);
    let (_, list) = world.send(ADMIN, "GET", "/api/am/admin/v4/applications?user=sven&name=wander", None).await;
    assert_eq!((&list["count"], &list["list"][0]["applicationId"]), (&json!(1), &json!(id)));
    assert_eq!(
        world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/applications/{id}"), None).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.send(NEIGHBOUR, "GET", &format!("{PORTAL}/applications/{id}"), None).await.0, StatusCode::OK);
}
