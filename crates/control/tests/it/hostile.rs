//! Broken and hostile input: always refused whole, with a reason, and nothing stored.

use std::io::Write as _;

use http::StatusCode;
use zip::write::SimpleFileOptions;

use crate::world::{CREATOR, World};

async fn refused(world: &World, name: &str, path: &str, parts: &[(&str, Option<&str>, &[u8])], says: &str) {
    let (status, body) = world.form(CREATOR, "POST", path, parts).await;
    assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE), "{name}: {status} {body}");
    assert!(body["description"].as_str().unwrap_or_default().contains(says), "{name}: {body}");
    let (_, list) = world.send(CREATOR, "GET", "/apis", None).await;
    assert_eq!(list["count"], 0, "{name}");
}

#[tokio::test]
async fn hostile_definitions() {
    let world = World::new().await;
    let deep = format!(
        "{{\"openapi\":\"3.0.0\",\"info\":{{}},\"paths\":{{}},\"x\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let shallow_deep =
        format!("{{\"openapi\":\"3.0.0\",\"info\":{{}},\"paths\":{{}},\"x\":{}{}}}", "[".repeat(110), "]".repeat(110));
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let previous = level - 1;
        let line = vec![format!("*a{previous}"); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{line}]\n"));
    }
    laughs.push_str("openapi: 3.0.0\n");
    let huge = vec![b' '; 10 * 1024 * 1024 + 1];
    let many: String = (0..6000).map(|n| format!("  /p{n}: {{get: {{}}}}\n")).collect();
    let many = format!("openapi: 3.0.0\ninfo: {{title: x, version: '1'}}\npaths:\n{many}");
    for (name, text, says) in [
        ("broken json", b"{\n  \"openapi\": \"3.0.0\",\n  \"paths\": {,}\n}".as_slice(), "line 3"),
        ("broken yaml", b"openapi: 3.0.0\npaths:\n  /a: [\n".as_slice(), "line "),
        ("deep", deep.as_bytes(), "recursion"),
        ("deeper than allowed", shallow_deep.as_bytes(), "nested deeper"),
        ("billion laughs", laughs.as_bytes(), "YAML"),
        ("huge", &huge, "at most"),
        ("not utf-8", b"openapi: 3.0.0\n\xff\xfe".as_slice(), "line 2"),
        ("empty", b"  ".as_slice(), "empty"),
        ("list", b"[1]".as_slice(), "object"),
        ("no paths", b"openapi: 3.0.0\ninfo: {}\n".as_slice(), "paths is missing"),
        ("paths is text", b"openapi: 3.0.0\ninfo: {}\npaths: none\n".as_slice(), "line 3"),
        ("braces", b"openapi: 3.0.0\ninfo: {}\npaths:\n  /a/{b: {get: {}}\n".as_slice(), "line"),
        ("operation is text", b"openapi: 3.0.0\ninfo: {}\npaths:\n  /a:\n    get: yes please\n".as_slice(), "line 5"),
        ("too many", many.as_bytes(), "6000 operations"),
    ] {
        refused(&world, name, "/apis/import-openapi", &[("file", Some("x"), text)], says).await;
    }
    let fifty = vec![b'x'; 50 * 1024 * 1024];
    let (status, _) = world.form(CREATOR, "POST", "/apis/import-openapi", &[("file", Some("x"), &fifty)]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn circular_references_are_tolerated() {
    let world = World::new().await;
    let text =
        br##"{"openapi":"3.0.0","info":{"title":"Circle","version":"1"},"paths":{"/a":{"$ref":"#/paths/~1a","get":{}}},
        "components":{"schemas":{"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}}}}"##;
    let (status, body) = world.form(CREATOR, "POST", "/apis/import-openapi", &[("file", Some("x"), text)]).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}

pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn hostile_archives() {
    let world = World::new().await;
    let api = b"type: api\ndata:\n  name: A\n  version: 1.0.0\n  context: /a\n".as_slice();
    let bomb = vec![0_u8; 60 * 1024 * 1024];
    let mut link = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    link.add_symlink("A/api.yaml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let link = link.finish().unwrap().into_inner();
    let crowd: Vec<(String, &[u8])> = (0..2100).map(|n| (format!("f{n}"), b"".as_slice())).collect();
    let crowd: Vec<(&str, &[u8])> = crowd.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    for (name, bytes, says) in [
        ("not a zip", b"PK but no".to_vec(), "archive"),
        ("dots", zip(&[("A/../../etc/x", b"x"), ("A/api.yaml", api)]), "outside"),
        ("absolute", zip(&[("/etc/x", b"x"), ("A/api.yaml", api)]), "absolute"),
        ("backslash", zip(&[("A\\..\\x", b"x"), ("A/api.yaml", api)]), "absolute"),
        ("link", link, "link"),
        ("bomb", zip(&[("A/api.yaml", api), ("A/big", &bomb)]), "unpacks"),
        ("crowd", zip(&crowd), "entries"),
        ("no api", zip(&[("A/readme", b"x")]), "api.yaml"),
        ("two apis", zip(&[("A/api.yaml", api), ("B/api.yaml", api)]), "more than one"),
        ("broken", zip(&[("A/api.yaml", b"type: api\ndata: [\n")]), "A/api.yaml: line"),
        ("product", zip(&[("A/api.yaml", b"type: api_product\ndata: {}\n")]), "api_product"),
        ("no name", zip(&[("A/api.yaml", b"type: api\ndata: {version: '1', context: /a}\n")]), "data.name"),
        (
            "broken definition",
            zip(&[("A/api.yaml", api), ("A/Definitions/swagger.yaml", b"openapi: 3.0.0\n")]),
            "info is missing",
        ),
        (
            "bad environment",
            zip(&[("A/api.yaml", api), ("A/deployment_environments.yaml", b"data: [{}]")]),
            "deploymentEnvironment",
        ),
        (
            "bad document",
            zip(&[("A/api.yaml", api), ("A/Docs/x/document.yaml", b"data: {name: x, type: NONE}")]),
            "type",
        ),
    ] {
        refused(&world, name, "/apis/import", &[("file", Some("a.zip"), &bytes)], says).await;
    }
}
