//! Real definitions, where they are available: imported, exported, imported again.

use std::path::Path;

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CREATOR, World};

async fn import(world: &World, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
    let properties = json!({
        "name": name, "version": "1.0.0", "context": name,
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9"}},
    })
    .to_string();
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("file", Some("definition"), bytes), ("additionalProperties", None, properties.as_bytes())];
    world.form(CREATOR, "POST", "/apis/import-openapi", &parts).await
}

/// What must be the same after an export and a second import.
fn essence(api: &Value) -> Value {
    json!({"operations": api["operations"], "scopes": api["scopes"], "description": api["description"]})
}

#[tokio::test]
async fn real_definitions_import_and_survive_a_round_trip() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/openapi");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the corpus of definitions is not beside the repository");
        return;
    };
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.is_file() && p.extension().is_some_and(|e| e != "md" && e != "txt"));
    files.sort();
    let world = World::new().await;
    let mut refused = Vec::new();
    for (index, path) in files.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        let (status, first) = import(&world, &format!("Corpus{index}"), &bytes).await;
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if status != StatusCode::CREATED {
            assert_eq!(status, StatusCode::BAD_REQUEST, "{file}: {first}");
            let reason = first["description"].as_str().unwrap().to_owned();
            assert!(reason.contains("line "), "{file}: {reason}");
            refused.push(format!("{file}: {reason}"));
            continue;
        }
        let id = first["id"].as_str().unwrap();
        let (_, exported) = world.send(CREATOR, "GET", &format!("/apis/{id}/swagger"), None).await;
        world.send(CREATOR, "DELETE", &format!("/apis/{id}"), None).await;
        let (status, second) = import(&world, &format!("Corpus{index}"), exported.to_string().as_bytes()).await;
        assert_eq!(status, StatusCode::CREATED, "{file} again: {second}");
        assert_eq!(essence(&first), essence(&second), "{file}");
        let path = format!("/apis/{}/swagger", second["id"].as_str().unwrap());
        let (_, again) = world.send(CREATOR, "GET", &path, None).await;
        assert_eq!(exported, again, "{file}");
        world.deploy(CREATOR, second["id"].as_str().unwrap()).await;
        // Several of them declare the same scopes, which belong to one API each.
        let path = format!("/apis/{}", second["id"].as_str().unwrap());
        assert_eq!(world.send(CREATOR, "DELETE", &path, None).await.0, StatusCode::OK, "{file}");
    }
    println!("{} of {} imported", files.len() - refused.len(), files.len());
    for line in &refused {
        println!("refused {line}");
    }
    // Files that no parser reads (their line ends are lost) or whose purpose is to be refused do not count.
    let broken =
        |line: &String| line.contains("mapping values are not allowed") || line.contains("a path starts with a slash");
    let wrongly: Vec<_> = refused.iter().filter(|line| !broken(line)).collect();
    assert!(wrongly.is_empty(), "{wrongly:#?}");
    assert!(refused.len() * 10 <= files.len(), "{refused:#?}");
}
