//! OpenAPI definitions over REST.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CREATOR, World, pizza};

fn petstore() -> Value {
    json!({
        "openapi": "3.0.1",
        "info": {"title": "Pet Store", "version": "2.1", "description": "Pets", "x-owner": "zoo"},
        "servers": [{"url": "https://pets.example.com/v2"}],
        "x-custom": {"kept": true},
        "paths": {
            "/pets/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Node"}}],
                "get": {"summary": "One pet", "responses": {"200": {"description": "ok"}}, "security": [{"store": ["read:pets"]}]},
                "x-note": 1,
            },
            "/pets": {"post": {"responses": {}, "x-auth-type": "None", "x-throttling-tier": "10KPerMin"}},
        },
        "components": {
            "schemas": {"Node": {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}},
            "securitySchemes": {"store": {"type": "oauth2", "flows": {"implicit": {
                "authorizationUrl": "https://x/", "scopes": {"read:pets": "Read", "write:pets": "Write"},
                "x-scopes-bindings": {"read:pets": "blue"}}}}},
        },
    })
}

async fn import(world: &World, definition: &[u8], properties: &Value) -> (StatusCode, Value) {
    let properties = properties.to_string();
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("file", Some("api.yaml"), definition), ("additionalProperties", Some("data.json"), properties.as_bytes())];
    world.form(CREATOR, "POST", "/apis/import-openapi", &parts).await
}

#[tokio::test]
async fn a_definition_becomes_an_api_with_operations_and_scopes() {
    let world = World::new().await;
    let (status, made) = import(&world, petstore().to_string().as_bytes(), &json!({"policies": ["Gold"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["name"], &made["version"]), (&json!("PetStore"), &json!("2.1")));
    assert_eq!(made["context"], "/v2");
    assert_eq!(made["endpointConfig"]["production_endpoints"]["url"], "https://pets.example.com/v2");
    assert_eq!(made["operations"][0]["scopes"], json!(["read:pets"]));
    assert_eq!((&made["operations"][1]["authType"], &made["operations"][1]["throttlingPolicy"]), (&json!("None"), &json!("10KPerMin")));
    assert_eq!(made["scopes"][0]["scope"]["bindings"], json!(["blue"]));
    let path = format!("/apis/{}/swagger", made["id"].as_str().unwrap());
    let (_, swagger) = world.send(CREATOR, "GET", &path, None).await;
    assert_eq!((&swagger["x-custom"]["kept"], &swagger["info"]["x-owner"]), (&json!(true), &json!("zoo")));
    assert_eq!(swagger["paths"]["/pets/{id}"]["x-note"], 1);
    assert_eq!(swagger["paths"]["/pets/{id}"]["get"]["summary"], "One pet");
    assert_eq!(swagger["paths"]["/pets/{id}"]["get"]["security"], json!([{"default": ["read:pets"]}]));
    assert_eq!(swagger["paths"]["/pets"]["post"]["x-throttling-tier"], "10KPerMin");
    assert_eq!(swagger["x-wso2-basePath"], "/v2/2.1");
    assert_eq!(swagger["servers"], json!([{"url": "/"}]));
    // The original is kept byte for byte.
    let actor = control::Actor::new(web::Principal {
        tenant: crate::world::super_tenant(),
        user: "carla".into(),
        roles: [].into(),
        scopes: [].into(),
        client: None,
        method: web::AuthenticationMethod::LocalSocket,
    });
    let original = world.control.original_definition(&actor, made["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&original).unwrap(), petstore());
}

#[tokio::test]
async fn a_new_definition_replaces_the_operations_and_keeps_their_policies() {
    let world = World::new().await;
    let mut made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    made["operations"][0]["operationPolicies"] =
        json!({"request": [{"policyName": "removeHeader", "parameters": {"headerName": "X-A"}}]});
    assert_eq!(world.send(CREATOR, "PUT", &path, Some(made)).await.0, StatusCode::OK);
    let definition = json!({"swagger": "2.0", "info": {"title": "x", "version": "1"}, "paths": {
        "/order/{id}": {"get": {"responses": {}}}, "/fresh": {"delete": {"responses": {}}}}});
    let text = definition.to_string();
    let swagger = format!("{path}/swagger");
    let (status, body) = world.form(CREATOR, "PUT", &swagger, &[("apiDefinition", None, text.as_bytes())]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["paths"]["/fresh"]["delete"]["x-auth-type"], "Application & Application User");
    let (_, read) = world.send(CREATOR, "GET", &path, None).await;
    assert_eq!(read["operations"].as_array().unwrap().len(), 2);
    assert_eq!(read["operations"][0]["operationPolicies"]["request"][0]["policyName"], "removeHeader");
    // A broken one changes nothing.
    let (status, body) = world.form(CREATOR, "PUT", &swagger, &[("apiDefinition", None, b"{\"swagger\": \"2.0\",\n \"paths\": {\"\": {}}}")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].to_string().contains("line 2"), "{body}");
    let (_, after) = world.send(CREATOR, "GET", &swagger, None).await;
    assert!(after["paths"]["/fresh"].is_object());
}

#[tokio::test]
async fn validation_reports_instead_of_refusing() {
    let world = World::new().await;
    for (text, valid) in [
        (petstore().to_string(), true),
        ("openapi: 3.1.0\ninfo: {title: x, version: 1}\npaths: {/a: {get: {}}}".to_owned(), true),
        ("openapi: 4.0.0\ninfo: {title: x}\npaths: {}".to_owned(), false),
        ("just: yaml".to_owned(), false),
        (String::new(), false),
    ] {
        let (status, body) =
            world.form(CREATOR, "POST", "/apis/validate-openapi", &[("file", Some("a"), text.as_bytes())]).await;
        assert_eq!((status, &body["isValid"]), (StatusCode::OK, &json!(valid)), "{text}: {body}");
    }
}

#[tokio::test]
async fn urls_go_through_the_egress_rules() {
    let world = World::new().await;
    for url in ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/x", "file:///etc/passwd", "http://[::1]:1/"] {
        let (status, body) =
            world.form(CREATOR, "POST", "/apis/import-openapi", &[("url", None, url.as_bytes())]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{url}: {body}");
    }
}

#[tokio::test]
async fn the_documents_of_the_apis_are_complete() {
    for area in ["publisher", "gateway"] {
        let document = control::openapi::document(area).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for (path, item) in document["paths"].as_object().unwrap() {
            for (verb, operation) in item.as_object().unwrap() {
                assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{verb} {path}");
                assert!(operation["security"].is_array(), "{verb} {path}");
                let declared = operation["parameters"].as_array().map_or(0, Vec::len);
                assert_eq!(declared, path.matches('{').count(), "{path}");
            }
        }
    }
    assert!(control::openapi::document("nothing").is_none());
}

#[test]
fn operation_ids_and_paths_are_unique() {
    let table = control::api::routes();
    let mut seen = std::collections::BTreeSet::new();
    for (operation, _) in table.operations() {
        assert!(seen.insert(operation.id.to_owned()), "{} twice", operation.id);
        assert!(seen.insert(format!("{} {}", operation.method, operation.path)), "{} twice", operation.path);
    }
}
