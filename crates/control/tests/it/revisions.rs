//! Revisions and deployments over REST.

use http::StatusCode;
use serde_json::json;

use crate::world::{CREATOR, World, pizza};

#[tokio::test]
async fn five_revisions_are_the_limit() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let path = format!("/apis/{}/revisions", made["id"].as_str().unwrap());
    let mut first = String::new();
    for number in 1..=5 {
        let (status, body) = world.send(CREATOR, "POST", &path, Some(json!({"description": "d"}))).await;
        assert_eq!((status, body["displayName"].clone()), (StatusCode::CREATED, json!(format!("Revision {number}"))));
        if number == 1 {
            body["id"].as_str().unwrap().clone_into(&mut first);
        }
    }
    let (status, body) = world.send(CREATOR, "POST", &path, Some(json!({}))).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(900_351)));
    assert_eq!(world.send(CREATOR, "DELETE", &format!("{path}/{first}"), None).await.0, StatusCode::OK);
    let (status, body) = world.send(CREATOR, "POST", &path, None).await;
    assert_eq!((status, &body["displayName"]), (StatusCode::CREATED, &json!("Revision 6")));
}

#[tokio::test]
async fn the_gateway_serves_the_revision_not_the_working_copy() {
    let world = World::new().await;
    let mut made = world.create(CREATOR, pizza("Pizza")).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let revision = world.deploy(CREATOR, &id).await;
    made["operations"] = json!([{"target": "/new", "verb": "GET"}]);
    let (status, body) = world.send(CREATOR, "PUT", &format!("/apis/{id}"), Some(made)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let templates =
        || -> Vec<String> { world.gateway.snapshot().apis[0].resources.iter().map(|r| r.template.clone()).collect() };
    assert_eq!(templates(), ["/order/{id}", "/menu"]);
    let (_, read) = world.send(CREATOR, "GET", &format!("/apis/{revision}"), None).await;
    assert_eq!((&read["isRevision"], &read["operations"][0]["target"]), (&json!(true), &json!("/order/{id}")));
    // A deployed revision stays; undeployed, it can go.
    let one = format!("/apis/{id}/revisions/{revision}");
    let (status, body) = world.send(CREATOR, "DELETE", &one, None).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(900_348)));
    let restore = format!("/apis/{id}/restore-revision?revisionId={revision}");
    let (status, restored) = world.send(CREATOR, "POST", &restore, None).await;
    assert_eq!((status, &restored["operations"][0]["target"]), (StatusCode::CREATED, &json!("/order/{id}")));
    let (_, swagger) = world.send(CREATOR, "GET", &format!("/apis/{id}/swagger"), None).await;
    assert!(swagger["paths"]["/order/{id}"]["get"].is_object(), "{swagger}");
    let undeploy = format!("/apis/{id}/undeploy-revision?revisionId={revision}");
    let (status, _) = world.send(CREATOR, "POST", &undeploy, Some(json!([{"name": "Default"}]))).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(world.gateway.snapshot().apis.is_empty());
    assert_eq!(world.send(CREATOR, "DELETE", &one, None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn unknown_revisions_environments_and_hosts_are_refused() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let id = made["id"].as_str().unwrap();
    let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{id}/revisions"), Some(json!({}))).await;
    let revision = revision["id"].as_str().unwrap();
    let nothing = "00000000-0000-4000-8000-000000000000";
    let to = |name: &str, vhost: &str| Some(json!([{"name": name, "vhost": vhost}]));
    for (api, revision, body, status, code) in [
        (id, nothing, to("Default", "localhost"), 404, 900_347),
        (nothing, revision, to("Default", "localhost"), 404, 900_308),
        (id, revision, to("us-region", "x.y"), 400, 900_504),
        (id, revision, to("Default", "ws.wso2.com"), 400, 900_512),
        (id, revision, Some(json!([])), 400, 400),
        (id, revision, Some(json!({})), 400, 400),
    ] {
        let path = format!("/apis/{api}/deploy-revision?revisionId={revision}");
        let (got, body) = world.send(CREATOR, "POST", &path, body).await;
        assert_eq!((got.as_u16(), body["code"].as_u64()), (status, Some(code)), "{body}");
    }
    assert!(world.gateway.snapshot().apis.is_empty());
}

#[tokio::test]
async fn what_the_gateway_cannot_serve_is_refused_before_it_is_deployed() {
    let world = World::new().await;
    for (name, field, value) in [
        ("Hub", "type", json!("WEBSUB")),
        ("Lambda", "endpointConfig", json!({"endpoint_type": "awslambda"})),
        ("Empty", "endpointConfig", json!({"endpoint_type": "http"})),
        (
            "Kerberos",
            "endpointConfig",
            json!({
                "endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9"},
                "endpoint_security": {"production": {"enabled": true, "type": "KERBEROS", "username": "u", "password": "p"}},
            }),
        ),
    ] {
        let mut document = pizza(name);
        document[field] = value;
        if name == "Hub" {
            document["operations"] = json!([]);
        }
        let made = world.create(CREATOR, document).await;
        let id = made["id"].as_str().unwrap();
        let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{id}/revisions"), Some(json!({}))).await;
        let path = format!("/apis/{id}/deploy-revision?revisionId={}", revision["id"].as_str().unwrap());
        let (status, body) = world.send(CREATOR, "POST", &path, Some(json!([{"name": "Default"}]))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {body}");
        assert!(body["description"].as_str().unwrap().contains(name), "{body}");
        let (_, list) = world.send(CREATOR, "GET", &format!("/apis/{id}/deployments"), None).await;
        assert_eq!(list["count"], 0);
    }
}

#[tokio::test]
async fn compiled_revisions_are_shared_between_snapshots() {
    let world = World::new().await;
    for name in ["A1", "B1"] {
        let made = world.create(CREATOR, pizza(name)).await;
        world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    }
    let before = world.gateway.snapshot();
    let third = world.create(CREATOR, pizza("C1")).await;
    world.deploy(CREATOR, third["id"].as_str().unwrap()).await;
    let after = world.gateway.snapshot();
    assert_eq!((before.apis.len(), after.apis.len()), (2, 3));
    assert!(after.version > before.version);
    for api in &before.apis {
        assert!(after.apis.iter().any(|other| std::sync::Arc::ptr_eq(api, other)), "{}", api.name);
    }
}

#[tokio::test]
async fn the_gateway_artifact_tells_what_is_served() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    let path = "/api/am/gateway/v2/api-artifact?apiName=Pizza&version=1.0.0&tenantDomain=carbon.super";
    assert_eq!(world.send(CREATOR, "GET", path, None).await.0, StatusCode::NOT_FOUND);
    world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    let (status, body) = world.send(CREATOR, "GET", path, None).await;
    assert_eq!((status, &body["context"]), (StatusCode::OK, &json!("/pizza/1.0.0")));
    assert_eq!(world.send(crate::world::FOREIGN, "GET", path, None).await.0, StatusCode::NOT_FOUND);
    let (status, _) = world.send("", "GET", "/api/am/gateway/v2/server-startup-healthcheck", None).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn the_gateway_api_shows_endpoints_definition_and_policies() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    document["endpointConfig"]["endpoint_security"] = json!({"production":
        {"enabled": true, "type": "BASIC", "username": "u", "password": "hidden-from-everybody"}});
    let policy = json!({"policyName": "addHeader", "policyVersion": "v1", "parameters": {"headerName": "X-A", "headerValue": "b"}});
    document["operations"][0]["operationPolicies"] = json!({"request": [policy], "response": [], "fault": []});
    let made = world.create(CREATOR, document).await;
    world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    let show = async |who: &str, kind: &str| {
        let path = format!("/api/am/gateway/v2/{kind}?apiName=Pizza&version=1.0.0&tenantDomain=carbon.super");
        world.send(who, "GET", &path, None).await
    };
    for (kind, wanted) in [("end-points", "127.0.0.1:9/p"), ("local-entry", "/order/{id}"), ("sequence", "X-A")] {
        let (status, body) = show(CREATOR, kind).await;
        assert_eq!((status, &body["apiId"]), (StatusCode::OK, &made["id"]), "{kind}");
        let text = body.to_string();
        assert!(text.contains(wanted) && !text.contains("hidden"), "{kind}: {text}");
        assert_eq!(show(crate::world::FOREIGN, kind).await.0, StatusCode::NOT_FOUND);
        assert_eq!(show("", kind).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_former_default_version_serves_until_its_successor_is_deployed() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    document["isDefaultVersion"] = json!(true);
    let first = world.create(CREATOR, document).await["id"].as_str().unwrap().to_owned();
    world.deploy(CREATOR, &first).await;
    let defaults = || -> Vec<String> {
        let snapshot = world.gateway.snapshot();
        snapshot.apis.iter().filter(|api| api.is_default_version).map(|api| api.version.clone()).collect()
    };
    assert_eq!(defaults(), ["1.0.0"]);
    let path = format!("/apis/copy-api?apiId={first}&newVersion=2.0.0&defaultVersion=true");
    let (status, second) = world.send(CREATOR, "POST", &path, None).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    assert_eq!(defaults(), ["1.0.0"], "nobody is there to take its place");
    let id = second["id"].as_str().unwrap().to_owned();
    world.deploy(CREATOR, &id).await;
    assert_eq!(defaults(), ["2.0.0"]);
    let (_, mut second) = world.send(CREATOR, "GET", &format!("/apis/{id}"), None).await;
    second["isDefaultVersion"] = json!(false);
    assert_eq!(world.send(CREATOR, "PUT", &format!("/apis/{id}"), Some(second)).await.0, StatusCode::OK);
    assert!(defaults().is_empty(), "what was the default before does not come back");
}
