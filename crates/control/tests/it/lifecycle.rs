//! Lifecycle over REST.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::world::{CREATOR, World, pizza};

async fn act(world: &World, id: &str, action: &str) -> StatusCode {
    let action = action.replace(' ', "%20");
    // The history is in the order of time.
    world.clock.advance(Duration::from_millis(1));
    world.send(CREATOR, "POST", &format!("/apis/change-lifecycle?apiId={id}&action={action}"), None).await.0
}

#[tokio::test]
async fn an_api_goes_through_all_states_and_the_gateway_follows() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let id = made["id"].as_str().unwrap();
    world.deploy(CREATOR, id).await;
    let served = || world.gateway.snapshot().apis.first().map(|a| format!("{:?}", a.lifecycle));
    assert_eq!(served().as_deref(), Some("Created"));
    for (action, state) in [
        ("Publish", Some("Published")),
        ("Block", Some("Blocked")),
        ("Re-Publish", Some("Published")),
        ("Deprecate", Some("Deprecated")),
        ("Retire", None),
    ] {
        assert_eq!(act(&world, id, action).await, StatusCode::OK, "{action}");
        assert_eq!(served().as_deref(), state);
        assert_eq!(act(&world, id, "Publish").await, StatusCode::BAD_REQUEST, "Publish after {action}");
    }
    let (_, history) = world.send(CREATOR, "GET", &format!("/apis/{id}/lifecycle-history"), None).await;
    assert_eq!(history["count"], 6);
    assert_eq!(history["list"][1]["previousState"], "CREATED");
}

#[tokio::test]
async fn publishing_needs_an_endpoint_and_a_plan() {
    let world = World::new().await;
    let mut document = pizza("NoPlan");
    document["policies"] = json!([]);
    let made = world.create(CREATOR, document).await;
    let path = format!("/apis/change-lifecycle?apiId={}&action=Publish", made["id"].as_str().unwrap());
    let (status, body) = world.send(CREATOR, "POST", &path, None).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(903_224)), "{body}");
    let mut document = pizza("NoEndpoint");
    document.as_object_mut().unwrap().remove("endpointConfig");
    let made = world.create(CREATOR, document).await;
    assert_eq!(act(&world, made["id"].as_str().unwrap(), "Publish").await, StatusCode::BAD_REQUEST);
    let (_, state) =
        world.send(CREATOR, "GET", &format!("/apis/{}/lifecycle-state", made["id"].as_str().unwrap()), None).await;
    assert_eq!(state["state"], "Created");
    assert_eq!(state["availableTransitions"][0], json!({"event": "Publish", "targetState": "Published"}));
}

#[tokio::test]
async fn publishing_can_deprecate_the_older_version() {
    let world = World::new().await;
    let old = world.create(CREATOR, pizza("Pizza")).await;
    let old = old["id"].as_str().unwrap();
    assert_eq!(act(&world, old, "Publish").await, StatusCode::OK);
    let (_, new) = world.send(CREATOR, "POST", &format!("/apis/copy-api?apiId={old}&newVersion=2.0.0"), None).await;
    let new = new["id"].as_str().unwrap();
    let list = "Deprecate%20old%20versions%20after%20publishing%20the%20API:true";
    let path = format!("/apis/change-lifecycle?apiId={new}&action=Publish&lifecycleChecklist={list}");
    let (status, body) = world.send(CREATOR, "POST", &path, None).await;
    assert_eq!((status, &body["lifecycleState"]["state"]), (StatusCode::OK, &json!("Published")), "{body}");
    let (_, state) = world.send(CREATOR, "GET", &format!("/apis/{old}/lifecycle-state"), None).await;
    assert_eq!(state["state"], "Deprecated");
}
