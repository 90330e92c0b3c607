//! The Developer Portal's view of APIs: who sees which, and what is told about them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::applications::PORTAL;
use crate::subscriptions::published;
use crate::world::{ADMIN, BLUE, CREATOR, FOREIGN, SUBSCRIBER, World, pizza};

async fn get(world: &World, who: &str, path: &str) -> (StatusCode, Value) {
    world.send(who, "GET", &format!("{PORTAL}{path}"), None).await
}

#[tokio::test]
async fn published_apis_are_found_by_strangers_and_drafts_by_nobody() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let draft = world.create(CREATOR, pizza("Draft")).await;
    for who in ["", SUBSCRIBER] {
        let (status, list) = get(&world, who, "/apis").await;
        assert_eq!((status, &list["count"], &list["list"][0]["id"]), (StatusCode::OK, &json!(1), &json!(api)), "{who}");
        let (status, one) = get(&world, who, &format!("/apis/{api}")).await;
        assert_eq!((status, &one["context"]), (StatusCode::OK, &json!("/pizza")));
        assert_eq!(one["endpointURLs"][0]["URLs"]["https"], "https://localhost:8243/pizza/1.0.0");
        assert!(!one.to_string().contains("127.0.0.1:9"), "the backend is nobody's business: {one}");
        let (status, document) = get(&world, who, &format!("/apis/{api}/swagger")).await;
        assert_eq!(
            (status, &document["servers"][0]["url"]),
            (StatusCode::OK, &json!("https://localhost:8243/pizza/1.0.0"))
        );
        let path = format!("/apis/{}", draft["id"].as_str().unwrap());
        assert_eq!(get(&world, who, &path).await.0, StatusCode::NOT_FOUND);
        assert_eq!(get(&world, who, &format!("{path}/swagger")).await.0, StatusCode::NOT_FOUND);
    }
    // Wrong credentials are not taken for none.
    assert_eq!(get(&world, "intruder", "/apis").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&world, FOREIGN, "/apis").await.1["count"], 0);
}

#[tokio::test]
async fn restricted_apis_are_seen_by_their_roles_and_those_who_manage_apis() {
    let world = World::new().await;
    let mut document = pizza("Secret");
    document["visibility"] = "RESTRICTED".into();
    document["visibleRoles"] = json!(["blue"]);
    let api = published(&world, CREATOR, document).await;
    let how_to = json!({"name": "How", "type": "HOWTO", "sourceType": "INLINE", "visibility": "API_LEVEL"});
    let (status, how_to) = world.send(CREATOR, "POST", &format!("/apis/{api}/documents"), Some(how_to)).await;
    assert_eq!(status, StatusCode::CREATED, "{how_to}");
    let document = format!("/apis/{api}/documents/{}", how_to["documentId"].as_str().unwrap());
    for (who, expected) in [("", 404), (SUBSCRIBER, 404), (FOREIGN, 404), (BLUE, 200), (CREATOR, 200), (ADMIN, 200)] {
        for path in [format!("/apis/{api}"), format!("/apis/{api}/swagger"), document.clone()] {
            assert_eq!(get(&world, who, &path).await.0.as_u16(), expected, "{who} {path}");
        }
        let found = get(&world, who, "/apis?query=name:secret").await.1["count"].as_u64();
        assert_eq!(found, Some(u64::from(expected == 200)), "{who}");
    }
}

#[tokio::test]
async fn private_apis_need_a_user_of_the_tenant() {
    let world = World::new().await;
    let mut document = pizza("Inner");
    document["visibility"] = "PRIVATE".into();
    let api = published(&world, CREATOR, document).await;
    for (who, expected) in [("", 404), (FOREIGN, 404), (SUBSCRIBER, 200)] {
        assert_eq!(get(&world, who, &format!("/apis/{api}")).await.0.as_u16(), expected, "{who}");
    }
}

