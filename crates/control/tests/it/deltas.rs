//! Changes of single APIs reach the gateway as such, and leave it with what the whole snapshot would say.

use std::collections::BTreeSet;

use http::StatusCode;
use model::snapshot::Snapshot;
use serde_json::json;

use crate::applications::{PORTAL, application};
use crate::subscriptions::published;
use crate::world::{ADMIN, CREATOR, SUBSCRIBER, World, pizza};

/// What a gateway depends on, in a form that does not depend on order.
fn facts(snapshot: &Snapshot) -> (u64, BTreeSet<String>) {
    let apis = snapshot.apis.iter().map(|api| serde_json::to_string(&**api).unwrap());
    let subscriptions = snapshot.subscriptions.iter().map(|s| serde_json::to_string(s).unwrap());
    (snapshot.version, apis.chain(subscriptions).collect())
}

/// Compares what the gateway has after changes with a snapshot that was made as a whole.
async fn compare(world: &World, what: &str) {
    let by_changes = facts(&world.gateway.snapshot());
    world.control.publish_changes().await.unwrap();
    assert_eq!(by_changes, facts(&world.gateway.snapshot()), "{what}");
}

#[tokio::test]
async fn apis_and_subscriptions_travel_as_changes() {
    let world = World::new().await;
    let first = published(&world, CREATOR, pizza("Pizza")).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let wholes = world.gateway.wholes();
    let other = published(&world, CREATOR, pizza("Other")).await;
    assert!(world.gateway.snapshot().apis.iter().any(|api| api.name == "Other"));
    let wanted = json!({"applicationId": app, "apiId": first, "throttlingPolicy": "Gold"});
    let (status, made) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/subscriptions"), Some(wanted)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(world.gateway.snapshot().subscriptions.len(), 1);
    let (status, copy) = world
        .send(CREATOR, "POST", &format!("/apis/copy-api?newVersion=2.0.0&defaultVersion=true&apiId={first}"), None)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{copy}");
    world.deploy(CREATOR, copy["id"].as_str().unwrap()).await;
    let retire = format!("/apis/change-lifecycle?apiId={other}&action=Block");
    assert_eq!(world.send(CREATOR, "POST", &retire, None).await.0, StatusCode::OK);
    let one = format!("{PORTAL}/subscriptions/{}", made["subscriptionId"].as_str().unwrap());
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &one, None).await.0, StatusCode::OK);
    assert_eq!(world.gateway.wholes(), wholes, "no whole snapshot was needed");
    compare(&world, "after deployments, subscriptions, a new default version, a block and an unsubscription").await;
}

#[tokio::test]
async fn what_is_more_than_an_api_takes_the_whole_snapshot() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let wholes = world.gateway.wholes();
    let denied = json!({"conditionType": "API", "conditionValue": "/pizza/1.0.0", "conditionStatus": true});
    let policies = "/api/am/admin/v4/throttling/deny-policies";
    let (status, made) = world.send(ADMIN, "POST", policies, Some(denied)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(world.gateway.wholes(), wholes + 1);
    assert_eq!(world.gateway.snapshot().denials.len(), 1);
    assert_eq!(world.send(CREATOR, "DELETE", &format!("/apis/{api}"), None).await.0, StatusCode::OK);
    assert!(world.gateway.snapshot().apis.is_empty());
    compare(&world, "after a deny policy and a removed API").await;
}

#[tokio::test]
async fn a_gateway_that_missed_a_change_gets_the_whole_snapshot() {
    let world = World::new().await;
    published(&world, CREATOR, pizza("Pizza")).await;
    world.gateway.cut_off(true);
    let made = world.create(CREATOR, pizza("Missed")).await;
    let id = made["id"].as_str().unwrap();
    let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{id}/revisions"), None).await;
    let deploy = format!("/apis/{id}/deploy-revision?revisionId={}", revision["id"].as_str().unwrap());
    let place = json!([{"name": "Default", "vhost": "localhost", "displayOnDevportal": true}]);
    let (status, _) = world.send(CREATOR, "POST", &deploy, Some(place)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(world.control.is_behind().await);
    world.gateway.cut_off(false);
    let wholes = world.gateway.wholes();
    published(&world, CREATOR, pizza("Later")).await;
    assert!(world.gateway.wholes() > wholes);
    let names: BTreeSet<String> = world.gateway.snapshot().apis.iter().map(|api| api.name.clone()).collect();
    assert_eq!(names, ["Later", "Missed", "Pizza"].map(str::to_owned).into());
    assert!(!world.control.is_behind().await);
}
