//! Every operation of the running server's listeners × every caller that must not get through (guideline A19, threat
//! model rows 1, 13, 14). The list of operations is the program's own, so a new operation is walked without a line here.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::installation::{Installation, Tls, pause};

const PASSWORD: &str = "correct horse battery staple";
const CONFIGURATION: &str = "[status]\nenable = true\n[oauth.grant_type.password]\nenable = true\n";
const TENANT: &str = "other.com";
/// How long after its end a token may still be taken: a second of life, and a minute of skew.
const TOLERANCE: Duration = Duration::from_secs(63);
/// Scopes that everybody may have: what they open is about the caller alone.
const OWN: [&str; 1] = ["openid"];

struct Operation {
    listener: String,
    id: String,
    method: String,
    path: String,
    access: String,
    scopes: Vec<String>,
}

fn operations(there: &Installation) -> Vec<Operation> {
    let printed = there.run(&["generate", "routes-json"]).succeeded().out;
    let list: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    list.iter()
        .map(|operation| Operation {
            listener: text(operation, "listener"),
            id: text(operation, "id"),
            method: text(operation, "method"),
            path: text(operation, "path"),
            access: text(operation, "access"),
            scopes: operation["scopes"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect(),
        })
        .collect()
}

/// Connections to the listeners, opened again when the server closed them.
struct Caller<'a> {
    there: &'a Installation,
    open: BTreeMap<String, Tls>,
}

impl Caller<'_> {
    /// The status of the answer.
    fn status(&mut self, operation: &Operation, path: &str, headers: &str) -> u16 {
        let port = if operation.listener == "status" { 9201 } else { 9443 };
        let request = format!(
            "{} {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n{headers}\r\n",
            operation.method,
            port + self.there.offset
        );
        let connection = self.open.entry(operation.listener.clone()).or_insert_with(|| self.there.connect(port));
        let answer = match connection.try_exchange(&request, true) {
            Some(answer) => answer,
            // Closed between two requests: once more on a new one.
            None => {
                *connection = self.there.connect(port);
                connection.try_exchange(&request, true).expect("no answer on a new connection")
            }
        };
        if answer.to_lowercase().contains("connection: close") || !answer.to_lowercase().contains("content-length") {
            self.open.remove(&operation.listener);
        }
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }
}

/// The path with every parameter filled in: with something that exists where it is known, else with an id of nothing.
fn filled(path: &str, known: &BTreeMap<&str, String>) -> String {
    path.split('/')
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => part.to_owned(),
            Some(name) => known.get(name).cloned().unwrap_or_else(|| "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned()),
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn add_user(there: &Installation, name: &str, roles: &[&str]) {
    let file = there.home.join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut arguments = vec!["user", "add", name, "--password-file", file.to_str().unwrap()];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    there.run(&arguments).succeeded();
}

fn body(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

struct Client<'a> {
    there: &'a Installation,
    authorization: String,
}

impl Client<'_> {
    fn new<'a>(there: &'a Installation, owner: &str) -> Client<'a> {
        let register = json!({
            "callbackUrl": "https://localhost/callback", "clientName": format!("matrix {owner}"), "saasApp": true,
            "owner": owner, "grantType": "client_credentials password refresh_token",
        });
        let answer = there.local("POST", "/client-registration/v0.17/register", &register.to_string());
        let made = body(&answer);
        let pair = format!("{}:{}", made["clientId"].as_str().unwrap(), made["clientSecret"].as_str().unwrap());
        Client { there, authorization: format!("Basic {}", base64(pair.as_bytes())) }
    }

    fn form(&self, path: &str, form: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: {}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            9443 + self.there.offset,
            self.authorization,
            form.len()
        );
        self.there.connect(9443).exchange(&request)
    }

    /// A token with as many of the scopes as the person may have.
    fn token(&self, user: &str, scopes: &[String]) -> String {
        let scopes = encoded(&scopes.join(" "));
        let form =
            format!("grant_type=password&username={}&password={}&scope={scopes}", encoded(user), encoded(PASSWORD));
        let answer = body(&self.form("/oauth2/token", &form));
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let letter = char::from(LETTERS[word >> (18 - 6 * position) & 63]);
            text.push(if position > chunk.len() { '=' } else { letter });
        }
    }
    text
}

/// What exists in the super tenant, by the names that paths give it.
fn things(there: &Installation) -> BTreeMap<&'static str, String> {
    let api = json!({"name": "Matrix", "context": "/matrix", "version": "1.0.0"});
    let api = body(&there.local("POST", "/api/am/publisher/v4/apis", &api.to_string()));
    let application = json!({"name": "Matrix", "throttlingPolicy": "Unlimited"});
    let application = body(&there.local("POST", "/api/am/devportal/v3/applications", &application.to_string()));
    let users = body(&there.local("GET", "/scim2/Users", ""));
    let groups = body(&there.local("GET", "/scim2/Groups", ""));
    let id =
        |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned();
    BTreeMap::from([
        ("apiId", id(&api, "id")),
        ("applicationId", id(&application, "applicationId")),
        ("userId", id(&users["Resources"][0], "id")),
        ("groupId", id(&groups["Resources"][0], "id")),
    ])
}

