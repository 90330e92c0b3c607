//! The management API: who gets in, who may do what, and what it shows and changes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use integrator::management::{ConfiguredUser, Management, ManagementSettings, routes};
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use super::harness::{Running, api};

const PASSWORD: &str = "correct horse battery";

struct Api {
    running: Running,
    router: Router,
}

impl Api {
    async fn start(artifacts: &[(&str, String)]) -> Self {
        let running = Running::start(artifacts).await;
        let boss = ConfiguredUser { name: "boss".to_owned(), password: PASSWORD.to_owned().into() };
        let settings = ManagementSettings { super_admins: vec![boss] };
        let management = Management::new(Arc::clone(&running.integrator), &settings).unwrap();
        let router = routes().into_router(Arc::clone(&management), management);
        Self { running, router }
    }

    async fn call(&self, method: &str, path: &str, authorization: &str, body: Option<Json>) -> (StatusCode, Json) {
        let mut request = Request::builder().method(method).uri(path);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&bytes).into_owned())),
        )
    }

    async fn log_in(&self, user: &str, password: &str) -> (StatusCode, String) {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let (status, answer) = self.call("GET", "/management/login", &format!("Basic {basic}"), None).await;
        (status, format!("Bearer {}", answer["AccessToken"].as_str().unwrap_or_default()))
    }

    async fn boss(&self) -> String {
        self.log_in("boss", PASSWORD).await.1
    }

    async fn viewer(&self) -> String {
        let user = json!({ "userId": "eve", "password": "some long password", "isAdmin": "false" });
        assert_eq!(self.call("POST", "/management/users", &self.boss().await, Some(user)).await.0, StatusCode::OK);
        self.log_in("eve", "some long password").await.1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_denies_those_who_may_not() {
    let api = Api::start(&[]).await;
    let viewer = api.viewer().await;
    let boss = api.boss().await;
    let table = routes();
    let mut seen = 0;
    for (operation, access) in table.operations() {
        let path = operation.path.replace("{user}", "eve").replace("{role}", "admin").replace("{name}", "a");
        if let web::Access::Public(_) = access {
            assert_eq!(operation.id, "mi.login", "only logging in is open");
            continue;
        }
        seen += 1;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("boss:{PASSWORD}"));
        for authorization in ["", "Bearer wrong", "Bearer ", &format!("Basic {basic}")] {
            let (status, _) = api.call(operation.method, &path, authorization, None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {authorization}", operation.id);
        }
        let web::Access::AnyScope(scopes) = access else { panic!("{}", operation.id) };
        if !scopes.contains(&integrator::management::VIEW) {
            let (status, answer) = api.call(operation.method, &path, &viewer, Some(json!({}))).await;
            assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!(900_910)), "{}", operation.id);
        }
    }
    assert!(seen > 30, "{seen}");
    // A token ends by itself, and when its user logs out.
    assert_eq!(api.call("GET", "/management/logout", &viewer, None).await.0, StatusCode::OK);
    assert_eq!(api.call("GET", "/management/apis", &viewer, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.call("GET", "/management/apis", &boss, None).await.0, StatusCode::OK);
    api.running.clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(api.call("GET", "/management/apis", &boss, None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_a_default_password_and_guessing_ends() {
    let api = Api::start(&[]).await;
    assert_eq!(api.log_in("admin", "admin").await.0, StatusCode::UNAUTHORIZED);
    for attempt in 0..6 {
        let expected = if attempt < 5 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(api.log_in("boss", "wrong").await.0, expected, "{attempt}");
    }
    assert_eq!(api.log_in("boss", PASSWORD).await.0, StatusCode::TOO_MANY_REQUESTS);
    api.running.clock.advance(std::time::Duration::from_secs(301));
    assert_eq!(api.log_in("boss", PASSWORD).await.0, StatusCode::OK);
    for password in ["admin", "admin1234567890", "wso2carbon!!!!", "boss", "short"] {
        let weak = ManagementSettings {
            super_admins: vec![ConfiguredUser { name: "admin".to_owned(), password: password.to_owned().into() }],
        };
        let refused = Management::new(Arc::clone(&api.running.integrator), &weak).map(|_| ()).unwrap_err();
        assert!(refused.to_string().starts_with("M02"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_made_changed_and_deleted() {
    let api = Api::start(&[]).await;
    let viewer = api.viewer().await;
    let boss = api.boss().await;
    let user = |name: &str, password: &str| Some(json!({ "userId": name, "password": password }));
    for (name, password, status) in [
        ("eve", "another long password", StatusCode::CONFLICT),
        ("a b", "another long password", StatusCode::BAD_REQUEST),
        ("tom", "tooshort", StatusCode::BAD_REQUEST),
        ("boss", "another long password", StatusCode::CONFLICT),
    ] {
        assert_eq!(api.call("POST", "/management/users", &boss, user(name, password)).await.0, status, "{name}");
    }
    let change = |old: &str, new: &str| Some(json!({ "oldPassword": old, "newPassword": new }));
    let own = "/management/users/eve";
    assert_eq!(
        api.call("PATCH", own, &viewer, change("wrong one here", "a brand new password")).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        api.call("PATCH", "/management/users/boss", &viewer, change(PASSWORD, "a brand new password")).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        api.call("PATCH", own, &viewer, change("some long password", "a brand new password")).await.0,
        StatusCode::OK
    );
    assert_eq!(api.call("GET", "/management/apis", &viewer, None).await.0, StatusCode::UNAUTHORIZED, "old tokens end");
    assert_eq!(api.log_in("eve", "some long password").await.0, StatusCode::UNAUTHORIZED);
    // A role counts at once, for tokens that are there.
    let viewer = api.log_in("eve", "a brand new password").await.1;
    assert_eq!(api.call("GET", "/management/users", &viewer, None).await.0, StatusCode::UNAUTHORIZED);
    let admin = json!({ "userId": "eve", "addedRoles": ["admin"] });
    assert_eq!(api.call("PUT", "/management/roles", &boss, Some(admin)).await.0, StatusCode::OK);
    let (status, users) = api.call("GET", "/management/users", &viewer, None).await;
    assert_eq!(
        (status, users),
        (StatusCode::OK, json!({ "count": 2, "list": [{ "userId": "boss" }, { "userId": "eve" }] }))
    );
    for path in ["/management/users/boss", "/management/users/eve"] {
        let (status, _) = api.call("DELETE", path, &viewer, None).await;
        assert!(status == StatusCode::FORBIDDEN || status == StatusCode::CONFLICT, "{path}");
    }
    assert_eq!(api.call("DELETE", own, &boss, None).await.0, StatusCode::OK);
    assert_eq!(api.call("GET", "/management/apis", &viewer, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(api.call("GET", own, &boss, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deployed_is_shown_and_switched() {
    let backend = "<endpoint @NS name=\"back\"><http method=\"get\" uri-template=\"http://127.0.0.1:1/\"/></endpoint>";
    let store = "<messageStore @NS name=\"db\" class=\"org.apache.synapse.message.store.impl.jdbc.JDBCMessageStore\"><parameter name=\"store.jdbc.connection.url\">jdbc:sqlite:a.db</parameter><parameter name=\"store.jdbc.password\">hunter2</parameter></messageStore>";
    let task = "<task @NS name=\"tick\" class=\"org.apache.synapse.startup.tasks.MessageInjector\"><trigger cron=\"0 0 1 1 1 ? 2199\"/><property name=\"injectTo\" value=\"sequence\"/><property name=\"sequenceName\" value=\"s\"/></task>";
    let processor = "<messageProcessor @NS class=\"org.apache.synapse.message.processor.impl.sampler.SamplingProcessor\" name=\"p\" messageStore=\"db\"><parameter name=\"sequence\">s</parameter></messageProcessor>";
    let call = "<call><endpoint key=\"back\"/></call><respond/>";
    let fault = "<sequence @NS name=\"fault\"><payloadFactory media-type=\"json\"><format>{\"code\":\"$1\"}</format><args><arg expression=\"get-property('ERROR_CODE')\"/></args></payloadFactory><respond/></sequence>";
    let api = Api::start(&[
        ("api/t.xml", api(call)),
        ("endpoints/back.xml", backend.to_owned()),
        ("sequences/s.xml", "<sequence @NS name=\"s\"><log/></sequence>".to_owned()),
        ("sequences/fault.xml", fault.to_owned()),
        ("message-stores/db.xml", store.to_owned()),
        ("message-processors/p.xml", processor.to_owned()),
        ("tasks/tick.xml", task.to_owned()),
        ("/repository/deployment/server/dataservices/D.dbs", "<data name=\"D\"><config id=\"c\"><property name=\"url\">jdbc:sqlite:a.db</property></config><query id=\"q\" useConfig=\"c\"><sql>select 1 as x</sql><result element=\"r\"><element name=\"x\" column=\"x\"/></result></query><operation name=\"o\"><call-query href=\"q\"/></operation></data>".to_owned()),
    ])
    .await;
    assert!(api.running.report.refused.is_empty(), "{:?}", api.running.report.refused);
    let boss = api.boss().await;
    for (path, key, name) in [
        ("apis", "apiName", "t"),
        ("endpoints", "endpointName", "back"),
        ("sequences", "sequenceName", "s"),
        ("message-stores", "name", "db"),
        ("message-processors", "messageProcessorName", "p"),
        ("tasks", "taskName", "tick"),
        ("data-services", "dataServiceName", "D"),
    ] {
        let (status, list) = api.call("GET", &format!("/management/{path}"), &boss, None).await;
        let named = list["list"].as_array().unwrap().iter().any(|item| item["name"] == name);
        assert!(status == StatusCode::OK && named, "{path}: {list}");
        let (status, one) = api.call("GET", &format!("/management/{path}?{key}={name}"), &boss, None).await;
        assert!(status == StatusCode::OK && one["configuration"].as_str().unwrap().contains(name), "{path}: {one}");
        assert!(!one.to_string().contains("hunter2"), "{one}");
        assert_eq!(
            api.call("GET", &format!("/management/{path}?{key}=none"), &boss, None).await.0,
            StatusCode::NOT_FOUND
        );
    }
    for path in [
        "proxy-services",
        "templates",
        "local-entries",
        "inbound-endpoints",
        "connectors",
        "data-sources",
        "applications",
        "server",
        "roles",
        "transactions/count",
    ] {
        assert_eq!(api.call("GET", &format!("/management/{path}"), &boss, None).await.0, StatusCode::OK, "{path}");
    }
    let switch = |name: &str, status: &str| Some(json!({ "name": name, "status": status }));
    // The endpoint: a call fails at once, with Synapse's code.
    assert_eq!(api.call("POST", "/management/endpoints", &boss, switch("back", "inactive")).await.0, StatusCode::OK);
    assert!(api.running.get("/t").await.body.contains("303001"));
    assert_eq!(api.call("POST", "/management/endpoints", &boss, switch("back", "active")).await.0, StatusCode::OK);
    assert!(!api.running.get("/t").await.body.contains("303001"));
    for (path, name) in [("message-processors", "p"), ("tasks", "tick")] {
        let path = format!("/management/{path}");
        assert_eq!(api.call("POST", &path, &boss, switch(name, "inactive")).await.0, StatusCode::OK);
        let (_, list) = api.call("GET", &path, &boss, None).await;
        assert_eq!(list["list"][0]["status"], "inactive", "{path}");
        assert_eq!(api.call("POST", &path, &boss, switch("none", "active")).await.0, StatusCode::NOT_FOUND);
        assert_eq!(api.call("POST", &path, &boss, switch(name, "maybe")).await.0, StatusCode::BAD_REQUEST);
    }
    let level = |level: &str| Some(json!({ "loggerName": "integrator::mediation", "loggingLevel": level }));
    assert_eq!(api.call("PATCH", "/management/logging", &boss, level("ERROR")).await.0, StatusCode::OK);
    assert_eq!(api.call("PATCH", "/management/logging", &boss, level("LOUD")).await.0, StatusCode::BAD_REQUEST);
    let (_, logging) = api.call("GET", "/management/logging", &boss, None).await;
    assert_eq!(logging["list"][0]["level"], "ERROR");
    let (_, metrics) = api.call("GET", "/metric-service/metrics", &boss, None).await;
    assert!(metrics.as_str().unwrap().contains("wso2_integration_processor_active{processor=\"p\"} 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_application_changes_nothing() {
    let api = Api::start(&[]).await;
    let boss = api.boss().await;
    let send = async |body: &str, kind: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/management/applications")
            .header("authorization", &boss)
            .header("content-type", kind);
        api.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap().status()
    };
    let form = |name: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nno zip\r\n--x--\r\n")
    };
    for body in [form("a.car"), form("../../a.car"), form("a.xml"), "--x--\r\n".to_owned()] {
        assert_eq!(send(&body, "multipart/form-data; boundary=x").await, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(send("x", "text/plain").await, StatusCode::BAD_REQUEST);
    assert_eq!(api.call("DELETE", "/management/applications/none", &boss, None).await.0, StatusCode::NOT_FOUND);
    let (_, all) = api.call("GET", "/management/applications", &boss, None).await;
    assert_eq!(all["totalCount"], 0);
}
