//! Requests that wait for an administrator.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{ADMIN, CREATOR, NEIGHBOUR, SUBSCRIBER, World, pizza};

const KINDS: [&str; 11] = [
    "APIRevisionDeployment",
    "ApplicationCreation",
    "ApplicationUpdate",
    "ProductionApplicationRegistration",
    "SandboxApplicationRegistration",
    "SubscriptionCreation",
    "SubscriptionUpdate",
    "SubscriptionDeletion",
    "ApplicationDeletion",
    "APIStateChange",
    "APIProductStateChange",
];

async fn admin(world: &World, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { None } else { Some(body) };
    world.send(ADMIN, method, &format!("/api/am/admin/v4{path}"), body).await
}

async fn portal(world: &World, who: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { None } else { Some(body) };
    world.send(who, method, &format!("/api/am/devportal/v3{path}"), body).await
}

/// A world where the super tenant wants approval of these.
async fn asking(kinds: &[&str]) -> World {
    let world = World::new().await;
    let mut workflows = serde_json::Map::new();
    for kind in kinds {
        let rule = if kind.ends_with("StateChange") {
            json!({"approval": true, "stateList": "Created:Publish,Published:Block"})
        } else {
            json!({"approval": true})
        };
        workflows.insert((*kind).to_owned(), rule);
    }
    let (status, body) = admin(&world, "PUT", "/tenant-config", json!({"Workflows": workflows})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    world
}

/// The requests of a kind that wait in the super tenant.
async fn waiting(world: &World, kind: &str) -> Vec<Value> {
    let (status, list) = admin(world, "GET", &format!("/workflows?workflowType={kind}"), Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    list["list"].as_array().unwrap().clone()
}

/// The reference of the only request of a kind.
async fn reference(world: &World, kind: &str) -> String {
    let all = waiting(world, kind).await;
    assert_eq!(all.len(), 1, "{kind}: {all:?}");
    all[0]["referenceId"].as_str().unwrap().to_owned()
}

async fn decide_as(world: &World, who: &str, reference: &str, status: &str) -> (StatusCode, Value) {
    let path = format!("/api/am/admin/v4/workflows/update-workflow-status?workflowReferenceId={reference}");
    world.send(who, "POST", &path, Some(json!({"status": status, "description": "so be it"}))).await
}

async fn decide(world: &World, kind: &str, status: &str) {
    let reference = reference(world, kind).await;
    let (code, body) = decide_as(world, ADMIN, &reference, status).await;
    assert_eq!(code, StatusCode::OK, "{kind} {status}: {body}");
    assert!(waiting(world, kind).await.is_empty());
    // Decided once is decided.
    assert_eq!(decide_as(world, ADMIN, &reference, status).await.0, StatusCode::NOT_FOUND);
}

async fn application(world: &World, who: &str, name: &str) -> (String, String) {
    let input = json!({"name": name, "throttlingPolicy": "Unlimited", "description": "d"});
    let (status, made) = portal(world, who, "POST", "/applications", input).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    (made["applicationId"].as_str().unwrap().to_owned(), made["status"].as_str().unwrap().to_owned())
}

async fn status_of(world: &World, who: &str, id: &str) -> String {
    let (_, found) = portal(world, who, "GET", &format!("/applications/{id}"), Value::Null).await;
    found["status"].as_str().unwrap_or_default().to_owned()
}

/// An API with an endpoint and the plans Gold and Unlimited, deployed and published before anything waits.
async fn published(world: &World, name: &str) -> String {
    let (_, former) = admin(world, "GET", "/tenant-config", Value::Null).await;
    let mut open = former.clone();
    open.as_object_mut().unwrap().remove("Workflows");
    admin(world, "PUT", "/tenant-config", open).await;
    let id = created(world, name).await;
    deploy(world, &id).await;
    let path = format!("/apis/change-lifecycle?apiId={id}&action=Publish");
    let (status, body) = world.send(CREATOR, "POST", &path, None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    admin(world, "PUT", "/tenant-config", former).await;
    id
}

async fn created(world: &World, name: &str) -> String {
    let (status, made) = world.send(CREATOR, "POST", "/apis", Some(pizza(name))).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// Makes a revision and asks for its deployment; its id.
async fn deploy(world: &World, api: &str) -> String {
    let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{api}/revisions"), Some(json!({}))).await;
    let id = revision["id"].as_str().unwrap().to_owned();
    deploy_again(world, api, &id).await;
    id
}

async fn deploy_again(world: &World, api: &str, revision: &str) {
    let path = format!("/apis/{api}/deploy-revision?revisionId={revision}");
    let (status, body) =
        world.send(CREATOR, "POST", &path, Some(json!([{"name": "Default", "vhost": "localhost"}]))).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}

async fn subscribe(world: &World, who: &str, application: &str, api: &str) -> (StatusCode, Value) {
    let input = json!({"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"});
    portal(world, who, "POST", "/subscriptions", input).await
}

#[tokio::test]
async fn applications_wait_for_creation_change_and_removal() {
    let world = asking(&["ApplicationCreation", "ApplicationUpdate", "ApplicationDeletion"]).await;
    let (id, status) = application(&world, SUBSCRIBER, "Shop").await;
    assert_eq!(status, "CREATED");
    let request = &waiting(&world, "AM_APPLICATION_CREATION").await[0];
    assert_eq!(request["properties"]["applicationName"], "Shop");
    assert_eq!(request["workflowStatus"], "CREATED");
    // It does nothing before it is approved.
    let api = published(&world, "Pizza").await;
    assert_eq!(subscribe(&world, SUBSCRIBER, &id, &api).await.0, StatusCode::FORBIDDEN);
    assert!(world.gateway.snapshot().applications.values().all(|application| application.name != "Shop"));
    // A change before the approval is a new request: what is decided about is what there is.
    let first = reference(&world, "AM_APPLICATION_CREATION").await;
    let input = json!({"name": "Evil", "throttlingPolicy": "Unlimited"});
    portal(&world, SUBSCRIBER, "PUT", &format!("/applications/{id}"), input).await;
    assert_eq!(decide_as(&world, ADMIN, &first, "APPROVED").await.0, StatusCode::NOT_FOUND);
    assert_eq!(waiting(&world, "AM_APPLICATION_CREATION").await[0]["properties"]["applicationName"], "Evil");
    decide(&world, "AM_APPLICATION_CREATION", "APPROVED").await;
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "APPROVED");

    // A change leaves the application as it is until it is approved.
    let input = json!({"name": "Store", "throttlingPolicy": "10PerMin", "description": "new"});
    let (_, changed) = portal(&world, SUBSCRIBER, "PUT", &format!("/applications/{id}"), input.clone()).await;
    assert_eq!((changed["status"].as_str(), changed["name"].as_str()), (Some("UPDATE_PENDING"), Some("Evil")));
    let updates = &waiting(&world, "AM_APPLICATION_UPDATE").await[0]["properties"]["updates"];
    let updates: Value = serde_json::from_str(updates.as_str().unwrap()).unwrap();
    assert!(updates.to_string().contains(r#""current":"Unlimited""#) && updates.to_string().contains("10PerMin"));
    decide(&world, "AM_APPLICATION_UPDATE", "REJECTED").await;
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "UPDATE_REJECTED");
    portal(&world, SUBSCRIBER, "PUT", &format!("/applications/{id}"), input).await;
    decide(&world, "AM_APPLICATION_UPDATE", "APPROVED").await;
    let (_, found) = portal(&world, SUBSCRIBER, "GET", &format!("/applications/{id}"), Value::Null).await;
    assert_eq!((found["name"].as_str(), found["throttlingPolicy"].as_str()), (Some("Store"), Some("10PerMin")));

    // The same for its removal.
    let remove = format!("/applications/{id}");
    assert_eq!(portal(&world, SUBSCRIBER, "DELETE", &remove, Value::Null).await.0, StatusCode::CREATED);
    assert_eq!(portal(&world, SUBSCRIBER, "DELETE", &remove, Value::Null).await.0, StatusCode::CONFLICT);
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "DELETE_PENDING");
    decide(&world, "AM_APPLICATION_DELETION", "REJECTED").await;
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "APPROVED");
    portal(&world, SUBSCRIBER, "DELETE", &remove, Value::Null).await;
    decide(&world, "AM_APPLICATION_DELETION", "APPROVED").await;
    assert_eq!(portal(&world, SUBSCRIBER, "GET", &remove, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn asking_for_the_removal_of_what_was_never_approved_approves_nothing() {
    let world = asking(&["ApplicationCreation", "ApplicationDeletion"]).await;
    let (id, _) = application(&world, SUBSCRIBER, "Shop").await;
    let creation = reference(&world, "AM_APPLICATION_CREATION").await;
    portal(&world, SUBSCRIBER, "DELETE", &format!("/applications/{id}"), Value::Null).await;
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "CREATED");
    decide(&world, "AM_APPLICATION_DELETION", "REJECTED").await;
    assert_eq!(status_of(&world, SUBSCRIBER, &id).await, "CREATED");
    world.control.publish_changes().await.unwrap();
    assert!(world.gateway.snapshot().applications.values().all(|application| application.name != "Shop"));
    // What waits goes away with what it is about.
    portal(&world, SUBSCRIBER, "DELETE", &format!("/applications/{id}"), Value::Null).await;
    decide(&world, "AM_APPLICATION_DELETION", "APPROVED").await;
    let (status, _) = admin(&world, "GET", &format!("/workflows/{creation}"), Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn subscriptions_wait_and_blocks_stay() {
    let world = asking(&["SubscriptionCreation", "SubscriptionUpdate", "SubscriptionDeletion"]).await;
    let api = published(&world, "Pizza").await;
    let (app, _) = application(&world, SUBSCRIBER, "Shop").await;
    let served = |world: &World| world.gateway.snapshot().subscriptions.len();
    let before = served(&world);
    let (status, made) = subscribe(&world, SUBSCRIBER, &app, &api).await;
    assert_eq!((status, made["status"].as_str()), (StatusCode::CREATED, Some("ON_HOLD")));
    let id = made["subscriptionId"].as_str().unwrap().to_owned();
    assert_eq!(served(&world), before);
    // Its API's publisher cannot let it in past the administrator.
    let unblock = format!("/subscriptions/unblock-subscription?subscriptionId={id}");
    let (status, _) = world.send(crate::world::RULER, "POST", &unblock, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    decide(&world, "AM_SUBSCRIPTION_CREATION", "REJECTED").await;
    assert_eq!(served(&world), before);
    // One that was turned down can be asked for again.
    let (status, made) = subscribe(&world, SUBSCRIBER, &app, &api).await;
    assert_eq!((status, made["status"].as_str()), (StatusCode::CREATED, Some("ON_HOLD")));
    let id = made["subscriptionId"].as_str().unwrap().to_owned();
    decide(&world, "AM_SUBSCRIPTION_CREATION", "APPROVED").await;
    assert_eq!(served(&world), before + 1);

    let path = format!("/subscriptions/{id}");
    let input = json!({"applicationId": app, "apiId": api, "throttlingPolicy": "Unlimited", "requestedThrottlingPolicy": "Gold"});
    let (_, changed) = portal(&world, SUBSCRIBER, "PUT", &path, input.clone()).await;
    assert_eq!(changed["status"], "TIER_UPDATE_PENDING");
    assert_eq!(
        (&changed["throttlingPolicy"], &changed["requestedThrottlingPolicy"]),
        (&json!("Unlimited"), &json!("Gold"))
    );
    assert_eq!(portal(&world, SUBSCRIBER, "PUT", &path, input).await.0, StatusCode::CONFLICT);
    // A block that comes meanwhile survives the decision.
    let block = format!("/subscriptions/block-subscription?subscriptionId={id}&blockState=BLOCKED");
    assert_eq!(world.send(crate::world::RULER, "POST", &block, None).await.0, StatusCode::OK);
    decide(&world, "AM_SUBSCRIPTION_UPDATE", "APPROVED").await;
    let (_, found) = portal(&world, SUBSCRIBER, "GET", &path, Value::Null).await;
    assert_eq!((&found["status"], &found["throttlingPolicy"]), (&json!("BLOCKED"), &json!("Gold")));
    let unblock = format!("/subscriptions/unblock-subscription?subscriptionId={id}");
    world.send(crate::world::RULER, "POST", &unblock, None).await;

    assert_eq!(portal(&world, SUBSCRIBER, "DELETE", &path, Value::Null).await.0, StatusCode::CREATED);
    assert_eq!(served(&world), before + 1, "served until the end is approved");
    decide(&world, "AM_SUBSCRIPTION_DELETION", "APPROVED").await;
    assert_eq!(portal(&world, SUBSCRIBER, "GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(served(&world), before);
}

#[tokio::test]
async fn deployments_and_lifecycle_wait() {
    let world = asking(&["APIRevisionDeployment", "APIStateChange"]).await;
    let api = created(&world, "Pizza").await;
    let revision = deploy(&world, &api).await;
    let deployed = format!("/apis/{api}/revisions?query=deployed:true");
    let statuses = async |world: &World| {
        let (_, list) = world.send(CREATOR, "GET", &deployed, None).await;
        let infos =
            list["list"].as_array().unwrap().iter().flat_map(|r| r["deploymentInfo"].as_array().unwrap().clone());
        infos.map(|info| info["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&world).await, ["CREATED"]);
    assert!(world.gateway.snapshot().apis.is_empty());
    decide(&world, "AM_REVISION_DEPLOYMENT", "REJECTED").await;
    assert!(statuses(&world).await.is_empty());
    deploy_again(&world, &api, &revision).await;
    // Asking twice is one request.
    deploy_again(&world, &api, &revision).await;
    decide(&world, "AM_REVISION_DEPLOYMENT", "APPROVED").await;
    assert_eq!(statuses(&world).await, ["APPROVED"]);
    assert_eq!(world.gateway.snapshot().apis.len(), 1);

    let publish = format!("/apis/change-lifecycle?apiId={api}&action=Publish");
    let (status, answer) = world.send(CREATOR, "POST", &publish, None).await;
    assert_eq!((status, &answer["workflowStatus"]), (StatusCode::OK, &json!("CREATED")));
    assert_eq!(answer["lifecycleState"]["state"], "Created");
    assert_eq!(world.send(CREATOR, "POST", &publish, None).await.0, StatusCode::CONFLICT);
    let tasks = format!("/apis/{api}/lifecycle-state/pending-tasks");
    assert_eq!(world.send(CREATOR, "DELETE", &tasks, None).await.0, StatusCode::OK);
    assert!(waiting(&world, "AM_API_STATE").await.is_empty());
    world.send(CREATOR, "POST", &publish, None).await;
    decide(&world, "AM_API_STATE", "APPROVED").await;
    let (_, state) = world.send(CREATOR, "GET", &format!("/apis/{api}/lifecycle-state"), None).await;
    assert_eq!(state["state"], "Published");
    // Deprecating is not in the list of states.
    let (_, answer) =
        world.send(CREATOR, "POST", &format!("/apis/change-lifecycle?apiId={api}&action=Deprecate"), None).await;
    assert_eq!(
        (&answer["workflowStatus"], &answer["lifecycleState"]["state"]),
        (&json!("APPROVED"), &json!("Deprecated"))
    );
}

#[tokio::test]
async fn only_another_administrator_of_the_tenant_decides() {
    let world = asking(&KINDS).await;
    application(&world, SUBSCRIBER, "Shop").await;
    let request = reference(&world, "AM_APPLICATION_CREATION").await;
    for who in [SUBSCRIBER, NEIGHBOUR, CREATOR, ""] {
        assert_eq!(decide_as(&world, who, &request, "APPROVED").await.0, StatusCode::UNAUTHORIZED, "{who}");
    }
    // An administrator of another tenant does not see it, and their own tenant asks nobody.
    let other = "admin+example.com";
    assert_eq!(decide_as(&world, other, &request, "APPROVED").await.0, StatusCode::NOT_FOUND);
    let (_, list) = world.send(other, "GET", "/api/am/admin/v4/workflows", None).await;
    assert_eq!(list["count"], 0);
    assert_eq!(decide_as(&world, ADMIN, &request, "PERHAPS").await.0, StatusCode::BAD_REQUEST);
    decide(&world, "AM_APPLICATION_CREATION", "APPROVED").await;
    let (_, log) = admin(&world, "GET", "/workflows", Value::Null).await;
    assert_eq!(log["count"], 0);

    // Nobody decides what they asked for themselves.
    let api = created(&world, "Mine").await;
    let (_, revision) = world.send(ADMIN, "POST", &format!("/apis/{api}/revisions"), Some(json!({}))).await;
    let path = format!("/apis/{api}/deploy-revision?revisionId={}", revision["id"].as_str().unwrap());
    world.send(ADMIN, "POST", &path, Some(json!([{"name": "Default", "vhost": "localhost"}]))).await;
    let own = reference(&world, "AM_REVISION_DEPLOYMENT").await;
    assert_eq!(decide_as(&world, ADMIN, &own, "APPROVED").await.0, StatusCode::FORBIDDEN);
    assert!(world.gateway.snapshot().apis.is_empty());
    assert_eq!(waiting(&world, "AM_REVISION_DEPLOYMENT").await.len(), 1);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_meant_is_refused() {
    let world = World::new().await;
    for wrong in [
        json!({"Surprise": {"approval": true}}),
        json!({"APIStateChange": {"approval": true}}),
        json!({"APIStateChange": {"approval": true, "stateList": "Created:Fly"}}),
        json!({"ApplicationCreation": {"approval": "yes"}}),
        json!({"ApplicationCreation": true}),
    ] {
        let (status, body) = admin(&world, "PUT", "/tenant-config", json!({"Workflows": wrong})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {body}");
    }
}
