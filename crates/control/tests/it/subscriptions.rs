//! Subscriptions: who may, on which plan, and what the gateway hears of it.

use http::StatusCode;
use model::snapshot::SubscriptionState;
use serde_json::{Value, json};

use crate::applications::{PORTAL, application};
use crate::world::{ADMIN, CREATOR, FOREIGN, NEIGHBOUR, SUBSCRIBER, World, pizza};

const PUBLISHER: &str = "/api/am/publisher/v4";

pub(crate) async fn published(world: &World, who: &str, document: Value) -> String {
    let api = world.create(who, document).await;
    let id = api["id"].as_str().unwrap().to_owned();
    world.deploy(who, &id).await;
    let path = format!("/apis/change-lifecycle?apiId={id}&action=Publish");
    let (status, body) = world.send(who, "POST", &path, None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    id
}

async fn subscribe(world: &World, who: &str, application: &str, api: &str, plan: &str) -> (StatusCode, Value) {
    let body = json!({"applicationId": application, "apiId": api, "throttlingPolicy": plan});
    world.send(who, "POST", &format!("{PORTAL}/subscriptions"), Some(body)).await
}

#[tokio::test]
async fn a_subscription_lives_and_reaches_the_gateway() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let (status, made) = subscribe(&world, SUBSCRIBER, &app, &api, "Gold").await;
    assert_eq!((status, &made["status"]), (StatusCode::CREATED, &json!("UNBLOCKED")), "{made}");
    assert_eq!(made["apiInfo"]["context"], "/pizza");
    let id = made["subscriptionId"].as_str().unwrap().to_owned();
    assert_eq!(subscribe(&world, SUBSCRIBER, &app, &api, "Gold").await.0, StatusCode::CONFLICT);
    let served = || world.gateway.snapshot().subscriptions[0].clone();
    assert_eq!((served().plan.as_str(), served().state), ("Gold", SubscriptionState::Active));
    for query in [format!("applicationId={app}"), format!("apiId={api}"), format!("applicationId={app}&apiId={api}")] {
        let (_, list) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/subscriptions?{query}"), None).await;
        assert_eq!(list["count"], 1, "{query}");
    }
    let one = format!("{PORTAL}/subscriptions/{id}");
    let plan = json!({"applicationId": app, "apiId": api, "throttlingPolicy": "Gold",
                      "requestedThrottlingPolicy": "Unlimited"});
    let (status, changed) = world.send(SUBSCRIBER, "PUT", &one, Some(plan)).await;
    assert_eq!((status, &changed["throttlingPolicy"]), (StatusCode::OK, &json!("Unlimited")));
    let block =
        format!("{PUBLISHER}/subscriptions/block-subscription?subscriptionId={id}&blockState=PROD_ONLY_BLOCKED");
    assert_eq!(world.send(SUBSCRIBER, "POST", &block, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.send("carla+example.com", "POST", &block, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.send(NEIGHBOUR, "DELETE", &one, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &one, None).await.0, StatusCode::OK);
    assert!(world.gateway.snapshot().subscriptions.is_empty());
}

#[tokio::test]
async fn an_api_with_subscribers_is_not_removed() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Kept")).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let (_, made) = subscribe(&world, SUBSCRIBER, &app, &api, "Gold").await;
    assert_eq!(world.send(CREATOR, "DELETE", &format!("/apis/{api}"), None).await.0, StatusCode::CONFLICT);
    let one = format!("{PORTAL}/subscriptions/{}", made["subscriptionId"].as_str().unwrap());
    world.send(SUBSCRIBER, "DELETE", &one, None).await;
    assert_eq!(world.send(CREATOR, "DELETE", &format!("/apis/{api}"), None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn only_offered_plans_open_apis_and_own_applications_count() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let draft = world.create(CREATOR, pizza("Draft")).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    for plan in ["Silver", "Nonsense", ""] {
        assert_eq!(subscribe(&world, SUBSCRIBER, &app, &api, plan).await.0, StatusCode::FORBIDDEN, "{plan}");
    }
    let draft = draft["id"].as_str().unwrap();
    assert_eq!(subscribe(&world, SUBSCRIBER, &app, draft, "Gold").await.0, StatusCode::NOT_FOUND);
    assert_eq!(subscribe(&world, NEIGHBOUR, &app, &api, "Gold").await.0, StatusCode::NOT_FOUND);
    let foreign = published(&world, FOREIGN, pizza("Foreign")).await;
    assert_eq!(subscribe(&world, SUBSCRIBER, &app, &foreign, "Gold").await.0, StatusCode::NOT_FOUND);
    let many = json!([{"applicationId": app, "apiId": api, "throttlingPolicy": "Gold"},
                      {"applicationId": app, "apiId": api, "throttlingPolicy": "Gold"}]);
    let (status, made) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/subscriptions/multiple"), Some(many)).await;
    assert_eq!(
        (status, &made[0]["status"], &made[1]["status"]),
        (StatusCode::OK, &json!("UNBLOCKED"), &json!("REJECTED"))
    );
}

#[tokio::test]
async fn plans_restricted_to_roles_are_not_offered_to_others() {
    let world = World::new().await;
    let policy = json!({"policyName": "Inner", "defaultLimit": {"type": "REQUESTCOUNTLIMIT",
        "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 5}},
        "permissions": {"permissionType": "ALLOW", "roles": ["blue"]}});
    let path = "/api/am/admin/v4/throttling/policies/subscription";
    assert_eq!(world.send(ADMIN, "POST", path, Some(policy)).await.0, StatusCode::CREATED);
    let mut document = pizza("Pizza");
    document["policies"] = json!(["Gold", "Inner"]);
    let api = published(&world, CREATOR, document).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let (_, seen) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/apis/{api}"), None).await;
    assert_eq!(seen["tiers"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(subscribe(&world, SUBSCRIBER, &app, &api, "Inner").await.0, StatusCode::FORBIDDEN);
    let blue = application(&world, "bea", "App").await;
    assert_eq!(subscribe(&world, "bea", &blue, &api, "Inner").await.0, StatusCode::CREATED);
}
