//! Everything in the corpus that is not OpenAPI: imported, or refused with a reason. Prints a table of counts by kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::StatusCode;
use serde_json::{Value, json};

use crate::hostile::zip;
use crate::world::{CREATOR, World};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A folder as the archive that apictl would send.
fn archive(folder: &Path) -> Vec<u8> {
    let root = folder.parent().unwrap();
    let named = |file: PathBuf| {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(&file).unwrap())
    };
    let entries: Vec<(String, Vec<u8>)> = files(folder).into_iter().map(named).collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    zip(&entries)
}

async fn import(world: &World, kind: &str, index: usize, path: &Path) -> (StatusCode, Value) {
    let name = format!("C{kind}{index}");
    let mut properties = json!({
        "name": name, "version": "1.0.0", "context": name,
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9"}},
    });
    let bytes = if path.is_dir() { archive(path) } else { std::fs::read(path).unwrap() };
    let (route, extra): (&str, Option<(&str, &[u8])>) = match kind {
        "asyncapi" => {
            properties["type"] = json!("WS");
            properties["endpointConfig"]["endpoint_type"] = json!("ws");
            properties["endpointConfig"]["production_endpoints"]["url"] = json!("ws://127.0.0.1:9");
            ("/apis/import-asyncapi", None)
        }
        "graphql" => {
            properties["type"] = json!("GRAPHQL");
            ("/apis/import-graphql-schema", None)
        }
        "wsdl" => ("/apis/import-wsdl", Some(("implementationType", b"SOAP"))),
        _ => ("/apis/import", None),
    };
    let properties = properties.to_string();
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut parts: Vec<(&str, Option<&str>, &[u8])> =
        vec![("file", Some(&file), &bytes), ("additionalProperties", None, properties.as_bytes())];
    parts.extend(extra.map(|(name, value)| (name, None, value)));
    world.form(CREATOR, "POST", route, &parts).await
}

#[tokio::test]
async fn the_rest_of_the_corpus_is_imported_or_refused_with_a_reason() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: the corpus of definitions is not beside the repository");
        return;
    }
    let mut table = BTreeMap::new();
    for kind in ["asyncapi", "graphql", "wsdl", "apictl"] {
        let mut subjects = files(&corpus.join(kind));
        if kind == "apictl" {
            // A project is the folder that holds the file of its object; one of a product lost that file.
            let folders = subjects.iter().flat_map(|file| file.ancestors()).filter(|folder| {
                let object =
                    ["api.yaml", "api_product.yaml", "mcp_server.yaml"].iter().any(|name| folder.join(name).is_file());
                object || folder.to_string_lossy().ends_with("-malformed")
            });
            let folders: std::collections::BTreeSet<PathBuf> = folders.map(Path::to_owned).collect();
            subjects = folders.into_iter().collect();
        }
        let mut world = World::new().await;
        let (mut imported, mut refused) = (0, Vec::new());
        for (index, path) in subjects.iter().enumerate() {
            // A product's folder holds the project of a member once more.
            if kind == "apictl" {
                world = World::new().await;
            }
            let (status, answer) = import(&world, kind, index, path).await;
            if status.is_success() {
                imported += 1;
                continue;
            }
            // A refusal is the sender's to put right, and says how.
            assert_eq!(status, StatusCode::BAD_REQUEST, "{}: {answer}", path.display());
            let reason = answer["description"].as_str().unwrap_or_default().to_owned();
            assert!(reason.len() > 15, "{}: {answer}", path.display());
            refused.push(format!("{}: {reason}", path.file_name().unwrap().to_string_lossy()));
        }
        table.insert(kind, (subjects.len(), imported, refused));
    }
    println!("kind       files  imported  refused");
    for (kind, (all, imported, refused)) in &table {
        println!("{kind:<10} {all:>5}  {imported:>8}  {:>7}", refused.len());
    }
    for (kind, (_, _, refused)) in &table {
        for line in refused {
            println!("refused {kind} {line}");
        }
    }
    for (kind, (all, imported, _)) in &table {
        assert!(*imported * 2 >= *all || *kind == "apictl", "most of the {kind} corpus is refused");
    }
}
