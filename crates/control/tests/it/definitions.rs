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
    assert_eq!(
        (&made["operations"][1]["authType"], &made["operations"][1]["throttlingPolicy"]),
        (&json!("None"), &json!("10KPerMin"))
    );
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
    let original =
        world.control.original_definition(&actor, made["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
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
    let (status, body) = world
        .form(CREATOR, "PUT", &swagger, &[("apiDefinition", None, b"{\"swagger\": \"2.0\",\n \"paths\": {\"\": {}}}")])
        .await;
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
    for url in
        ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/x", "file:///etc/passwd", "http://[::1]:1/"]
    {
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
                assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{verb} {path}");
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

#[tokio::test]
async fn a_graphql_schema_becomes_an_api_and_can_be_replaced() {
    let world = World::new().await;
    let properties = json!({"name": "Gql", "version": "1.0.0", "context": "gql", "policies": ["Gold"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9/graphql"}}})
    .to_string();
    let import = async |schema: &str| {
        let parts: [(&str, Option<&str>, &[u8]); 3] = [
            ("type", None, b"GRAPHQL"),
            ("additionalProperties", None, properties.as_bytes()),
            ("file", Some("schema.graphql"), schema.as_bytes()),
        ];
        world.form(CREATOR, "POST", "/apis/import-graphql-schema", &parts).await
    };
    let (status, body) = import("type Query {\n a:\n}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["description"].as_str().unwrap().contains("line 3"), "{body}");
    let (status, made) = import("type Query { pets: [String] }").await;
    assert_eq!((status, &made["type"]), (StatusCode::CREATED, &json!("GRAPHQL")), "{made}");
    assert_eq!((&made["operations"][0]["target"], &made["operations"][0]["verb"]), (&json!("pets"), &json!("QUERY")));
    let path = format!("/apis/{}/graphql-schema", made["id"].as_str().unwrap());
    let new: &[u8] = b"type Query { pets: [String] } type Mutation { add(name: String): Int }";
    let (status, body) = world.form(CREATOR, "PUT", &path, &[("schemaDefinition", Some("s"), new)]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (_, read) = world.send(CREATOR, "GET", &path, None).await;
    assert_eq!(read["schemaDefinition"].as_str().unwrap().as_bytes(), new);
    let (status, _) = world.form(CREATOR, "PUT", &path, &[("schemaDefinition", Some("s"), b"type X")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let weights = path.replace("graphql-schema", "graphql-policies/complexity");
    let good = json!({"list": [{"type": "Query", "field": "pets", "complexityValue": 3}]});
    assert_eq!(world.send(CREATOR, "PUT", &weights, Some(good.clone())).await.0, StatusCode::OK);
    assert_eq!(world.send(CREATOR, "GET", &weights, None).await.1, good);
    let bad = json!({"list": [{"type": "Query", "field": "cats", "complexityValue": 0}]});
    assert_eq!(world.send(CREATOR, "PUT", &weights, Some(bad)).await.1["error"].as_array().map(Vec::len), Some(2));
    // It has no OpenAPI definition, and an HTTP API has no schema.
    let swagger = path.replace("graphql-schema", "swagger");
    assert_eq!(world.send(CREATOR, "GET", &swagger, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_archive_of_several_files_is_merged() {
    let world = World::new().await;
    let main = br#"{"openapi":"3.0.0","info":{"title":"Multi","version":"1"},"paths":{"/a":{"get":{"responses":{"200":
        {"description":"x","content":{"application/json":{"schema":{"$ref":"./parts/data.yaml#/Set"}}}}}}}}}"#;
    let part = b"Set:\n  properties:\n    next: {$ref: '#/Set'}\n    other: {$ref: 'more.json'}\n";
    let import = async |entries: &[(&str, &[u8])]| {
        let zip = crate::hostile::zip(entries);
        world.form(CREATOR, "POST", "/apis/import-openapi", &[("file", Some("x.zip"), &zip)]).await
    };
    let whole: [(&str, &[u8]); 3] =
        [("d/swagger.json", main), ("d/parts/data.yaml", part), ("d/parts/more.json", b"{\"type\":\"string\"}")];
    let (status, made) = import(&whole).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("/apis/{}/swagger", made["id"].as_str().unwrap());
    let (_, swagger) = world.send(CREATOR, "GET", &path, None).await;
    let schemas = &swagger["components"]["schemas"];
    assert_eq!(schemas["data_Set"]["properties"]["next"]["$ref"], "#/components/schemas/data_Set", "{swagger}");
    assert_eq!(schemas["more"]["type"], "string");
    for (entries, says) in [
        (vec![("d/swagger.json", main.as_slice())], "parts/data.yaml is not in the archive"),
        (vec![("d/other.json", main.as_slice())], "no definition"),
    ] {
        let (status, body) = import(&entries).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body["description"].as_str().unwrap().contains(says), "{body}");
    }
}

#[tokio::test]
async fn test_keys_need_an_issuer() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}/generate-key", made["id"].as_str().unwrap());
    assert_eq!(world.send(CREATOR, "POST", &path, None).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
