//! What gateways are told about clients' certificates, contracts, costs and limits.

use http::StatusCode;
use model::Timestamp;
use model::snapshot::KeyType;
use serde_json::{Value, json};

use crate::applications::PORTAL;
use crate::world::{ADMIN, CREATOR, FOREIGN, SUBSCRIBER, World, pizza};

async fn upload(
    world: &World,
    who: &str,
    place: &str,
    (alias, tier): (&str, &str),
    bytes: &[u8],
) -> (StatusCode, Value) {
    let parts: [(&str, Option<&str>, &[u8]); 3] =
        [("certificate", Some("c.cer"), bytes), ("alias", None, alias.as_bytes()), ("tier", None, tier.as_bytes())];
    world.form(who, "POST", place, &parts).await
}

#[tokio::test]
async fn client_certificates_count_at_once_and_go_at_once() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    document["securityScheme"] = json!(["mutualssl", "mutualssl_mandatory"]);
    let made = world.create(CREATOR, document).await;
    let id = made["id"].as_str().unwrap();
    world.deploy(CREATOR, id).await;
    let served = || world.gateway.snapshot().apis[0].client_certificates.clone();
    assert!(served().is_empty());
    let now = world.control.now();
    let certificate = |seed: u64, at: Timestamp| {
        vault::generate_ca("Client", at, &testkit::SeededRng::new(seed)).unwrap().certificate().to_vec()
    };
    let (first, second, old) =
        (certificate(1, now), certificate(2, now), certificate(3, Timestamp::from_seconds(1_000_000_000)));
    let all = format!("/apis/{id}/client-certificates");
    let (status, made) = upload(&world, CREATOR, &all, ("one", "Unlimited"), &first).await;
    assert_eq!((status, &made["keyType"]), (StatusCode::CREATED, &json!("PRODUCTION")), "{made}");
    let sandbox = format!("/apis/{id}/client-certs/SANDBOX");
    assert_eq!(upload(&world, CREATOR, &sandbox, ("two", "Unlimited"), &second).await.0, StatusCode::CREATED);
    let found = served();
    assert_eq!((found.len(), &found[0].der, found[1].key_type), (2, &first, KeyType::Sandbox));
    assert!(found[0].not_before <= now && now < found[0].not_after);
    for (place, named, bytes, expected) in [
        (&all, ("one", "Unlimited"), &second, StatusCode::CONFLICT),
        (&all, ("../x", "Unlimited"), &second, StatusCode::BAD_REQUEST),
        (&all, ("three", "NoSuchPlan"), &second, StatusCode::BAD_REQUEST),
        (&all, ("three", "Unlimited"), &old, StatusCode::BAD_REQUEST),
        (&all, ("three", "Unlimited"), &b"junk".to_vec(), StatusCode::BAD_REQUEST),
        (&format!("/apis/{id}/client-certs/OTHER"), ("three", "Unlimited"), &second, StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(upload(&world, CREATOR, place, named, bytes).await.0, expected, "{place} {named:?}");
    }
    for (query, count) in [("", 2), ("?alias=two", 1), ("?alias=none", 0)] {
        let (_, list) = world.send(CREATOR, "GET", &format!("{all}{query}"), None).await;
        assert_eq!((&list["count"], list["certificates"].as_array().map(Vec::len)), (&json!(count), Some(count)));
    }
    let (_, list) = world.send(CREATOR, "GET", &sandbox, None).await;
    assert_eq!((&list["count"], &list["certificates"][0]["alias"]), (&json!(1), &json!("two")), "{list}");
    let (_, bytes) = world.raw(CREATOR, "GET", &format!("{all}/one/content"), "", Vec::new()).await;
    assert_eq!(bytes, first);
    for (who, expected) in [(FOREIGN, StatusCode::NOT_FOUND), (SUBSCRIBER, StatusCode::UNAUTHORIZED)] {
        assert_eq!(world.send(who, "DELETE", &format!("{all}/one"), None).await.0, expected);
        assert_eq!(upload(&world, who, &all, ("mine", "Unlimited"), &second).await.0, expected);
    }
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{all}/one"), None).await.0, StatusCode::OK);
    assert_eq!(served().iter().map(|c| c.alias.clone()).collect::<Vec<_>>(), ["two"]);
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{all}/one"), None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_contract_travels_only_with_the_switch() {
    let world = World::new().await;
    for on in [false, true] {
        let mut document = pizza(if on { "Checked" } else { "Free" });
        document["enableSchemaValidation"] = json!(on);
        let made = world.create(CREATOR, document).await;
        world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    }
    let snapshot = world.gateway.snapshot();
    let schema = |name: &str| snapshot.apis.iter().find(|api| api.name == name).unwrap().schema.clone();
    assert!(schema("Free").is_none());
    let contract = schema("Checked").unwrap();
    assert!(contract["paths"]["/order/{id}"]["get"].is_object(), "{contract}");
}

