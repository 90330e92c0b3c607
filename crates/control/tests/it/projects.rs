//! apictl projects: export, import elsewhere, no difference.

use std::collections::BTreeMap;
use std::path::Path;

use control::{Actor, ImportOptions};
use http::StatusCode;
use serde_json::{Value, json};
use web::{AuthenticationMethod, Principal};

use crate::world::{ADMIN, CREATOR, World, pizza, super_tenant};

fn operator() -> Actor {
    Actor::new(Principal {
        tenant: super_tenant(),
        user: "admin".into(),
        roles: ["admin".to_owned()].into(),
        scopes: [].into(),
        client: None,
        method: AuthenticationMethod::LocalSocket,
    })
}

/// What belongs to one installation and not to the API.
fn portable(mut api: Value) -> Value {
    for field in ["id", "createdTime", "createdTimestamp", "lastUpdatedTime", "lastUpdatedTimestamp", "updatedBy"] {
        api.as_object_mut().unwrap().remove(field);
    }
    api
}

#[tokio::test]
async fn an_exported_project_is_the_same_elsewhere() {
    for format in ["YAML", "JSON"] {
        let (here, there) = (World::new().await, World::new().await);
        let mut document = pizza("Pizza");
        document["tags"] = json!(["a", "b"]);
        document["additionalPropertiesMap"] = json!({"team": {"name": "team", "value": "blue", "display": true}});
        document["endpointConfig"]["endpoint_security"] =
            json!({"production": {"enabled": true, "type": "BASIC", "username": "u", "password": "geheim123"}});
        let made = here.create(ADMIN, document).await;
        let id = made["id"].as_str().unwrap();
        let png: &[u8] = b"\x89PNG\r\n\x1a\nrest";
        here.form(ADMIN, "PUT", &format!("/apis/{id}/thumbnail"), &[("file", Some("i.png"), png)]).await;
        let how = json!({"name": "How to", "type": "HOWTO", "summary": "s", "sourceType": "MARKDOWN", "inlineContent": "# Hi"});
        here.send(ADMIN, "POST", &format!("/apis/{id}/documents"), Some(how)).await;
        here.deploy(ADMIN, id).await;
        let publish = format!("/apis/change-lifecycle?apiId={id}&action=Publish");
        assert_eq!(here.send(ADMIN, "POST", &publish, None).await.0, StatusCode::OK);
        let path = format!("/apis/export?apiId={id}&format={format}");
        let (status, zip) = here.raw(ADMIN, "GET", &path, "", Vec::new()).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!String::from_utf8_lossy(&zip).contains("geheim123"));
        let (status, body) = there.form(ADMIN, "POST", "/apis/import", &[("file", Some("p.zip"), &zip)]).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let (_, list) = there.send(ADMIN, "GET", "/apis", None).await;
        let copy = list["list"][0]["id"].as_str().unwrap();
        let (_, first) = here.send(ADMIN, "GET", &format!("/apis/{id}"), None).await;
        let (_, second) = there.send(ADMIN, "GET", &format!("/apis/{copy}"), None).await;
        assert_eq!(portable(first), portable(second), "{format}");
        assert_eq!(there.gateway.snapshot().apis.len(), 1, "deployed and served");
        let (_, documents) = there.send(ADMIN, "GET", &format!("/apis/{copy}/documents"), None).await;
        let document = documents["list"][0]["documentId"].as_str().unwrap();
        let (_, content) = there.send(ADMIN, "GET", &format!("/apis/{copy}/documents/{document}/content"), None).await;
        assert_eq!(content, "# Hi");
        let (_, picture) = there.raw(ADMIN, "GET", &format!("/apis/{copy}/thumbnail"), "", Vec::new()).await;
        assert_eq!(picture, png);
        let (_, a) = here.send(ADMIN, "GET", &format!("/apis/{id}/swagger"), None).await;
        let (_, b) = there.send(ADMIN, "GET", &format!("/apis/{copy}/swagger"), None).await;
        assert_eq!(a, b);
        // A second import needs the permission to replace.
        let again: [(&str, Option<&str>, &[u8]); 1] = [("file", Some("p.zip"), &zip)];
        assert_eq!(there.form(ADMIN, "POST", "/apis/import", &again).await.0, StatusCode::CONFLICT);
        for _ in 0..6 {
            let (status, body) =
                there.form(ADMIN, "POST", "/apis/import?overwrite=true&rotateRevision=true", &again).await;
            assert_eq!(status, StatusCode::OK, "{body}");
        }
    }
}

#[tokio::test]
async fn a_failed_import_leaves_nothing_behind() {
    let world = World::new().await;
    let files = BTreeMap::from([
        (
            "api.yaml".to_owned(),
            b"type: api\ndata: {name: A, version: 1.0.0, context: /a, policies: [Gold], \
            endpointConfig: {endpoint_type: http, production_endpoints: {url: 'http://127.0.0.1:9'}}}"
                .to_vec(),
        ),
        ("deployment_environments.yaml".to_owned(), b"data: [{deploymentEnvironment: Mars}]".to_vec()),
    ]);
    let error = world.control.import_project_files(&operator(), files, ImportOptions::default()).await.unwrap_err();
    assert!(error.description.contains("Mars"), "{error}");
    let (_, list) = world.send(CREATOR, "GET", "/apis", None).await;
    assert_eq!(list["count"], 0);
}

#[tokio::test]
async fn the_pizza_shack_of_apictl_is_imported_and_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/apictl/import-export-cli/cmd/testdata/PizzaShackAPI-1.0.0");
    if !folder.is_dir() {
        println!("skipped: the corpus of projects is not beside the repository");
        return;
    }
    let mut files = BTreeMap::new();
    for name in ["api.yaml", "Definitions/swagger.yaml"] {
        files.insert(name.to_owned(), std::fs::read(folder.join(name)).unwrap());
    }
    let world = World::new().await;
    let made = world.control.import_project_files(&operator(), files, ImportOptions::default()).await.unwrap();
    assert_eq!((made.name(), made.lifecycle(), made.context()), ("PizzaShackAPI", "PUBLISHED", "/pizzashack"));
    world.deploy(CREATOR, made.text("id")).await;
    let snapshot = world.gateway.snapshot();
    assert_eq!(snapshot.apis[0].versioned_context, "/pizzashack/1.0.0");
    assert!(!snapshot.apis[0].resources.is_empty());
}
