//! Streaming APIs: AsyncAPI definitions in and out.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CREATOR, World};

const CHAT: &str = "asyncapi: 2.6.0\ninfo: {title: Chat Rooms, version: 1.0.0, description: Talk}\nservers:\n  main: {url: 'wss://chat.example.com/v1', protocol: wss}\n\
    channels:\n  rooms/{id}:\n    publish: {}\n    subscribe: {}\n";

async fn import(world: &World, text: &str, properties: Value) -> (StatusCode, Value) {
    let properties = properties.to_string();
    let parts = [("file", Some("a.yaml"), text.as_bytes()), ("additionalProperties", None, properties.as_bytes())];
    world.form(CREATOR, "POST", "/apis/import-asyncapi", &parts).await
}

#[tokio::test]
async fn a_definition_becomes_an_api_and_can_be_replaced() {
    let world = World::new().await;
    let (status, made) = import(&world, CHAT, json!({})).await;
    assert_eq!(
        (status, &made["type"], &made["name"]),
        (StatusCode::CREATED, &json!("WS"), &json!("ChatRooms")),
        "{made}"
    );
    assert_eq!(made["endpointConfig"]["production_endpoints"]["url"], "wss://chat.example.com/v1");
    let topics = |api: &Value| -> Vec<String> {
        let text = |o: &Value| format!("{} {}", o["verb"].as_str().unwrap(), o["target"].as_str().unwrap());
        api["operations"].as_array().unwrap().iter().map(text).collect()
    };
    assert_eq!(topics(&made), ["SUBSCRIBE /rooms/{id}", "PUBLISH /rooms/{id}"]);
    let id = made["id"].as_str().unwrap();
    let (status, shown) = world.send(CREATOR, "GET", &format!("/apis/{id}/asyncapi"), None).await;
    assert_eq!((status, &shown["info"]["title"]), (StatusCode::OK, &json!("Chat Rooms")));
    assert_eq!(world.send(CREATOR, "GET", &format!("/apis/{id}/swagger"), None).await.0, StatusCode::NOT_FOUND);
    let news = CHAT.replace("rooms/{id}", "news").replace("    publish: {}\n", "");
    let parts = [("apiDefinition", None, news.as_bytes())];
    let (status, _) = world.form(CREATOR, "PUT", &format!("/apis/{id}/asyncapi"), &parts).await;
    assert_eq!(status, StatusCode::OK);
    let (_, changed) = world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await;
    assert_eq!(topics(&changed), ["SUBSCRIBE /news"]);
    let broken = [("apiDefinition", None, &b"asyncapi: 9"[..])];
    let (status, body) = world.form(CREATOR, "PUT", &format!("/apis/{id}/asyncapi"), &broken).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(900_756)));
    let (_, same) = world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await;
    assert_eq!(topics(&same), ["SUBSCRIBE /news"], "a refused definition changes nothing");
}

#[tokio::test]
async fn what_no_gateway_serves_can_only_be_advertised() {
    let world = World::new().await;
    let mqtt = CHAT.replace("wss", "mqtt");
    let (status, body) = import(&world, &mqtt, json!({"name": "Queue"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.to_string().contains("ASYNC type APIs only can be created as third party APIs"), "{body}");
    let advertised = json!({"name": "Queue", "advertiseInfo": {"advertised": true, "apiOwner": "admin", "vendor": "WSO2",
        "apiExternalProductionEndpoint": "https://queue.example.com", "originalDevPortalUrl": "https://queue.example.com"}});
    let (status, made) = import(&world, &mqtt, advertised).await;
    assert_eq!((status, &made["type"]), (StatusCode::CREATED, &json!("ASYNC")), "{made}");
    let path = format!("/apis/{}/revisions", made["id"].as_str().unwrap());
    let (status, body) = world.send(CREATOR, "POST", &path, Some(json!({}))).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(903_225)));
}

#[tokio::test]
async fn every_definition_of_the_corpus_is_imported_or_refused_with_a_line() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/asyncapi");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let world = World::new().await;
    let (mut imported, mut refused) = (0, 0);
    for (number, file) in files.enumerate() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let advertised = json!({"name": format!("Async{number}"), "context": format!("/async{number}"), "version": "1.0.0",
            "advertiseInfo": {"advertised": true, "apiOwner": "admin", "vendor": "WSO2",
            "apiExternalProductionEndpoint": "https://x.example.com", "originalDevPortalUrl": "https://x.example.com"}});
        let (status, body) = import(&world, &text, advertised).await;
        if status == StatusCode::CREATED {
            imported += 1;
        } else {
            assert_eq!(status, StatusCode::BAD_REQUEST, "{}: {body}", path.display());
            assert!(body["description"].as_str().unwrap().contains("line "), "{}: {body}", path.display());
            refused += 1;
        }
    }
    println!("{imported} definitions imported, {refused} refused");
    assert!(imported > 0);
}