#[tokio::test]
async fn tags_are_counted_and_queries_combine() {
    let world = World::new().await;
    for (name, tags) in [("One", json!(["food", "API_x"])), ("Two", json!(["food", "api_x"]))] {
        let mut document = pizza(name);
        document["tags"] = tags;
        published(&world, CREATOR, document).await;
    }
    let (_, tags) = get(&world, "", "/tags").await;
    assert_eq!(
        tags["list"],
        json!([{"value": "food", "count": 2}, {"value": "API_x", "count": 1},
                                    {"value": "api_x", "count": 1}])
    );
    for (query, count) in [("name:One%20name:Two", 2), ("name:One%20tag:food", 1), ("tag:other", 0), ("", 2)] {
        assert_eq!(get(&world, "", &format!("/apis?query={query}")).await.1["count"], count, "{query}");
    }
    assert_eq!(get(&world, "", "/apis?limit=1").await.1["pagination"]["total"], 2);
}

#[tokio::test]
async fn comments_have_replies_authors_and_bounds() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let path = format!("{PORTAL}/apis/{api}/comments");
    let say = |text: &str| Some(json!({"content": text, "category": "general"}));
    let (status, root) = world.send(SUBSCRIBER, "POST", &path, say("root")).await;
    assert_eq!((status, &root["entryPoint"]), (StatusCode::CREATED, &json!("DEVPORTAL")));
    let id = root["id"].as_str().unwrap();
    for text in ["first", "second"] {
        let (status, _) = world.send(BLUE, "POST", &format!("{path}?replyTo={id}"), say(text)).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let (_, list) = world.send("", "GET", &path, None).await;
    assert_eq!((&list["count"], &list["list"][0]["replies"]["count"]), (&json!(1), &json!(2)));
    let one = format!("{path}/{id}");
    assert_eq!(world.send(BLUE, "PATCH", &one, say("not mine")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.send(BLUE, "DELETE", &one, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.send("", "POST", &path, say("anonymous")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.send(SUBSCRIBER, "POST", &path, say(&"x".repeat(513))).await.0, StatusCode::BAD_REQUEST);
    let (_, edited) = world.send(SUBSCRIBER, "PATCH", &one, say("edited")).await;
    assert!(edited["updatedTime"].is_string());
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &one, None).await.0, StatusCode::OK);
    assert_eq!(world.send("", "GET", &path, None).await.1["pagination"]["total"], 0);
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &one, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ratings_average() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let path = format!("{PORTAL}/apis/{api}/user-rating");
    for (who, rating) in [(SUBSCRIBER, 4), (SUBSCRIBER, 5), (BLUE, 4)] {
        let (status, body) = world.send(who, "PUT", &path, Some(json!({"rating": rating}))).await;
        assert_eq!((status, &body["rating"]), (StatusCode::OK, &json!(rating)));
    }
    assert_eq!(world.send(BLUE, "PUT", &path, Some(json!({"rating": 6}))).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&world, "", &format!("/apis/{api}")).await.1["avgRating"], "4.5");
    assert_eq!(world.send(BLUE, "DELETE", &path, None).await.0, StatusCode::OK);
    assert_eq!(get(&world, "", &format!("/apis/{api}/ratings")).await.1["avgRating"], "5.0");
}

#[tokio::test]
async fn choices_are_told() {
    let world = World::new().await;
    let names = |list: &Value| -> Vec<String> {
        list["list"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, policies) = get(&world, SUBSCRIBER, "/throttling-policies/application").await;
    assert_eq!(names(&policies), ["10PerMin", "20PerMin", "50PerMin", "Unlimited"]);
    let (_, managers) = get(&world, SUBSCRIBER, "/key-managers").await;
    assert_eq!(names(&managers), ["Resident Key Manager"]);
    assert_eq!(get(&world, "", "/key-managers").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&world, "", "/settings").await.1["IsAnonymousModeEnabled"], true);
    assert_eq!(get(&world, SUBSCRIBER, "/throttling-policies/secret").await.0, StatusCode::NOT_FOUND);
}
