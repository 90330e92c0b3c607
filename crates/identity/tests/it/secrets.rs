//! Secrets that clients send in unexpected places, and limits on what they may fill up.

use serde_json::{Value, json};

use crate::server::{PASSWORD, Server, basic};

const LEAKED: &str = "Tr0ub4dor-and-more";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

async fn everything_stored(server: &Server) -> String {
    // The file and its write-ahead log: whatever was stored in clear stands in one of them.
    let mut found = String::new();
    for entry in std::fs::read_dir(server.directory.path()).unwrap() {
        found.push_str(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
    found
}

#[tokio::test]
async fn no_spelling_of_a_password_is_stored_or_shown() {
    let server = Server::with_admin().await;
    let auth = basic("admin", PASSWORD);
    let user = server.user("dev", &["admin"]).await;
    let one = format!("/scim2/Users/{}", user.id);
    let operation = |path: Option<&str>, value: Value| match path {
        Some(path) => json!({"Operations": [{"op": "replace", "path": path, "value": value}]}),
        None => json!({"Operations": [{"op": "replace", "value": value}]}),
    };
    // What means the user's password becomes the password, however it is spelled.
    for (n, patch) in [
        operation(None, json!({CORE: {"password": format!("{LEAKED}0")}})),
        operation(None, json!({CORE: {"PassWord": format!("{LEAKED}1")}})),
        operation(None, json!({format!("{CORE}:password"): format!("{LEAKED}2")})),
        operation(None, json!({"PASSWORD": format!("{LEAKED}3")})),
        operation(Some(&format!("{}:Password", CORE.to_uppercase())), json!(format!("{LEAKED}4"))),
        operation(Some(CORE), json!({"password": format!("{LEAKED}5")})),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = server.call("PATCH", &one, &auth, Some(patch.clone())).await;
        assert_eq!(reply.status, 200, "{patch}: {}", reply.text);
        assert!(!reply.text.contains(LEAKED), "{patch}: {}", reply.text);
        let own = server.call("GET", &one, &basic("dev", &format!("{LEAKED}{n}")), None).await;
        assert_eq!(own.status, 200, "{patch} did not set the password");
        assert!(!own.text.contains(LEAKED), "{patch}: {}", own.text);
    }
    // Anything else that would keep one is refused.
    for patch in [
        operation(Some("password.value"), json!(LEAKED)),
        operation(Some("name.password"), json!(LEAKED)),
        operation(Some("emails[password eq \"Tr0ub4dor-and-more\"].value"), json!("x")),
        operation(Some("urn:a:b:User:password"), json!(LEAKED)),
        operation(Some("name"), json!({"givenName": "A", "PASSWORD": LEAKED})),
        operation(None, json!({"urn:a:b:User": {"password": LEAKED}})),
        operation(None, json!({"urn:a:b:User": {"x": [{"pass_word": LEAKED}]}})),
        operation(None, json!({"URN:a:b:User": {"password": LEAKED}})),
        operation(None, json!({"name": {"password": LEAKED}})),
        operation(None, json!({"password": LEAKED, "Password": LEAKED})),
    ] {
        let reply = server.call("PATCH", &one, &auth, Some(patch.clone())).await;
        assert_eq!(reply.status, 400, "{patch}: {}", reply.text);
    }
    let put = json!({"userName": "dev", CORE: {"password": format!("{LEAKED}-put")}, "title": "x"});
    assert_eq!(server.call("PUT", &one, &auth, Some(put)).await.status, 200);
    assert_eq!(server.call("GET", &one, &basic("dev", &format!("{LEAKED}-put")), None).await.status, 200);
    for (body, status) in [
        (json!({"userName": "a", "Password": LEAKED}), 201),
        (json!({CORE: {"userName": "b", "password": LEAKED}}), 201),
        (json!({"userName": "c", "password": PASSWORD, "name": {"Password": LEAKED}}), 400),
        (json!({"userName": "d", "password": PASSWORD, "PASSWORD": LEAKED}), 400),
    ] {
        let reply = server.call("POST", "/scim2/Users", &auth, Some(body.clone())).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        assert!(!reply.text.contains(LEAKED));
    }
    let listed = server.call("GET", "/scim2/Users", &auth, None).await;
    assert!(!listed.text.contains(LEAKED) && !listed.text.to_lowercase().contains("password"), "{}", listed.text);
    let stored = everything_stored(&server).await;
    assert!(stored.contains("{\"title\":\"x\"}"), "this test would not see a leak either");
    assert!(!stored.contains(LEAKED));
}

#[tokio::test]
async fn passwords_kept_by_an_earlier_version_are_not_shown() {
    let server = Server::with_admin().await;
    let user = server.user("dev", &[]).await;
    let attributes = json!({"password": LEAKED, "name": {"Password": LEAKED}, "title": "x"});
    let mut work = server.database().await.begin().await.unwrap();
    let at = model::Clock::now(&*server.clock);
    let map = attributes.as_object().unwrap();
    store::repository::user::set_attributes(&mut work, user.tenant, user.id, map, at).await.unwrap();
    work.save().await.unwrap();
    let path = format!("/scim2/Users/{}", user.id);
    let reply = server.call("GET", &path, &basic("admin", PASSWORD), None).await;
    assert_eq!(reply.field("title"), "x");
    assert!(!reply.text.contains(LEAKED), "{}", reply.text);
}

#[tokio::test]
async fn properties_of_user_stores_are_kept_nowhere() {
    let server = Server::with_admin().await;
    let auth = basic("admin", PASSWORD);
    let path = "/api/server/v1/userstores";
    let body = json!({"name": "LDAP.COM", "typeId": "x", "properties": [
        {"name": "ConnectionURL", "value": "ldap://directory"}, {"name": "ConnectionPassword", "value": LEAKED},
    ]});
    let reply = server.call("POST", path, &auth, Some(body)).await;
    assert_eq!(reply.status, 201);
    let listed = server.call("GET", path, &auth, None).await;
    assert_eq!(listed.json()[0]["properties"], json!([]));
    assert!(!reply.text.contains(LEAKED) && !listed.text.contains(LEAKED));
    assert!(!everything_stored(&server).await.contains(LEAKED));
}

#[tokio::test]
async fn one_caller_cannot_fill_the_database() {
    let server = Server::limited(|settings| {
        settings.max_users = 3;
        settings.max_roles = 11;
        settings.max_clients_per_owner = 2;
    })
    .await;
    server.user("admin", &["admin"]).await;
    let auth = basic("admin", PASSWORD);
    let post = async |path: &str, body: Value| server.call("POST", path, &auth, Some(body)).await;
    let dcr = "/client-registration/v0.17/register";
    let dcr11 = "/api/identity/oauth2/dcr/v1.1/register";
    assert_eq!(post(dcr, json!({"clientName": "one"})).await.status, 200);
    assert_eq!(post(dcr11, json!({"client_name": "two"})).await.status, 201);
    for (path, body) in [(dcr, json!({"clientName": "three"})), (dcr11, json!({"client_name": "three"}))] {
        let reply = post(path, body).await;
        assert_eq!(reply.status, 409);
        assert!(reply.text.contains("2 registered clients"), "{}", reply.text);
    }
    assert_eq!(post(dcr, json!({"clientName": "one"})).await.status, 200, "an existing name is no new client");
    for n in 2..=4 {
        let reply = post("/scim2/Users", json!({"userName": format!("u{n}"), "password": PASSWORD})).await;
        assert_eq!(reply.status, if n <= 3 { 201 } else { 409 }, "{}", reply.text);
        assert_eq!(reply.text.contains("has 3 users"), n > 3, "{}", reply.text);
    }
    for n in 10..=12 {
        let reply = post("/scim2/Groups", json!({"displayName": format!("r{n}")})).await;
        assert_eq!(reply.status, if n <= 11 { 201 } else { 409 }, "{}", reply.text);
        assert_eq!(reply.text.contains("11 roles"), n > 11, "{}", reply.text);
    }
}
