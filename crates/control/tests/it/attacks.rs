//! What an attacker with an account tries: other people's scopes, secrets, blocks and APIs.

use http::StatusCode;
use model::snapshot::DenyCondition;
use model::{TenantId, Timestamp, UserId};
use serde_json::{Map, Value, json};
use store::repository::tenant;
use store::repository::user::{self, UserRow};

use crate::applications::{PORTAL, application};
use crate::hostile::zip;
use crate::subscriptions::published;
use crate::world::{ADMIN, CREATOR, FOREIGN, OTHER, RULER, SUBSCRIBER, World, pizza};

const PUBLISHER: &str = "/api/am/publisher/v4";

fn with_scope(name: &str, scope: &str, roles: &[&str]) -> Value {
    let mut document = pizza(name);
    document["scopes"] = json!([{"scope": {"name": scope, "bindings": roles}, "shared": false}]);
    document["operations"][0]["scopes"] = json!([scope]);
    document
}

async fn roles_of(world: &World, scope: &str) -> Option<Vec<String>> {
    let mut work = world.database.read().await.unwrap();
    tenant::scope_bindings(&mut work, TenantId::SUPER).await.unwrap().get(scope).map(|b| b.roles.clone())
}

#[tokio::test]
async fn the_scope_of_another_api_cannot_be_taken_over() {
    let world = World::new().await;
    let victim = world.create(CREATOR, with_scope("Pay", "pay:admin", &["admin"])).await;
    let victim_path = format!("/apis/{}", victim["id"].as_str().unwrap());
    world.deploy(CREATOR, victim["id"].as_str().unwrap()).await;
    let stolen = with_scope("Thief", "pay:admin", &["Internal/subscriber"]);
    let says = |body: &Value| body["description"].as_str().unwrap_or_default().contains("another API");
    // 1. A new API.
    let (status, body) = world.send(OTHER, "POST", "/apis", Some(stolen.clone())).await;
    assert!(status == StatusCode::BAD_REQUEST && says(&body), "{status} {body}");
    // 2. An update, and a definition.
    let own = world.create(OTHER, with_scope("Own", "own", &["blue"])).await;
    let path = format!("/apis/{}", own["id"].as_str().unwrap());
    let mut changed = own.clone();
    changed["scopes"] = stolen["scopes"].clone();
    changed["operations"] = stolen["operations"].clone();
    let (status, body) = world.send(OTHER, "PUT", &path, Some(changed)).await;
    assert!(status == StatusCode::BAD_REQUEST && says(&body), "{status} {body}");
    let definition = json!({"openapi": "3.0.1", "info": {"title": "Own", "version": "1"},
        "paths": {"/a": {"get": {"responses": {}, "security": [{"default": ["pay:admin"]}]}}},
        "components": {"securitySchemes": {"default": {"type": "oauth2", "flows": {"implicit": {
            "authorizationUrl": "https://x/", "scopes": {"pay:admin": ""},
            "x-scopes-bindings": {"pay:admin": "Internal/subscriber"}}}}}}})
    .to_string();
    let form: [(&str, Option<&str>, &[u8]); 1] = [("apiDefinition", None, definition.as_bytes())];
    let (status, body) = world.form(OTHER, "PUT", &format!("{path}/swagger"), &form).await;
    assert!(status == StatusCode::BAD_REQUEST && says(&body), "{status} {body}");
    // 3. A project.
    let project = json!({"type": "api", "data": stolen}).to_string();
    let archive = zip(&[("A/api.json", project.as_bytes())]);
    let (status, body) = world.form(OTHER, "POST", "/apis/import", &[("file", Some("a.zip"), &archive)]).await;
    assert!(status == StatusCode::BAD_REQUEST && says(&body), "{status} {body}");
    assert_eq!(roles_of(&world, "pay:admin").await.unwrap(), ["admin"]);
    // 4. The working copy gave the scope up, but the deployed revision still asks for it.
    let mut without = victim.clone();
    without["scopes"] = json!([]);
    without["operations"][0]["scopes"] = json!([]);
    let (status, body) = world.send(CREATOR, "PUT", &victim_path, Some(without)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(world.send(OTHER, "POST", "/apis", Some(stolen)).await.0, StatusCode::BAD_REQUEST);
    // Versions of one API share its scopes; another tenant has its own.
    let copy = format!("/apis/copy-api?apiId={}&newVersion=2.0.0", own["id"].as_str().unwrap());
    assert_eq!(world.send(OTHER, "POST", &copy, None).await.0, StatusCode::CREATED);
    let (status, body) = world.send(OTHER, "PUT", &path, Some(own)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    world.create(FOREIGN, with_scope("Pay", "pay:admin", &["blue"])).await;
}

#[tokio::test]
async fn a_stored_secret_does_not_follow_a_changed_address() {
    let world = World::new().await;
    let mut document = pizza("Secret");
    document["endpointConfig"]["endpoint_security"] = json!({
        "production": {"enabled": true, "type": "BASIC", "username": "u", "password": "geheim123"},
        "sandbox": {"enabled": false, "type": "NONE"},
    });
    let made = world.create(CREATOR, document).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    for (place, url) in [
        ("production_endpoints", "http://127.0.0.2:9/p"),
        ("production_endpoints", "http://127.0.0.1:10/p"),
        ("production_endpoints", "https://127.0.0.1:9/p"),
        ("production_failovers", "http://evil.example/p"),
    ] {
        let mut changed = made.clone();
        changed["endpointConfig"][place] =
            if place.ends_with("failovers") { json!([{"url": url}]) } else { json!({"url": url}) };
        let (status, body) = world.send(CREATOR, "PUT", &path, Some(changed.clone())).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{url}: {body}");
        assert!(body["description"].as_str().unwrap().contains("production.password"), "{body}");
        changed["endpointConfig"]["endpoint_security"]["production"]["password"] = "neu".into();
        assert_eq!(world.send(CREATOR, "PUT", &path, Some(changed)).await.0, StatusCode::OK, "{url}");
        let mut back = made.clone();
        back["endpointConfig"]["endpoint_security"]["production"]["password"] = "geheim123".into();
        assert_eq!(world.send(CREATOR, "PUT", &path, Some(back)).await.0, StatusCode::OK);
    }
    // A token endpoint gets secrets as well.
    let mut changed = made.clone();
    changed["endpointConfig"]["endpoint_security"]["production"]["tokenUrl"] = "https://evil.example/token".into();
    assert_eq!(world.send(CREATOR, "PUT", &path, Some(changed)).await.0, StatusCode::BAD_REQUEST);
    // Another path at the same server, and other fields, keep it; the other side's address does not matter.
    let mut changed = made.clone();
    changed["endpointConfig"]["production_endpoints"]["url"] = "http://127.0.0.1:9/other".into();
    changed["endpointConfig"]["sandbox_endpoints"]["url"] = "http://elsewhere.example/s".into();
    let (status, body) = world.send(CREATOR, "PUT", &path, Some(changed)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    let served = format!("{:?}", world.gateway.snapshot().apis[0].production);
    let config = world.gateway.snapshot().apis[0].production.clone().unwrap().security;
    assert!(
        matches!(config, Some(model::snapshot::EndpointSecurity::Basic { password, .. }) if password == "geheim123"),
        "{served}"
    );
}

async fn account(world: &World, name: &str, tenant: TenantId) -> UserId {
    let id = UserId::new(world.control.uuid());
    let row = UserRow {
        id,
        tenant,
        name: name.to_owned(),
        password_hash: String::new(),
        locked: false,
        locked_until: None,
        lock_count: 0,
        failed_attempts: 0,
        attributes: Map::new(),
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    };
    let mut work = world.database.begin().await.unwrap();
    user::insert(&mut work, &row).await.unwrap();
    work.save().await.unwrap();
    id
}

async fn api_key(world: &World, who: &str, application: &str) {
    let path = format!("{PORTAL}/applications/{application}/api-keys/PRODUCTION/generate");
    assert_eq!(world.send(who, "POST", &path, Some(json!({}))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn locked_and_deleted_users_and_inactive_tenants_have_nothing_at_the_gateway() {
    let world = World::new().await;
    let id = account(&world, "Susi", TenantId::SUPER).await;
    account(&world, "susi", TenantId::new(1)).await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    published(&world, FOREIGN, pizza("Elsewhere")).await;
    let mine = application(&world, SUBSCRIBER, "Mine").await;
    let body = json!({"applicationId": mine, "apiId": api, "throttlingPolicy": "Gold"});
    assert_eq!(
        world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/subscriptions"), Some(body)).await.0,
        StatusCode::CREATED
    );
    api_key(&world, SUBSCRIBER, &mine).await;
    let theirs = application(&world, "susi+example.com", "Theirs").await;
    api_key(&world, "susi+example.com", &theirs).await;
    let count = || async {
        world.control.publish_changes().await.unwrap();
        let now = world.gateway.snapshot();
        (now.applications.len(), now.api_keys.len(), now.subscriptions.len(), now.apis.len())
    };
    // Both tenants' users have a default application besides.
    assert_eq!(count().await, (4, 2, 1, 2));
    let mut work = world.database.begin().await.unwrap();
    assert!(user::set_locked(&mut work, TenantId::SUPER, id, true, Timestamp::from_millis(1)).await.unwrap());
    work.save().await.unwrap();
    assert_eq!(count().await, (2, 1, 0, 2));
    let mut work = world.database.begin().await.unwrap();
    user::set_locked(&mut work, TenantId::SUPER, id, false, Timestamp::from_millis(2)).await.unwrap();
    tenant::set_active(&mut work, TenantId::new(1), false).await.unwrap();
    work.save().await.unwrap();
    assert_eq!(count().await, (2, 1, 1, 1));
    // A deleted user's applications belong to nobody.
    let mut work = world.database.begin().await.unwrap();
    work.execute("UPDATE application SET owner = 'deleted:1' WHERE tenant = -1234 AND owner = 'susi'", [])
        .await
        .unwrap();
    work.save().await.unwrap();
    assert_eq!(count().await, (0, 0, 0, 1));
}

#[tokio::test]
async fn a_blocked_consumer_cannot_lift_the_block() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Pizza")).await;
    let (first, second) =
        (application(&world, SUBSCRIBER, "First").await, application(&world, SUBSCRIBER, "Second").await);
    let subscriptions = format!("{PORTAL}/subscriptions");
    let body = |app: &str| Some(json!({"applicationId": app, "apiId": api, "throttlingPolicy": "Gold"}));
    let (_, made) = world.send(SUBSCRIBER, "POST", &subscriptions, body(&first)).await;
    let id = made["subscriptionId"].as_str().unwrap();
    for state in ["BLOCKED", "PROD_ONLY_BLOCKED"] {
        let block = format!("{PUBLISHER}/subscriptions/block-subscription?subscriptionId={id}&blockState={state}");
        assert_eq!(world.send(RULER, "POST", &block, None).await.0, StatusCode::OK);
        let one = format!("{subscriptions}/{id}");
        let (status, body_of) = world.send(SUBSCRIBER, "DELETE", &one, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body_of}");
        let app = format!("{PORTAL}/applications/{first}");
        assert_eq!(world.send(SUBSCRIBER, "DELETE", &app, None).await.0, StatusCode::FORBIDDEN);
        assert_eq!(world.send(SUBSCRIBER, "POST", &subscriptions, body(&second)).await.0, StatusCode::FORBIDDEN);
        let (_, still) = world.send(SUBSCRIBER, "GET", &one, None).await;
        assert_eq!(still["status"], state);
    }
    // Somebody else is not concerned, and an unblocked subscription is its owner's again.
    let other = application(&world, "sven", "App").await;
    assert_eq!(world.send("sven", "POST", &subscriptions, body(&other)).await.0, StatusCode::CREATED);
    let unblock = format!("{PUBLISHER}/subscriptions/unblock-subscription?subscriptionId={id}");
    assert_eq!(world.send(RULER, "POST", &unblock, None).await.0, StatusCode::OK);
    assert_eq!(world.send(SUBSCRIBER, "DELETE", &format!("{subscriptions}/{id}"), None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn denied_users_reach_the_gateway_in_one_spelling() {
    let world = World::new().await;
    account(&world, "Susi", TenantId::SUPER).await;
    let path = "/api/am/admin/v4/throttling/deny-policies";
    for (given, expected) in [
        ("sUSI", "Susi@carbon.super"),
        ("susi@CARBON.super", "Susi@carbon.super"),
        ("nobody", "nobody@carbon.super"),
        ("guest@mail.example", "guest@mail.example@carbon.super"),
    ] {
        let body = json!({"conditionType": "USER", "conditionValue": given});
        let (status, made) = world.send(ADMIN, "POST", path, Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let served = world.gateway.snapshot().denials;
        assert!(served.iter().any(|d| d.condition == DenyCondition::User(expected.into())), "{given}: {served:?}");
        let one = format!("/api/am/admin/v4/throttling/deny-policy/{}", made["conditionId"].as_str().unwrap());
        world.send(ADMIN, "DELETE", &one, None).await;
    }
}

#[tokio::test]
async fn a_restricted_api_is_closed_on_every_route() {
    let world = World::new().await;
    let mut document = pizza("Inner");
    document["accessControl"] = "RESTRICTED".into();
    document["accessControlRoles"] = json!(["blue"]);
    let api = published(&world, CREATOR, document).await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let body = json!({"applicationId": app, "apiId": api, "throttlingPolicy": "Gold"});
    let (_, made) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/subscriptions"), Some(body)).await;
    let id = made["subscriptionId"].as_str().unwrap();
    let comment = json!({"content": "hello"});
    let (_, written) =
        world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/apis/{api}/comments"), Some(comment.clone())).await;
    let written = written["id"].as_str().unwrap();
    for (method, path) in [
        ("GET", format!("/apis/{api}")),
        ("GET", format!("/subscriptions?apiId={api}")),
        ("POST", format!("/subscriptions/block-subscription?subscriptionId={id}&blockState=BLOCKED")),
        ("POST", format!("/subscriptions/unblock-subscription?subscriptionId={id}")),
        ("POST", format!("/subscriptions/change-business-plan?subscriptionId={id}&businessPlan=Unlimited")),
        ("GET", format!("/apis/{api}/comments")),
        ("POST", format!("/apis/{api}/comments")),
        ("GET", format!("/apis/{api}/comments/{written}")),
        ("GET", format!("/apis/{api}/comments/{written}/replies")),
        ("DELETE", format!("/apis/{api}/comments/{written}")),
        ("GET", format!("/apis/{api}/operation-policies")),
        ("GET", format!("/apis/{api}/operation-policies/some-id")),
        ("DELETE", format!("/apis/{api}/operation-policies/some-id")),
        ("GET", "/api/am/gateway/v2/api-artifact?apiName=Inner&version=1.0.0".to_owned()),
    ] {
        let body = (method == "POST").then(|| comment.clone());
        let who = if path.contains("operation-policies") || path.contains("api-artifact") { OTHER } else { RULER };
        let (status, body) = world.send(who, method, &path, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {body}");
    }
    let (_, list) = world.send(RULER, "GET", "/subscriptions", None).await;
    assert_eq!(list["count"], 0, "{list}");
}

#[tokio::test]
async fn no_document_or_file_name_leaves_the_exported_folder() {
    let world = World::new().await;
    let api = b"type: api\ndata: {name: A, version: 1.0.0, context: /a, policies: [Gold]}\n".as_slice();
    let document =
        b"data: {name: '..', type: HOWTO, sourceType: FILE, fileName: ../../.ssh/authorized_keys}".as_slice();
    let second = b"data: {name: x, type: HOWTO, sourceType: FILE, fileName: '..'}".as_slice();
    let third = b"data: {name: y, type: HOWTO, sourceType: FILE, fileName: document.yaml}".as_slice();
    let archive = zip(&[
        ("A/api.yaml", api),
        ("A/Docs/d/document.yaml", document),
        ("A/Docs/d/keys", b"ssh-rsa"),
        ("A/Docs/e/document.yaml", second),
        ("A/Docs/e/keys", b"ssh-rsa"),
        ("A/Docs/f/document.yaml", third),
        ("A/Docs/f/keys", b"ssh-rsa"),
    ]);
    let (status, body) = world.form(CREATOR, "POST", "/apis/import", &[("file", Some("a.zip"), &archive)]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (_, list) = world.send(CREATOR, "GET", "/apis", None).await;
    let id = list["list"][0]["id"].as_str().unwrap();
    let (status, bytes) = world.raw(CREATOR, "GET", &format!("/apis/export?apiId={id}"), "", Vec::new()).await;
    assert_eq!(status, StatusCode::OK);
    let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let names: Vec<&str> = archive.file_names().collect();
    assert!(names.iter().all(|name| name.starts_with("A-1.0.0/") && !name.split('/').any(|p| p == "..")), "{names:?}");
    for expected in
        ["A-1.0.0/Docs/.._/authorized_keys", "A-1.0.0/Docs/x/content", "A-1.0.0/Docs/y/content-document.yaml"]
    {
        assert!(names.contains(&expected), "{expected}: {names:?}");
    }
}

#[tokio::test]
async fn what_the_gateway_refuses_is_not_deployed() {
    let world = World::new().await;
    let api = world.create(CREATOR, pizza("Odd")).await;
    let id = api["id"].as_str().unwrap();
    world.gateway.refuse("Odd");
    let (_, revision) = world.send(CREATOR, "POST", &format!("/apis/{id}/revisions"), Some(json!({}))).await;
    let path = format!("/apis/{id}/deploy-revision?revisionId={}", revision["id"].as_str().unwrap());
    let there = json!([{"name": "Default", "vhost": "localhost", "displayOnDevportal": true}]);
    let (status, body) = world.send(CREATOR, "POST", &path, Some(there)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["description"].as_str().unwrap().contains("a regex is too large"), "{body}");
    assert!(world.gateway.snapshot().apis.is_empty());
    let (_, list) = world.send(CREATOR, "GET", &format!("/apis/{id}/deployments"), None).await;
    assert!(list.to_string().find("Default").is_none(), "{list}");
}

#[tokio::test]
async fn a_change_that_did_not_reach_the_gateway_is_tried_again() {
    let world = World::new().await;
    let app = application(&world, SUBSCRIBER, "App").await;
    let path = format!("{PORTAL}/applications/{app}/api-keys/PRODUCTION/generate");
    world.gateway.cut_off(true);
    let (status, body) = world.send(SUBSCRIBER, "POST", &path, Some(json!({}))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert!(world.control.publish_changes().await.is_err());
    assert!(world.gateway.snapshot().api_keys.is_empty());
    world.gateway.cut_off(false);
    world.control.publish_changes().await.unwrap();
    assert_eq!(world.gateway.snapshot().api_keys.len(), 1);
}

#[tokio::test]
async fn lists_that_users_fill_have_an_end() {
    let world = World::new().await;
    let mut made = 0;
    let refused = loop {
        let body = json!({"name": format!("App {made}"), "throttlingPolicy": "10PerMin"});
        let (status, body) = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/applications"), Some(body)).await;
        if status != StatusCode::CREATED {
            break (status, body);
        }
        made += 1;
    };
    // The default application is one of them.
    assert_eq!((made, refused.0), (199, StatusCode::CONFLICT), "{}", refused.1);
    assert!(refused.1["description"].as_str().unwrap().contains("200 applications"), "{}", refused.1);
    application(&world, "sven", "Mine").await;
}

const SECRET_POLICY: &str = "type: operation_policy_specification\ndata: {category: Mediation, name: add_secret, version: v1, \
    applicableFlows: [request, response, fault], supportedGateways: [Synapse], supportedApiTypes: [HTTP], \
    policyAttributes: [{name: apiKey, type: Secret, required: true}, {name: plain, type: String}]}";
const TEMPLATE: &str =
    r#"<sequence name="s"><property action="set" name="X-Key" value="{{apiKey}}" scope="transport"/></sequence>"#;

#[tokio::test]
async fn secret_attributes_of_policies_are_sealed_masked_kept_and_served() {
    let world = World::new().await;
    let form: [(&str, Option<&str>, &[u8]); 2] = [
        ("policySpecFile", Some("p.yaml"), SECRET_POLICY.as_bytes()),
        ("synapsePolicyDefinitionFile", Some("p.j2"), TEMPLATE.as_bytes()),
    ];
    let (status, policy) = world.form(ADMIN, "POST", "/operation-policies", &form).await;
    assert_eq!(status, StatusCode::CREATED, "{policy}");
    let uses = |key: &str| json!({"request": [{"policyName": "add_secret", "policyVersion": "v1", "parameters": {"apiKey": key, "plain": "x"}}]});
    let mut document = pizza("Keyed");
    document["operations"][0]["operationPolicies"] = uses("geheim123");
    let made = world.create(CREATOR, document).await;
    let parameters = |api: &Value| api["operations"][0]["operationPolicies"]["request"][0]["parameters"].clone();
    assert_eq!(parameters(&made), json!({"apiKey": "", "plain": "x"}));
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    let stored = || async {
        let mut work = world.database.read().await.unwrap();
        work.query("/* whole: there is one */ SELECT document FROM api", []).await.unwrap()[0].text("document").unwrap()
    };
    assert!(!stored().await.contains("geheim123") && stored().await.contains("sealed("));
    // A blank one is kept, but not for another server.
    let (status, again) = world.send(CREATOR, "PUT", &path, Some(made.clone())).await;
    assert_eq!((status, parameters(&again)), (StatusCode::OK, json!({"apiKey": "", "plain": "x"})));
    let mut moved = made.clone();
    moved["endpointConfig"]["production_endpoints"]["url"] = "http://evil.example/p".into();
    let (status, body) = world.send(CREATOR, "PUT", &path, Some(moved)).await;
    assert!(status == StatusCode::BAD_REQUEST && body.to_string().contains("apiKey"), "{status} {body}");
    // Nobody can hand in a sealed value from elsewhere.
    let mut forged = made.clone();
    forged["operations"][0]["operationPolicies"]["request"][0]["parameters"]["plain"] =
        json!({"portcullisSealed": "sealed(x)y"});
    let (status, body) = world.send(CREATOR, "PUT", &path, Some(forged)).await;
    assert_eq!((status, parameters(&body)["plain"].clone()), (StatusCode::OK, json!("")), "{body}");
    // The gateway gets the catalogue's own policy with the plain text; a copy has its own sealed value.
    let id = made["id"].as_str().unwrap();
    let copy = format!("/apis/copy-api?apiId={id}&newVersion=2.0.0");
    let (status, copied) = world.send(CREATOR, "POST", &copy, None).await;
    assert_eq!(status, StatusCode::CREATED, "{copied}");
    for id in [id, copied["id"].as_str().unwrap()] {
        world.deploy(CREATOR, id).await;
    }
    for api in &world.gateway.snapshot().apis {
        let served = &api.resources[0].policies.request[0];
        assert_eq!((served.name.as_str(), &served.parameters["headerValue"]), ("setHeader", &json!("geheim123")));
    }
    assert_eq!(world.gateway.snapshot().apis.len(), 2);
    let one = format!("/operation-policies/{}", policy["id"].as_str().unwrap());
    let (status, body) = world.send(ADMIN, "DELETE", &one, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
}

#[tokio::test]
async fn upstream_certificates_are_checked_kept_and_matched_with_apis() {
    let world = World::new().await;
    let mut document = pizza("Pizza");
    document["endpointConfig"]["production_endpoints"]["url"] = "https://up.example.com/a/b".into();
    world.create(CREATOR, document).await;
    world.create(CREATOR, pizza("Elsewhere")).await;
    let certificate = |at: Timestamp| {
        let authority = vault::generate_ca("Test", at, &testkit::SeededRng::new(1)).unwrap();
        authority.certificate().to_vec()
    };
    let (good, old) = (certificate(world.control.now()), certificate(Timestamp::from_seconds(1_000_000_000)));
    let add = async |alias: &str, bytes: &[u8]| {
        let parts: [(&str, Option<&str>, &[u8]); 3] = [
            ("certificate", Some("c.cer"), bytes),
            ("alias", None, alias.as_bytes()),
            ("endpoint", None, b"https://up.example.com/a"),
        ];
        world.form(CREATOR, "POST", "/endpoint-certificates", &parts).await
    };
    let (status, made) = add("one", &good).await;
    assert_eq!((status, &made["alias"]), (StatusCode::CREATED, &json!("one")), "{made}");
    assert_eq!(add("one", &good).await.0, StatusCode::CONFLICT);
    let (status, body) = add("old", &old).await;
    assert_eq!((status, &body["message"]), (StatusCode::BAD_REQUEST, &json!("Certificate Expired")), "{body}");
    assert_eq!(add("junk", b"no certificate").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(add("../up", &good).await.0, StatusCode::BAD_REQUEST);
    for (query, count) in [("", 1), ("?alias=one", 1), ("?alias=two", 0), ("?endpoint=https://up.example.com/a", 1)] {
        let (_, list) = world.send(CREATOR, "GET", &format!("/endpoint-certificates{query}"), None).await;
        assert_eq!(list["count"], count, "{query}");
    }
    let (_, detail) = world.send(CREATOR, "GET", "/endpoint-certificates/one", None).await;
    assert!(detail["subject"].as_str().unwrap().contains("Test"), "{detail}");
    let (_, bytes) = world.raw(CREATOR, "GET", "/endpoint-certificates/one/content", "", Vec::new()).await;
    assert_eq!(bytes, good);
    let (_, usage) = world.send(CREATOR, "GET", "/endpoint-certificates/one/usage", None).await;
    assert_eq!((&usage["count"], &usage["list"][0]["name"]), (&json!(1), &json!("Pizza")), "{usage}");
    let (_, usage) = world.send(CREATOR, "GET", "/endpoint-certificates/two/usage", None).await;
    assert_eq!(usage["count"], 0);
    assert_eq!(world.send(FOREIGN, "GET", "/endpoint-certificates/one", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(FOREIGN, "DELETE", "/endpoint-certificates/one", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send(CREATOR, "DELETE", "/endpoint-certificates/one", None).await.0, StatusCode::OK);
    assert_eq!(world.send(CREATOR, "DELETE", "/endpoint-certificates/one", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unknown_limit_never_loosens_an_existing_api() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Limited")).await;
    let path = format!("/apis/{}", made["id"].as_str().unwrap());
    let definition = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"},
        "paths": {"/menu": {"post": {"responses": {}, "x-throttling-tier": "Nonsense"}}}})
    .to_string();
    let form: [(&str, Option<&str>, &[u8]); 1] = [("apiDefinition", None, definition.as_bytes())];
    let (status, body) = world.form(CREATOR, "PUT", &format!("{path}/swagger"), &form).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(900_305)), "{body}");
    let (_, read) = world.send(CREATOR, "GET", &path, None).await;
    assert_eq!(read["operations"], made["operations"]);
}

#[tokio::test]
async fn retired_apis_say_so_and_providers_stay_in_their_tenant() {
    let world = World::new().await;
    let api = published(&world, CREATOR, pizza("Gone")).await;
    for action in ["Deprecate", "Retire"] {
        let path = format!("/apis/change-lifecycle?apiId={api}&action={action}");
        assert_eq!(world.send(CREATOR, "POST", &path, None).await.0, StatusCode::OK, "{action}");
    }
    let path = format!("{PORTAL}/apis/{api}");
    assert_eq!(world.send(SUBSCRIBER, "GET", &path, None).await.0, StatusCode::FORBIDDEN);
    let path = format!("/api/am/admin/v4/apis/{api}/change-provider?provider=");
    let (status, body) = world.send(ADMIN, "POST", &format!("{path}carla%40example.com"), None).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!(901_409)), "{body}");
    assert_eq!(world.send(ADMIN, "POST", &format!("{path}carla%40mail.example"), None).await.0, StatusCode::OK);
    let foreign = published(&world, FOREIGN, pizza("Elsewhere")).await;
    let path = format!("/api/am/admin/v4/apis/{foreign}/change-provider?provider=admin");
    assert_eq!(world.send("admin+example.com", "POST", &path, None).await.0, StatusCode::BAD_REQUEST);
}
