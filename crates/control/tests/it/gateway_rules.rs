//! What gateways are told about clients' certificates, contracts, costs and limits.

use http::StatusCode;
use model::Timestamp;
use model::snapshot::KeyType;
use serde_json::{Value, json};

use crate::world::{CREATOR, FOREIGN, SUBSCRIBER, World, pizza};

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
