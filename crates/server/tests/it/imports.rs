//! `portcullis api import`, and APIs imported that way called through the gateway.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::installation::Installation;

/// An upstream on loopback that answers every call with its path; it ends with the test process.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    bytes.extend_from_slice(&buffer[..count]);
                    if bytes.ends_with(b"\r\n\r\n") {
                        let head = String::from_utf8_lossy(&bytes).into_owned();
                        let body = format!("upstream saw {}", head.lines().next().unwrap_or_default());
                        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                        bytes.clear();
                    }
                }
            });
        }
    });
    format!("http://{address}/base")
}

/// A call of the REST APIs over the socket; panics unless it succeeds.
fn rest(there: &Installation, method: &str, path: &str, body: &Value) -> Value {
    let answer = there.local(method, path, &body.to_string());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    assert!(head.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn call(there: &Installation, path: &str, credential: &str) -> String {
    let host = format!("localhost:{}", 8243 + there.offset);
    there.connect(8243).exchange(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{credential}\r\n\r\n"))
}

fn api_id(there: &Installation, name: &str) -> String {
    let listed = rest(there, "GET", "/api/am/publisher/v4/apis", &Value::Null);
    let apis = listed["list"].as_array().unwrap();
    apis.iter().find(|api| api["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A token of a new application that is subscribed to an API.
fn subscribed_token(there: &Installation, api: &str) -> String {
    let devportal = "/api/am/devportal/v3";
    let application = json!({"name": "Caller", "throttlingPolicy": "Unlimited", "tokenType": "JWT"});
    let made = rest(there, "POST", &format!("{devportal}/applications"), &application);
    let id = made["applicationId"].as_str().unwrap();
    let wanted = json!({"apiId": api, "applicationId": id, "throttlingPolicy": "Unlimited"});
    rest(there, "POST", &format!("{devportal}/subscriptions"), &wanted);
    let keys =
        json!({"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "validityTime": 3600});
    let keys = rest(there, "POST", &format!("{devportal}/applications/{id}/generate-keys"), &keys);
    let secret = there.home.join("secret");
    vault::write_private(&secret, keys["consumerSecret"].as_str().unwrap().as_bytes()).unwrap();
    let key = keys["consumerKey"].as_str().unwrap();
    let token = there.run(&["token", "--client-id", key, "--secret-file", secret.to_str().unwrap()]).succeeded();
    token.out.trim().to_owned()
}

#[test]
fn a_project_of_apictl_is_imported_with_another_endpoint_and_called() {
    let project = "../../../shared/corpus/apictl/import-export-cli/cmd/testdata/PizzaShackAPI-1.0.0";
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join(project);
    if !project.is_dir() {
        println!("skipped: {} is not there", project.display());
        return;
    }
    let there = Installation::new("");
    let _server = there.serve();
    let upstream = upstream();
    let file = project.to_str().unwrap();
    let imported = there.run(&["api", "import", "--file", file, "--endpoint", &upstream, "--publish"]).succeeded();
    assert!(imported.out.contains("PizzaShackAPI 1.0.0 was imported and published"), "{}", imported.out);
    let token = subscribed_token(&there, &api_id(&there, "PizzaShackAPI"));
    let answer = call(&there, "/pizzashack/1.0.0/menu", &format!("Authorization: Bearer {token}"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("upstream saw GET /base/menu HTTP/1.1"), "{answer}");
    let stranger = call(&there, "/pizzashack/1.0.0/menu", "Accept: */*");
    assert!(stranger.starts_with("HTTP/1.1 401"), "{stranger}");
}

fn definition(there: &Installation, name: &str) -> PathBuf {
    let file = there.home.join(format!("{name}.yaml"));
    let text = format!(
        "openapi: 3.0.1\ninfo: {{title: {name}, version: 1.0.0}}\npaths:\n  /pets:\n    get:\n      responses:\n        \
         '200': {{description: all}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_test_key_opens_its_own_api_only() {
    let there = Installation::new("");
    let _server = there.serve();
    let upstream = upstream();
    for name in ["One", "Two"] {
        let file = definition(&there, name);
        let arguments = ["api", "import", "--file", file.to_str().unwrap(), "--endpoint", &upstream, "--publish"];
        there.run(&arguments).succeeded();
    }
    let path = format!("/api/am/publisher/v4/apis/{}/generate-key", api_id(&there, "One"));
    let made = rest(&there, "POST", &path, &Value::Null);
    let key = format!("Internal-Key: {}", made["apikey"].as_str().unwrap_or_else(|| panic!("{made}")));
    let answer = call(&there, "/one/1.0.0/pets", &key);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("upstream saw GET /base/pets"), "{answer}");
    let other = call(&there, "/two/1.0.0/pets", &key);
    assert!(other.starts_with("HTTP/1.1 403"), "{other}");
    // It is no access token.
    let bearer = key.replace("Internal-Key: ", "Authorization: Bearer ");
    let refused = call(&there, "/one/1.0.0/pets", &bearer);
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

#[test]
fn what_cannot_be_imported_is_refused_with_the_reason() {
    let there = Installation::new("");
    let _server = there.serve();
    let write = |name: &str, bytes: &[u8]| {
        let path = there.home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let import = |path: &str| there.run(&["api", "import", "--file", path]);
    let huge = write("huge.yaml", &vec![b'#'; 50_000_000]);
    import(&huge).refused(2, &["huge.yaml has 50000000 bytes", "10485760", "nothing was sent", "fix: "]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(50_000_000, 0);
    import(&write("huge.zip", &zip)).refused(2, &["huge.zip has 50000000 bytes", "33550336", "nothing was sent"]);
    import(&write("broken.zip", b"PK\x03\x04nonsense")).refused(2, &["is not a zip archive"]);
    write("Menu-1.0.0/api_product.yaml", b"type: api_product\n");
    import(there.home.join("Menu-1.0.0").to_str().unwrap()).refused(2, &["is an API product", "api_product.yaml"]);
    let broken = import(&write("broken.yaml", b"openapi: 3.0.1\ninfo: {title: X, version: 1.0.0}\npaths: 7\n"));
    broken.refused(8, &["the server refused to import the definition (400", "fix: correct"]);
    let why: Vec<&str> = broken.err.lines().skip(1).collect();
    let said = broken.err.matches("The definition cannot be used").count();
    assert_eq!(said, 1, "{why:?}");
    assert!(
        why.iter().enumerate().all(|(n, line)| !why[..n].iter().any(|before| before.contains(line.trim()))),
        "{why:?}"
    );
}