#[tokio::test]
async fn only_an_administrator_resets_the_limit_of_an_application() {
    let world = World::new().await;
    let id = crate::applications::application(&world, SUBSCRIBER, "App").await;
    let path = format!("{PORTAL}/applications/{id}/reset-throttle-policy");
    let reset = async |who: &str, body: Value| world.send(who, "POST", &path, Some(body)).await.0;
    assert_eq!(reset(ADMIN, json!({"userName": "susi"})).await, StatusCode::OK);
    assert_eq!(reset(ADMIN, json!({})).await, StatusCode::BAD_REQUEST);
    assert_eq!(reset(SUBSCRIBER, json!({"userName": "susi"})).await, StatusCode::FORBIDDEN);
    assert_eq!(reset("admin+example.com", json!({"userName": "susi"})).await, StatusCode::NOT_FOUND);
    let resets = world.gateway.resets.lock().unwrap().clone();
    assert_eq!(resets.iter().map(|(of, user)| (of.to_string(), user.as_str())).collect::<Vec<_>>(), [(id, "susi")]);
}

#[tokio::test]
async fn topics_are_listed_once_and_sockets_are_open_to_tls() {
    let world = World::new().await;
    let document = json!({"name": "Chat", "context": "chat", "version": "1.0.0", "type": "WS", "policies": ["AsyncUnlimited"],
        "endpointConfig": {"endpoint_type": "ws", "production_endpoints": {"url": "ws://127.0.0.1:9"}},
        "operations": [{"target": "/room", "verb": "SUBSCRIBE"}, {"target": "/room", "verb": "PUBLISH"}], "transport": []});
    let id = crate::subscriptions::published(&world, CREATOR, document).await;
    let (status, topics) = world.send(SUBSCRIBER, "GET", &format!("{PORTAL}/apis/{id}/topics"), None).await;
    assert_eq!((status, &topics["count"], &topics["list"][0]["name"]), (StatusCode::OK, &json!(2), &json!("/room")));
    let served = world.gateway.snapshot().apis[0].transports;
    assert!(served.http && served.https);
}

#[tokio::test]
async fn an_api_that_loses_its_plans_says_that_it_needs_no_subscription() {
    let world = World::new().await;
    let created = world.create(CREATOR, pizza("Early")).await;
    let put = async |mut api: Value| {
        api["policies"] = json!([]);
        let path = format!("/apis/{}", api["id"].as_str().unwrap());
        let (status, body) = world.send(CREATOR, "PUT", &path, Some(api)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["policies"].clone()
    };
    assert_eq!(put(created).await, json!([]), "nobody has it yet");
    let id = crate::subscriptions::published(&world, CREATOR, pizza("Pizza")).await;
    let (_, api) = world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await;
    assert_eq!(put(api).await, json!(["DefaultSubscriptionless"]));
}

#[tokio::test]
async fn another_kind_of_endpoint_security_needs_no_secret_of_the_former() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    let basic = json!({"enabled": true, "type": "BASIC", "username": "u", "password": "p"});
    document["endpointConfig"]["endpoint_security"] = json!({"production": basic});
    let mut api = world.create(CREATOR, document).await;
    let path = format!("/apis/{}", api["id"].as_str().unwrap());
    let mut token = json!({"enabled": true, "type": "OAUTH", "grantType": "CLIENT_CREDENTIALS", "clientId": "c",
        "clientSecret": "s", "tokenUrl": "https://127.0.0.1:9/token"});
    api["endpointConfig"]["endpoint_security"] = json!({"production": token});
    let (status, body) = world.send(CREATOR, "PUT", &path, Some(api.clone())).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    // Its own secret does not follow the address of the token endpoint.
    token["clientSecret"] = json!("");
    token["tokenUrl"] = json!("https://127.0.0.1:8/token");
    api["endpointConfig"]["endpoint_security"] = json!({"production": token});
    assert_eq!(world.send(CREATOR, "PUT", &path, Some(api)).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn ai_apis_are_served_with_what_their_vendor_says_of_tokens() {
    let world = World::new().await;
    let providers = "/api/am/admin/v4/ai-service-providers";
    let (status, listed) = world.send(ADMIN, "GET", providers, None).await;
    assert_eq!(status, StatusCode::OK);
    let gemini = listed["list"].as_array().unwrap().iter().find(|p| p["name"] == "Gemini").unwrap().clone();
    assert_eq!((&gemini["apiVersion"], &gemini["builtInSupport"]), (&json!("1.1.0"), &json!(true)));
    let one = format!("{providers}/{}", gemini["id"].as_str().unwrap());
    assert_eq!(world.send(ADMIN, "DELETE", &one, None).await.0, StatusCode::FORBIDDEN);

    let mut document = pizza("Model");
    let named = json!({"llmProviderName": "MistralAI", "llmProviderApiVersion": "1.0.0"});
    document["subtypeConfiguration"] = json!({"subtype": "AIAPI", "configuration": named});
    let made = world.create(CREATOR, document).await;
    world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    let snapshot = world.gateway.snapshot();
    let usage = snapshot.apis[0].token_usage.clone().unwrap();
    assert_eq!(
        (usage.total, usage.prompt),
        (vec!["usage".into(), "total_tokens".into()], vec!["usage".into(), "prompt_tokens".into()])
    );
    let bronze = snapshot.limits.iter().find(|limit| limit.name == "AIBronze").unwrap();
    assert!(bronze.tokens.is_some_and(|tokens| tokens.total.is_some() && tokens.window_seconds == 60), "{bronze:?}");
}
