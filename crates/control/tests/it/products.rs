//! API products over REST, and what the gateway gets of them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::applications::{PORTAL, application};
use crate::world::{ADMIN, CREATOR, FOREIGN, SUBSCRIBER, World, pizza};

const PRODUCTS: &str = "/api-products";

/// An API with one operation and its own endpoint.
fn member(name: &str, target: &str, host: &str) -> Value {
    let mut document = pizza(name);
    document["operations"] = json!([{"target": target, "verb": "GET"}, {"target": target, "verb": "POST"}]);
    document["endpointConfig"] = json!({"endpoint_type": "http", "production_endpoints": {"url": host}});
    document
}

fn product(name: &str, members: &[(&Value, &[(&str, &str)])]) -> Value {
    let apis: Vec<Value> = members
        .iter()
        .map(|(api, operations)| {
            let operations: Vec<Value> =
                operations.iter().map(|(verb, target)| json!({"verb": verb, "target": target})).collect();
            json!({"apiId": api["id"], "name": api["name"], "operations": operations})
        })
        .collect();
    json!({"name": name, "context": name.to_lowercase(), "policies": ["Gold", "Unlimited"], "apis": apis})
}

async fn deploy(world: &World, id: &str) -> (StatusCode, Value) {
    let (status, revision) = world.send(CREATOR, "POST", &format!("{PRODUCTS}/{id}/revisions"), Some(json!({}))).await;
    assert_eq!(status, StatusCode::CREATED, "{revision}");
    let path = format!("{PRODUCTS}/{id}/deploy-revision?revisionId={}", revision["id"].as_str().unwrap());
    let place = json!([{"name": "Default", "vhost": "localhost", "displayOnDevportal": true}]);
    world.send(CREATOR, "POST", &path, Some(place)).await
}

async fn two_members(world: &World) -> (Value, Value) {
    let first = world.create(CREATOR, member("Orders", "/orders/{id}", "http://orders.example.com/api")).await;
    let second = world.create(CREATOR, member("Stock", "/stock", "http://stock.example.com")).await;
    (first, second)
}