#[test]
fn nobody_gets_through_who_must_not() {
    // Tokens of the first run live for a second: they are the expired ones.
    let short = "[oauth.token_validation]\nuser_access_token_validity = 1\n";
    let there = Installation::new(&format!("{CONFIGURATION}{short}"));
    there.run(&["init"]).succeeded();
    for name in ["admin", "locked", "gone"] {
        add_user(&there, name, &["admin"]);
    }
    add_user(&there, "powerless", &[]);
    let operations = operations(&there);
    let guarded: Vec<&Operation> = operations.iter().filter(|o| o.access == "scope").collect();
    assert!(guarded.len() > 150, "the walk misses operations: {}", guarded.len());
    let mut scopes: Vec<String> = guarded.iter().flat_map(|o| o.scopes.clone()).collect();
    scopes.sort();
    scopes.dedup();

    let server = there.serve();
    let expired = Client::new(&there, "admin").token("admin", &scopes);
    let issued = Instant::now();
    assert_eq!(server.stop(), Some(0));
    let file = there.home.join("deployment.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(short, "")).unwrap();

    let server = there.serve();
    let tenant = json!({"domain": TENANT, "owners": [{
        "username": "admin", "password": PASSWORD, "email": "admin@other.com", "firstname": "A", "lastname": "B",
        "provisioningMethod": "inline-password",
    }]});
    body(&there.local("POST", "/api/server/v1/tenants", &tenant.to_string()));
    let things = things(&there);
    let client = Client::new(&there, "admin");
    let live = client.token("admin", &scopes);
    let revoked = client.token("admin", &scopes);
    assert!(client.form("/oauth2/revoke", &format!("token={revoked}")).starts_with("HTTP/1.1 200"));
    let locked = client.token("locked", &scopes);
    there.run(&["user", "lock", "locked"]).succeeded();
    let gone = client.token("gone", &scopes);
    let id = body(&there.local("GET", "/scim2/Users?filter=userName+eq+gone", ""));
    let id = id["Resources"][0]["id"].as_str().unwrap().to_owned();
    assert!(there.local("DELETE", &format!("/scim2/Users/{id}"), "").starts_with("HTTP/1.1 204"));
    // Whoever asked for everything and got what everybody may have.
    let others: Vec<String> = scopes.iter().filter(|s| !OWN.contains(&s.as_str())).cloned().collect();
    let powerless = client.token("powerless", &others);
    let tenant_admin = client.token(&format!("admin@{TENANT}"), &scopes);
    let forged = format!("{}.{}.AAAA", live.split('.').next().unwrap(), live.split('.').nth(1).unwrap());
    let session = format!("Cookie: __Host-session={}\r\n", "A".repeat(43));

    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let callers = [
        ("nobody", String::new()),
        ("a token that is none", bearer("x.y.z")),
        ("a forged token", bearer(&forged)),
        ("a revoked token", bearer(&revoked)),
        ("a locked user", bearer(&locked)),
        ("a deleted user", bearer(&gone)),
        ("a user without roles", bearer(&powerless)),
        ("two tokens at once", format!("{}{}", bearer(&live), bearer(&live))),
        ("a session cookie that is none", session),
        ("a client that names itself internal", "X-Forwarded-For: 127.0.0.1\r\nactivityID: x\r\n".to_owned()),
    ];
    let mut caller = Caller { there: &there, open: BTreeMap::new() };
    let mut walked = 0;
    for operation in &guarded {
        let path = filled(&operation.path, &things);
        for (who, headers) in &callers {
            let status = caller.status(operation, &path, headers);
            assert!(
                status == 401 || status == 403,
                "{who} at {} {path} ({}): {status}",
                operation.method,
                operation.id
            );
            walked += 1;
        }
    }
    // Our own clocks are trusted to differ by a minute.
    while issued.elapsed() < TOLERANCE {
        pause();
    }
    for operation in &guarded {
        let path = filled(&operation.path, &things);
        let status = caller.status(operation, &path, &bearer(&expired));
        assert!(status == 401 || status == 403, "an expired token at {} {path}: {status}", operation.method);
        walked += 1;
    }
    // Pages need a browser session: a token of the REST APIs opens none of them, not even an administrator's.
    for operation in operations.iter().filter(|o| o.access == "session") {
        let path = filled(&operation.path, &things);
        for (who, headers) in callers.iter().chain([&("an administrator's token", bearer(&live))]) {
            let status = caller.status(operation, &path, headers);
            assert!(matches!(status, 302 | 303 | 401 | 403), "{who} at {} {path}: {status}", operation.method);
            walked += 1;
        }
    }
    // The administrator of another tenant: nothing of ours is there, and our path is closed.
    for operation in &guarded {
        let ours = filled(&operation.path, &things);
        let theirs = format!("/t/carbon.super{ours}");
        let status = caller.status(operation, &theirs, &bearer(&tenant_admin));
        assert!(matches!(status, 401 | 403 | 404), "{} {theirs} as another tenant: {status}", operation.method);
        if things.keys().any(|name| operation.path.contains(&format!("{{{name}}}"))) {
            let status = caller.status(operation, &ours, &bearer(&tenant_admin));
            assert!((400..500).contains(&status), "{} {ours} as another tenant: {status}", operation.method);
        }
        walked += 2;
    }
    println!("{} operations, {} need a scope; {walked} calls denied", operations.len(), guarded.len());

    // The same walk lets the right person through, and what exists was not touched.
    for operation in guarded.iter().filter(|o| o.method == "GET") {
        let status = caller.status(operation, &filled(&operation.path, &things), &bearer(&live));
        let own_scope = operation.scopes.iter().any(|scope| OWN.contains(&scope.as_str()));
        assert!(status != 401 || own_scope, "the administrator at {}: {status}", operation.path);
    }
    assert!(
        there.local("GET", &format!("/api/am/publisher/v4/apis/{}", things["apiId"]), "").starts_with("HTTP/1.1 200")
    );
    let application = format!("/api/am/devportal/v3/applications/{}", things["applicationId"]);
    assert!(there.local("GET", &application, "").starts_with("HTTP/1.1 200"));
    assert!(there.local("GET", &format!("/scim2/Users/{}", things["userId"]), "").starts_with("HTTP/1.1 200"));
    drop(server);
}