#[tokio::test]
async fn a_product_joins_resources_of_several_apis() {
    let world = World::new().await;
    let (first, second) = two_members(&world).await;
    let wanted =
        product("Shop", &[(&first, &[("GET", "/orders/{id}")]), (&second, &[("GET", "/stock"), ("POST", "/stock")])]);
    let (status, made) = world.send(CREATOR, "POST", PRODUCTS, Some(wanted)).await;
    assert_eq!((status, &made["state"]), (StatusCode::CREATED, &json!("CREATED")), "{made}");
    assert_eq!((&made["context"], &made["version"]), (&json!("/shop"), &json!("1.0.0")));
    assert_eq!(made["apis"][1]["operations"].as_array().unwrap().len(), 2);
    // Nothing of where and how it is kept is shown.
    for hidden in ["memberApis", "memberApi", "endpointConfig", "example.com"] {
        assert!(!made.to_string().contains(hidden), "{hidden}: {made}");
    }
    let id = made["id"].as_str().unwrap();
    assert_eq!(deploy(&world, id).await.0, StatusCode::CREATED);
    let served = world.gateway.snapshot().apis[0].clone();
    assert_eq!((served.versioned_context.as_str(), served.resources.len()), ("/shop/1.0.0", 3));
    let target = |template: &str| {
        let resource = served.resources.iter().find(|r| r.template == template).unwrap();
        resource.backend.as_ref().unwrap().production.as_ref().unwrap().targets[0].clone()
    };
    assert_eq!(target("/orders/{id}"), "http://orders.example.com/api");
    assert_eq!(target("/stock"), "http://stock.example.com");
    let (_, swagger) = world.send(CREATOR, "GET", &format!("{PRODUCTS}/{id}/swagger"), None).await;
    assert!(swagger["paths"]["/orders/{id}"]["get"].is_object() && swagger["paths"]["/stock"]["post"].is_object());
    // An API is no product, a product is no API, and neither list shows the other.
    let own = first["id"].as_str().unwrap();
    assert_eq!(world.send(CREATOR, "GET", &format!("{PRODUCTS}/{own}"), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(CREATOR, "GET", PRODUCTS, None).await.1["count"], 1);
    assert_eq!(world.send(CREATOR, "GET", "/apis", None).await.1["count"], 2);
    assert_eq!(world.send(FOREIGN, "GET", &format!("{PRODUCTS}/{id}"), None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_product_follows_its_members_when_it_is_saved() {
    let world = World::new().await;
    let (mut first, _) = two_members(&world).await;
    let wanted = product("Shop", &[(&first, &[("GET", "/orders/{id}")])]);
    let (_, made) = world.send(CREATOR, "POST", PRODUCTS, Some(wanted)).await;
    let (id, member) = (made["id"].as_str().unwrap().to_owned(), first["id"].as_str().unwrap().to_owned());
    first["endpointConfig"]["production_endpoints"]["url"] = "http://moved.example.com".into();
    assert_eq!(world.send(CREATOR, "PUT", &format!("/apis/{member}"), Some(first.clone())).await.0, StatusCode::OK);
    assert_eq!(deploy(&world, &id).await.0, StatusCode::CREATED);
    let target = || {
        let served = world.gateway.snapshot().apis[0].clone();
        served.resources[0].backend.as_ref().unwrap().production.as_ref().unwrap().targets[0].clone()
    };
    assert_eq!(target(), "http://orders.example.com/api");
    let (status, saved) = world.send(CREATOR, "PUT", &format!("{PRODUCTS}/{id}"), Some(made)).await;
    assert_eq!(status, StatusCode::OK, "{saved}");
    assert_eq!(deploy(&world, &id).await.0, StatusCode::CREATED);
    assert_eq!(target(), "http://moved.example.com");
    // What a product uses cannot be taken away from under it.
    first["operations"] = json!([{"target": "/other", "verb": "GET"}]);
    let (status, refused) = world.send(CREATOR, "PUT", &format!("/apis/{member}"), Some(first)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert!(refused["description"].as_str().unwrap().contains("Shop:1.0.0"), "{refused}");
    assert_eq!(world.send(CREATOR, "DELETE", &format!("/apis/{member}"), None).await.0, StatusCode::CONFLICT);
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{PRODUCTS}/{id}"), None).await.0, StatusCode::OK);
    assert!(world.gateway.snapshot().apis.is_empty());
    assert_eq!(world.send(CREATOR, "DELETE", &format!("/apis/{member}"), None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_product_is_refused() {
    let world = World::new().await;
    let (first, second) = two_members(&world).await;
    let good: &[(&str, &str)] = &[("GET", "/orders/{id}")];
    let mut twice = product("Twice", &[(&first, good), (&first, good)]);
    twice["context"] = "twice".into();
    let mut same = member("Same", "/orders/{id}", "http://x.example.com");
    same["context"] = "/same".into();
    let same = world.create(CREATOR, same).await;
    let cases = [
        (product("Empty", &[]), StatusCode::BAD_REQUEST, "1 to 100"),
        (twice, StatusCode::BAD_REQUEST, "twice"),
        (product("Gone", &[(&first, &[("DELETE", "/orders/{id}")])]), StatusCode::BAD_REQUEST, "DELETE /orders/{id}"),
        (product("Clash", &[(&first, good), (&same, good)]), StatusCode::BAD_REQUEST, "two APIs"),
        (product("Orders", &[(&second, &[("GET", "/stock")])]), StatusCode::CONFLICT, "already exists"),
        (product("Nobody", &[(&json!({"id": uuid::Uuid::nil()}), good)]), StatusCode::NOT_FOUND, "not found"),
        (product("NoId", &[(&json!({"id": "x"}), good)]), StatusCode::BAD_REQUEST, "apiId"),
    ];
    for (wanted, expected, text) in cases {
        let name = wanted["name"].clone();
        let (status, body) = world.send(CREATOR, "POST", PRODUCTS, Some(wanted)).await;
        assert_eq!(status, expected, "{name}: {body}");
        assert!(body.to_string().contains(text), "{name}: {body}");
    }
    let mut template = product("Template", &[(&first, good)]);
    template["context"] = "x{version}".into();
    let (status, body) = world.send(CREATOR, "POST", PRODUCTS, Some(template)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.to_string().contains("The API Product context is malformed"), "{body}");
    // Another tenant's API is not there.
    let (status, _) = world.send(FOREIGN, "POST", PRODUCTS, Some(product("Theft", &[(&first, good)]))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.send(SUBSCRIBER, "POST", PRODUCTS, Some(product("S", &[(&first, good)]))).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.send(ADMIN, "GET", PRODUCTS, None).await.1["count"], 0);
}

#[tokio::test]
async fn a_retired_product_has_no_subscribers_and_can_go() {
    let world = World::new().await;
    let (first, _) = two_members(&world).await;
    let (_, made) =
        world.send(CREATOR, "POST", PRODUCTS, Some(product("Shop", &[(&first, &[("GET", "/orders/{id}")])]))).await;
    let id = made["id"].as_str().unwrap();
    deploy(&world, id).await;
    let act = |action: &str| format!("{PRODUCTS}/change-lifecycle?apiProductId={id}&action={action}");
    let (status, state) = world.send(CREATOR, "POST", &act("Publish"), None).await;
    assert_eq!((status, &state["lifecycleState"]["state"]), (StatusCode::OK, &json!("Published")), "{state}");
    let app = application(&world, SUBSCRIBER, "App").await;
    let wanted = json!({"applicationId": app, "apiId": id, "throttlingPolicy": "Gold"});
    let (status, subscribed) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/subscriptions"), Some(wanted)).await;
    assert_eq!(status, StatusCode::CREATED, "{subscribed}");
    assert_eq!(world.gateway.snapshot().subscriptions.len(), 1);
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{PRODUCTS}/{id}"), None).await.0, StatusCode::CONFLICT);
    for action in ["Deprecate", "Retire"] {
        assert_eq!(world.send(CREATOR, "POST", &act(action), None).await.0, StatusCode::OK, "{action}");
    }
    assert!(world.gateway.snapshot().subscriptions.is_empty());
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{PRODUCTS}/{id}"), None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn versions_and_revisions_of_products() {
    let world = World::new().await;
    let (first, second) = two_members(&world).await;
    let (_, mut made) =
        world.send(CREATOR, "POST", PRODUCTS, Some(product("Shop", &[(&first, &[("GET", "/orders/{id}")])]))).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let copy = format!("{PRODUCTS}/copy-api-products?newVersion=2.0.0&defaultVersion=true&apiProductId={id}");
    let (status, next) = world.send(CREATOR, "POST", &copy, None).await;
    assert_eq!((status, &next["version"]), (StatusCode::CREATED, &json!("2.0.0")), "{next}");
    assert_eq!(next["isDefaultVersion"], true);
    let (_, revision) = world.send(CREATOR, "POST", &format!("{PRODUCTS}/{id}/revisions"), None).await;
    let members = product("Shop", &[(&second, &[("GET", "/stock")])]);
    made["apis"] = members["apis"].clone();
    let (status, changed) = world.send(CREATOR, "PUT", &format!("{PRODUCTS}/{id}"), Some(made)).await;
    assert_eq!((status, &changed["apis"][0]["name"]), (StatusCode::OK, &json!("Stock")), "{changed}");
    let restore = format!("{PRODUCTS}/{id}/restore-revision?revisionId={}", revision["id"].as_str().unwrap());
    let (status, restored) = world.send(CREATOR, "POST", &restore, None).await;
    assert_eq!((status, &restored["apis"][0]["name"]), (StatusCode::CREATED, &json!("Orders")), "{restored}");
    assert_eq!(restored["apis"].as_array().unwrap().len(), 1);
}
